"""A way of datagrams on which some get lost, and which can be closed for a while."""

from __future__ import annotations

import socket
import threading
from typing import Any, Callable

from .servers import HOST

_LARGEST = 65_536


class Detour:
    """Hands datagrams on to a port of loopback.

    :param target: the port
    :param keep: is told the number of each datagram, from 0, and whether it goes on
    """

    def __init__(self, target: int, keep: Callable[[int], bool]) -> None:
        self._target = (HOST, target)
        self._keep = keep
        self.passed = 0
        #: Datagrams that did not go on.
        self.lost: list[bytes] = []
        self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = 0
        self.open()

    def __enter__(self) -> Detour:  # noqa: PYI034  Python 3.9 has no Self
        return self

    def __exit__(self, *exc: Any) -> None:
        if self._thread is not None:
            self.close()
        self._out.close()

    def configuration(self, sampling_port: int) -> dict[str, Any]:
        """Return what makes a program send this way."""
        return {
            "local_agent": {
                "reporting_host": HOST,
                "reporting_port": self.port,
                "sampling_port": sampling_port,
            }
        }

    def keep_all(self) -> None:
        """Lose nothing any more."""
        self._keep = lambda _: True

    def open(self) -> None:
        """Let datagrams in, on the same port as before."""
        self._in = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._in.bind((HOST, self.port))
        self.port = self._in.getsockname()[1]
        self._thread: threading.Thread | None = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Refuse datagrams, as a machine does on which nobody listens; those on the way go on."""
        assert self._thread is not None
        self._out.sendto(b"", (HOST, self.port))  # comes last
        self._thread.join()
        self._thread = None
        self._in.close()

    def _work(self) -> None:
        while True:
            datagram = self._in.recv(_LARGEST)
            if not datagram:
                return
            if self._keep(self.passed + len(self.lost)):
                self._out.sendto(datagram, self._target)
                self.passed += 1
            else:
                self.lost.append(datagram)
