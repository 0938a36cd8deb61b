"""What ``close()`` returns: a future for every kind of program."""

from __future__ import annotations

import itertools
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator


class CloseFuture(Future):  # type: ignore[type-arg]  # its result is True or an accident
    """Resolves to True when everything is sent and closed.

    ``result(timeout)`` waits on any thread but the loop's own; ``await`` and tornado's ``yield``
    wait inside a loop.
    """

    def __await__(self) -> Generator[Any, None, Any]:
        import asyncio

        return asyncio.wrap_future(self).__await__()


def resolved(value: Any) -> CloseFuture:
    """Return a future that is done."""
    future = CloseFuture()
    future.set_result(value)
    return future


def all_of(futures: list[Any]) -> CloseFuture:
    """Return a future that resolves to True when all of *futures*, of any kind, are done."""
    combined = CloseFuture()
    pending = [future for future in futures if hasattr(future, "add_done_callback")]
    if not pending:
        combined.set_result(True)
    done = itertools.count(1)  # next() is atomic, and the futures end on threads of their own

    def one_done(_: Any) -> None:
        if next(done) == len(pending) and combined.set_running_or_notify_cancel():
            combined.set_result(True)

    for future in pending:
        future.add_done_callback(one_done)
    return combined
