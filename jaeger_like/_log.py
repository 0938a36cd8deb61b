"""The one logger of the package, and a way to say a thing once instead of a thousand times."""

from __future__ import annotations

import logging
import time
from collections import deque
from typing import Any, Callable

from . import _native

logger = logging.getLogger("jaeger_tracing")


def _handle(record: logging.LogRecord) -> None:
    """Hand a record to the program's filters and handlers, whose failures are not the spans'.

    logging's own handlers fail in silence; others raise when a disk is full, and that would reach
    the traced code from ``finish()``.
    """
    try:
        logging.Logger.handle(logger, record)
    except Exception:
        pass


logger.handle = _handle  # type: ignore[method-assign]

_deferred: deque[logging.LogRecord] = deque(maxlen=100)
_deferring_thread: int | None = None


def defer_on_this_thread() -> None:
    """Keep what this thread logs until another thread calls :func:`replay`.

    For a real thread in a program of greenlets: the locks of its log handlers are greenlets' locks,
    and waiting for one from another thread may never end.
    """
    global _deferring_thread
    _deferring_thread = _native.thread_id()
    logger.addFilter(_is_for_now)


def replay() -> None:
    """Log what was kept."""
    while _deferred:
        try:
            logger.handle(_deferred.popleft())
        except IndexError:  # another thread was faster
            return


def _is_for_now(record: logging.LogRecord) -> bool:
    if _native.thread_id() != _deferring_thread:
        return True
    _deferred.append(record)
    return False


class Throttled:
    """Logs the first message at once, then one per interval with the number left out between.

    Not locked: a message more or less when two threads meet is no harm.

    :param level: level of :mod:`logging`
    :param interval: seconds between two messages
    :param clock: monotonic seconds
    """

    def __init__(
        self, level: int, interval: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._level = level
        self._interval = interval
        self._clock = clock
        self._next = float("-inf")
        self._suppressed = 0

    def log(self, message: str, *args: Any) -> None:
        """Log ``message % args``, or count it as left out."""
        now = self._clock()
        if now < self._next:
            self._suppressed += 1
            return
        suppressed, self._suppressed, self._next = self._suppressed, 0, now + self._interval
        if suppressed:
            message += f" ({suppressed} like this since the last message)"
        logger.log(self._level, message, *args)

    def reset(self) -> bool:
        """Forget; the next message is logged at once. Return whether anything had been logged."""
        had_logged = self._next != float("-inf")
        self._next, self._suppressed = float("-inf"), 0
        return had_logged
