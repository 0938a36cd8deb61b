"""A lock for set-up code: made when it is first taken, and anew in a forked child."""

from __future__ import annotations

import threading
from typing import Any

from . import _fork


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
            lock = self._made.setdefault("lock", threading.RLock())
        lock.acquire()

    def __exit__(self, *_: object) -> None:
        lock = self._made.get("lock")
        if lock is not None:
            lock.release()

    def _after_fork(self) -> None:
        # Whoever held it may not exist here.
        self._made.clear()
