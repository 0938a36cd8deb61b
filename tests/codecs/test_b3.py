"""B3, several headers and single."""

from __future__ import annotations

from collections import UserDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentracing import InvalidCarrierException, SpanContextCorruptedException
from tornado.httputil import HTTPHeaders

from jaeger_like.codecs import B3Codec, B3SingleCodec

from . import helpers
from .helpers import WIDE, context, ids, injected

B3 = B3Codec()
SINGLE = B3SingleCodec()
BOTH = pytest.mark.parametrize("codec", [B3, SINGLE], ids=["b3", "b3-single"])

IDS = {"X-B3-TraceId": "0000000000000100", "X-B3-SpanId": "000000000000007f"}
PARENT = {"X-B3-ParentSpanId": "0000000000000005"}


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        (context(flags=0), {**IDS, "X-B3-Sampled": "0"}),
        (context(flags=1), {**IDS, "X-B3-Sampled": "1"}),
        (context(parent_id=5, flags=3), {**IDS, **PARENT, "X-B3-Flags": "1"}),
        (context(parent_id=5, flags=2), {**IDS, **PARENT, "X-B3-Flags": "1"}),
        (context(flags=None), IDS),
        (context(None, None, None, 0), {"X-B3-Sampled": "0"}),
        (context(None, None, None, None, {"k": "v"}, "debug"), {}),
        (
            context(WIDE, flags=1),
            {**IDS, "X-B3-TraceId": "00000000000000120000000000000034", "X-B3-Sampled": "1"},
        ),
    ],
)
def test_headers_are_padded_and_tell_the_decision(sent, headers):
    assert injected(B3, sent) == headers
    assert ids(B3.extract(headers) or context(None, None, None, None)) == (
        *ids(sent)[:3],
        3 if sent.flags == 2 else sent.flags,
    )


def test_narrowest_id_of_more_than_64_bits_is_padded_to_32_digits():
    assert injected(B3, context(2**64))["X-B3-TraceId"] == "1".zfill(16) + "0" * 16
    assert injected(B3, context(2**64 - 1))["X-B3-TraceId"] == "f" * 16


def test_128_bit_mode_pads_all_trace_ids():
    headers = injected(B3Codec(generate_128bit_trace_id=True), context())
    assert headers["X-B3-TraceId"] == "00000000000000000000000000000100"
    assert injected(B3SingleCodec(True), context())["b3"].startswith("0" * 29 + "100-")


TWO = {"x-b3-traceid": "1", "x-b3-spanid": "2"}
READ = [
    (
        {
            "X-B3-TraceId": "463ac35c9f6413ad48485a3953bb6124",
            "X-B3-SpanId": "a2fb4a1d1a96d312",
            "X-B3-ParentSpanId": "0020000000000001",
            "X-B3-Sampled": "1",
        },
        (0x463AC35C9F6413AD48485A3953BB6124, 0xA2FB4A1D1A96D312, 0x0020000000000001, 1),
    ),
    (TWO, (1, 2, None, None)),
    ({**TWO, "x-b3-sampled": "true"}, (1, 2, None, 1)),
    ({**TWO, "X-B3-SAMPLED": "TRUE"}, (1, 2, None, 1)),
    ({**TWO, "x-b3-sampled": " 1 "}, (1, 2, None, 1)),
    ({**TWO, "x-b3-sampled": "0"}, (1, 2, None, 0)),
    ({**TWO, "x-b3-sampled": "false"}, (1, 2, None, 0)),
    ({**TWO, "x-b3-sampled": "perhaps"}, (1, 2, None, None)),
    ({**TWO, "x-b3-sampled": None}, (1, 2, None, None)),
    ({**TWO, "x-b3-flags": "1"}, (1, 2, None, 3)),
    ({**TWO, "x-b3-flags": "1", "x-b3-sampled": "0"}, (1, 2, None, 3)),
    ({**TWO, "x-b3-flags": "0", "x-b3-sampled": "1"}, (1, 2, None, 1)),
    ({**TWO, "x-b3-parentspanid": "0"}, (1, 2, None, None)),
    ({**TWO, "x-b3-traceid": " AB "}, (0xAB, 2, None, None)),
    ({**TWO, "x-b3-traceid": ["AB"], "x-b3-spanid": b"3"}, (0xAB, 3, None, None)),
    ({b"x-b3-traceid": b"1", b"x-b3-spanid": b"2", 5: "x"}, (1, 2, None, None)),
    ({"x-b3-sampled": "0"}, (None, None, None, 0)),
    ({"x-b3-sampled": "1"}, (None, None, None, 1)),
    ({"x-b3-flags": "1"}, (None, None, None, 3)),
    ({"x-b3-traceid": "1", "x-b3-flags": "1"}, (None, None, None, 3)),
    ({**TWO, "x-b3-spanid": "0", "x-b3-sampled": "0"}, (None, None, None, 0)),
]


@BOTH
@pytest.mark.parametrize(("carrier", "expected"), READ, ids=repr)
def test_headers_are_read(codec, carrier, expected):
    assert ids(codec.extract(carrier)) == expected


@BOTH
@pytest.mark.parametrize(
    "carrier",
    [
        {},
        {"x-b3-traceid": "1"},
        {"x-b3-spanid": "1"},
        {**TWO, "x-b3-traceid": "0"},
        {**TWO, "x-b3-spanid": "00"},
        {"uber-trace-id": "1:2:0:1", "baggage-k": "v"},
        {"x-b3-sampled": "d"},
    ],
    ids=repr,
)
def test_without_ids_and_decision_it_is_none(codec, carrier):
    assert codec.extract(carrier) is None


@BOTH
@pytest.mark.parametrize("name", ["X-B3-TraceId", "X-B3-SpanId", "X-B3-ParentSpanId"])
@pytest.mark.parametrize(
    "value", ["", "x", "-1", "+1", "0x1", "1_0", "1 0", "\uff11", "1" * 33, 5, ["1", "2"]]
)
def test_malformed_ids_are_corrupted(codec, name, value):
    carrier = {"X-B3-TraceId": "1", "X-B3-SpanId": "2", "X-B3-Sampled": "1", name: value}
    with pytest.raises(SpanContextCorruptedException):
        codec.extract(carrier)


@BOTH
@pytest.mark.parametrize("name", ["X-B3-SpanId", "X-B3-ParentSpanId"])
def test_span_ids_wider_than_64_bits_are_corrupted(codec, name):
    with pytest.raises(SpanContextCorruptedException):
        codec.extract({"X-B3-TraceId": "1", "X-B3-SpanId": "2", name: "1" + "0" * 16})


T128, T64, S, P = (
    "80f198ee56343ba864fe8b2a57d3eff7",
    "64fe8b2a57d3eff7",
    "e457b5a2e4d86bd1",
    "05e3ac9a4f6e3b90",
)
WIDE_IDS = (int(T128, 16), int(S, 16))
SINGLES = [
    (f"{T128}-{S}-1-{P}", (*WIDE_IDS, int(P, 16), 1)),
    (f"{T128}-{S}-1", (*WIDE_IDS, None, 1)),
    (f"{T128}-{S}-0", (*WIDE_IDS, None, 0)),
    (f"{T128}-{S}-d", (*WIDE_IDS, None, 3)),
    (f"{T128}-{S}", (*WIDE_IDS, None, None)),
    (f"{T64}-{S}-1", (int(T64, 16), int(S, 16), None, 1)),
    ("0", (None, None, None, 0)),
    ("1", (None, None, None, 1)),
    ("d", (None, None, None, 3)),
]


@BOTH
@pytest.mark.parametrize("name", ["b3", "B3"])
@pytest.mark.parametrize(("value", "expected"), SINGLES)
def test_single_header_is_read_and_written(codec, name, value, expected):
    assert ids(codec.extract({name: value})) == expected
    assert ids(codec.extract({name: f" {value} ", **TWO})) == expected
    assert injected(SINGLE, context(*expected)) == {"b3": value}


@BOTH
def test_parent_without_state_is_read_but_not_written(codec):
    extracted = codec.extract({"b3": f"{T128}-{S}-{P}"})
    assert ids(extracted) == (*WIDE_IDS, int(P, 16), None)
    assert injected(SINGLE, extracted) == {"b3": f"{T128}-{S}"}


@BOTH
def test_parent_of_zero_is_none(codec):
    assert codec.extract({"b3": f"{T128}-{S}-1-{'0' * 16}"}).parent_id is None


INVALID_SINGLES = [
    "",
    "-",
    "2",
    "dd",
    "true",
    T128,
    f"{T128}-",
    f"{T128[1:]}-{S}-1",
    f"0{T128}-{S}-1",
    f"{T128}-{S[1:]}-1",
    f"{T128}-{S}-2",
    f"{T128}-{S}-true",
    f"{T128}-{S}-",
    f"{T128}-{S}-1-",
    f"{T128}-{S}-1-{P}-",
    f"{T128}-{S}-1-{P}-1",
    f"{T128}-{S}-1-{P[1:]}",
    f"{T128.upper()}-{S}-1",
    f"{T128}-{S}-D",
    f"{T128}-{S[1:]}x-1",
    f"{'0' * 32}-{S}-1",
    f"{T128}-{'0' * 16}-1",
    f"{T128}-{S}-1\n{P}",
    "0" * 100000,
    None,
    5,
    [f"{T128}-{S}-1", "0"],
]


@BOTH
@pytest.mark.parametrize("value", INVALID_SINGLES)
def test_invalid_single_header_is_ignored(codec, value):
    assert codec.extract({"b3": value}) is None
    assert ids(codec.extract({"b3": value, **TWO})) == (1, 2, None, None)


def test_single_writes_nothing_for_a_context_with_nothing():
    assert injected(SINGLE, context(None, None, None, None, {"k": "v"}, "d")) == {}


def test_single_writes_no_parent_without_ids():
    assert injected(SINGLE, context(None, None, 5, 1)) == {"b3": "1"}


@BOTH
@pytest.mark.parametrize("make", [dict, UserDict, HTTPHeaders])
def test_mappings_are_carriers(codec, make):
    assert ids(codec.extract(injected(codec, context(parent_id=5), make()))) == (256, 127, 5, 1)


@BOTH
@pytest.mark.parametrize("carrier", [[], None, "", 5, ()])
def test_other_carriers_are_refused(codec, carrier):
    for call in (lambda: codec.inject(context(), carrier), lambda: codec.extract(carrier)):
        with pytest.raises(InvalidCarrierException, match=r"^carrier not a collection$"):
            call()


class Renamed(B3Codec):
    trace_header = "My-Trace"
    span_header = "My-Span"
    sampled_header = "My-Sampled"

    def __init__(self):
        """Does not call the base class, as subclasses of users may not."""


def test_subclasses_may_rename_headers():
    headers = injected(Renamed(), context())
    assert headers == {
        "My-Trace": "0000000000000100",
        "My-Span": "000000000000007f",
        "My-Sampled": "1",
    }
    assert ids(Renamed().extract({k.lower(): v for k, v in headers.items()})) == (256, 127, None, 1)
    assert Renamed().extract(TWO) is None


@BOTH
@given(
    helpers.trace_ids,
    helpers.span_ids,
    helpers.parent_ids,
    st.sampled_from([0, 1, 3]),
    st.booleans(),
)
def test_gives_back_what_it_got(codec, trace_id, span_id, parent_id, flags, wide):
    numbers = trace_id, span_id, parent_id, flags
    headers = injected(type(codec)(wide), context(*numbers))
    assert ids(B3.extract(headers)) == numbers
    assert ids(SINGLE.extract(headers)) == numbers


@BOTH
def test_headers_without_a_value_are_not_there(codec):
    """Programs write ``{name: request.headers.get(name) for name in names}``."""
    names = ["x-b3-traceid", "x-b3-spanid", "x-b3-parentspanid", "x-b3-sampled", "x-b3-flags", "b3"]
    assert codec.extract(dict.fromkeys(names)) is None
    came = {"x-b3-traceid": "1", "x-b3-spanid": "2", "x-b3-sampled": "1"}
    context = codec.extract({name: came.get(name) for name in names})
    assert (context.trace_id, context.span_id, context.parent_id, context.flags) == (1, 2, None, 1)
