"""The tracer of a program in which tracing is switched off: nothing recorded, nothing propagated.

Its spans answer what programs ask of a Jaeger span, so that they need not know.
"""

from __future__ import annotations

from typing import Any

import opentracing

from . import _native
from ._ids import new_random
from .closing import CloseFuture, resolved
from .constants import DEBUG_ID_HEADER_KEY, MAX_TAG_VALUE_LENGTH, MAX_TRACEBACK_LENGTH
from .metrics import MetricsFactory
from .sampler import ConstSampler
from .simple_reporters import NullReporter
from .span_context import SpanContext
from .tracer_metrics import TracerMetrics


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
        self.update_lock = _native.allocate_lock()

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
    """Takes every call and does nothing. It has all that :class:`Tracer` has.

    ``inject`` writes nothing and ``extract`` finds nothing; both still raise
    ``UnsupportedFormatException`` for a format that OpenTracing does not know.

    :param service_name: only kept, for those who read it
    """

    def __init__(self, service_name: str = "") -> None:
        self._span = NoopSpan(self)
        super().__init__(_NoopScopeManager(self._span))
        self.service_name = service_name
        self.tags: dict[str, Any] = {}
        self.sampler = ConstSampler(decision=False)
        self.reporter = NullReporter()
        self.metrics_factory = MetricsFactory()
        self.metrics = TracerMetrics(self.metrics_factory)
        self.codecs: dict[str, Any] = {}
        self.random = new_random()
        self.throttler = self.baggage_restrictions = None
        self.one_span_per_rpc = False
        self.debug_id_header = DEBUG_ID_HEADER_KEY
        self.max_trace_id_bits = 64
        self.max_logs_per_span = 0
        self.max_tag_value_length = MAX_TAG_VALUE_LENGTH
        self.max_traceback_length = MAX_TRACEBACK_LENGTH

    def add_observer(self, observer: object) -> None:
        """Do nothing: there are no spans to tell of."""

    def restrict_baggage(self, restrictions: object) -> None:
        """Do nothing: there is no baggage."""

    def report_span(self, span: object) -> None:
        """Do nothing."""

    def is_debug_allowed(self, *_: object) -> bool:
        """Return False."""
        return False

    def random_id(self) -> int:
        """Return a random number of 64 bits."""
        number: int = self.random.getrandbits(64)
        return number

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
