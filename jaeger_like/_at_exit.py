"""The end of a process, in all the ways in which processes end that are no accidents."""

from __future__ import annotations

import atexit
import sys
import time
import weakref

from . import _fork, _log
from ._held_off import held_off
from ._log import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AtExit:
    """Lets objects finish their work when the process ends normally, within one deadline."""

    def __init__(self, seconds: float = 0.8) -> None:
        self.seconds = seconds
        self._objects: dict[int, weakref.ref[Any]] = {}
        self._hooked = self._forked = self._watched = False
        #: Whether the server has told that the end is near.
        self.is_near = False
        #: When all must be done, monotonic seconds; None while the end has not begun.
        self.deadline: float | None = None
        _fork.register(self)

    def add(self, obj: Any) -> None:
        """Have ``obj._begin_exit()`` called, which does not wait, then ``obj._at_exit(deadline)``.

        *deadline* is in :func:`time.monotonic` seconds. *obj* is held weakly.
        """
        key = id(obj)
        self._objects[key] = weakref.ref(obj, lambda _: self._objects.pop(key, None))
        # Now, because what is registered while the process ends is never called.
        self.hook()

    def remove(self, obj: Any) -> None:
        """Forget *obj*."""
        self._objects.pop(id(obj), None)

    def hook(self) -> None:
        """Be called when this process ends; in a forked child objects have to ask for it again."""
        if self._hooked:
            return
        self._hooked = True
        atexit.unregister(self.run)  # a forked child has inherited it
        atexit.register(self.run)
        process = sys.modules.get("multiprocessing.process")
        util = sys.modules.get("multiprocessing.util")
        if process is not None and util is not None:
            if process.parent_process() is not None:
                # Workers of multiprocessing may leave by os._exit and run no atexit functions.
                util.Finalize(None, self.run, exitpriority=-100)
            elif not self._watched:
                # Those of a fork server import the program before they are workers, and then
                # forget what was to be done at their end.
                self._watched = True
                util.register_after_fork(self, AtExit._hook_again)
        if self._forked:
            with held_off:
                from . import _leave
            _leave.before_os_exit(self.run)
        signals = sys.modules.get("celery.signals")
        if signals is not None:
            # Workers of Celery's pool leave by os._exit as well, and send this signal before.
            signals.worker_process_shutdown.connect(
                self._on_celery_shutdown, weak=False, dispatch_uid="jaeger_like"
            )
        # mod_wsgi deletes what Python knows of a sub-interpreter's other threads, also of ours,
        # before the exit functions; this comes earlier, while requests are still being answered.
        subscribe = getattr(sys.modules.get("mod_wsgi"), "subscribe_shutdown", None)
        if subscribe is not None:
            try:
                subscribe(self._on_end_is_near)
            except Exception as exc:
                log.debug("mod_wsgi will not tell when its process ends: %r", exc)

    def run(self) -> None:
        """Call everyone; nobody's failure is another's, and nobody may exceed the deadline."""
        if self.deadline is None:  # else it has begun already, by another of the ways to end
            self.deadline = time.monotonic() + self.seconds
        self._finish(self.deadline)

    def _finish(self, deadline: float) -> None:
        found = [reference() for reference in list(self._objects.values())]
        objects = [obj for obj in found if obj is not None]
        for obj in objects:
            try:
                obj._begin_exit()
            except Exception:
                log.exception("Could not finish at exit")
        for obj in objects:
            try:
                obj._at_exit(deadline)
            except Exception:
                log.exception("Could not finish at exit")
        _log.replay()

    def _on_celery_shutdown(self, **_: Any) -> None:
        self.run()

    def _on_end_is_near(self, *_: Any, **__: Any) -> None:
        self.is_near = True
        self._finish(time.monotonic() + self.seconds)

    def _hook_again(self) -> None:
        self._hooked = False
        if self._objects:
            self.hook()

    def _after_fork(self) -> None:
        self._hooked = False
        self._forked = True
        self.is_near = False
        self.deadline = None


at_exit = AtExit()


def server_is_ending() -> bool:
    """Return whether a server that runs this process has begun to end it.

    mod_wsgi tells. uvicorn, after its graceful shutdown, has the signal kill the process, and no
    exit handler runs; it tells nobody of that moment, but it says when it is near.
    """
    if at_exit.is_near:
        return True
    module = sys.modules.get("uvicorn.server")
    if module is None:
        return False
    import signal

    server = getattr(signal.getsignal(signal.SIGTERM), "__self__", None)
    return isinstance(server, module.Server) and bool(getattr(server, "should_exit", False))
