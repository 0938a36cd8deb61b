"""The tracer of a program in which tracing is switched off."""

import asyncio

import opentracing
import pytest
from opentracing import Format, UnsupportedFormatException

from jaeger_like import ConstSampler, Tracer
from jaeger_like.noop import NoopTracer
from jaeger_like.reporter import NullReporter
from jaeger_like.span_context import SpanContext


@pytest.fixture
def tracer():
    return NoopTracer("svc")


def test_it_is_an_opentracing_tracer(tracer):
    assert isinstance(tracer, opentracing.Tracer)
    assert (tracer.service_name, tracer.tags) == ("svc", {})


def test_nothing_is_propagated(tracer):
    span = tracer.start_span("x")
    span.set_baggage_item("k", "v")
    for carrier_format in (Format.HTTP_HEADERS, Format.TEXT_MAP):
        carrier = {}
        tracer.inject(span.context, carrier_format, carrier)
        assert carrier == {}
        assert tracer.extract(carrier_format, {"uber-trace-id": "1:2:0:1"}) is None
    assert span.get_baggage_item("k") is None


def test_unknown_formats_are_still_said(tracer):
    with pytest.raises(UnsupportedFormatException):
        tracer.extract("x", {})
    with pytest.raises(UnsupportedFormatException):
        tracer.inject(tracer.start_span("x").context, "x", {})


def test_what_programs_ask_of_a_jaeger_span_has_an_answer(tracer):
    with tracer.start_active_span("x", child_of=None, tags={"a": 1}) as scope:
        span = scope.span
        assert tracer.active_span is span
        assert tracer.scope_manager.activate(span, True).span is span
        span.set_tag("k", "v").log_kv({"a": 1}).set_operation_name("y").set_baggage_item("k", "v")
        assert span.info("m").error("m") is span
        assert f"{span.trace_id:x}:{span.span_id:x}:{span.flags:x}" == "0:0:0"
        assert span.parent_id is None
        assert not span.is_sampled()
        assert not span.is_debug()
        assert not span.is_rpc()
        assert not span.is_rpc_client()
        assert (span.tags, span.logs, span.finished) == ([], [], False)
        assert isinstance(span.context, SpanContext)
        assert span.context.baggage == {}
    with tracer.start_span("child", child_of=span, references=[], ignore_active_span=True):
        pass


def test_close_and_flush_have_nothing_to_wait_for(tracer):
    assert tracer.flush() is True
    assert tracer.flush(1.0) is True
    assert tracer.close().result(0) is True

    async def awaited():
        return await tracer.close()

    assert asyncio.run(awaited()) is True


def test_it_has_all_that_a_working_tracer_has(tracer):
    """JAEGER_DISABLED=true must not break a program that asks its tracer or span for something."""
    working = Tracer("svc", NullReporter(), ConstSampler(True))

    def public(thing):
        return {name for name in dir(thing) if not name.startswith("_")}

    assert public(working) <= public(tracer)
    assert public(working.start_span("x")) <= public(tracer.start_span("x"))
    tracer.add_observer(object())
    tracer.restrict_baggage(object())
    tracer.report_span(tracer.start_span("x"))
    assert not tracer.is_debug_allowed("x")
    assert not tracer.sampler.is_sampled(1)[0]
    assert 0 <= tracer.random_id() < 1 << 64
    with tracer.start_span("x").update_lock:
        pass
