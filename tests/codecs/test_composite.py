"""Several formats at once."""

from __future__ import annotations

import pytest
from opentracing import InvalidCarrierException, SpanContextCorruptedException

from jaeger_like.codecs import (
    PROPAGATION_FORMATS,
    B3Codec,
    B3SingleCodec,
    BinaryCodec,
    CompositeCodec,
    TextCodec,
    W3CCodec,
    propagation_codec,
)
from jaeger_like.errors import ConfigError

from .helpers import context, ids, injected

JAEGER = {"uber-trace-id": "1:2:0:1"}
B3 = {"x-b3-traceid": "3", "x-b3-spanid": "4", "x-b3-sampled": "1"}
W3C = {"traceparent": f"00-{'5'.zfill(32)}-{'6'.zfill(16)}-01"}


def codec(*names, **settings):
    return propagation_codec(names, url_encoding=True, **settings)


def test_inject_writes_all_formats():
    assert injected(codec("jaeger", "b3", "b3-single", "w3c"), context(baggage={"k": "v"})) == {
        "uber-trace-id": "100:7f:0:1",
        "uberctx-k": "v",
        "X-B3-TraceId": "0000000000000100",
        "X-B3-SpanId": "000000000000007f",
        "X-B3-Sampled": "1",
        "b3": "0000000000000100-000000000000007f-1",
        "traceparent": "00-00000000000000000000000000000100-000000000000007f-01",
        "baggage": "k=v",
    }


@pytest.mark.parametrize(
    ("names", "trace_id"),
    [
        (("jaeger", "b3", "w3c"), 1),
        (("b3", "jaeger", "w3c"), 3),
        (("w3c", "b3", "jaeger"), 5),
    ],
)
def test_extract_takes_the_first_that_finds_something(names, trace_id):
    assert codec(*names).extract({**JAEGER, **B3, **W3C}).trace_id == trace_id


@pytest.mark.parametrize(("carrier", "trace_id"), [(JAEGER, 1), (B3, 3), (W3C, 5)])
def test_extract_finds_what_there_is(carrier, trace_id):
    assert codec("jaeger", "b3", "w3c").extract(carrier).trace_id == trace_id


def test_extract_finds_nothing():
    assert codec("jaeger", "b3", "w3c").extract({"host": "h"}) is None


def test_malformed_context_does_not_hide_a_good_one():
    bad = {"uber-trace-id": "bad", "x-b3-traceid": "no hex"}
    both = codec("jaeger", "b3", "w3c")
    assert both.extract({**bad, **W3C}).trace_id == 5
    assert both.extract({**bad, "baggage": "k=v"}).baggage == {"k": "v"}
    with pytest.raises(SpanContextCorruptedException, match="trace-id"):
        both.extract(bad)
    with pytest.raises(SpanContextCorruptedException, match="hexadecimal digits"):
        codec("b3", "jaeger").extract(bad)


def test_debug_id_and_decision_count_as_found():
    assert codec("jaeger", "b3").extract({"jaeger-debug-id": "d", **B3}).debug_id == "d"
    decided = codec("b3", "w3c").extract({"x-b3-sampled": "0", **W3C})
    assert ids(decided) == (None, None, None, 0)


def test_baggage_alone_does_not_hide_a_trace_and_goes_with_it():
    found = codec("w3c", "jaeger", "b3").extract({"baggage": "k=1,l=2", "uberctx-l": "3", **B3})
    assert ids(found) == (3, 4, None, 1)
    assert found.baggage == {"k": "1", "l": "2"}
    own = codec("w3c", "jaeger").extract({"baggage": "k=1,l=2", "uberctx-l": "3", **JAEGER})
    assert ids(own) == (1, 2, None, 1)
    assert own.baggage == {"k": "1", "l": "3"}


def test_baggage_alone_is_found_if_there_is_nothing_else():
    alone = codec("w3c", "jaeger").extract({"baggage": "k=1,l=2", "uberctx-m": "3"})
    assert ids(alone) == (None, None, None, None)
    assert alone.baggage == {"k": "1", "l": "2", "m": "3"}


def test_other_carriers_are_refused():
    for call in (
        lambda: codec("jaeger", "b3").inject(context(), []),
        lambda: codec("jaeger", "b3").extract([]),
    ):
        with pytest.raises(InvalidCarrierException, match=r"^carrier not a collection$"):
            call()


def test_formats_of_other_carriers_may_be_combined_for_reading():
    octets = injected(BinaryCodec(), context(), bytearray())
    assert CompositeCodec([TextCodec(), BinaryCodec()]).extract(octets).trace_id == 256


def test_composite_of_nothing_is_a_configuration_error():
    with pytest.raises(ConfigError, match="codecs"):
        CompositeCodec([])


@pytest.mark.parametrize(
    ("name", "kind"),
    [("jaeger", TextCodec), ("b3", B3Codec), ("b3-single", B3SingleCodec), ("w3c", W3CCodec)],
)
def test_names_stand_for_codecs(name, kind):
    assert name in PROPAGATION_FORMATS
    for names in ([name], [name.upper()], f" {name} ", (name, name)):
        assert type(propagation_codec(names, url_encoding=True)) is kind


def test_a_string_may_have_several_names():
    several = propagation_codec("b3, W3C,jaeger", url_encoding=False)
    assert [type(each) for each in several.codecs] == [B3Codec, W3CCodec, TextCodec]


@pytest.mark.parametrize("names", ["zipkin", "", "b3,", ["b3", "x"], [None], [5], []])
def test_unknown_names_are_configuration_errors(names):
    with pytest.raises(ConfigError, match=r"^propagation: .*jaeger, b3, b3-single, w3c"):
        propagation_codec(names, url_encoding=True)


def test_settings_reach_the_formats_they_concern():
    both = codec(
        "jaeger",
        "b3",
        generate_128bit_trace_id=True,
        trace_id_header="my-trace",
        baggage_header_prefix="my-",
        debug_id_header="my-debug",
    )
    headers = injected(both, context(baggage={"k": "a b"}))
    assert headers["my-trace"] == "100:7f:0:1"
    assert headers["my-k"] == "a%20b"
    assert headers["X-B3-TraceId"] == "100".zfill(32)
    plain = propagation_codec(["jaeger"], url_encoding=False)
    assert injected(plain, context(baggage={"k": "a b"}))["uberctx-k"] == "a b"
