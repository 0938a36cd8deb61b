"""One lock for the small changes of state that traced threads make: balances, maps of operations.

It is held for less than a microsecond and never while calling anything that could wait, so one is
enough for a process. It blocks real threads (greenlets never meet it held) and is renewed in a
forked child, where its holder may be gone. It stands in a module, not in the objects it guards,
so that these can be compared, copied and pickled.

A signal handler or a finalizer that starts a span may interrupt its holder on the same thread;
waiting would then be for ever. Hence nobody waits longer than :data:`PATIENCE`::

    lock = guard.lock
    if not lock.acquire(timeout=PATIENCE):
        return False
    try:
        ...
    finally:
        lock.release()
"""

from __future__ import annotations

from . import _fork, _native

PATIENCE = 0.1
"""Seconds; many times what a holder takes, also on a busy machine."""


class Guard:
    """Holds the lock of this process as :attr:`lock`."""

    def __init__(self) -> None:
        self.lock = _native.allocate_lock()
        _fork.register(self)

    def _after_fork(self) -> None:
        self.lock = _native.allocate_lock()


guard = Guard()
