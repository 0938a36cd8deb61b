"""One packet after the other: out of a reporter's queue, to the sender, again or given up.

Everything here but what says otherwise runs on the loop's thread, and one packet is under way at a
time. Exactly once: a packet counts as sent when the sender says so, goes again only when it is
known not to have been delivered, and is given up, and counted, after a few seconds.
"""

from __future__ import annotations

from . import _native
from ._held_off import held_off
from ._limits import MIN_PACKET_SIZE, process_within, smaller_packet_size
from ._log import WARNING, Throttled, log
from .encoding.packet import OVERHEAD, Batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Callable

    from .reporter import Reporter
    from .transport.sender import Sender

# Seconds between attempts for a packet that was refused: time for an agent to restart. While it
# stays away there is one attempt for each packet, so that the buffer does not fill up.
_RETRY_AFTER = (0.1, 0.4, 1.0)

# Seconds until all else on the loop's thread comes to its turn: other tracers, polls, a flush.
# A packet counts as _LEAST_REST at the least, also one without a pause after it, or they would wait
# for ever for a program in a hurry.
_OTHERS_MAY_WAIT = 0.01
_LEAST_REST = 0.001


class Packets:
    """Makes packets of the records in a queue and sends them.

    :param reporter: whose queue
    :param sender: packs and sends
    """

    def __init__(self, reporter: Reporter, sender: Sender) -> None:
        self._reporter = reporter
        self._sender = sender
        self._to = "collector" if hasattr(sender, "has_room") else "jaeger-agent socket"
        self._process: bytes | None = None
        self._process_arguments: tuple[str, Mapping[str, Any], int]
        self.packet_budget: int = sender.max_packet_size - OVERHEAD
        self._limits = Throttled(WARNING)
        self._begin()

    def _begin(self) -> None:
        self._taken = self._settled = 0  # records: taken out; sent or given up
        self._under_way: Sequence[bytes] = ()
        self._seq_no = self._too_large = self._failed = 0
        self._down = self._in_a_hurry = False
        self._pause: Any = None
        self._alone = 0.0  # seconds since anything else came to its turn

    def count(self, counter: Callable[[int], object], number: int) -> None:
        """Count, whatever the program's metrics do. Any thread."""
        try:
            counter(number)
        except Exception:
            self._limits.log("The program's metrics failed")

    def _encode_process(self, service_name: str, tags: Mapping[str, Any], max_length: int) -> None:
        """Any thread."""
        room = self._sender.max_packet_size // 2
        process, cut = process_within(service_name, tags, max_length, room)
        if cut:
            self._limits.log("Process tags are too large for a packet and were shortened")
        self._process_arguments = (service_name, tags, max_length)
        self._process = process
        self.packet_budget = self._sender.max_packet_size - OVERHEAD - len(process)

    def _take(self) -> None:
        """Move records for one packet from the queue to what is under way."""
        if self._under_way:  # an attempt to send was cut short
            return
        queue, budget = self._reporter.queue, self.packet_budget
        most = self._reporter.batch_size or len(queue)
        # One too many first, so that what is in neither place is never taken for nothing.
        self._taken += 1
        batch = self._under_way = Batch()
        try:
            queue.take_batch(batch)
        except MemoryError:
            self._taken -= 1
            raise
        if batch:
            if len(batch.joined) <= budget and len(batch) <= most:
                self._taken += len(batch) - 1
                return
            queue.put_back(batch)  # a packet has become smaller meanwhile, or one is too large
        records: list[bytes] = []
        self._under_way = records
        if queue.records and len(queue.records[0]) > budget:
            self._take_too_large(queue.records[0])
            return
        try:
            queue.take(records, budget, most)
        finally:
            self._taken += len(records) - 1

    def _take_too_large(self, record: bytes) -> None:
        with held_off:
            from .encoding.fit import fit
        queue = self._reporter.queue
        queue.popleft()
        try:
            smaller = fit(record, self.packet_budget)
        except Exception:
            smaller = None
        if smaller is None:
            self._too_large += 1
            self.count(self._reporter.metrics.reporter_failure, 1)
            self._settled += 1
            self._limits.log("A span of %d bytes is too large to be sent", len(record))
        else:
            self._limits.log("A span of %d bytes was cut to fit into a packet", len(record))
            queue.put_back((smaller,))
            self._taken -= 1

    async def _deliver(self) -> None:
        """Send what is under way as one packet, again if it was refused, or give it up."""
        from .transport.udp import PacketTooLargeError

        records = self._under_way
        metrics = self._reporter.metrics
        self._seq_no += 1
        try:
            stats = (self._reporter._dropped, self._too_large, self._failed)
            assert self._process is not None  # or nothing would be taken
            packet = self._sender.packet(self._process, records, self._seq_no, stats)
            for delay in (*_RETRY_AFTER, None):
                try:
                    await self._sender.send(packet)
                except PacketTooLargeError as exc:
                    self._use_smaller_packets(len(packet), exc)
                    return
                except OSError as exc:
                    # A sender that has tried again itself says that it is final.
                    if delay is None or self._down or self._in_a_hurry or _is_final(exc):
                        raise
                    await self._wait(delay, exc)
                else:
                    break
        except Exception as exc:
            self.give_up(len(records), exc)
            self._settle()
            return
        self.count(metrics.reporter_success, len(records))
        self._settle()
        if self._down:
            self._down = False
            self._tell_errors("recovered", "Submitting traces to %s works again", self._to)
        if hasattr(self._sender, "pause_after"):
            urgent = len(self._reporter.queue) > self._reporter.queue_capacity // 2
            pause = self._sender.pause_after(packet, urgent)
            await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        """Let the receiver read, for that long."""
        self._alone += max(seconds, _LEAST_REST)
        if self._reporter.io_loop is None and self._alone < _OTHERS_MAY_WAIT:
            # On our own thread, and not round the loop, which takes the interpreter's lock two or
            # three times more; worth a sixth of what a span costs in the background.
            if seconds:
                _native.sleep(seconds)
        else:
            import asyncio

            self._alone = 0.0
            await asyncio.sleep(seconds)

    async def _wait(self, seconds: float, exc: Exception) -> None:
        import asyncio

        log.debug("Packet not delivered, trying again in %s s: %s", seconds, exc)
        pause = self._pause = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(pause, seconds)
        except asyncio.TimeoutError:
            pass
        finally:
            if self._pause is pause:
                self._pause = None

    def _end_pause(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    def _use_smaller_packets(self, size: int, exc: OSError) -> None:
        if size <= MIN_PACKET_SIZE:
            raise exc
        smaller = smaller_packet_size(size)
        self._limits.log("The network takes no packet of %d bytes; trying %d", size, smaller)
        self._sender.max_packet_size = smaller
        self._seq_no -= 1
        self._put_back()
        self._encode_process(*self._process_arguments)
        self._reporter._set_wake_bytes()

    def _put_back(self) -> None:
        """Return to the queue what was taken for a packet and not sent."""
        self._reporter.queue.put_back(self._under_way)
        self._taken -= len(self._under_way)
        self._under_way = ()
        self._reporter._check_at = 0

    def give_up(self, spans: int, exc: Exception) -> None:
        """Count spans that could not be sent, and say so."""
        self._down = self._down or isinstance(exc, OSError)
        self._lose(spans, "Failed to submit traces to %s: %s", self._to, exc)

    def cannot_encode(self, exc: Exception) -> None:
        """Count a span that is none, and say so. Any thread."""
        self._lose(1, "A span cannot be encoded: %r", exc)

    def _lose(self, spans: int, message: str, *args: object) -> None:
        self._failed += spans
        self.count(self._reporter.metrics.reporter_failure, spans)
        self._tell_errors("error", message, *args)

    def _tell_errors(self, method: str, message: str, *args: object) -> None:
        try:
            getattr(self._reporter.error_reporter, method, lambda *_: None)(message, *args)
        except Exception:
            self._limits.log("The error reporter failed")

    def _settle(self) -> None:
        self._settled += len(self._under_way)
        self._under_way = ()


def _is_final(exc: OSError) -> bool:
    return bool(getattr(exc, "final", False))
