"""zipkin-span-format, the integers of TChannel."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from opentracing import InvalidCarrierException, SpanContextCorruptedException

from jaeger_like.codecs import ZipkinCodec, ZipkinSpanFormat

from . import helpers
from .helpers import context, ids, injected

CODEC = ZipkinCodec()


def test_name_of_the_format():
    assert ZipkinSpanFormat == "zipkin-span-format"


@pytest.mark.parametrize("parent_id", [None, 5])
def test_writes_four_integers(parent_id):
    carrier = injected(CODEC, context(256, 127, parent_id, 1, {"k": "v"}))
    assert carrier == {"trace_id": 256, "span_id": 127, "parent_id": parent_id, "traceflags": 1}
    assert ids(CODEC.extract(carrier)) == (256, 127, parent_id, 1)
    assert ids(CODEC.extract(SimpleNamespace(**carrier))) == (256, 127, parent_id, 1)


def test_open_decision_stays_open():
    assert CODEC.extract(injected(CODEC, context(flags=None))).flags is None


@pytest.mark.parametrize("carrier", [[], None, "", bytearray()])
def test_writes_into_dicts_only(carrier):
    with pytest.raises(InvalidCarrierException, match=r"^carrier not a dictionary$"):
        CODEC.inject(context(), carrier)


@pytest.mark.parametrize("missing", ["trace_id", "span_id", "parent_id", "traceflags"])
def test_missing_attributes_are_named(missing):
    carrier = SimpleNamespace(trace_id=1, span_id=2, parent_id=None, traceflags=0)
    delattr(carrier, missing)
    with pytest.raises(InvalidCarrierException, match=f"^carrier has no {missing}$"):
        CODEC.extract(carrier)


def test_missing_keys_are_none():
    assert ids(CODEC.extract({"trace_id": 1})) == (1, None, None, None)


@pytest.mark.parametrize("trace_id", [None, 0])
def test_no_trace_id_is_none(trace_id):
    assert CODEC.extract({"trace_id": trace_id, "span_id": 1, "traceflags": 1}) is None
    assert CODEC.extract({}) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trace_id", -1),
        ("trace_id", 2**128),
        ("trace_id", "1"),
        ("trace_id", "x" * 1000),
        ("span_id", 2**64),
        ("span_id", -1),
        ("parent_id", 2**64),
        ("parent_id", 1.5),
        ("traceflags", "x"),
        ("traceflags", -1),
    ],
)
def test_other_values_are_corrupted(name, value):
    carrier = {"trace_id": 1, "span_id": 2, "parent_id": 3, "traceflags": 1, name: value}
    with pytest.raises(SpanContextCorruptedException, match=name):
        CODEC.extract(carrier)


def test_context_without_trace_writes_nothing():
    assert injected(CODEC, context(None, None, None, None, {"k": "v"}, "d")) == {}


def test_flags_are_cut_to_a_byte():
    assert injected(CODEC, context(flags=0x101))["traceflags"] == 1
    assert CODEC.extract({"trace_id": 1, "span_id": 2, "traceflags": 0x103}).flags == 3


@given(helpers.trace_ids, helpers.span_ids, helpers.parent_ids, helpers.flags)
def test_gives_back_what_it_got(trace_id, span_id, parent_id, flags):
    numbers = trace_id, span_id, parent_id, flags
    assert ids(CODEC.extract(injected(CODEC, context(*numbers)))) == numbers
