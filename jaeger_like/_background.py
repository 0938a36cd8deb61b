"""The only file of the tracer that knows threadloop and the tornado loop.

One daemon thread per process runs one tornado loop for all tracers. It starts when the first thing
needs it, a reported span or a poll, and never by an import or a constructor. A loop that a user
hands in is used as it is and never stopped.
"""

from __future__ import annotations

import sys
import time
import weakref

from . import _fork, _log, _native
from ._held_off import held_off
from ._log import DEBUG, WARNING, log
from ._signals import let_through

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Coroutine
    from concurrent.futures import Future
    from typing import Any, Callable

    from tornado.ioloop import IOLoop

_PATIENCE = 5.0  # seconds for starting a loop, imports included
_NO_THREAD_FOR = 0.05  # seconds until a span asks for a thread again after it was refused
_START_AGAIN = 0.5  # seconds until it is tried again, and twice as long each time

# All that the thread will ever need, imported while nobody forks: a fork in the middle of an import
# leaves the child with half a module that nobody completes.
_NEEDED_BY_THE_LOOP = (
    "asyncio",
    "encodings.idna",
    "threadloop",
    "thrift.protocol.TCompactProtocol",
    "thrift.transport.TTransport",
    "tornado.platform.asyncio",
    "jaeger_like.encoding.fit",
    "jaeger_like.transport.resolver",
    "jaeger_like.transport.udp",
)


class Runner:
    """Runs things on the thread of one loop. Every method may be called on any thread.

    :param io_loop: a user's tornado loop, or None for the process's own background loop
    """

    def __init__(self, io_loop: IOLoop | None = None) -> None:
        self._own = io_loop is None
        self._io_loop = io_loop
        self._begin()
        _fork.register(self)

    def _begin(self) -> None:
        self._selector: Any = None
        self._lock = _native.allocate_lock()
        self._waiting: list[tuple[Callable[..., object], Any]] = []  # until there is a loop
        self._tried: Any = None  # a lock, free as soon as somebody has tried to start the loop
        self._no_thread_until = 0.0  # by the monotonic clock

    @property
    def io_loop(self) -> IOLoop:
        """The loop; whoever asks first waits until it runs.

        :raises RuntimeError: it needs a thread and none can be had any more
        """
        if not self.wait(_PATIENCE):
            raise RuntimeError("the loop of the tracer cannot be started")
        return self._io_loop  # type: ignore[return-value]  # wait() made it

    @property
    def asyncio_loop(self) -> asyncio.AbstractEventLoop:
        """The asyncio loop below :attr:`io_loop`."""
        loop: asyncio.AbstractEventLoop = self.io_loop.asyncio_loop  # type: ignore[attr-defined]  # tornado's
        return loop

    def call(self, fn: Callable[..., object], *args: Any) -> bool:
        """Run ``fn(*args)`` on the loop's thread soon. Return whether that was possible.

        Does not wait: where the loop has to be started first, a thread of its own does that.
        """
        try:
            if self._is_lost():
                return False
            if self._io_loop is None and self._start_for(fn, args):
                return True
            self.asyncio_loop.call_soon_threadsafe(fn, *args)
        except Exception as exc:  # closed, no thread at the interpreter's end, no descriptors left
            let_through(exc)
            return False
        return True

    def wait(self, timeout: float | None) -> bool:
        """Start the loop if need be. Return whether there is one, after *timeout* seconds or less.

        :param timeout: None waits as long as it takes
        """
        if self._io_loop is None:
            try:
                self._start_for()
            except Exception as exc:  # as above
                let_through(exc)
                return False
            tried = self._tried
            if tried is not None and _native.acquire(tried, timeout):
                tried.release()
        return self._io_loop is not None

    def submit(self, function: Callable[..., Coroutine[Any, Any, Any]], *args: Any) -> Future[Any]:
        """Run a coroutine function on the loop and return the future of its result.

        :raises RuntimeError: the loop is closed or cannot be started
        """
        import asyncio

        return asyncio.run_coroutine_threadsafe(function(*args), self.asyncio_loop)

    def is_starting(self) -> bool:
        """Whether a thread is at it to start the loop, for the first time."""
        tried = self._tried
        return self._io_loop is None and tried is not None and bool(tried.locked())

    def is_running(self) -> bool:
        """Whether the loop exists and turns at this moment."""
        return self._io_loop is not None and self.asyncio_loop.is_running()

    def is_current(self) -> bool:
        """Whether the caller runs on this loop, so that waiting for it would be a deadlock."""
        asyncio = sys.modules.get("asyncio")
        if asyncio is None or self._io_loop is None:
            return False
        return asyncio._get_running_loop() is self.asyncio_loop

    def _is_lost(self) -> bool:
        """Return whether the loop must not be woken any more.

        Before mod_wsgi ends a sub-interpreter, it deletes what Python knows of all other threads.
        They sleep on, and one that wakes up then takes the process down.
        """
        if self._io_loop is None or not self._own:
            return False
        turned_by: _native.ThisThread | None = self.asyncio_loop.turned_by  # type: ignore[attr-defined]  # ours
        return turned_by is not None and turned_by.is_forgotten()

    def _start_for(self, fn: Callable[..., object] | None = None, args: Any = ()) -> bool:
        """Have the loop started and then *fn* called on it. Return False if it is there already.

        :raises RuntimeError: no thread can be had here and now
        """
        # With a limit, because a signal handler may interrupt the one who holds the lock.
        if not self._lock.acquire(timeout=_PATIENCE):
            raise RuntimeError("the loop is being started")
        try:
            if self._io_loop is None and self._tried is None:
                if _native.is_about_to_fork():
                    raise RuntimeError("uWSGI has not forked its workers yet")
                # Where threads are refused for good, to ask again with every span is 30 us each.
                if fn is not None and time.monotonic() < self._no_thread_until:
                    raise RuntimeError("a moment ago no thread could be had")
                self._no_thread_until = time.monotonic() + _NO_THREAD_FOR
                if _native.patched_by() is None and not _is_prepared():
                    # The imports take as long as a request or two: not on the caller's thread.
                    tried = _native.allocate_lock()
                    tried.acquire()
                    with held_off:
                        import threading
                    threading.Thread(
                        target=self._start, args=(tried,), name="jaeger_like start", daemon=True
                    ).start()
                    self._tried = tried
                else:
                    # A real thread that imports would hold locks that greenlets wait for.
                    self._start_here()
            self._no_thread_until = 0.0
            if self._io_loop is not None:
                return False
            if fn is not None:
                self._waiting.append((fn, args))
            return True
        finally:
            self._lock.release()

    def _start(self, tried: Any) -> None:
        """Import, and start the loop; on a thread that ends then."""
        patience, turn_here = _START_AGAIN, False
        while self._io_loop is None:
            try:
                with held_off:
                    selector, io_loop = _new_loop()
                    try:
                        _turn(io_loop)
                    except RuntimeError:  # the interpreter is ending and wants no new threads
                        turn_here = True
                    with self._lock:
                        self._selector, self._io_loop = selector, io_loop
                        for fn, args in self._waiting:
                            self.asyncio_loop.call_soon_threadsafe(fn, *args)
                        self._waiting = []
            except Exception as exc:
                log.log(
                    WARNING if patience == _START_AGAIN else DEBUG,
                    "The tracer cannot start its loop yet: %r",
                    exc,
                )
                if patience == _START_AGAIN:
                    tried.release()
                _native.sleep(patience)
                patience = min(2 * patience, 60.0)
        if patience == _START_AGAIN:
            tried.release()
        if turn_here:
            self._io_loop.start()

    def _start_here(self) -> None:
        with held_off:  # or a forked child would not know what to close
            selector, io_loop = _new_loop()
            try:
                _turn(io_loop)
            except BaseException:
                io_loop.close()
                raise
            self._selector, self._io_loop = selector, io_loop

    def _after_fork(self) -> None:
        selector = self._selector
        self._begin()
        if not self._own:
            # The copy of a user's loop says that it is running if the fork was made in it, but
            # nothing turns it here, and its selector is the parent's. Do without.
            self._own, self._io_loop = True, None
        if self._io_loop is None:
            return
        # The thread did not survive. What it left must be dropped without a word to the kernel's
        # epoll instance, which the parent still uses: only descriptors are closed.
        abandoned = self._io_loop.asyncio_loop  # type: ignore[attr-defined]  # tornado's
        self._io_loop = None
        selector.close()
        for name in ("_ssock", "_csock"):
            pipe_end = getattr(abandoned, name, None)
            if pipe_end is not None:
                pipe_end.close()


def _is_prepared() -> bool:
    return all(name in sys.modules for name in _NEEDED_BY_THE_LOOP)


def prepare() -> None:
    """Import all that the loop's thread will ever need, on this thread; starts nothing."""
    with held_off:
        for name in _NEEDED_BY_THE_LOOP:
            __import__(name)


def _new_loop() -> tuple[Any, IOLoop]:
    """Return a selector and a loop on it."""
    prepare()  # the modules may be there, and not yet complete
    import asyncio

    from tornado.ioloop import IOLoop

    class BackgroundEventLoop(asyncio.SelectorEventLoop):
        #: Nothing but tracing waits for what runs here.
        may_block_at_exit = True

        #: The thread that turns it, or None before it does.
        turned_by: _native.ThisThread | None = None

        def run_forever(self) -> None:
            self.turned_by = _native.ThisThread()
            super().run_forever()

        def __del__(self) -> None:
            """Say nothing: it lives as long as its process, and a forked child inherits a wreck."""

    selector = _native.new_selector()
    return selector, IOLoop(make_current=False, asyncio_loop=BackgroundEventLoop(selector))


def _turn(io_loop: IOLoop) -> None:
    """Have a thread of its own turn the loop.

    :raises RuntimeError: no thread can be had
    """
    if _native.patched_by() is None:
        from threadloop import ThreadLoop

        thread_loop = ThreadLoop(io_loop)
        thread_loop.start()
        thread_loop._thread.name = "jaeger_like"
    else:

        def turn() -> None:
            _log.defer_on_this_thread()
            io_loop.start()

        # threadloop would take the replaced threading module and turn on a greenlet.
        _native.start_thread(turn)


_shared: Runner | None = None
# By id of the loop. A runner holds its loop, so the id is its own as long as the runner lives.
_for_users_loop: weakref.WeakValueDictionary[int, Runner] = weakref.WeakValueDictionary()


def runner(io_loop: IOLoop | None = None) -> Runner:
    """Return the process's shared runner, or the one for a loop that a user handed in.

    Starts nothing.
    """
    global _shared
    if io_loop is None:
        if _shared is None:
            _shared = Runner()
        return _shared
    found = _for_users_loop.get(id(io_loop))
    if found is None or found._io_loop is not io_loop:
        prepare()  # now, since forks do not wait for what a user's loop does
        found = _for_users_loop[id(io_loop)] = Runner(io_loop)
    return found


class Poll:
    """A job that is done again and again on the loop.

    An exception of the job is logged and does not end the series.

    :param runner: where to run
    :param job: coroutine function without arguments
    :param first_delay: seconds until the job runs first
    :param interval: seconds from the end of one run to the start of the next
    """

    def __init__(
        self,
        runner: Runner,
        job: Callable[[], Awaitable[object]],
        first_delay: float,
        interval: float,
    ) -> None:
        self._runner = runner
        self._job = job
        self._first_delay = first_delay
        self._interval = interval
        self._started = False
        self._closed = False
        self._timer: Any = None

    def start(self) -> bool:
        """Begin. Any thread; a second call does nothing. Return whether the loop can be had."""
        if self._started:
            return True
        self._started = True
        return self._runner.call(self._arm, self._first_delay)

    def close(self) -> None:
        """End, without waiting for a run that is under way. Any thread, any number of times."""
        if not self._closed:
            self._closed = True
            if self._started:
                self._runner.call(self._disarm)

    def _arm(self, delay: float) -> None:
        if not self._closed:
            self._timer = self._runner.asyncio_loop.call_later(delay, self._spawn)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _spawn(self) -> None:
        # Kept, because asyncio holds tasks weakly.
        self._timer = self._runner.asyncio_loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            await self._job()
        except Exception:
            log.exception("A periodic job of the tracer failed")
        self._timer = None
        self._arm(self._interval)
