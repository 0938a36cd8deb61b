"""Forks wait while tracing imports.

A fork in the middle of an import on another thread leaves the child with half a module, which
nobody completes. So what is imported after set-up, because it is needed then and not before, is
imported in here::

    with held_off:
        import tornado

Forks that are made through Python wait until that is done, a tenth of a second, and for five
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
        self._begin()
        self._hooks = 0
        self._register()

    def _begin(self) -> None:
        self.lock = _native.allocate_lock()
        self._holder: int | None = None
        self._depth = 0

    def __enter__(self) -> None:
        me = _native.thread_id()
        # A signal handler may fork while its own thread is in here.
        if self._holder == me or self.lock.acquire(timeout=_PATIENCE):
            self._holder = me
            self._depth += 1

    def __exit__(self, *_: object) -> None:
        if self._holder == _native.thread_id():
            self._depth -= 1
            if not self._depth:
                self._holder = None
                self.lock.release()

    def after_logging(self) -> None:
        """Be asked by forks before logging is. Call it before a thread of ours imports anything.

        What was registered last is called first, and logging's hook takes the lock that an import
        needs which asks for a logger; were it called before ours, both would wait for each other.
        """
        if not self._knows_logging:
            with self:
                import logging  # noqa: F401

                self._register()

    def _register(self) -> None:
        self._knows_logging = "logging" in sys.modules
        self._hooks = number = self._hooks + 1

        def before() -> None:
            if self._hooks != number:  # not the newest
                return
            self.__enter__()
            if self._hooks != number:
                # Logging came while this fork waited. Its hook before a fork has not been called,
                # and those after it will be, which release the lock that the first one takes.
                sys.modules["logging"]._lock.acquire()

        def in_parent() -> None:
            if self._hooks == number:
                self.__exit__()

        if hasattr(os, "register_at_fork"):
            os.register_at_fork(
                before=before, after_in_parent=in_parent, after_in_child=self._begin
            )


held_off = HeldOff()
