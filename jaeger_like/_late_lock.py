"""A lock for set-up code: made when it is first taken, and anew in a forked child."""

from __future__ import annotations

import _thread
import sys

from . import _fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class LateLock:
    """A context manager around a re-entrant lock that no import makes.

    A program may import us and let gevent or eventlet replace ``threading`` afterwards; a lock made
    before that would block all of its greenlets.
    """

    def __init__(self) -> None:
        self._made: dict[str, Any] = {}
        _fork.register(self)

    def __enter__(self) -> None:
        lock = self._made.get("lock")
        if lock is None:
            # One step for the interpreter, so that two threads agree on one lock.
            lock = self._made.setdefault("lock", _new_lock())
        lock.acquire()

    def __exit__(self, *_: object) -> None:
        lock = self._made.get("lock")
        if lock is not None:
            lock.release()

    def _after_fork(self) -> None:
        # Whoever held it may not exist here.
        self._made.clear()


def _new_lock() -> Any:
    # Who has not imported ``threading`` has not had it replaced, and need not wait for it.
    threading = sys.modules.get("threading")
    return _thread.RLock() if threading is None else threading.RLock()
