"""Programs that tests drive line by line, and what can go wrong beneath them."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from .helpers import PROGRAMS, ROOT, TIMEOUT


class Driven:
    """A running ``programs/driven.py``. Use as a context manager.

    :ivar log: what the program wrote to stderr, once it has ended
    :ivar delay: seconds from the program's last line to its end, once it has ended
    """

    def __init__(self, port, host="127.0.0.1", *, stderr=subprocess.PIPE, **env):
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", str(PROGRAMS / "driven.py"), str(port), host],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "", **env},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )
        self.log = ""
        self.delay = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def ask(self, command):
        """Return the answer to a line."""
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def trace(self, count):
        """Finish spans; return their ids."""
        return self.ask(f"trace {count}")["ids"]

    def flush(self, timeout=TIMEOUT):
        """Return what the tracer's flush says."""
        return self.ask(f"flush {timeout}")["flushed"]

    def trace_until_sent(self):
        """Finish spans, one at a time, until one is sent; return its id."""
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            [span_id] = self.trace(1)
            if self.flush():
                return span_id
        raise AssertionError("nothing is sent any more")

    def signal(self, number):
        """Send a signal and return the status that the program ends with."""
        self._process.send_signal(number)
        _, self.log = self._process.communicate(timeout=60)
        return self._process.returncode

    def end(self):
        """Let the program end. Return its status."""
        out, err = self._process.communicate(timeout=60)
        self.delay = time.time() - json.loads(out.splitlines()[-1])["end"]
        self.log = err or ""
        return self._process.returncode


class Faults:
    """What goes wrong beneath programs that have *env*: the name service, and the wall clock."""

    def __init__(self, library, folder):
        self._names, self._clock = folder / "names", folder / "clock"
        self.env = {
            "LD_PRELOAD": str(library),
            "TEST_NAMES": str(self._names),
            "TEST_CLOCK": str(self._clock),
        }

    def names(self, answer):
        """Answer "hang", "unknown" or with an address to names that end in ``.example``."""
        _write(self._names, answer)

    def clock(self, seconds):
        """Set the wall clock by so many seconds."""
        _write(self._clock, str(seconds))


def _write(file, text):
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)  # at once


@pytest.fixture(scope="session")
def faults_library(tmp_path_factory):
    compiler = shutil.which("cc")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    source = PROGRAMS / "faults.c"
    command = [compiler, "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"]
    subprocess.run(list(map(str, command)), check=True)
    return library


@pytest.fixture
def faults(faults_library, tmp_path):
    return Faults(faults_library, tmp_path)
