"""Contexts to and from the propagators of OpenTelemetry for Python, in both directions."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentracing import Format

from jaeger_like.codecs import propagation_codec
from jaeger_like.reporter import InMemoryReporter
from jaeger_like.sampler import ConstSampler
from jaeger_like.span_context import SpanContext
from jaeger_like.tracer import Tracer

baggage_api = pytest.importorskip("opentelemetry.baggage")
pytest.importorskip("opentelemetry.propagators.b3")
pytest.importorskip("opentelemetry.propagators.jaeger")

from opentelemetry import trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.b3 import B3MultiFormat, B3SingleFormat
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.jaeger import JaegerPropagator
from opentelemetry.trace.propagation.tracecontext import (
    TraceContextTextMapPropagator,
)

W3C = CompositePropagator([TraceContextTextMapPropagator(), W3CBaggagePropagator()])
THEIRS = {
    "jaeger": JaegerPropagator(),
    "b3": B3MultiFormat(),
    "b3-single": B3SingleFormat(),
    "w3c": W3C,
}
CARRY_BAGGAGE = ("jaeger", "w3c")

TRACE_IDS = st.integers(1, (1 << 128) - 1) | st.integers(1, (1 << 64) - 1)
SPAN_IDS = st.integers(1, (1 << 64) - 1)
# Header names in lower case, which is how HTTP libraries hand them on. OpenTelemetry strips values,
# and in W3C baggage takes a plus in a key for a blank, which no specification has.
KEYS = st.from_regex(r"[a-z0-9!#$&'*.^_`|~-]{1,20}", fullmatch=True).filter(
    lambda key: "uberctx-" not in key
)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40).map(str.strip)
BAGGAGE = st.dictionaries(KEYS, TEXT, max_size=8)

names = pytest.mark.parametrize("name", list(THEIRS))


def ours(name):
    return propagation_codec(name, url_encoding=True)


def injected(codec, context):
    headers = {}
    codec.inject(context, headers)
    return headers


def over_http(headers):
    """Headers as the other side gets them: names in any case, here in lower case."""
    assert all(isinstance(value, str) and value.isascii() for value in headers.values())
    assert all(re.fullmatch(r"[!-9;-~]+", header) for header in headers)
    return {header.lower(): value for header, value in headers.items()}


def read_by_them(name, headers):
    context = THEIRS[name].extract(over_http(headers), Context())
    return trace.get_current_span(context).get_span_context(), dict(baggage_api.get_all(context))


def written_by_them(name, trace_id, span_id, flags, baggage, state=None):
    span_context = trace.SpanContext(
        trace_id, span_id, False, trace.TraceFlags(flags), trace.TraceState(state or [])
    )
    context = trace.set_span_in_context(trace.NonRecordingSpan(span_context), Context())
    for key, value in baggage.items():
        context = baggage_api.set_baggage(key, value, context)
    headers = {}
    THEIRS[name].inject(headers, context)
    return over_http(headers)


@names
@given(
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_id=st.none() | SPAN_IDS,
    flags=st.sampled_from([0, 1, 3]),
    baggage=BAGGAGE,
)
def test_they_read_what_we_write(name, trace_id, span_id, parent_id, flags, baggage):
    headers = {}
    ours(name).inject(SpanContext(trace_id, span_id, parent_id, flags, baggage), headers)
    found, found_baggage = read_by_them(name, headers)
    assert (found.trace_id, found.span_id) == (trace_id, span_id)
    assert found.trace_flags.sampled == bool(flags)
    if name in CARRY_BAGGAGE:
        assert found_baggage == baggage


@names
@given(trace_id=TRACE_IDS, span_id=SPAN_IDS, flags=st.sampled_from([0, 1]), baggage=BAGGAGE)
def test_we_read_what_they_write(name, trace_id, span_id, flags, baggage):
    found = ours(name).extract(written_by_them(name, trace_id, span_id, flags, baggage))
    assert (found.trace_id, found.span_id, found.parent_id) == (trace_id, span_id, None)
    assert found.flags & 1 == flags
    if name in CARRY_BAGGAGE:
        assert found.baggage == baggage


MEMBER_KEYS = st.from_regex(
    r"[a-z][_0-9a-z\-*/]{0,30}|[a-z0-9][_0-9a-z\-*/]{0,30}@[a-z][_0-9a-z\-*/]{0,13}",
    fullmatch=True,
)
MEMBER_VALUES = st.from_regex(
    r"[\x21-\x2b\x2d-\x3c\x3e-\x7e]([\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,40}[\x21-\x2b\x2d-\x3c\x3e-\x7e])?",
    fullmatch=True,
)
MEMBERS = st.lists(
    st.tuples(MEMBER_KEYS, MEMBER_VALUES), max_size=32, unique_by=lambda member: member[0]
)


@given(trace_id=TRACE_IDS, span_id=SPAN_IDS, flags=st.integers(0, 3), state=MEMBERS)
def test_a_tracestate_goes_through_us_as_it_came(trace_id, span_id, flags, state):
    codec = ours("w3c")
    headers = {}
    context = codec.extract(written_by_them("w3c", trace_id, span_id, flags, {}, state))
    codec.inject(context, headers)
    found, _ = read_by_them("w3c", headers)
    assert list(found.trace_state.items()) == state
    assert (found.trace_id, found.span_id, int(found.trace_flags)) == (trace_id, span_id, flags)


ALL = "jaeger,b3,b3-single,w3c"


@names
@given(trace_id=TRACE_IDS, span_id=SPAN_IDS, flags=st.sampled_from([0, 1]))
def test_all_formats_at_once_read_and_are_read_by_each(name, trace_id, span_id, flags):
    codec = ours(ALL)
    headers = {}
    codec.inject(SpanContext(trace_id, span_id, None, flags), headers)
    found, _ = read_by_them(name, headers)
    assert (found.trace_id, found.span_id, found.trace_flags) == (trace_id, span_id, flags)
    back = codec.extract(written_by_them(name, trace_id, span_id, flags, {}))
    assert (back.trace_id, back.span_id, back.flags & 1) == (trace_id, span_id, flags)


@names
def test_they_take_no_context_for_none(name):
    headers = {}
    THEIRS[name].inject(headers, Context())
    assert headers == {}
    ours(name).inject(SpanContext(None, None, None, None), headers)
    assert read_by_them(name, headers)[0] == trace.INVALID_SPAN_CONTEXT


class Denying:
    """A throttler that allows no debug trace, and remembers who asked."""

    def __init__(self):
        self.asked = []

    def set_client_id(self, client_id):
        pass

    def is_allowed(self, operation):
        self.asked.append(operation)
        return False


@given(trace_id=TRACE_IDS, span_id=SPAN_IDS, flags=st.sampled_from([0, 1]))
def test_the_debug_bit_that_they_set_on_all_they_sample_is_nobodys_wish(trace_id, span_id, flags):
    """Their Jaeger propagator writes 03 for "sampled". It is continued as it came, no more."""
    headers = written_by_them("jaeger", trace_id, span_id, flags, {})
    assert headers["uber-trace-id"].endswith(":03" if flags else ":00")
    throttler = Denying()
    reporter, sampler = InMemoryReporter(), ConstSampler(False)
    tracer = Tracer("svc", reporter, sampler, throttler=throttler)
    parent = tracer.extract(Format.HTTP_HEADERS, headers)
    span = tracer.start_span("op", child_of=parent)
    span.finish()
    assert span.is_sampled() is bool(flags)
    assert len(reporter.get_spans()) == flags
    assert throttler.asked == []
    assert not {tag.key for tag in span.tags} & {"jaeger-debug-id", "sampling.priority"}
    found, _ = read_by_them("jaeger", injected(ours("jaeger"), span.context))
    assert (found.trace_id, found.trace_flags) == (trace_id, flags)
    found, _ = read_by_them("w3c", injected(ours("w3c"), span.context))
    assert (found.trace_id, found.trace_flags) == (trace_id, flags)


@pytest.mark.parametrize("decision", [True, False])
@given(trace_id=TRACE_IDS, span_id=SPAN_IDS)
def test_a_decision_that_b3_leaves_open_is_the_samplers(decision, trace_id, span_id):
    tracer = Tracer("svc", InMemoryReporter(), ConstSampler(decision))
    codec = ours("b3")
    for headers in (
        {"b3": f"{trace_id:032x}-{span_id:016x}"},
        {"x-b3-traceid": f"{trace_id:032x}", "x-b3-spanid": f"{span_id:016x}"},
    ):
        span = tracer.start_span("op", child_of=codec.extract(headers))
        assert (span.trace_id, span.parent_id) == (trace_id, span_id)
        assert span.is_sampled() is decision
        found, _ = read_by_them("b3", injected(codec, span.context))
        assert (found.trace_id, found.trace_flags.sampled) == (trace_id, decision)
