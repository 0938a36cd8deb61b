"""The driver's hand on ``program.py``: started, asked, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).resolve().parents[1]  # the one that this package is in


class Program:
    """A traced program in a process of its own.

    :param service: its name
    :param config: what it gives to ``Config``
    """

    def __init__(self, service: str, config: dict[str, Any]) -> None:
        environ = {k: v for k, v in os.environ.items() if not k.startswith("JAEGER_")}
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "proof.program"],
            env={**environ, "PYTHONPATH": str(_FOLDER)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self._write({"service": service, "config": config})

    def ask(self, what: str, **arguments: Any) -> Any:
        """Return the answer to one question."""
        self._write({"do": what, **arguments})
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the program ended when asked for {what}")
        return json.loads(line)

    def end(self) -> None:
        """Let it come to its end, and wait for that."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        if self._process.wait(60):
            raise RuntimeError(f"the program ended with status {self._process.returncode}")
        self._process.stdout.close()

    def __enter__(self) -> Program:  # noqa: PYI034  Python 3.9 has no Self
        return self

    def __exit__(self, kind: Any, value: Any, traceback: Any) -> None:
        if kind is None:
            self.end()
        else:
            self._process.kill()
            self._process.wait()

    def _write(self, value: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(value) + "\n")
        self._process.stdin.flush()
