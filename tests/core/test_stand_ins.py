"""What the test suites of programs written for jaeger_client do to the tracer."""

from __future__ import annotations

import random
from unittest import mock

import pytest

from jaeger_like import ConstSampler, Tracer, thrift
from jaeger_like.reporter import (
    CompositeReporter,
    InMemoryReporter,
    LoggingReporter,
    NullReporter,
    Reporter,
)
from jaeger_like.thrift_gen.sampling import ttypes


def test_ids_come_from_a_replaced_random_class():
    tracer = Tracer("svc", NullReporter(), ConstSampler(True))
    with mock.patch.object(random.Random, "getrandbits", return_value=12345):
        span = tracer.start_span("op")
    assert (span.trace_id, span.span_id) == (12345, 12345)


def test_a_reporter_takes_a_mock_for_its_channel():
    channel = mock.MagicMock()
    channel.io_loop = None
    reporter = Reporter(channel=channel)
    Tracer("svc", reporter, ConstSampler(True)).start_span("op").finish()
    assert reporter.flush(5)
    (packet,) = channel.write.call_args.args
    assert b"emitBatch" in packet
    channel.flush.assert_called_once_with()
    reporter.close().result(timeout=5)


def test_composite_reporter_passes_the_process_on_by_position():
    members = [mock.MagicMock(spec=InMemoryReporter), mock.MagicMock(spec=LoggingReporter)]
    CompositeReporter(*members).set_process("x", {}, 123)
    for member in members:
        member.set_process.assert_called_once_with("x", {}, 123)


def test_halves_of_a_wide_id_are_unsigned():
    widest = (1 << 128) - 1
    assert thrift._id_to_low(widest) == thrift._id_to_high(widest) == (1 << 64) - 1
    assert thrift._id_to_low(None) is thrift._id_to_high(None) is None


@pytest.mark.parametrize("kind", ["PROBABILISTIC", "RATE_LIMITING"])
def test_a_strategy_without_its_number_is_an_error_text(kind):
    response = ttypes.SamplingStrategyResponse(
        strategyType=getattr(ttypes.SamplingStrategyType, kind)
    )
    sampler, error = thrift.parse_sampling_strategy(response)
    assert sampler is None
    assert "range: None" in error
