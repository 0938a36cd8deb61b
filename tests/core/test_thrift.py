"""Plain values as generated objects."""

from __future__ import annotations

import pytest
from opentracing import Reference

from jaeger_like import SpanContext, thrift
from jaeger_like.encoding.span import encode_span
from jaeger_like.sampler import ProbabilisticSampler, RateLimitingSampler
from jaeger_like.thrift_gen.jaeger import ttypes
from jaeger_like.thrift_gen.sampling import ttypes as sampling
from tests.encoding import oracle

from .support import new_tracer, values


@pytest.mark.parametrize(
    ("number", "signed"),
    [
        (None, None),
        (0, 0),
        (2**63 - 1, 2**63 - 1),
        (2**63, -(2**63)),
        (2**64 - 1, -1),
    ],
)
def test_ids_are_signed(number, signed):
    assert thrift.id_to_int(number) == signed
    assert thrift.id_to_int(thrift._id_to_low(number)) == signed
    high = thrift._id_to_high(None if number is None else number << 64 | 5)
    assert thrift.id_to_int(high) == signed


def test_timestamp_micros():
    assert thrift.timestamp_micros(1.5) == 1_500_000
    assert thrift.timestamp_micros(1_700_000_000.123456) == 1_700_000_000_123_456


def test_make_tags():
    tags = thrift.make_tags({"a": "x" * 50, 1: True, "c": 2.5, "d": 3}, 10, 20)
    assert values(tags) == {"a": "x" * 10, "1": True, "c": 2.5, "d": 3}
    assert thrift.make_tags(None, 10, 20) == []
    assert thrift.make_tag("k", "v", 10, 20) == ttypes.Tag(key="k", vType=0, vStr="v")


def test_make_log():
    log = thrift.make_log(1.5, {"event": "e"}, 10, 20)
    assert (log.timestamp, values(log.fields)) == (1_500_000, {"event": "e"})


def test_make_process():
    process = thrift.make_process("svc", {"k": "v" * 50}, 10)
    assert (process.serviceName, values(process.tags)) == ("svc", {"k": "v" * 10})


def test_make_references():
    context = SpanContext(5 << 64 | 6, 2**64 - 1, None, 1)
    references = [Reference("child_of", context), Reference("follows_from", context)]
    assert [(r.refType, r.traceIdHigh, r.traceIdLow, r.spanId) for r in thrift.make_references(references)] == [(0, 5, 6, -1), (1, 5, 6, -1)]  # fmt: skip  # noqa: E501  a line for each
    assert thrift.make_references(None) is None
    assert thrift.make_references([]) == []
    assert [thrift.make_ref_type(t) for t in ("child_of", "follows_from", "else")] == [0, 1, 0]


@pytest.mark.parametrize("wide", [True, False])
def test_a_generated_span_is_the_one_that_is_sent(wide):
    tracer = new_tracer(generate_128bit_trace_id=wide)
    root = tracer.start_span("root", references=[Reference("child_of", SpanContext(1, 2, 3, 1))])
    for span in (root, tracer.start_span("child", child_of=root)):
        span.set_tag("k", [1]).set_tag("long", "é" * 2000).log_kv({"event": "e"}).finish()
        record = encode_span(
            span.context._trace,
            span.span_id,
            span.parent_id,
            span.operation_name,
            span.references,
            span._start,
            span._duration,
            span._tags,
            span._logs,
            1024,
            4096,
        )
        assert oracle.write(thrift.make_span(span)) == record
    batch = thrift.make_jaeger_batch([root], thrift.make_process("svc", {}, 9))
    assert batch.process.serviceName == "svc"
    assert batch.spans == [thrift.make_span(root)]


def strategy(kind, rate=None, limit=None):
    return sampling.SamplingStrategyResponse(
        strategyType=kind,
        probabilisticSampling=sampling.ProbabilisticSamplingStrategy(samplingRate=rate),
        rateLimitingSampling=sampling.RateLimitingSamplingStrategy(maxTracesPerSecond=limit),
    )


def test_parse_sampling_strategy():
    kinds = sampling.SamplingStrategyType
    for rate in (0, 0.5, 1):
        sampler, error = thrift.parse_sampling_strategy(strategy(kinds.PROBABILISTIC, rate=rate))
        assert isinstance(sampler, ProbabilisticSampler)
        assert (sampler.rate, error) == (rate, None)
    for limit in (0, 499):
        sampler, error = thrift.parse_sampling_strategy(strategy(kinds.RATE_LIMITING, limit=limit))
        assert isinstance(sampler, RateLimitingSampler)
        assert error is None


@pytest.mark.parametrize(
    ("response", "words"),
    [
        (strategy(sampling.SamplingStrategyType.PROBABILISTIC, rate=1.1), "rate not in"),
        (strategy(sampling.SamplingStrategyType.PROBABILISTIC, rate=-0.1), "rate not in"),
        (strategy(sampling.SamplingStrategyType.RATE_LIMITING, limit=-1), "parameter not in"),
        (strategy(sampling.SamplingStrategyType.RATE_LIMITING, limit=500), "parameter not in"),
        (strategy(17), "Unsupported"),
    ],
)
def test_a_strategy_that_cannot_be(response, words):
    sampler, error = thrift.parse_sampling_strategy(response)
    assert sampler is None
    assert words in error
