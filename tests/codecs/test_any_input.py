"""Whatever is in a carrier, extract gives a context, None or an exception of opentracing's."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentracing import InvalidCarrierException, SpanContextCorruptedException

from jaeger_like.codecs import (
    B3Codec,
    B3SingleCodec,
    BinaryCodec,
    TextCodec,
    W3CCodec,
    ZipkinCodec,
    propagation_codec,
)
from jaeger_like.codecs.base import MAX_BAGGAGE_ITEM_LENGTH, MAX_BAGGAGE_ITEMS
from jaeger_like.span_context import SpanContext

CODECS = [
    TextCodec(),
    TextCodec(url_encoding=True),
    TextCodec(True, "b3", "", "x", "y"),
    B3Codec(),
    B3SingleCodec(),
    W3CCodec(),
    BinaryCodec(),
    ZipkinCodec(),
    propagation_codec("jaeger,b3,w3c", url_encoding=True),
]
EVERY = pytest.mark.parametrize("codec", CODECS, ids=lambda codec: type(codec).__name__)

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(bytearray, st.binary())
    | st.builds(object),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=5,
)
names = st.sampled_from(
    [
        "uber-trace-id",
        "Uber-Trace-Id",
        "uberctx-k",
        "UBERCTX-",
        "jaeger-debug-id",
        "jaeger-baggage",
        "X-B3-TraceId",
        "x-b3-spanid",
        "X-B3-ParentSpanId",
        "x-b3-sampled",
        "x-b3-flags",
        "b3",
        "traceparent",
        "Traceparent",
        "tracestate",
        "baggage",
        "trace_id",
        "span_id",
        "parent_id",
        "traceflags",
    ]
)
values = st.one_of(
    st.text("0123456789abcdefABCDEFxX:-,=;% +_d\uff11"),
    st.from_regex(r"[0-9a-f]{1,33}:[0-9a-f]{0,17}:[0-9a-f]{1,17}:[0-9a-f]{1,3}"),
    st.from_regex(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}.?"),
    st.from_regex(r"([0-9a-f]{16}){1,2}-[0-9a-f]{16}(-[01d2])?(-[0-9a-f]{16})?"),
    anything,
)
keys = st.one_of(names, names.map(str.encode), st.text(), st.binary(), st.integers(), st.none())
carriers = anything | st.dictionaries(keys, values, max_size=8)


def checked_extract(codec, carrier):
    try:
        context = codec.extract(carrier)
    except (SpanContextCorruptedException, InvalidCarrierException):
        return
    if context is None:
        return
    assert isinstance(context, SpanContext)
    assert context.trace_id is None or 0 < context.trace_id < 2**128
    assert context.span_id is None or 0 < context.span_id < 2**64
    assert context.parent_id is None or 0 < context.parent_id < 2**64
    assert context.flags is None or 0 <= context.flags < 256
    assert len(context.baggage) <= MAX_BAGGAGE_ITEMS
    for key, value in context.baggage.items():
        assert isinstance(key, str)
        assert isinstance(value, str)
        assert len(key) + len(value) <= MAX_BAGGAGE_ITEM_LENGTH
    # and what was read can be written
    codec.inject(context, bytearray() if isinstance(codec, BinaryCodec) else {})


@EVERY
@given(carriers)
def test_any_carrier(codec, carrier):
    checked_extract(codec, carrier)


@given(st.binary(min_size=30, max_size=80))
def test_any_bytes(octets):
    checked_extract(BinaryCodec(), octets)


contexts = st.builds(
    SpanContext,
    st.none() | st.integers(0, 2**128 - 1),
    st.none() | st.integers(0, 2**64 - 1),
    st.none() | st.integers(0, 2**64 - 1),
    st.none() | st.integers(),
    st.none() | st.dictionaries(st.text() | st.integers() | st.none(), anything),
    st.none() | st.text(),
)


@EVERY
@given(contexts)
def test_any_context_can_be_written_and_read(codec, context):
    carrier = bytearray() if isinstance(codec, BinaryCodec) else {}
    codec.inject(context, carrier)
    checked_extract(codec, carrier)


LONG = 200_000


@pytest.mark.parametrize(
    "piece",
    ["1", "0", "1:", ":", " ", "%", "%41", "%C3", "+", ",", "=", "a=b,", "a=1;", "-", "\t", " ,"],
)
@EVERY
def test_time_is_linear_in_the_length_of_a_header(codec, piece):
    headers = [
        "uber-trace-id", "uberctx-k", "jaeger-debug-id", "jaeger-baggage", "b3", "x-b3-traceid",
        "x-b3-sampled", "traceparent", "tracestate", "baggage",
    ]  # fmt: skip
    started = time.process_time()
    for name in headers:
        checked_extract(codec, {name: piece * (LONG // len(piece)) + "x", "other": ""})
        checked_extract(codec, {name: "1:2:0:" + piece * (LONG // len(piece))})
    # Some hundredths of a second; were anything quadratic, minutes.
    assert time.process_time() - started < 10
