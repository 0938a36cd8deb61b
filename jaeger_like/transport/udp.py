"""Datagrams to an agent.

UDP gives no answer, but the kernel of the same machine does: a datagram to a port where nobody
listens is refused at once, and asking the socket for its pending error right after sending tells
that this very packet was not delivered, so that it may be sent again.
"""

from __future__ import annotations

# The C module's socket: gevent and eventlet replace the other one by one that belongs to a hub.
import _socket
import errno
import math
import os
import time

from .. import _fork
from ..encoding.packet import DEFAULT_MAX_PACKET_SIZE, emit_batch
from .resolver import look_up

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from typing import Any, Callable

#: Seconds after which the agent's host name is looked up again.
RESOLVE_INTERVAL = 30.0

#: Seconds after which it is looked up again when the agent could not be reached.
RESOLVE_AFTER_ERROR = 1.0

_FAMILIES = {None: _socket.AF_UNSPEC, "udp4": _socket.AF_INET, "udp6": _socket.AF_INET6}

# A socket's receive buffer, 208 KiB by default, holds three full packets. What arrives faster than
# it is read vanishes, so packets are paced: 25 MB/s, about 100,000 spans a second, for which a
# receiver may look away for 8 ms; 65 MB/s while our own buffer is about to overflow. After a quiet
# moment one packet goes at once. That moment is often the wait for a busy interpreter's lock; if it
# did not count, each packet would cost its length and several milliseconds more.
_BYTES_PER_SECOND = 25_000_000.0
_BYTES_PER_SECOND_URGENT = 65_000_000.0
_BYTES_AROUND_A_PACKET = 800  # in the kernel's account of a buffer: small packets fill it, too


class PacketTooLargeError(OSError):
    """The network takes no datagram of this size."""


class UDPSender:
    """Sends packets to one agent. Only on the thread of one loop, except :meth:`close`.

    :param host: name or address, IPv4 or IPv6; looked up when there are spans for the first time,
        every now and then from then on, and soon after an error
    :param port: UDP port of the compact protocol
    :param max_packet_size: bytes of a datagram, at most 65,507
    :param family: ``udp4`` or ``udp6``: only addresses of that family; None: any
    :param resolve_interval: seconds after which the name is looked up again; None: only after an
        error
    :param clock: monotonic seconds
    """

    def __init__(
        self,
        host: str,
        port: int,
        max_packet_size: int = DEFAULT_MAX_PACKET_SIZE,
        clock: Callable[[], float] = time.monotonic,
        *,
        family: str | None = None,
        resolve_interval: float | None = RESOLVE_INTERVAL,
    ) -> None:
        self.host = host
        self.port = port
        self.max_packet_size = max_packet_size
        self._clock = clock
        self._family = _FAMILIES[family]
        self._resolve_interval = math.inf if resolve_interval is None else resolve_interval
        self._socket: Any = None
        self._addresses: list[tuple[int, Any]] = []
        self._resolve_at = 0.0
        self._room_at = 0.0  # when the receiver is taken to have read what was sent
        self._resolving: Any = None
        _fork.register(self)

    def packet(
        self, process: bytes, spans: Sequence[bytes], seq_no: int, stats: tuple[int, int, int]
    ) -> bytes:
        """Return the datagram for some records; see :func:`emit_batch`."""
        return emit_batch(process, spans, seq_no, stats)

    def prepare(self) -> None:
        """Look the host up in the background, so that it is known when the first packet is full."""
        if not self._addresses:
            self._look_up()

    async def send(self, packet: bytes) -> None:
        """Send one datagram.

        :raises PacketTooLargeError: nothing was sent, the packet is too large for the way
        :raises OSError: the packet was not delivered, as far as can be known
        """
        if not self._addresses:
            import asyncio

            await asyncio.shield(self._look_up())
        elif self._clock() >= self._resolve_at:
            # In the background: the old address is good until a new one is known.
            self._look_up()
        await self._send_to_any(packet)

    def pause_after(self, packet: bytes, urgent: bool = False) -> float:
        """Return the seconds that the receiver needs before the next packet.

        :param urgent: spans are about to be dropped for want of room
        """
        now = self._clock()
        rate = _BYTES_PER_SECOND_URGENT if urgent else _BYTES_PER_SECOND
        seconds = (len(packet) + _BYTES_AROUND_A_PACKET) / rate
        self._room_at = max(self._room_at, now - seconds) + seconds
        return max(0.0, self._room_at - now)

    async def _send_to_any(self, packet: bytes) -> None:
        # "localhost" is often two addresses, and the agent listens on one of them; a machine
        # without IPv6 may still know its own name by it.
        failure: OSError | None = None
        for _ in range(len(self._addresses)):
            try:
                if self._socket is None:
                    self._connect()
                await self._send_once(packet)
            except PacketTooLargeError:
                raise
            except OSError as exc:
                failure = failure or exc
                self._disconnect()
                self._addresses.append(self._addresses.pop(0))
            else:
                return
        self._resolve_at = min(self._resolve_at, self._clock() + RESOLVE_AFTER_ERROR)
        raise failure or OSError(errno.EADDRNOTAVAIL, f"no address of {self.host}")

    async def _send_once(self, packet: bytes) -> None:
        sock = self._socket
        for pause in (0.001, 0.01, 0.1, None):
            try:
                sock.send(packet)
                break
            except OSError as exc:
                if exc.errno == errno.EMSGSIZE:
                    raise PacketTooLargeError(exc.errno, exc.strerror) from exc
                if pause is None:
                    raise
                if exc.errno == errno.ECONNREFUSED:
                    # Said about an earlier packet, by a machine far away; this one was not sent.
                    continue
                if exc.errno not in (errno.EAGAIN, errno.ENOBUFS):
                    raise
            import asyncio

            await asyncio.sleep(pause)  # the socket's own buffer is full
        pending = sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if pending == errno.ECONNREFUSED:
            raise ConnectionRefusedError(pending, os.strerror(pending))

    def _look_up(self) -> Any:
        """Return the task of the look-up that is under way on this loop, or of a new one."""
        import asyncio

        loop = asyncio.get_running_loop()
        task: Any = self._resolving
        if task is None or task.get_loop() is not loop:
            task = self._resolving = loop.create_task(self._resolve())
            task.add_done_callback(self._resolved)
            # It may hang for longer than the program lives, and that is nobody's mistake.
            task._log_destroy_pending = False
        return task

    def _resolved(self, task: asyncio.Task[None]) -> None:
        if self._resolving is task:
            self._resolving = None
        if not task.cancelled():
            task.exception()  # seen, whether or not somebody waits for it

    async def _resolve(self) -> None:
        self._resolve_at = self._clock() + self._resolve_interval
        try:
            addresses = await look_up(
                self.host, self.port, family=self._family, kind=_socket.SOCK_DGRAM
            )
        except OSError:
            if not self._addresses:
                raise
            return  # a name server that is away is no reason to leave a good address
        # Only what is new counts: their order changes here with every one that refuses.
        if set(addresses) != set(self._addresses):
            self._addresses = addresses
            self._disconnect()

    def _connect(self) -> None:
        # Connected, so that the kernel tells of refusals and does not look up the route each time.
        family, address = self._addresses[0]
        sock = _socket.socket(family, _socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            sock.connect(address)
        except BaseException:
            sock.close()
            raise
        self._socket = sock

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Release the socket. Any thread, while nothing is being sent."""
        task, self._resolving = self._resolving, None
        if task is not None:
            try:
                task.get_loop().call_soon_threadsafe(task.cancel)
            except RuntimeError:  # the loop is closed, so the task is no more
                pass
        self._disconnect()

    def __del__(self) -> None:
        # Of a tracer that nobody closed: nothing is waiting any more, and Python would warn.
        sock = getattr(self, "_socket", None)
        if sock is not None:
            sock.close()

    def _after_fork(self) -> None:
        self._resolving = None  # belongs to a loop that is not here
        self._disconnect()
