"""Which span is active: one context variable for each tracer.

``contextvars`` tell threads, asyncio tasks, tornado coroutines and greenlets apart without being
told, which a thread-local does not, and a new task begins with what its maker had. A new thread
begins with nothing. The variable belongs to one tracer, unlike that of opentracing's own
``ContextVarsScopeManager``, so that the spans of two tracers never become each other's parents.
"""

from __future__ import annotations

from contextvars import ContextVar

import opentracing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

OPEN = _OPEN = 0
# Bits of a scope's state. _OUTER_WAITS: the scope around it was closed before it, and is taken off
# when this one is.
_CLOSE_ASKED, _CLOSED, _OUTER_WAITS = 1, 2, 4


class ContextVarScopeManager(opentracing.ScopeManager):
    """Keeps the active scope in a context variable of its own. Any thread, task or greenlet."""

    def __init__(self) -> None:
        super().__init__()
        self._variable: ContextVar[ContextVarScope | None] = ContextVar(
            "jaeger_like.scope", default=None
        )
        #: Returns the active scope or None; the tracer calls it for each span.
        self.get_active = self._variable.get

    def activate(self, span: Any, finish_on_close: bool) -> ContextVarScope:
        """Make *span* active until the returned scope is closed."""
        scope: ContextVarScope = ContextVarScope()
        scope._manager = self
        scope._span = scope.span = span
        scope._finish_on_close = finish_on_close
        scope._state = _OPEN
        variable = self._variable
        scope._previous = variable.get()
        scope._token = variable.set(scope)
        return scope

    @property
    def active(self) -> ContextVarScope | None:
        """The active scope, or None."""
        return self._variable.get()


class ContextVarScope(opentracing.Scope):
    """An active span, until :meth:`close`. Made by the scope manager and by the tracer only."""

    # A slot for the span: opentracing's property, which programs ask for each span, is dearer by
    # 0.03 us.
    __slots__ = ("_finish_on_close", "_manager", "_previous", "_span", "_state", "_token", "span")

    # A class without a constructor is called in three quarters of the time of object.__new__.
    __init__ = object.__init__

    _manager: ContextVarScopeManager
    span: Any
    _span: Any  # None in a QuietScope whose span nobody has asked for
    _previous: ContextVarScope | None
    _finish_on_close: bool
    _state: int
    _token: Any  # to go back by it is cheaper than another set by 0.02 us

    def close(self) -> None:
        """Make the previous scope active again, and finish the span if that was asked for.

        OpenTracing wants nothing to happen while a scope that was opened later is active. Then
        this scope closes as soon as that one has, so that no span is lost to a wrong order. In a
        context where it never was active (a callback, a generator that is finalised elsewhere)
        only the span is finished.
        """
        self.__exit__(None, None, None)

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        """Record an exception on the span, then :meth:`close`."""
        span = self._span
        if exc_type is not None and span is not None:
            span._on_error(span, exc_type, exc_val, exc_tb)
        variable = self._manager._variable
        active = variable.get()
        if active is not self:
            self._close_out_of_order(active)
            return
        try:
            variable.reset(self._token)
        except (ValueError, RuntimeError):  # made in another context, and perhaps used there
            variable.set(self._previous)
        if self._state:
            self._close_after_others()
        else:
            self._state = _CLOSED
            if span is not None and self._finish_on_close:
                span.finish()

    def _close_after_others(self) -> None:
        state, self._state = self._state, _CLOSED
        if self._finish_on_close and self._span is not None and not state & _CLOSED:
            self._span.finish()
        if state & _OUTER_WAITS and self._previous is not None:
            self._previous.close()

    def _close_out_of_order(self, active: ContextVarScope | None) -> None:
        if self._state & (_CLOSE_ASKED | _CLOSED):
            return
        while active is not None:
            outer = active._previous
            if outer is self:
                self._state |= _CLOSE_ASKED
                active._state |= _OUTER_WAITS
                return
            active = outer
        self._state |= _CLOSED
        if self._finish_on_close and self._span is not None:
            self._span.finish()


class QuietScope(ContextVarScope):
    """The scope of a span that is not sampled. The span is made when somebody asks for it.

    Most are never asked for, and then cost half. It is the child of the one active before.
    """

    __slots__ = ("_operation_name", "_start", "_trace", "_tracer")

    _tracer: Any
    _trace: Any
    _operation_name: str | None
    _start: int  # nanoseconds since 1970

    @property
    def span(self) -> Any:
        """The span; the same each time."""
        # Parents first, and in a loop: there may be more of them than Python allows calls.
        without: list[Any] = []
        scope: Any = self
        while scope._span is None:
            without.append(scope)
            scope = scope._previous
        for scope in reversed(without):
            scope._make_span()
        return self._span

    def _make_span(self) -> None:
        # One step for the interpreter, so that two threads get the same.
        span = self.__dict__.setdefault("span", self._tracer._late_span(self))
        if self._state & _CLOSED and self._finish_on_close:
            span.finished = True
        self._span = span
