"""Asking the agent again and again: what the remote sampler and the remote throttler share."""

from __future__ import annotations

import logging
import weakref
from typing import TYPE_CHECKING, Any, Callable

from .. import _fork
from .._guard import PATIENCE, guard
from .._log import logger

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from .._background import Poll

MAX_JITTER = 1.0
"""Seconds. The first question comes within this time, so that a new service is soon seen."""


class Polling:
    """A question that is put to the agent at an interval, from :meth:`start` until :meth:`close`.

    It starts late, when the traced program first needs the answer, because a constructor must not
    start a thread; and anew in a forked child, where the thread is gone. It ends by itself when
    nobody but the loop knows the owner any more.

    :param ask: bound coroutine method of the owner; it is held weakly and must not raise
    :param channel: has an attribute ``io_loop``, a tornado loop or None for the background thread
    :param interval: seconds between two questions
    :param random: a number in [0, 1), for the delay of the first question
    :param log: told about the start
    :param starting: message with a place for the delay
    :param started: message with a place for the interval
    :param failed: message for a loop that cannot be had

    :ivar idle: whether :meth:`start` has something to do; meant for a cheap look before each call
    :ivar closed: whether :meth:`close` was called
    :ivar poll: the job on the loop, once there is one
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[object]],
        channel: Any,
        interval: float,
        random: Callable[[], float] | None,
        log: logging.Logger,
        *,
        starting: str,
        started: str,
        failed: str,
    ) -> None:
        self._ask = weakref.WeakMethod(ask)
        self._channel = channel
        self._interval = interval
        self._random = random
        self._log = log
        self._texts = (starting, started, failed)
        self.idle = True
        self.closed = False
        self.poll: Poll | None = None
        _fork.register(self)

    def start(self) -> None:
        """Begin asking, unless that was done or it is too late. Any thread; never raises."""
        if not self._claim():
            return
        starting, started, failed = self._texts
        try:
            from random import random

            from .._background import Poll, runner

            delay = (self._random or random)() * min(MAX_JITTER, self._interval)
            self._log.info(starting, delay)
            poll = Poll(
                runner(getattr(self._channel, "io_loop", None)),
                lambda: self._turn(poll),
                delay,
                self._interval,
            )
            self.poll = poll
            if not poll.start():
                raise RuntimeError("no loop to run on")
            if self.closed:  # meanwhile, by another thread that saw no poll to close
                poll.close()
            self._log.info(started, self._interval)
        except Exception as error:
            # Not tried again for each trace: what is missing now (threads, when the interpreter
            # ends) does not come back.
            self._log.error("%s: %s", failed, error)

    def close(self) -> None:
        """Stop asking. Any thread, any number of times; never raises."""
        self.closed = True
        self.idle = False
        poll = self.poll
        if poll is not None:
            poll.close()

    def _claim(self) -> bool:
        """Return True to exactly one caller, who then starts."""
        lock = guard.lock
        if not lock.acquire(timeout=PATIENCE):
            return False
        try:
            mine, self.idle = self.idle and not self.closed, False
            return mine
        finally:
            lock.release()

    async def _turn(self, poll: Poll) -> None:
        ask = self._ask()
        # On a user's loop, a forked child may find the timer of its parent's poll.
        if ask is None or poll is not self.poll:
            poll.close()
            return
        await ask()

    def _after_fork(self) -> None:
        # Left as it is, because closing it would need the loop, and the loop a thread.
        self.poll = None
        self.idle = not self.closed


async def answer(pending: Any) -> Any:
    """Wait for what a channel returned: any kind of future, a coroutine, or the answer itself."""
    import asyncio
    import concurrent.futures

    if isinstance(pending, concurrent.futures.Future):
        return await asyncio.wrap_future(pending)
    if hasattr(pending, "__await__"):
        return await pending
    return pending


def excerpt(body: Any) -> Any:
    """Return as much of an answer as a log can bear."""
    return body[:200] if isinstance(body, (bytes, str)) else body


def count(counter: Callable[[float], object]) -> None:
    """Count one, whatever a user's own metrics do."""
    try:
        counter(1)
    except Exception:
        logger.debug("A metric could not be counted", exc_info=True)


def report_error(error_reporter: Any, message: str, *args: Any) -> None:
    """Tell that asking failed, whatever a user's own error reporter does."""
    try:
        error_reporter.error(message, *args)
    except Exception:
        logger.debug("An error could not be reported", exc_info=True)


def report_recovery(error_reporter: Any, message: str) -> None:
    """Tell that asking works; our own error reporter logs it only if it had failed."""
    try:
        recovered = getattr(error_reporter, "recovered", None)
        if recovered is not None:
            recovered(message)
    except Exception:
        logger.debug("A recovery could not be reported", exc_info=True)
