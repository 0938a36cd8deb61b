"""Exceptions of the program's signal handlers, as those of time limits.

They strike wherever the main thread is, also while it traces, and are meant for the program. So
what catches exceptions of others, since tracing never raises, lets these through.
"""

from __future__ import annotations

from ._held_off import held_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def let_through(exc: BaseException) -> None:
    """Raise *exc* again if a signal's handler has raised it. Within ``except``, any thread."""
    inner = None if exc.__traceback__ is None else exc.__traceback__.tb_next
    if inner is None:  # raised by the very function that catches it, or in C
        return
    with held_off:
        import signal

    codes = {_code_of(signal.getsignal(number)) for number in signal.valid_signals()}
    while inner is not None:
        if inner.tb_frame.f_code in codes:
            raise exc
        inner = inner.tb_next


def _code_of(handler: Any) -> Any:
    while hasattr(handler, "func"):  # of functools.partial
        handler = handler.func
    if not hasattr(handler, "__code__") and not hasattr(handler, "__func__"):
        handler = getattr(type(handler), "__call__", None)  # noqa: B004  its code, not whether
    return getattr(handler, "__code__", None)  # a method gives that of its function
