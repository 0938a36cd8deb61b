"""Forks wait while tracing imports.

A fork in the middle of an import on another thread leaves the child with half a module, which
nobody completes. So what is imported after set-up, because it is needed then and not before, is
imported in here::

    with held_off:
        import tornado

Forks that are made through Python wait until that is done, a tenth of a second; they give up when
five seconds have brought no module, and then the child imports anew what it got half of. For names
that are looked up there is another of these, see :mod:`.transport.resolver`.
"""

from __future__ import annotations

import os
import sys

from . import _native

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_STEP = 0.05  # seconds


class HeldOff:
    """A context manager; it can be entered again by the thread that is in it.

    :param patience: seconds without a new module after which forks wait no longer, nor do others
        who want to enter
    """

    def __init__(self, patience: float = 5.0) -> None:
        self._patience = patience
        self._begin()
        self._logging_is_older = "logging" in sys.modules
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=self._before_fork,
                after_in_parent=self.__exit__,
                after_in_child=self._in_child,
            )

    def _begin(self) -> None:
        self.lock = _native.allocate_lock()
        self._holder: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        self._enter(self._patience)

    def _enter(self, patience: float) -> bool:
        me = _native.thread_id()
        # A signal handler may fork while its own thread is in here.
        if self._holder == me or self._acquire(patience):
            self._holder = me
            self._depth += 1
            return True
        return False

    def _acquire(self, patience: float) -> bool:
        # In steps. While a process is stopped, or its machine asleep, the clock goes on and whoever
        # is in here does not: that counts as one step, and not as a thread that is stuck.
        imported, left = len(sys.modules), patience
        while not self.lock.acquire(timeout=min(left, _STEP)):
            left -= _STEP
            if len(sys.modules) != imported:
                imported, left = len(sys.modules), patience
            if left <= 0:
                return False
        return True

    def __exit__(self, *_: object) -> None:
        if self._holder == _native.thread_id():
            self._depth -= 1
            if not self._depth:
                self._holder = None
                self.lock.release()

    def _before_fork(self) -> None:
        # logging has such hooks, too, and theirs hold the lock that every import needs which asks
        # for a logger, and that of logging itself. If theirs came first, whoever is in here waits
        # for this thread, and must be let through.
        if not self._enter(0.0):
            lock, times = _logging_lock(), 0
            while lock is not None and lock._is_owned():
                lock.release()
                times += 1
            self._enter(self._patience)
            for _ in range(times):
                lock.acquire()
        if not self._logging_is_older and self._holder == _native.thread_id():
            lock = _logging_lock()
            if lock is not None and not lock._is_owned():
                # It came too late for its hook before this fork. Those after it will be called, and
                # release what that one takes.
                lock.acquire()

    def _in_child(self) -> None:
        if self._holder not in (None, _native.thread_id()):
            _forget_half_modules()
        self._begin()


def _forget_half_modules() -> None:
    """Let this process, which has one thread only, import what others were importing at its fork.

    Python would wait for them for ever, or take a new thread for an old one that has had the same
    number, and hand it half a module. The locks are a detail of CPython's ``importlib``.
    """
    locks: Any = getattr(sys.modules.get("_frozen_importlib"), "_module_locks", {})
    for name, reference in list(locks.items()):
        owner = getattr(reference(), "owner", None)
        if owner not in (None, _native.thread_id()):
            del locks[name]
            sys.modules.pop(name, None)


def _logging_lock() -> Any:
    lock = getattr(sys.modules.get("logging"), "_lock", None)
    return lock if hasattr(lock, "_is_owned") else None  # or it is no lock that we know


held_off = HeldOff()
