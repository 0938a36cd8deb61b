"""Small helpers around tornado loops, for programs that import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from .closing import CloseFuture, resolved

if TYPE_CHECKING:
    from tornado.ioloop import IOLoop


def submit(fn: Callable[..., Any], io_loop: IOLoop, *args: Any, **kwargs: Any) -> CloseFuture:
    """Run ``fn(*args, **kwargs)`` on *io_loop*, from any thread, and return a future of its result.

    *fn* may be a function, a coroutine function or return a future. The future may be awaited,
    yielded to tornado, or asked for ``result(timeout)`` on a thread other than the loop's.
    """
    from tornado.gen import BadYieldError, convert_yielded

    future = CloseFuture()

    async def run() -> None:
        try:
            result = fn(*args, **kwargs)
            try:
                waiting = convert_yielded(result)
            except BadYieldError:  # nothing to wait for
                future.set_result(result)
            else:
                future.set_result(await waiting)
        except Exception as exc:
            future.set_exception(exc)

    io_loop.add_callback(run)
    return future


def future_result(result: Any) -> CloseFuture:
    """Return a future that has *result*."""
    return resolved(result)


def future_exception(exception: BaseException) -> CloseFuture:
    """Return a future that has failed with *exception*."""
    future = CloseFuture()
    future.set_exception(exception)
    return future
