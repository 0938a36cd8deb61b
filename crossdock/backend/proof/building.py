"""Jaeger's binaries, built from the Go modules in the folder above.

Each folder ``v1``, ``v2`` is a Go module whose ``go.mod`` names one command of Jaeger as a tool, at
a pinned version, and whose ``go.sum`` holds the checksum of everything it is made of. Go's own
caches see to it that a second build is over in seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
BIN = HERE / "bin"

#: Folder, which is also the name here, and the command that is built in it.
COMMANDS = {
    "v1": "github.com/jaegertracing/jaeger/cmd/all-in-one",
    "v2": "github.com/jaegertracing/jaeger/cmd/jaeger",
}


class Unavailable(Exception):  # noqa: N818  not having Go is no error
    """A backend cannot be built on this machine; the text says why."""


def module_version(name: str) -> str:
    """Return the version of Jaeger's module that a folder pins, such as ``v1.57.0``."""
    found = re.search(
        r"github\.com/jaegertracing/jaeger (v\S+)",
        (HERE / name / "go.mod").read_text(encoding="utf-8"),
    )
    assert found, f"{name}/go.mod does not require Jaeger"
    return found.group(1)


def build(name: str) -> tuple[Path, float]:
    """Return the path of a binary, built if need be, and how many seconds that took.

    :param name: ``v1`` or ``v2``
    :raises Unavailable: there is no Go, or one that is too old, or the modules cannot be had
    """
    go = shutil.which("go")
    if go is None:
        raise Unavailable("there is no go on this machine")
    binary = BIN / (name + (".exe" if os.name == "nt" else ""))
    started = time.monotonic()
    flags = f"{os.environ.get('GOFLAGS', '')} -mod=readonly -buildvcs=false".strip()
    done = subprocess.run(
        [go, "build", "-trimpath", "-ldflags=-s -w", "-o", str(binary), COMMANDS[name]],
        cwd=HERE / name,
        # No C compiler, and the same bytes wherever it is built.
        env={**os.environ, "GOFLAGS": flags, "CGO_ENABLED": "0", "GOWORK": "off"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if "downloading" not in line]
        raise Unavailable(f"go build failed: {' / '.join(lines[-3:])}")
    return binary, time.monotonic() - started
