"""What programs write, for the type checker: it must be happy without a cast or an ignore.

Nothing here is run.
"""

from __future__ import annotations

import logging
from typing import Any, Optional

import opentracing
from opentracing import Format, Reference, child_of, follows_from
from typing_extensions import assert_type

from jaeger_like import (
    Config,
    ConstSampler,
    ProbabilisticSampler,
    RateLimitingSampler,
    RemoteControlledSampler,
    Span,
    SpanContext,
    Tracer,
)
from jaeger_like.codecs import B3Codec, BinaryCodec, Codec, TextCodec
from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.metrics import LegacyMetricsFactory, Metrics, MetricsFactory
from jaeger_like.metrics.prometheus import PrometheusMetricsFactory
from jaeger_like.reporter import (
    BaseReporter,
    CompositeReporter,
    InMemoryReporter,
    LoggingReporter,
    NullReporter,
    Reporter,
)
from jaeger_like.sampler import AdaptiveSampler, Sampler
from jaeger_like.throttler import RemoteThrottler, Throttler


def configure() -> Tracer | None:
    config = Config(
        config={
            "sampler": {"type": "const", "param": 1},
            "local_agent": {"reporting_host": "localhost", "reporting_port": 6831},
            "tags": {"version": "1"},
            "logging": True,
        },
        service_name="svc",
        validate=True,
        metrics_factory=PrometheusMetricsFactory(namespace="app"),
        scope_manager=opentracing.ScopeManager(),
    )
    tracer: Tracer | None = config.initialize_tracer()
    again: Tracer = config.new_tracer()
    again.close()
    assert_type(config.service_name, str)
    assert_type(Config.initialized(), bool)
    assert_type(config.create_tracer(InMemoryReporter(), ConstSampler(True)), Tracer)
    Config._initialized = False
    return tracer


def spans(tracer: Tracer, headers: dict[str, str]) -> None:
    with tracer.start_active_span("outer", tags={"a": 1, "b": "text"}) as scope:
        scope.span.set_tag("k", 1.5).set_tag("l", None).log_kv({"event": "e"})
        inner = tracer.start_span("inner", child_of=scope.span, start_time=1.5)
        inner.finish(finish_time=2.5)
    parent = tracer.extract(Format.HTTP_HEADERS, headers)
    assert_type(parent, Optional[SpanContext])
    with tracer.start_span("server", child_of=parent) as span:
        assert_type(span, Span)
        span.set_operation_name("other").set_baggage_item("k", "v")
        assert_type(span.get_baggage_item("k"), Optional[str])
        assert_type(span.log_kv({"event": "e", "n": 1}, timestamp=1.0), Span)
        assert_type(span.set_tag("k", object()), Span)
        assert_type(span.context, SpanContext)
        assert_type(span.trace_id, Optional[int])
        assert_type(span.parent_id, Optional[int])
        assert_type(span.is_sampled(), bool)
        assert_type(span.start_time, float)
        assert_type(span.end_time, Optional[float])
    references = [child_of(span.context), follows_from(span.context)]
    tracer.start_span("joined", references=references, ignore_active_span=True).finish()
    tracer.start_span(references=Reference("child_of", span.context)).finish()
    tracer.start_span("of a context", child_of=span.context).finish()
    outgoing: dict[str, str] = {}
    tracer.inject(span, Format.HTTP_HEADERS, outgoing)
    tracer.inject(span.context, Format.BINARY, bytearray())
    context = SpanContext(trace_id=1, span_id=2, parent_id=None, flags=1, baggage={"k": "v"})
    assert_type(context.with_baggage_item("l", "w"), SpanContext)
    assert_type(context.baggage, dict[str, str])
    active: Span | None = tracer.active_span
    if active is not None:
        active.set_tag("k", 1)


def parts() -> Tracer:
    class OwnSampler(Sampler):
        def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
            return True, {"sampler.type": "own"}

        def close(self) -> None:
            pass

    class OwnReporter(NullReporter):
        def report_span(self, span: Span) -> None:
            print(span.operation_name, [tag.key for tag in span.tags])

    class OwnFactory(MetricsFactory):
        pass

    class OwnThrottler(Throttler):
        def is_allowed(self, operation: str) -> bool:
            return True

    class OwnCodec(B3Codec):
        trace_header = "My-Trace"

    def count(key: str, value: int) -> None:
        print(key, value)

    channel = LocalAgentSender("localhost", sampling_port=5778, reporting_port=6831)
    samplers: list[Sampler] = [
        ConstSampler(True),
        ProbabilisticSampler(0.5),
        RateLimitingSampler(max_traces_per_second=2),
        RemoteControlledSampler(channel, "svc", sampling_refresh_interval=5, max_operations=10),
        AdaptiveSampler({"defaultSamplingProbability": 0.1}, max_operations=10),
        OwnSampler(),
    ]
    reporters: list[BaseReporter] = [
        NullReporter(),
        LoggingReporter(logger=logging.getLogger()),
        InMemoryReporter(),
        Reporter(channel=channel, queue_capacity=100, batch_size=10, flush_interval=0.5),
        OwnReporter(),
    ]
    factories: list[MetricsFactory] = [
        MetricsFactory(),
        LegacyMetricsFactory(Metrics(count=count)),
        PrometheusMetricsFactory(service_name_label="svc"),
        OwnFactory(),
    ]
    codecs: dict[str, Codec] = {
        Format.HTTP_HEADERS: OwnCodec(generate_128bit_trace_id=True),
        Format.TEXT_MAP: TextCodec(url_encoding=False),
        Format.BINARY: BinaryCodec(),
    }
    RemoteThrottler(channel, "svc", refresh_interval=5).close()
    return Tracer(
        "svc",
        CompositeReporter(*reporters),
        samplers[0],
        metrics_factory=factories[0],
        extra_codecs=codecs,
        tags={"version": "1", "shards": 5},
        throttler=OwnThrottler(),
        generate_128bit_trace_id=True,
        one_span_per_rpc=True,
    )


def in_a_test(reporter: InMemoryReporter) -> None:
    (span,) = reporter.get_spans()
    assert_type(span, Span)
    assert span.tags[0].vStr == "v"
    assert span.logs[0].timestamp > 0
    assert span.references is None
    reporter.clear()


def end(tracer: Tracer) -> bool:
    tracer.flush(timeout=1.0)
    assert_type(tracer.flush(), bool)
    tracer.close().add_done_callback(print)
    tracer.close().result()
    closed: bool = tracer.close().result(timeout=1)
    return closed and tracer.close().done()


async def end_in_a_loop(tracer: Tracer) -> bool:
    closed: bool = await tracer.close()
    return closed
