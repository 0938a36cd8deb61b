"""The one logger of the package, and a way to say a thing once instead of a thousand times."""

from __future__ import annotations

import sys
import time
from collections import deque

from . import _native
from ._held_off import held_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any, Callable

    logger: logging.Logger
    default_logger: logging.Logger

# Levels of logging, which is not imported for their sake.
DEBUG, WARNING, ERROR = 10, 30, 40


class _Log:
    """The methods of the logger ``jaeger_tracing``. Its import, and what comes with it, is half of
    the start of a program that does not log, so it waits for something that must be said."""

    def __getattr__(self, name: str) -> Any:
        if name in ("debug", "info") and "logging" not in sys.modules:
            return _forget  # nobody can have asked to see it
        method = getattr(get_logger(), name)
        setattr(self, name, method)
        return method


def _forget(*_: object) -> None:
    """Do nothing."""


def get_logger() -> logging.Logger:
    """Return the logger of the package."""
    with held_off:
        import logging
    logger = logging.getLogger("jaeger_tracing")
    if "handle" not in vars(logger):
        logger.handle = _handle  # type: ignore[method-assign]  # on purpose
    return logger


log: Any = _Log()


def _handle(record: logging.LogRecord) -> None:
    """Hand a record to the program's filters and handlers, whose failures are not the spans'.

    logging's own handlers fail in silence; others raise when a disk is full, and that would reach
    the traced code from ``finish()``.
    """
    try:
        logger = get_logger()
        type(logger).handle(logger, record)
    except Exception:
        pass


_deferred: deque[logging.LogRecord] = deque(maxlen=100)
_deferring_thread: int | None = None


def defer_on_this_thread() -> None:
    """Keep what this thread logs until another thread calls :func:`replay`.

    For a real thread in a program of greenlets: the locks of its log handlers are greenlets' locks,
    and waiting for one from another thread may never end.
    """
    global _deferring_thread
    _deferring_thread = _native.thread_id()
    log.addFilter(_is_for_now)


def replay() -> None:
    """Log what was kept."""
    while _deferred:
        try:
            log.handle(_deferred.popleft())
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
        log.log(self._level, message, *args)

    def reset(self) -> bool:
        """Forget; the next message is logged at once. Return whether anything had been logged."""
        had_logged = self._next != float("-inf")
        self._next, self._suppressed = float("-inf"), 0
        return had_logged


def __getattr__(name: str) -> Any:
    if name in ("logger", "default_logger"):
        return get_logger()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
