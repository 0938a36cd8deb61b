"""What a reporter asks of a sender. For annotations: nobody needs to derive from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class Sender(Protocol):
    """Makes packets of encoded spans and sends them somewhere: ``Reporter(sender=...)``.

    All but :meth:`close` is called on the loop's thread, one thing after the other. Three more are
    used where a sender has them:

    * ``prepare()``, called when the first span of a process waits, to look up and connect early;
    * ``pause_after(packet, urgent)``, the seconds that the receiver needs before the next packet;
      *urgent* says that the reporter's buffer is half full;
    * ``has_room``, which a reporter sets to a function that says whether its buffer has room.
    """

    #: Bytes of the largest packet. The reporter lowers it when the network takes no such packet.
    max_packet_size: int

    def packet(
        self, process: bytes, spans: Sequence[bytes], seq_no: int, stats: tuple[int, int, int]
    ) -> bytes:
        """Return one packet. For parameters see :func:`jaeger_like.encoding.packet.emit_batch`."""
        ...

    async def send(self, packet: bytes) -> None:
        """Send one packet.

        :raises PacketTooLargeError: of :mod:`.udp`: the spans are sent again in smaller packets
        :raises OSError: it could not be sent; the reporter tries again, up to three times, unless
            the error has a true attribute ``final``
        :raises Exception: it could not be sent, and there is no use in trying again
        """
        ...

    def close(self) -> None:
        """Release what is held. Any thread; a packet that is sent later takes it anew."""
        ...
