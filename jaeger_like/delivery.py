"""From the buffer to the sender: the loop's side of a reporter.

Everything here but what says otherwise runs on the loop's thread, and one packet is under way at a
time. Exactly once: a packet counts as sent when the sender says so, goes again only when it is
known not to have been delivered, and is given up, and counted, after a few seconds.
"""

from __future__ import annotations

import sys
import time

from . import _at_exit, _background, _log, _native
from ._held_off import held_off
from ._limits import MIN_PACKET_SIZE, process_within, smaller_packet_size
from ._log import WARNING, Throttled, log
from .encoding.packet import OVERHEAD

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    from .closing import CloseFuture
    from .reporter import Reporter

# Seconds between attempts for a packet that was refused: time for an agent to restart. While it
# stays away there is one attempt for each packet, so that the buffer does not fill up.
_RETRY_AFTER = (0.1, 0.4, 1.0)

_PATIENCE = 5.0  # seconds for the loop to start

# Seconds; uvicorn takes a tenth at the least from being told to end until it is gone.
_TICK = 0.05


class Delivery:
    """Takes records out of a reporter's queue and sends them.

    :param reporter: whose queue
    :param sender: packs and sends, see ``transport``
    """

    def __init__(self, reporter: Reporter, sender: Any) -> None:
        self._reporter = reporter
        self._sender = sender
        if _native.in_uwsgi():
            # Its workers leave by C's exit() whatever other threads do, and one that is loading
            # OpenSSL for asyncio at that moment crashes.
            _background.prepare()
        self._runner = _background.runner(reporter.io_loop)
        self._to = "collector" if hasattr(sender, "has_room") else "jaeger-agent socket"
        self._process: bytes | None = None
        self._process_arguments: tuple[str, Mapping[str, Any], int]
        self.packet_budget: int = sender.max_packet_size - OVERHEAD
        self._closing = self._is_closed = False
        self._limits = Throttled(WARNING)
        self._begin()

    def _begin(self) -> None:
        self.bytes_out = 0  # of all that was ever taken out of the queue
        self._taken = self._settled = 0  # records: taken out; sent or given up
        self._under_way: list[bytes] = []
        self._waiters: list[tuple[int, Callable[[], object]]] = []
        self._seq_no = self._too_large = self._failed = 0
        self._down = self._in_a_hurry = self._send_partial = False
        self._patience_here = 0.5  # seconds for sending where there can be no loop
        self._timer: Any = None
        self._task: Any = None
        self._pause: Any = None

    # -- any thread ----------------------------------------------------------------------------

    def set_process(self, service_name: str, tags: Mapping[str, Any], max_length: int) -> None:
        """Encode the process once for all packets, in half a packet at the most."""
        room = self._sender.max_packet_size // 2
        process, cut = process_within(service_name, tags, max_length, room)
        if cut:
            self._limits.log("Process tags are too large for a packet and were shortened")
        self._process_arguments = (service_name, tags, max_length)
        self._process = process
        self.packet_budget = self._sender.max_packet_size - OVERHEAD - len(process)
        if self._reporter.queue:
            self.wake()

    def arm(self) -> None:
        """Have what is waiting sent one flush interval from now."""
        _log.replay()
        _at_exit.at_exit.hook()
        deadline = _at_exit.at_exit.deadline
        if deadline is None and _at_exit.server_is_ending():
            deadline = time.monotonic() + _at_exit.at_exit.seconds
        if deadline is not None:  # finished by somebody else's exit handler, after ours
            self.hurry()
            self.flush(deadline - time.monotonic())
            return
        if not self._call(self._on_first):
            self._reporter._armed = False  # the next span tries again
            self._reporter._look_at = 0
            if _native.is_about_to_fork() and self._patience_here > 0:
                # This process may never do anything again, not even end as others do.
                started = time.monotonic()
                self._drain_here(self._patience_here)
                self._patience_here -= time.monotonic() - started

    def wake(self) -> None:
        """Have full packets sent now."""
        if not self._call(self._drain_soon):
            self._reporter._woken = False

    def count(self, counter: Callable[[int], object], number: int) -> None:
        """Count, whatever the program's metrics do."""
        try:
            counter(number)
        except Exception:
            self._limits.log("The program's metrics failed")

    def flush(self, timeout: float | None) -> bool:
        """Wait until what is waiting now is sent or given up; return whether it was sent."""
        if self._is_idle():
            return True
        if self._process is None:
            return False
        if self._runner.is_current():
            self._send_partial = True
            self._drain_soon()
            return False
        lost = self._too_large + self._failed
        (done := _native.allocate_lock()).acquire()
        self._ensure_running_loop()
        # At the end of the program the time is for sending, and not for what has to be imported
        # before, which would cost a busy machine the spans of a short program.
        is_ending, begin = _at_exit.at_exit.deadline is not None, time.monotonic()
        has_loop = self._runner.wait(_PATIENCE if is_ending else timeout)
        if timeout is not None and not is_ending:
            timeout = max(0.0, timeout - (time.monotonic() - begin))
        if not (has_loop and self._runner.call(self._add_waiter, done.release)):
            return self._drain_here(timeout)
        in_time = _native.acquire(done, timeout)
        _log.replay()
        return in_time and lost == self._too_large + self._failed

    def close(self) -> None:
        """Send what is waiting, then release the socket and resolve :attr:`closed`."""
        self._closing = True
        if self._is_idle() and self._timer is None:
            self._finish_closing()
            return
        self._ensure_running_loop()
        if not self._runner.call(self._add_waiter, self._finish_closing):
            self._drain_here(1.0)
            self._finish_closing()

    @property
    def closed(self) -> CloseFuture:
        """Resolved when all is sent after :meth:`close`."""
        with held_off:
            from .closing import CloseFuture
        # One step for the interpreter, so that two threads get the same.
        future: CloseFuture = self.__dict__.setdefault("_closed", CloseFuture())
        return future

    def hurry(self) -> None:
        """The interpreter ends: send at once, and do not wait for those who refuse."""
        self._in_a_hurry = self._send_partial = True
        if not self._is_idle():
            self._ensure_running_loop()
            self._runner.call(self._on_hurry)

    def finish_by(self, deadline: float) -> None:
        """The interpreter ends: send what can be sent until *deadline*, monotonic seconds."""
        if not self.flush(deadline - time.monotonic()) and not self._is_idle():
            lost = len(self._reporter.queue) + self._taken - self._settled
            self._limits.log("Spans lost at exit: %d", lost)
        if self._task is not None and self._is_idle():
            # It has told us that all is sent, and has a step to go until it has ended.
            (ended := _native.allocate_lock()).acquire()
            if self._runner.call(ended.release):
                _native.acquire(ended, deadline - time.monotonic())
        if self._task is None:
            self._sender.close()

    def after_fork(self) -> None:
        """Start afresh in a child process."""
        self._begin()
        if not self._is_closed:  # others wait for the parent's, if it is being closed
            self.__dict__.pop("_closed", None)
            if self._closing:
                self._finish_closing()

    def _is_idle(self) -> bool:
        return not self._reporter.queue and self._taken == self._settled

    def _call(self, function: Callable[[], object]) -> bool:
        if self._runner.call(function):
            return True
        self._ensure_running_loop()  # the user's loop may be closed
        return self._runner.call(function)

    def _ensure_running_loop(self) -> None:
        """A user's loop that does not turn (any more) sends nothing: take the one in the back."""
        if self._reporter.io_loop is not None and not self._runner.is_running():
            self._abandon_loop()
            self._runner = _background.runner()

    def _abandon_loop(self) -> None:
        """Take back what a loop that does not turn has begun, also if it ever turns again."""
        for job in (self._task, self._timer):
            if job is not None:
                try:
                    job.cancel()
                except RuntimeError:  # the loop is closed
                    pass
        self._task = self._timer = self._pause = None
        self._put_back()

    def _drain_here(self, timeout: float | None) -> bool:
        """Send on this thread: no other can be had, the interpreter is ending, or not yet ready."""
        with held_off:
            import asyncio
        self._abandon_loop()
        lost = self._too_large + self._failed
        self._send_partial = self._in_a_hurry = True
        loop = asyncio.new_event_loop()
        try:
            loop.run_until_complete(asyncio.wait_for(self._drain(), timeout))
        except (asyncio.TimeoutError, RuntimeError):  # RuntimeError: a loop is running here
            return False
        finally:
            loop.close()
            self._in_a_hurry = _at_exit.at_exit.deadline is not None
        return self._is_idle() and lost == self._too_large + self._failed

    # -- the loop's thread ---------------------------------------------------------------------

    def _on_first(self) -> None:
        prepare = getattr(self._sender, "prepare", None)
        if prepare is not None:
            prepare()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is None and self._reporter.flush_interval:
            self._wait_for_timer(self._reporter.flush_interval)

    def _wait_for_timer(self, seconds: float) -> None:
        """Have :meth:`_on_timer` called then, or earlier if a server ends as uvicorn does."""
        tick = min(seconds, _TICK) if "uvicorn.server" in sys.modules else seconds

        def turn() -> None:
            if seconds > tick and not _at_exit.server_is_ending():
                self._wait_for_timer(seconds - tick)
            else:
                self._on_timer()

        self._timer = self._runner.asyncio_loop.call_later(tick, turn)

    def _on_timer(self) -> None:
        self._timer = None
        self._send_partial = True
        self._drain_soon()

    def _add_waiter(self, callback: Callable[[], object]) -> None:
        if self._process is None or self._is_idle():
            callback()
            return
        self._waiters.append((self._taken + len(self._reporter.queue), callback))
        self._drain_soon()

    def _drain_soon(self) -> None:
        if self._task is None:
            self._task = self._runner.asyncio_loop.create_task(self._drain())
            # It may hang for longer than the program lives, which is logged elsewhere.
            self._task._log_destroy_pending = False

    async def _drain(self) -> None:
        import asyncio

        reporter = self._reporter
        me = asyncio.current_task()
        try:
            while self._process is not None:
                reporter._woken = False
                waiting = reporter._bytes_in - self.bytes_out
                full = waiting >= self.packet_budget or len(reporter.queue) >= reporter._wake_spans
                if not (full or self._send_partial or self._waiters or self._is_closed):
                    return
                reporter._woken = True  # nobody needs to wake us while we are at it
                if not reporter.queue:
                    reporter._armed = self._send_partial = False
                    reporter._look_at = 0
                    if not reporter.queue:
                        self.bytes_out = reporter._bytes_in
                        if self._is_closed:  # a late one opened the socket again
                            self._sender.close()
                        return
                    # One came in between, and took us for armed.
                    reporter._armed = True
                    self._set_timer()
                    continue
                self._take()
                if self._under_way:
                    await self._deliver()
                self.count(reporter.metrics.reporter_queue_length, len(reporter.queue))
                self._tell_waiters()
        finally:
            reporter._woken = False
            self._task = None if self._task is me else self._task  # or another loop has it now
            self._tell_waiters()

    def _take(self) -> None:
        """Move records for one packet from the queue to what is under way."""
        queue, budget = self._reporter.queue, self.packet_budget
        most = self._reporter.batch_size or len(queue)
        if queue and len(queue[0]) > budget:
            self._take_too_large(queue[0])
            return
        # One too many first, so that what is in neither place is never taken for nothing.
        self._taken += 1
        records = self._under_way  # not empty where an attempt to send was cut short
        already, room = len(records), budget - sum(map(len, records))
        at_first = room
        # Record by record, because callers append meanwhile: what iterates over a deque fails then.
        popleft = queue.popleft  # this loop is a tenth of what a span costs in the background
        while queue and len(records) < most:
            record = queue[0]
            room -= len(record)
            if room < 0:
                room += len(record)
                break
            records.append(record)
            popleft()
        self._taken += len(records) - already - 1
        self.bytes_out += at_first - room

    def _take_too_large(self, record: bytes) -> None:
        with held_off:
            from .encoding.fit import fit
        self._took(record)
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
            self._reporter.queue.appendleft(smaller)
            self._taken -= 1

    def _took(self, record: bytes) -> None:
        self._taken += 1  # first, so that what is in neither place is never taken for nothing
        self._reporter.queue.popleft()
        self.bytes_out += len(record)

    async def _deliver(self) -> None:
        """Send what is under way as one packet, again if it was refused, or give it up."""
        import asyncio

        from .transport.udp import PacketTooLargeError

        records = self._under_way
        metrics = self._reporter.metrics
        self._seq_no += 1
        try:
            stats = (self._reporter._dropped, self._too_large, self._failed)
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
            if pause or self._reporter.io_loop is not None:  # the program has other things to do
                await asyncio.sleep(pause)

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

    def _on_hurry(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)
        self._drain_soon()

    def _use_smaller_packets(self, size: int, exc: OSError) -> None:
        if size <= MIN_PACKET_SIZE:
            raise exc
        smaller = smaller_packet_size(size)
        self._limits.log("The network takes no packet of %d bytes; trying %d", size, smaller)
        self._sender.max_packet_size = smaller
        self._seq_no -= 1
        self._put_back()
        self.set_process(*self._process_arguments)
        self._reporter._set_wake_bytes()

    def _put_back(self) -> None:
        """Return to the queue what was taken for a packet and not sent."""
        self._reporter.queue.extendleft(reversed(self._under_way))
        self._taken -= len(self._under_way)
        self.bytes_out -= sum(map(len, self._under_way))
        self._under_way = []
        self._reporter._check_at = 0

    def give_up(self, spans: int, exc: Exception) -> None:
        self._failed += spans
        self.count(self._reporter.metrics.reporter_failure, spans)
        self._down = self._down or isinstance(exc, OSError)
        self._tell_errors("error", "Failed to submit traces to %s: %s", self._to, exc)

    def _tell_errors(self, method: str, message: str, *args: object) -> None:
        try:
            getattr(self._reporter.error_reporter, method, lambda *_: None)(message, *args)
        except Exception:
            self._limits.log("The error reporter failed")

    def _settle(self) -> None:
        self._settled += len(self._under_way)
        self._under_way = []

    def _tell_waiters(self) -> None:
        due = [callback for target, callback in self._waiters if target <= self._settled]
        self._waiters = [waiter for waiter in self._waiters if waiter[0] > self._settled]
        for callback in due:
            callback()

    def _finish_closing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._sender.close()
        _at_exit.at_exit.remove(self._reporter)
        self._is_closed = True
        future = self.closed
        if not future.done() and future.set_running_or_notify_cancel():
            future.set_result(True)


def _is_final(exc: OSError) -> bool:
    return bool(getattr(exc, "final", False))
