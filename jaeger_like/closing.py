"""What ``close()`` returns: a future for every kind of program."""

from __future__ import annotations

import itertools
import time
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING, Any

from . import _native

if TYPE_CHECKING:
    from collections.abc import Generator


class CloseFuture(Future):  # type: ignore[type-arg]  # its result is True or an accident
    """Resolves to True when everything is sent and closed.

    ``result(timeout)`` waits on any thread but the loop's own; ``await`` and tornado's ``yield``
    wait inside a loop.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_set = False

    def cancel(self) -> bool:
        """Return False: what is being closed cannot be kept, nor may one who waits decide for all.

        An ``asyncio.wait_for`` that runs out of time would otherwise do so.
        """
        return False

    def set_result(self, result: Any) -> None:
        """Resolve."""
        super().set_result(result)
        self._is_set = True

    def set_exception(self, exception: BaseException | None) -> None:
        """Resolve by an accident."""
        super().set_exception(exception)
        self._is_set = True

    def result(self, timeout: float | None = None) -> Any:
        """Wait and return the result.

        :param timeout: seconds; None waits as long as it takes
        :raises concurrent.futures.TimeoutError: the time is over
        """
        if _native.patched_by() is not None:
            # The one who resolves it is a real thread, and cannot wake a greenlet.
            deadline = None if timeout is None else time.monotonic() + timeout
            while not self._is_set and (deadline is None or time.monotonic() < deadline):
                time.sleep(0.002)  # the replaced one
            if not self._is_set:
                raise FutureTimeoutError
        return super().result(timeout)

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
