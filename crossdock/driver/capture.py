"""A socket that keeps what peers send, and Thrift's own decoders to read it with."""

from __future__ import annotations

import socket
import threading
from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.transport.TTransport import TMemoryBuffer

from jaeger_like.thrift_gen.agent import Agent

_COMPACT_FIRST_BYTE = 0x82


class Capture:
    """Keeps every datagram that comes to a port of 127.0.0.1, until it is closed.

    A thread reads it, so that a busy driver loses none.
    """

    def __init__(self) -> None:
        self.datagrams: list[bytes] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._receive, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that the system chose."""
        return int(self._socket.getsockname()[1])

    def _receive(self) -> None:
        while True:
            datagram = self._socket.recv(65536)
            if not datagram:
                return  # an empty one is what close() sends
            self.datagrams.append(datagram)

    def batches(self) -> list[Any]:
        """Return the batches that came, as Thrift's generated classes."""
        return [decode(datagram) for datagram in list(self.datagrams)]

    def close(self) -> None:
        """Read what is already there, and close the socket."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            while self._thread.is_alive():
                last.sendto(b"", ("127.0.0.1", self.port))
                self._thread.join(0.5)
        self._socket.close()


def decode(datagram: bytes) -> Any:
    """Return the ``Batch`` in a datagram of compact or binary protocol."""
    protocol_of = TCompactProtocol if datagram[0] == _COMPACT_FIRST_BYTE else TBinaryProtocol
    protocol = protocol_of(TMemoryBuffer(datagram))
    name, _type, _sequence = protocol.readMessageBegin()
    if name != "emitBatch":
        raise ValueError(f"a call of {name}, not of emitBatch")
    arguments = Agent.emitBatch_args()
    arguments.read(protocol)
    protocol.readMessageEnd()
    arguments.batch.validate()
    return arguments.batch
