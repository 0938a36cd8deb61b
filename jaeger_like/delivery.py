"""When a reporter's spans are sent, and on which thread.

Everything here but what says otherwise runs on the loop's thread. How they are sent is told in
``_packets``.
"""

from __future__ import annotations

import sys
import time

from . import _at_exit, _background, _log, _native
from ._held_off import held_off
from ._packets import Packets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    from .closing import CloseFuture
    from .reporter import Reporter

_PATIENCE = 5.0  # seconds for the loop to start

# Seconds; uvicorn takes a tenth at the least from being told to end until it is gone.
_TICK = 0.05


class Delivery(Packets):
    """Takes records out of a reporter's queue and sends them.

    :param reporter: whose queue
    :param sender: packs and sends, see ``transport``
    """

    def __init__(self, reporter: Reporter, sender: Any) -> None:
        super().__init__(reporter, sender)
        if _native.in_uwsgi():
            # Its workers leave by C's exit() whatever other threads do, and one that is loading
            # OpenSSL for asyncio at that moment crashes.
            _background.prepare()
        self._runner = _background.runner(reporter.io_loop)
        self._closing = self._is_closed = False

    def _begin(self) -> None:
        super()._begin()
        self._waiters: list[tuple[int, Callable[[], object]]] = []
        self._send_partial = False
        self._patience_here = 0.5  # seconds for sending where there can be no loop
        self._timer: Any = None
        self._task: Any = None

    # -- any thread ----------------------------------------------------------------------------

    def set_process(self, service_name: str, tags: Mapping[str, Any], max_length: int) -> None:
        """Encode the process once for all packets, in half a packet at the most."""
        self._encode_process(service_name, tags, max_length)
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
            self._reporter.queue.look_again(0)
            if _native.is_about_to_fork() and self._patience_here > 0:
                # This process may never do anything again, not even end as others do.
                started = time.monotonic()
                self._drain_here(self._patience_here)
                self._patience_here -= time.monotonic() - started

    def wake(self) -> None:
        """Have full packets sent now."""
        if not self._call(self._drain_soon):
            self._reporter._woken = False

    def is_starting(self) -> bool:
        """Whether a thread is importing what the loop needs."""
        return self._runner.is_starting()

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
                queue = reporter.queue
                queue.look_again(0)  # callers look less often while more than a batch waits
                full = queue.size >= self.packet_budget or len(queue) >= reporter._wake_spans
                if not (full or self._send_partial or self._waiters or self._is_closed):
                    return
                reporter._woken = True  # nobody needs to wake us while we are at it
                if not self._under_way and not queue:
                    reporter._armed = self._send_partial = False
                    reporter.queue.look_again(0)
                    if not queue:
                        queue.forget_drift()
                        if self._is_closed:  # a late one opened the socket again
                            self._sender.close()
                        return
                    # One came in between, and took us for armed.
                    reporter._armed = True
                    self._set_timer()
                    continue
                try:
                    self._take()
                except MemoryError:
                    self._set_timer()
                    return
                if self._under_way:
                    await self._deliver()
                self.count(reporter.metrics.reporter_queue_length, len(queue))
                self._tell_waiters()
        finally:
            reporter._woken = False
            self._task = None if self._task is me else self._task  # or another loop has it now
            self._tell_waiters()

    def _on_hurry(self) -> None:
        self._end_pause()
        self._drain_soon()

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
