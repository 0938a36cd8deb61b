"""Small helpers around tornado loops, for programs that import them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from tornado.concurrent import Future
from tornado.gen import convert_yielded

if TYPE_CHECKING:
    from tornado.ioloop import IOLoop


def submit(fn: Callable[..., Any], io_loop: IOLoop, *args: Any, **kwargs: Any) -> Future[Any]:
    """Run ``fn(*args, **kwargs)`` on *io_loop* and return a future of its result.

    *fn* may be a function, a coroutine function or return a future. To be called on the loop's
    thread or before it runs.
    """
    future: Future[Any] = Future()

    def run() -> None:
        try:
            result = fn(*args, **kwargs)
            try:
                inner = convert_yielded(result)
            except Exception:  # no awaitable: the result itself
                future.set_result(result)
                return
            io_loop.add_future(inner, finish)
        except Exception as exc:
            future.set_exception(exc)

    def finish(inner: Future[Any]) -> None:
        exc = inner.exception()
        if exc is not None:
            future.set_exception(exc)
        else:
            future.set_result(inner.result())

    io_loop.add_callback(run)
    return future


def future_result(result: Any) -> Future[Any]:
    """Return a future that has *result*."""
    future: Future[Any] = Future()
    future.set_result(result)
    return future


def future_exception(exception: BaseException) -> Future[Any]:
    """Return a future that has failed with *exception*."""
    future: Future[Any] = Future()
    future.set_exception(exception)
    return future
