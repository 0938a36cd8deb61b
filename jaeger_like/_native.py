"""Real threads, locks and selectors, also where gevent or eventlet has replaced them.

Spans must leave the process even while every greenlet is busy, so the background loop runs on a
thread of the operating system, and what it shares with the program is guarded by real locks. They
are looked up when needed, not at import: a program may import us first and patch itself later.
"""

from __future__ import annotations

import _thread
import os
import sys
import time
import weakref

TYPE_CHECKING = False
if TYPE_CHECKING:
    import selectors
    from typing import Any, Callable


def patched_by() -> str | None:
    """Return ``"gevent"`` or ``"eventlet"`` if it has replaced threads in this process."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("_thread"):
        return "gevent"
    patcher = sys.modules.get("eventlet.patcher")
    if patcher is not None and patcher.is_monkey_patched("thread"):
        return "eventlet"
    return None


def _original(module: str, name: str) -> Any:
    """Return what *name* of *module* was before it was replaced."""
    by = patched_by()
    if by == "gevent":
        return sys.modules["gevent.monkey"].get_original(module, name)
    if by == "eventlet":
        return getattr(sys.modules["eventlet.patcher"].original(module), name)
    return getattr(__import__(module), name)


def allocate_lock() -> _thread.LockType:
    """Return a lock that blocks threads, never merely greenlets; hold it for moments only."""
    lock: _thread.LockType = _original("_thread", "allocate_lock")()
    return lock


def acquire(lock: Any, timeout: float | None) -> bool:
    """Take a lock of :func:`allocate_lock`, or return False when the time is over.

    Where greenlets are threads, the other greenlets go on meanwhile.

    :param timeout: seconds; None waits as long as it takes
    """
    if timeout is not None:
        timeout = min(max(0.0, timeout), _thread.TIMEOUT_MAX)
    if patched_by() is None:
        taken: bool = lock.acquire(timeout=-1 if timeout is None else timeout)
        return taken
    deadline = None if timeout is None else time.monotonic() + timeout
    while not lock.acquire(blocking=False):
        if deadline is not None and time.monotonic() >= deadline:
            return False
        time.sleep(0.002)  # the replaced one
    return True


def thread_id() -> int:
    """Return the identity of this thread of the operating system."""
    ident: int = _original("_thread", "get_ident")()
    return ident


class ThisThread:
    """Stands for the thread on which it was made; any thread may ask."""

    def __init__(self) -> None:
        # What is local to a thread goes when Python forgets the thread. sys._current_frames() would
        # tell as well, but it can block the process for ever up to Python 3.11.8 (gh-106883).
        self._local = _original("_thread", "_local")()
        self._local.mark = mark = _Mark()
        self._mark = weakref.ref(mark)

    def is_forgotten(self) -> bool:
        """Return whether Python has deleted its state: the thread has ended, or must never wake."""
        return self._mark() is None


class _Mark:
    __slots__ = ("__weakref__",)


def in_uwsgi() -> bool:
    """Return whether uWSGI runs this program."""
    return "uwsgi" in sys.modules  # is there in programs that run in it, and nowhere else


def is_about_to_fork() -> bool:
    """Return whether this is uWSGI loading the program, before it forks the workers.

    It forks in C and does not tell Python. Were a thread in possession of the interpreter's lock at
    that moment, the child would wait for it for ever, so there must be none.
    """
    uwsgi: Any = sys.modules.get("uwsgi")
    try:
        return in_uwsgi() and (
            uwsgi.worker_id() == uwsgi.mule_id() == 0
            and uwsgi.masterpid() in (0, os.getpid())  # 0 where there is no master
        )
    except AttributeError:  # somebody else's module of that name
        return False


def start_thread(target: Callable[[], None]) -> None:
    """Run *target* on a new daemon thread of the operating system.

    :raises RuntimeError: no thread can be had, for instance because the interpreter is ending
    """
    _original("_thread", "start_new_thread")(target, ())


def sleep(seconds: float) -> None:
    """Block this thread of the operating system."""
    _original("time", "sleep")(seconds)


def new_selector() -> selectors.BaseSelector:
    """Return the platform's best selector, asking the operating system and no hub."""
    if patched_by() == "eventlet":
        # It takes epoll and poll out of both modules; only the original of one of them is kept.
        return _patch_proof_selector(sys.modules["eventlet.patcher"].original("select"))
    selector: selectors.BaseSelector = _original("selectors", "DefaultSelector")()
    return selector


def _patch_proof_selector(select: Any) -> selectors.BaseSelector:
    import selectors

    class PollSelector(selectors.SelectSelector):
        """The bookkeeping of SelectSelector with the waiting done by the real ``poll``."""

        def select(self, timeout: float | None = None) -> Any:
            poll = select.poll()
            for fd, key in self.get_map().items():
                events = select.POLLIN if key.events & selectors.EVENT_READ else 0
                if key.events & selectors.EVENT_WRITE:
                    events |= select.POLLOUT
                poll.register(fd, events)
            ready = []
            for fd, event in poll.poll(None if timeout is None else max(0, timeout) * 1000):
                key = self.get_key(fd)
                mask = selectors.EVENT_READ if event & ~select.POLLOUT else 0
                if event & ~select.POLLIN:
                    mask |= selectors.EVENT_WRITE
                ready.append((key, mask & key.events))
            return ready

    return PollSelector()
