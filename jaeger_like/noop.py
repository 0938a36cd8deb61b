"""The tracer of a program in which tracing is switched off: nothing recorded, nothing propagated.

Its spans answer what programs ask of a Jaeger span, so that they need not know.
"""

from __future__ import annotations

from typing import Any

import opentracing

from .closing import CloseFuture, resolved
from .span_context import SpanContext


class NoopSpan(opentracing.Span):
    """A span that keeps nothing and is in no trace: its ids are 0.

    :param tracer: who made it
    """

    operation_name = ""
    trace_id = 0
    span_id = 0
    parent_id: int | None = None
    flags = 0
    start_time = 0.0
    end_time: float | None = None
    finished = False
    references: list[Any] | None = None

    def __init__(self, tracer: NoopTracer) -> None:
        super().__init__(tracer, SpanContext(0, 0, None, 0))

    @property
    def tags(self) -> list[Any]:
        """Always a new empty list, as :attr:`logs`."""
        return []

    @property
    def logs(self) -> list[Any]:
        return []

    def set_baggage_item(self, key: str, value: str) -> NoopSpan:  # noqa: ARG002  the interface
        """Do nothing."""
        return self

    def is_sampled(self) -> bool:
        """Return False, as do the other questions."""
        return False

    is_debug = is_rpc = is_rpc_client = is_sampled

    def info(self, message: str, payload: Any = None) -> NoopSpan:  # noqa: ARG002  the interface
        """Deprecated. Do nothing."""
        return self

    error = info


class NoopTracer(opentracing.Tracer):
    """Takes every call and does nothing.

    ``inject`` writes nothing and ``extract`` finds nothing; both still raise
    ``UnsupportedFormatException`` for a format that OpenTracing does not know.

    :param service_name: only kept, for those who read it
    """

    def __init__(self, service_name: str = "") -> None:
        self._span = NoopSpan(self)
        super().__init__(_NoopScopeManager(self._span))
        self.service_name = service_name
        self.tags: dict[str, Any] = {}

    def start_span(self, *_: Any, **__: Any) -> NoopSpan:
        """Return the one span there is; arguments as for :meth:`Tracer.start_span`."""
        return self._span

    def start_active_span(self, *_: Any, **__: Any) -> Any:
        """Return a scope that does nothing."""
        return self._scope_manager.active

    def extract(self, format: object, carrier: object) -> None:
        """Return None, whatever *carrier* holds."""
        super().extract(format, carrier)

    def flush(self, timeout: float | None = None) -> bool:  # noqa: ARG002  the interface
        """Return True: nothing is left to send."""
        return True

    def close(self) -> CloseFuture:
        """Return a future that is done."""
        return resolved(True)


class _NoopScopeManager(opentracing.ScopeManager):
    """Has one scope, which is always active."""

    def __init__(self, span: NoopSpan) -> None:
        super().__init__()
        self._scope = opentracing.Scope(self, span)

    def activate(self, span: Any, finish_on_close: bool) -> Any:  # noqa: ARG002  the interface
        return self._scope

    @property
    def active(self) -> Any:
        return self._scope
