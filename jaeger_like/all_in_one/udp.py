"""Datagrams in: reading goes before decoding, so that the kernel's buffer seldom overflows."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from tornado.ioloop import IOLoop

from . import decode
from .counters import Counters
from .model import Batch

_KERNEL_BUFFER = 8 << 20  # bytes; the kernel gives as much of it as it is allowed to
_QUEUE = 64 << 20  # bytes of datagrams that wait to be decoded
_OVERHEAD = 100  # bytes that Python adds to a datagram
_DRAIN = 1000  # datagrams read at once before something else gets a turn
_SLICE = 0.01  # seconds of decoding before the loop gets a turn


class Receiver:
    """Sockets on which clients emit batches. Used on the loop's thread.

    :param sink: called with every batch
    :param counters: told about datagrams, garbage, and what did not fit the queue
    """

    def __init__(self, sink: Callable[[Batch], Any], counters: Counters) -> None:
        self._sink = sink
        self._counters = counters
        self._sockets: list[tuple[socket.socket, str]] = []
        self._queue: deque[tuple[bytes, str]] = deque()
        self._queued = 0
        self._decoding = False
        self._buffer = bytearray(1 << 16)
        self._view = memoryview(self._buffer)

    def listen(self, host: str, port: int, protocol: str) -> int:
        """Open a socket; return its port.

        :param host: numeric address
        :param port: 0 lets the system choose
        :raises OSError: when it cannot be had
        """
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _KERNEL_BUFFER)
            except OSError:  # some kernels refuse what is beyond their limit
                pass
            sock.bind((host, port))
        except BaseException:
            sock.close()
            raise
        self._sockets.append((sock, protocol))
        IOLoop.current().add_handler(sock, lambda *_: self._readable(), IOLoop.READ)
        chosen: int = sock.getsockname()[1]
        return chosen

    def close(self) -> None:
        """Close all sockets, after decoding what has been received; idempotent."""
        self._drain()
        for sock, _ in self._sockets:
            IOLoop.current().remove_handler(sock)
            sock.close()
        self._sockets.clear()
        while self._queue:
            self._decode_one()

    def _readable(self) -> None:
        self._drain()
        if self._queue and not self._decoding:
            self._decoding = True
            IOLoop.current().add_callback(self._decode)

    def _drain(self) -> None:
        for sock, protocol in self._sockets:
            receive, view = sock.recv_into, self._view
            name = "datagramsCompact" if protocol == decode.COMPACT else "datagramsBinary"
            for _ in range(_DRAIN):
                try:
                    size = receive(self._buffer)
                except OSError:  # nothing there; or an error of one datagram, which is gone
                    break
                self._counters.count(name)
                if self._queued + size > _QUEUE:
                    self._counters.count("queueFull")
                    continue
                self._queued += size + _OVERHEAD
                self._queue.append((bytes(view[:size]), protocol))

    def _decode(self) -> None:
        deadline = time.monotonic() + _SLICE
        while self._queue:
            self._decode_one()
            self._drain()
            if time.monotonic() >= deadline:
                IOLoop.current().add_callback(self._decode)
                return
        self._decoding = False

    def _decode_one(self) -> None:
        data, protocol = self._queue.popleft()
        self._queued -= len(data) + _OVERHEAD
        try:
            batch = decode.datagram(data, protocol)
        except decode.DecodeError:
            self._counters.count("garbage")
            return
        self._sink(batch)
