"""What the tests with real servers share: the journal of finished spans, servers, clients."""

from __future__ import annotations

import collections
import contextlib
import http.client
import importlib.util
import json
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

APPS = Path(__file__).parent / "apps"
ROOT = Path(__file__).parents[2]

#: Seconds for anything a server does; the machine may be slow and busy.
PATIENCE = 60.0

#: Seconds for what was sent before the last process ended: it is in our socket's buffer by then.
ARRIVAL = 15.0

_LISTENING = re.compile(r"(?:http://|TCP address |address )127\.0\.0\.1:(\d+)")


def script(name):
    """Return the path of a program that pip has put beside this interpreter, or None."""
    found = Path(sys.executable).parent / name
    return str(found) if found.exists() else None


def free_port():
    """Return a TCP port where nobody listens."""
    with contextlib.closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def has(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


def needs(*modules):
    """Return a mark that skips a test where a module is not installed."""
    missing = [module for module in modules if not has(module)]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed")


class Journal:
    """What the programs say they have finished. A context manager.

    :ivar folder: for this test, with a short name
    :ivar path: of the socket that takes the lines
    """

    def __init__(self):
        # Not below pytest's directories: their names are too long for a socket.
        self.folder = tempfile.mkdtemp(prefix="jl")
        self.path = str(Path(self.folder) / "journal")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._lines = []
        self._asked = self._reached = 0
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._send(b"")
        self._thread.join(PATIENCE)
        self._socket.close()
        shutil.rmtree(self.folder)

    def _send(self, line):
        with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as sock:
            sock.sendto(line, self.path)

    def _read(self):
        while line := self._socket.recv(65536):
            read = json.loads(line)
            with self._changed:
                if isinstance(read, int):
                    self._reached = read
                else:
                    self._lines.append(read)
                self._changed.notify_all()

    @property
    def lines(self):
        """All that were sent before: a program's answer may overtake what it has sent here."""
        self._asked += 1
        self._send(b"%d" % self._asked)
        with self._changed:
            assert self._changed.wait_for(lambda: self._reached == self._asked, PATIENCE)
            return list(self._lines)

    def wait_for(self, count, timeout=PATIENCE):
        """Wait for *count* lines; return all there are."""
        with self._changed:
            came = self._changed.wait_for(lambda: len(self._lines) >= count, timeout)
            assert came, f"{len(self._lines)} lines in {timeout} s, not {count}"
            return list(self._lines)


class Server:
    """A process with its output. A context manager that kills it if it is still there.

    :param command: program and arguments
    :param env: added to the environment
    """

    def __init__(self, command, env):
        self.output = []
        self._lines = queue.SimpleQueue()
        self.process = subprocess.Popen(
            command,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(APPS), str(ROOT)]),
                "PYTHONUNBUFFERED": "1",
                **env,
            },
            cwd=APPS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()

    def _read(self):
        for line in self.process.stdout:
            self.output.append(line)
            self._lines.put(line)
        self._lines.put(None)

    @property
    def text(self):
        return "".join(self.output)

    def wait_for_line(self, pattern, timeout=PATIENCE):
        """Wait until a line has *pattern* in it, and return the match."""
        deadline = time.monotonic() + timeout
        while True:
            try:
                line = self._lines.get(timeout=max(0, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no {pattern!r} within {timeout} s:\n{self.text}")
            if match := re.search(pattern, line):
                return match

    def wait_until_listening(self):
        """Wait for the line that names the port, which the system chose; return the port."""
        return int(self.wait_for_line(_LISTENING)[1])

    def send(self, number):
        self.process.send_signal(number)

    def stop(self, number=signal.SIGTERM):
        """Send a signal, wait for the end of the process, return its exit status."""
        self.send(number)
        return self.wait()

    def wait(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the server hangs:\n{self.text}") from None


def request(port, number=0):
    """Ask, on a connection of its own; return the pid that answered.

    Again if there is no connection or it is reset: some servers announce their port too early, and
    some workers that leave reset what they have accepted. What counts is the journal.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return _request(port, number)
        except ConnectionError:
            if time.monotonic() > deadline:
                raise


def _request(port, number):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", f"/{number}", headers={"Connection": "close"})
        response = connection.getresponse()
        body = response.read()
        assert response.status == 200, body
        return int(body)
    finally:
        connection.close()


def request_many(port, count, clients=8):
    """Ask *count* times, some at the same time; return the pids that answered."""
    with ThreadPoolExecutor(clients) as pool:
        return list(pool.map(lambda number: request(port, number), range(count)))


def request_until(port, processes, at_least=0):
    """Ask until so many processes have answered; return the pids of all answers."""
    deadline = time.monotonic() + PATIENCE
    pids = request_many(port, at_least) if at_least else []
    while len(set(pids)) < processes:
        assert time.monotonic() < deadline, f"only {len(set(pids))} processes answer"
        pids += request_many(port, 16)
    return pids


def assert_exactly_once(agent, journal):
    """Each span that a program has finished came to the agent once, and nothing else did."""
    lines = journal.lines
    finished = [span for line in lines for span in line["spans"]]
    with contextlib.suppress(AssertionError):  # which of them are missing says more
        agent.wait_for(len(finished), ARRIVAL)
    came = [span.span_id for span in agent.spans]
    repeated = [span for span, times in collections.Counter(came).items() if times > 1]
    missing = set(finished) - set(came)
    unknown = set(came) - set(finished)
    counts = f"{len(finished)} finished, {len(came)} came"
    assert not missing, f"{counts}, {len(missing)} are missing: {_owners(lines, missing)}"
    assert not repeated, f"{counts}, {len(repeated)} came more than once"
    assert not unknown, f"{counts}, {len(unknown)} were never finished"
    assert len(set(finished)) == len(finished), "two spans have the same id"
    traces = [line["trace"] for line in lines if line["trace"] is not None]
    assert len(set(traces)) == len(traces), "two traces have the same id"
    assert_one_identity_per_process(agent)


def _owners(lines, missing):
    return collections.Counter(
        line["pid"] for line in lines for span in line["spans"] if span in missing
    )


def assert_one_identity_per_process(agent):
    """Each process has a client-uuid of its own, and numbers its packets from 1 without a gap."""
    processes, numbers = collections.defaultdict(set), collections.defaultdict(list)
    for batch in agent.batches:
        uuid = batch.process_tags["client-uuid"]
        numbers[uuid].append(batch.seq_no)
        processes[uuid].update(span.tags["process"] for span in batch.spans)
        assert batch.stats in (None, (0, 0, 0))
    assert all(len(of_one) == 1 for of_one in processes.values()), processes
    everybody = [process for of_one in processes.values() for process in of_one]
    assert len(set(everybody)) == len(everybody), "two identities in one process"
    for numbers_of_one in numbers.values():
        assert sorted(numbers_of_one) == list(range(1, len(numbers_of_one) + 1))


def assert_parents(agent):
    """Steps are children of the request of their own trace."""
    requests = {s.trace_id: s.span_id for s in agent.spans if s.operation_name == "request"}
    for span in agent.spans:
        wanted = requests[span.trace_id] if span.operation_name == "step" else 0
        assert span.parent_id == wanted
