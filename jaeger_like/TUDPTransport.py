"""A Thrift transport over UDP, for programs that build their own. The tracer does not use it."""

from __future__ import annotations

import logging
import socket
from typing import Any

from thrift.transport.TTransport import TTransportBase

logger = logging.getLogger("jaeger_tracing")


class TUDPTransport(TTransportBase):
    """Writes each buffer as one datagram.

    The host is looked up once, by the constructor; if that fails, again at each write until it
    succeeds. IPv4 or IPv6, whichever the look-up gives first.

    :param host: name or address
    :param port: UDP port
    :param blocking: whether a write may wait for room in the socket's buffer
    :raises UnicodeError: a label of *host* is empty or longer than 63 characters
    """

    def __init__(self, host: str, port: int, blocking: bool = False) -> None:
        self.transport_host = host
        self.transport_port = port
        self.transport_sock: Any = None
        self._blocking = blocking
        self._closed = False
        try:
            self._connect()
        except OSError as exc:
            logger.warning("Cannot look up %s yet: %s", host, exc)

    def _connect(self) -> None:
        family, kind, protocol, _, address = socket.getaddrinfo(
            self.transport_host, self.transport_port, type=socket.SOCK_DGRAM
        )[0]
        sock = socket.socket(family, kind, protocol)
        sock.setblocking(self._blocking)
        try:
            sock.connect(address)
        except OSError:
            sock.close()
            raise
        self.transport_sock = sock

    def write(self, buf: bytes) -> int:
        """Send *buf* as one datagram; return the number of bytes sent.

        :raises OSError: it cannot be sent, or the transport is closed
        """
        if self._closed:
            raise OSError("the transport is closed")
        if self.transport_sock is None:
            self._connect()
        sent: int = self.transport_sock.send(buf)
        return sent

    def isOpen(self) -> bool:  # noqa: N802  thrift's name
        """Whether :meth:`close` has not been called."""
        return not self._closed

    def close(self) -> None:
        """Release the socket."""
        self._closed = True
        if self.transport_sock is not None:
            self.transport_sock.close()
            self.transport_sock = None
