"""W3C traceparent, tracestate and baggage."""

from __future__ import annotations

from collections import UserDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentracing import InvalidCarrierException
from tornado.httputil import HTTPHeaders

from jaeger_like.codecs import W3CCodec
from jaeger_like.codecs.base import MAX_BAGGAGE_HEADER_LENGTH, MAX_BAGGAGE_ITEMS
from jaeger_like.codecs.w3c import MAX_TRACESTATE_LENGTH
from jaeger_like.reporter import InMemoryReporter
from jaeger_like.sampler import ConstSampler
from jaeger_like.span_context import make_context, make_trace
from jaeger_like.tracer import Tracer

from . import helpers
from .helpers import context, ids, injected

CODEC = W3CCodec()

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = f"00-{TRACE}-{SPAN}-01"
IDS = (int(TRACE, 16), int(SPAN, 16), None, 1)
FUTURE = "cc-12345678901234567890123456789012-1234567890123456-01"
FUTURE_IDS = (0x12345678901234567890123456789012, 0x1234567890123456, None, 1)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PARENT, IDS),
        (f"00-{TRACE}-{SPAN}-00", (*IDS[:3], 0)),
        (f"00-{TRACE}-{SPAN}-ff", IDS),
        (f"00-{TRACE}-{SPAN}-02", (*IDS[:3], 0)),
        (f" \t{PARENT}\t ", IDS),
        (FUTURE, FUTURE_IDS),
        (f"{FUTURE}-what-the-future-will-be-like", FUTURE_IDS),
        (f"{FUTURE}-", FUTURE_IDS),
        (PARENT.encode(), IDS),
        ([PARENT], IDS),
        (f"00-{'1' * 16}{'0' * 16}-{SPAN}-01", (0x1111111111111111 << 64, IDS[1], None, 1)),
    ],
)
@pytest.mark.parametrize("name", ["traceparent", "Traceparent", "TRACEPARENT", "TraceParent"])
def test_valid_traceparent_is_read(value, expected, name):
    assert ids(CODEC.extract({name: value})) == expected


INVALID = [
    "",
    "-",
    "00",
    f"{FUTURE}.what-the-future-will-be-like",
    f"{FUTURE}x",
    f"{PARENT}.",
    f"{PARENT}-",
    f"{PARENT}-what-the-future-will-be-like",
    f"ff-{TRACE}-{SPAN}-01",
    f"FF-{TRACE}-{SPAN}-01",
    *[f"{version}-{TRACE}-{SPAN}-01" for version in (".0", "0.", "000", "0000", "0", "", "0x")],
    f"00-{'0' * 32}-{SPAN}-01",
    f"00-.{TRACE[1:]}-{SPAN}-01",
    f"00-{TRACE[:-1]}.-{SPAN}-01",
    f"00-{TRACE}0-{SPAN}-01",
    f"00-{TRACE[1:]}-{SPAN}-01",
    f"00-{TRACE.upper()}-{SPAN}-01",
    f"00-{TRACE}-{'0' * 16}-01",
    f"00-{TRACE}-.{SPAN[1:]}-01",
    f"00-{TRACE}-{SPAN}0-01",
    f"00-{TRACE}-{SPAN[1:]}-01",
    *[f"00-{TRACE}-{SPAN}-{flags}" for flags in (".0", "0.", "001", "1", "", "0G")],
    f"00-{TRACE}-{SPAN}-01\n",
    f"{PARENT},{PARENT}",
    "\uff10" + PARENT[1:],
    "x" * 100000,
    None,
    5,
    [],
    [PARENT, PARENT],
]


@pytest.mark.parametrize("value", INVALID)
def test_invalid_traceparent_is_ignored_with_its_tracestate(value):
    assert CODEC.extract({"traceparent": value, "tracestate": "a=1"}) is None


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent", "tracestate", "b3", 5])
def test_other_names_are_not_recognised(name):
    assert CODEC.extract({name: PARENT}) is None


def test_two_traceparents_are_invalid():
    assert CODEC.extract({"traceparent": PARENT, "Traceparent": PARENT}) is None
    headers = HTTPHeaders()
    headers.add("traceparent", PARENT)
    headers.add("traceparent", FUTURE)
    assert CODEC.extract(headers) is None


JAVA_TRACE = 0xC281C27976C85681 << 64 | 1


@pytest.mark.parametrize(
    ("sent", "value"),
    [
        (
            context(JAVA_TRACE, 2, None, 0),
            "00-c281c27976c856810000000000000001-0000000000000002-00",
        ),
        (context(JAVA_TRACE, 2, 5, 1), "00-c281c27976c856810000000000000001-0000000000000002-01"),
        (context(1, 2, None, 0), "00-00000000000000000000000000000001-0000000000000002-00"),
        (context(1, 2, None, 255), "00-00000000000000000000000000000001-0000000000000002-01"),
        (context(1, 2, None, 8), "00-00000000000000000000000000000001-0000000000000002-00"),
        (context(1, 2, None, None), "00-00000000000000000000000000000001-0000000000000002-00"),
    ],
)
def test_traceparent_is_written(sent, value):
    assert injected(CODEC, sent) == {"traceparent": value}


def test_context_without_trace_writes_its_baggage_only():
    sent = make_context(make_trace(None, None, {"k": "v"}, "debug", "a=1", True), None, None)
    assert injected(CODEC, sent) == {"baggage": "k=v"}


def test_a_new_trace_is_random_and_an_assigned_trace_id_is_not():
    span = Tracer("svc", InMemoryReporter(), ConstSampler(True)).start_span("op")
    assert injected(CODEC, span.context)["traceparent"].endswith("-03")
    span.context.trace_id = 5
    assert injected(CODEC, span.context)["traceparent"].endswith("-01")


def test_ids_of_a_generator_that_nobody_knows_are_not_called_random():
    class Counter:
        number = 0

        def getrandbits(self, _):
            self.number += 1
            return self.number

    tracer = Tracer("svc", InMemoryReporter(), ConstSampler(True))
    tracer.random = Counter()
    assert injected(CODEC, tracer.start_span("op").context)["traceparent"].endswith("-01")


@pytest.mark.parametrize(
    ("flags", "sent_on"), [("00", "00"), ("02", "02"), ("03", "03"), ("fd", "01")]
)
def test_random_flag_is_sent_on_as_received_and_unknown_ones_are_not(flags, sent_on):
    received = CODEC.extract({"traceparent": f"00-{TRACE}-{SPAN}-{flags}"})
    assert injected(CODEC, received)["traceparent"][-2:] == sent_on


# --- tracestate --------------------------------------------------------------------------------


def state_of(tracestate, **others):
    received = CODEC.extract({"traceparent": PARENT, "tracestate": tracestate, **others})
    assert ids(received) == IDS
    return injected(CODEC, received).get("tracestate")


MEMBERS = [f"k{n}=v" for n in range(33)]


@pytest.mark.parametrize(
    ("received", "sent"),
    [
        ("foo=1", "foo=1"),
        ("foo=1,bar=2", "foo=1,bar=2"),
        ("foo=1 \t , \tbar=2, baz=3", "foo=1,bar=2,baz=3"),
        (",foo=1,,bar=2,", "foo=1,bar=2"),
        ("0a@v/_-*=  x!~", "0a@v/_-*=  x!~"),
        ("foo=1,bar=2,foo=3", "foo=1,bar=2"),
        ("a" * 256 + "=" + "v" * 256, "a" * 256 + "=" + "v" * 256),
        (",".join(MEMBERS[:32]), ",".join(MEMBERS[:32])),
        (["a=1", "b=2"], "a=1,b=2"),
        (b"a=1", "a=1"),
    ],
)
def test_tracestate_is_sent_on(received, sent):
    assert state_of(received) == sent


@pytest.mark.parametrize(
    "received",
    [
        "",
        ",",
        " \t",
        "foo",
        "foo=",
        "foo= ",
        "=1",
        "foo=1=2",
        "foo=1,bar",
        "foo=1;bar=2",
        "Foo=1",
        "_foo=1",
        "@foo=1",
        "foo bar=1",
        "fo\u00f6=1",
        "foo=\u00f6",
        "foo=\t1\tx",
        "foo=1\nbar=2",
        "a" * 257 + "=1",
        "a=" + "v" * 257,
        ",".join(MEMBERS),
        None,
        5,
    ],
)
def test_invalid_tracestate_is_dropped_and_the_trace_kept(received):
    if received == "foo=1;bar=2":  # two "="
        assert state_of("foo=1;bar") == "foo=1;bar"
    assert state_of(received) is None


def test_repeated_tracestate_headers_are_joined_in_order():
    assert state_of("a=1", TraceState="b=2") == "a=1,b=2"
    headers = HTTPHeaders({"traceparent": PARENT})
    headers.add("tracestate", "a=1")
    headers.add("tracestate", "b=2")
    assert injected(CODEC, CODEC.extract(headers))["tracestate"] == "a=1,b=2"


def test_long_tracestate_loses_large_members_first_then_the_last_ones():
    small = [f"s{n}=" + "v" * 100 for n in range(16)]
    large = [f"l{n}=" + "v" * 250 for n in range(16)]
    mixed = [member for pair in zip(large, small) for member in pair]
    kept = state_of(",".join(mixed))
    assert 512 <= len(kept) <= MAX_TRACESTATE_LENGTH
    assert [m for m in kept.split(",") if m in small] == small
    assert [m for m in kept.split(",") if m in large] == large[: len(kept.split(",")) - 16]

    middling = [f"s{n:02}=" + "v" * 124 for n in range(32)]
    kept = state_of(",".join(middling))
    assert kept.split(",") == middling[: len(kept.split(","))]
    assert MAX_TRACESTATE_LENGTH - 129 <= len(kept) <= MAX_TRACESTATE_LENGTH


# --- baggage -----------------------------------------------------------------------------------

READ_BAGGAGE = [
    ("k=v", {"k": "v"}),
    ("key1=value1;prop=x,key2=value2", {"key1": "value1", "key2": "value2"}),
    (" k \t=\t v ; p = q , l = w ", {"k": "v", "l": "w"}),
    ("k=a=b", {"k": "a=b"}),
    ("k=", {"k": ""}),
    ("Key=v", {"Key": "v"}),
    ("k=v%20%C3%A4%2C%3B%25", {"k": "v ä,;%"}),
    ("k=a+b%2Bc", {"k": "a b+c"}),
    ("k=%ff%zz", {"k": "\ufffd%zz"}),
    ("a%20b=c", {"a b": "c"}),
    ("k=1,k=2", {"k": "2"}),
    ("bad,=v,k l=v,(=v,\u20ac=v,,;,k=v", {"k": "v"}),
    (["a=1", "b=2"], {"a": "1", "b": "2"}),
    (b"a=1", {"a": "1"}),
]


@pytest.mark.parametrize(("header", "expected"), READ_BAGGAGE)
@pytest.mark.parametrize("name", ["baggage", "Baggage"])
def test_baggage_is_read_with_and_without_a_trace(header, expected, name):
    alone = CODEC.extract({name: header})
    assert ids(alone) == (None, None, None, None)
    assert alone.baggage == expected
    assert CODEC.extract({name: header, "traceparent": PARENT}).baggage == expected
    assert CODEC.extract({name: header, "traceparent": "bad"}).baggage == expected


@pytest.mark.parametrize("header", ["", ",", "bad", "=v", None, 5, [5]])
def test_baggage_without_members_is_none(header):
    assert CODEC.extract({"baggage": header}) is None


def test_repeated_baggage_headers_are_joined():
    assert CODEC.extract({"baggage": "a=1", "Baggage": "b=2"}).baggage == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("baggage", "header"),
    [
        ({"K a": "v ä/+&=,", "b": "x"}, "K%20a=v%20%C3%A4/%2B%26%3D%2C,b=x"),
        ({"a/b%": ";\r\n"}, "a%2Fb%25=%3B%0D%0A"),
        ({"ä": ""}, "%C3%A4="),
        ({5: None}, "5=None"),
        ({"!#$&'*+-.^_`|~": "v"}, "!#$&'*+-.^_`|~=v"),
    ],
)
def test_baggage_is_written(baggage, header):
    assert injected(CODEC, context(baggage=baggage))["baggage"] == header


def test_baggage_without_a_key_is_not_written():
    assert "baggage" not in injected(CODEC, context(baggage={"": "v"}))


def test_surplus_of_received_baggage_is_ignored():
    many = ",".join(f"k{n}=v" for n in range(100000))
    assert len(CODEC.extract({"baggage": many}).baggage) == MAX_BAGGAGE_ITEMS
    last = "l=" + "v" * (MAX_BAGGAGE_HEADER_LENGTH // 2)
    assert CODEC.extract({"baggage": f"k=v,{last},{last}"}).baggage == {"k": "v"}


def test_member_that_ends_with_the_limit_is_whole():
    first = "k=" + "v" * 4090 + ","
    second = "l=" + "v" * (MAX_BAGGAGE_HEADER_LENGTH - len(first) - 2)
    assert set(CODEC.extract({"baggage": first + second}).baggage) == {"k"}  # second > 4096
    third = "l=" + "v" * 4000
    fourth = "m=" + "v" * (MAX_BAGGAGE_HEADER_LENGTH - len(first + third) - 3)
    for rest, keys in ((",n=1", {"k", "l", "m"}), ("v,n=1", {"k", "l"})):
        header = f"{first}{third},{fourth}{rest}"
        assert set(CODEC.extract({"baggage": header}).baggage) == keys


def test_surplus_of_baggage_is_not_written():
    members = injected(CODEC, context(baggage={str(n): "" for n in range(200)}))["baggage"]
    assert len(members.split(",")) == MAX_BAGGAGE_ITEMS
    big = {"a": "v" * 4000, "b": "v" * 5000, "c": "v" * 4000, "d": "v" * 4000, "e": "v"}
    header = injected(CODEC, context(baggage=big))["baggage"]
    assert [member[0] for member in header.split(",")] == ["a", "c", "e"]
    assert len(header) <= MAX_BAGGAGE_HEADER_LENGTH


# --- carriers, round trips ---------------------------------------------------------------------


@pytest.mark.parametrize("make", [dict, UserDict, HTTPHeaders])
def test_mappings_are_carriers(make):
    carrier = injected(CODEC, context(baggage={"k": "v"}), make())
    assert ids(CODEC.extract(carrier)) == (256, 127, None, 1)
    assert CODEC.extract(carrier).baggage == {"k": "v"}


@pytest.mark.parametrize("carrier", [[], None, "", 5, ()])
def test_other_carriers_are_refused(carrier):
    for call in (lambda: CODEC.inject(context(), carrier), lambda: CODEC.extract(carrier)):
        with pytest.raises(InvalidCarrierException, match=r"^carrier not a collection$"):
            call()


@given(
    helpers.trace_ids,
    helpers.span_ids,
    st.sampled_from([0, 1]),
    st.booleans(),
    st.dictionaries(helpers.texts.filter(bool), helpers.texts),
)
def test_gives_back_what_it_got(trace_id, span_id, flags, random_id, baggage):
    trace = make_trace(trace_id, flags, baggage, None, "a=1,b=2", random_id)
    received = CODEC.extract(injected(CODEC, make_context(trace, span_id, None)))
    assert ids(received) == (trace_id, span_id, None, flags)
    assert received.baggage == baggage
    assert received._trace.tracestate == "a=1,b=2"
    assert received._trace.random_id is random_id
