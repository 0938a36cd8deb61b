"""What a reporter may be given as its channel, as a sender."""

from __future__ import annotations

from ..encoding.packet import DEFAULT_MAX_PACKET_SIZE, emit_batch
from ..errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from .sender import Sender


class TransportSender:
    """Sends packets through a Thrift transport of the program's own.

    :param transport: ``write(bytes)`` and ``flush()``, called on the loop's thread
    """

    max_packet_size = DEFAULT_MAX_PACKET_SIZE

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def packet(
        self, process: bytes, spans: Sequence[bytes], seq_no: int, stats: tuple[int, int, int]
    ) -> bytes:
        """Return an ``emitBatch`` message in compact protocol."""
        return emit_batch(process, spans, seq_no, stats)

    async def send(self, packet: bytes) -> None:
        """Write one message."""
        self._transport.write(packet)
        self._transport.flush()

    def close(self) -> None:
        """Close the transport if it can be closed."""
        close = getattr(self._transport, "close", None)
        if close is not None:
            close()


def as_sender(channel: Any) -> Sender:
    """Return the sender of a ``LocalAgentSender``, or one around a Thrift transport.

    :raises ConfigError: *channel* is neither
    """
    sender: Any = getattr(channel, "sender", None)
    if isinstance(getattr(sender, "max_packet_size", None), int):  # or it is a test's mock
        return sender  # type: ignore[no-any-return]  # it is one that packs
    if hasattr(channel, "write") and hasattr(channel, "flush"):
        return TransportSender(channel)
    raise ConfigError("channel", channel, "a LocalAgentSender or a Thrift transport")
