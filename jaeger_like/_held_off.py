"""Forks wait while a thread of ours imports.

A fork in the middle of an import leaves the child with half a module, which nobody completes. So
what a thread of ours imports late, it imports in here::

    with held_off:
        import tornado

Forks that are made through Python wait for the end of that, a tenth of a second, and for five
seconds at the most.
"""

from __future__ import annotations

import os
import sys

from . import _native

_PATIENCE = 5.0  # seconds


class HeldOff:
    """A context manager; it can be entered again by the thread that is in it."""

    def __init__(self) -> None:
        self._is_known = False
        self._after_fork()
        if "logging" in sys.modules:
            self.prepare()

    def _after_fork(self) -> None:
        self.lock = _native.allocate_lock()
        self._holder: int | None = None
        self._depth = 0

    def prepare(self) -> None:
        """Have forks wait from now on. On a thread of the program, before one of ours imports."""
        if self._is_known or not hasattr(os, "register_at_fork"):
            return
        self._is_known = True
        # What was registered last is called first. A fork takes logging's lock too; were it taken
        # before ours, an import that asks for a logger would never end.
        import logging  # noqa: F401

        os.register_at_fork(
            before=self.__enter__, after_in_parent=self._exit, after_in_child=self._after_fork
        )

    def __enter__(self) -> None:
        me = _native.thread_id()
        # A signal handler may fork while its own thread is in here.
        if self._holder == me or self.lock.acquire(timeout=_PATIENCE):
            self._holder = me
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._exit()

    def _exit(self) -> None:
        if self._holder == _native.thread_id():
            self._depth -= 1
            if not self._depth:
                self._holder = None
                self.lock.release()


held_off = HeldOff()
