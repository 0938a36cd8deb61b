"""After a fork: who has to start afresh in the child, and how it gets to know.

Objects with state that a child must not share (ids, locks, queues, threads, sockets) register here
and are told once, in the child, before they are used there. CPython's own hook does that for every
fork made through Python; servers that fork in C (uWSGI does not run the hooks by default) are
caught by :func:`check`, one cheap comparison of process ids, which the tracer makes whenever a
trace enters or starts in this process.
"""

from __future__ import annotations

import os
import weakref

from . import _native
from ._log import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class ForkAware(Protocol):
        """What :func:`register` wants."""

        def _after_fork(self) -> None:
            """Start afresh. Runs in the child, on one thread, before anything else of ours."""


_PATIENCE = 1.0  # seconds

_pid = os.getpid()
_lock = _native.allocate_lock()
_owner: tuple[int, int] | None = None  # process and thread that is telling everybody
# Held by id, not in a WeakSet: samplers define == and so are not hashable.
_registered: dict[int, weakref.ref[ForkAware]] = {}


def register(obj: ForkAware) -> None:
    """Have ``obj._after_fork()`` called in every child process; *obj* is held weakly."""
    key = id(obj)
    _registered[key] = weakref.ref(obj, lambda _: _registered.pop(key, None))


def check() -> None:
    """Notice a fork that ran no Python hook. Any thread; about the price of ``os.getpid()``."""
    if os.getpid() != _pid:
        _in_child()


def _in_child() -> None:
    global _pid, _owner
    me = _native.thread_id()
    if _owner == (os.getpid(), me):  # somebody who starts afresh has asked
        return
    # Threads that notice at the same time must wait for the first, or would make the ids that the
    # parent makes. With a limit, because a lock that another thread holds at a fork stays locked.
    locked = _lock.acquire(timeout=_PATIENCE)
    try:
        if _pid == os.getpid():
            return
        _owner = (os.getpid(), me)
        # In order of registration: what others depend upon was made, and so registered, before.
        for reference in list(_registered.values()):
            obj = reference()
            if obj is not None:
                try:
                    obj._after_fork()
                except Exception:  # of a program's own reporter, for instance; the others go on
                    log.exception("%s could not start afresh after a fork", type(obj).__name__)
        _pid = os.getpid()
    finally:
        _owner = None
        if locked:
            _lock.release()


def _after_python_fork() -> None:
    global _lock
    _lock = _native.allocate_lock()  # there is one thread now, and it does not hold it
    _in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_python_fork)
