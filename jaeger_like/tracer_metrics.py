"""What a tracer counts."""

from __future__ import annotations

from .metrics import LegacyMetricsFactory, MetricsFactory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


class TracerMetrics:
    """The tracer's counters.

    A trace is *started* when its first span is made here, and *joined* when the span of a server
    continues one that came from elsewhere; *delayed* where the decision is still open.
    """

    def __init__(self, metrics_factory: MetricsFactory) -> None:
        def counter(name: str, **tags: str) -> Callable[[int], object]:
            return metrics_factory.create_counter(name=name, tags=tags or None)

        self.traces_started_sampled = counter("jaeger:traces", state="started", sampled="y")
        self.traces_started_not_sampled = counter("jaeger:traces", state="started", sampled="n")
        self.traces_joined_sampled = counter("jaeger:traces", state="joined", sampled="y")
        self.traces_joined_not_sampled = counter("jaeger:traces", state="joined", sampled="n")
        self.traces_started_delayed = counter("jaeger:traces", state="started", sampled="delayed")
        self.traces_joined_delayed = counter("jaeger:traces", state="joined", sampled="delayed")
        self.spans_started_sampled = counter("jaeger:started_spans", sampled="y")
        self.spans_started_not_sampled = counter("jaeger:started_spans", sampled="n")
        self.spans_started_delayed = counter("jaeger:started_spans", sampled="delayed")
        self.spans_finished = counter("jaeger:finished_spans")
        self.span_context_decoding_errors = counter("jaeger:span_context_decoding_errors")
        self.baggage_update_success = counter("jaeger:baggage_updates", result="ok")
        self.baggage_update_failure = counter("jaeger:baggage_updates", result="err")
        self.baggage_truncate = counter("jaeger:baggage_truncations")


def factory_for(metrics: Any) -> MetricsFactory:
    """Return the factory for a deprecated ``Metrics`` object, or one that counts nothing."""
    return MetricsFactory() if metrics is None else LegacyMetricsFactory(metrics)
