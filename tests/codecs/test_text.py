"""uber-trace-id, uberctx-*, jaeger-debug-id, jaeger-baggage."""

from __future__ import annotations

from collections import OrderedDict, UserDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentracing import InvalidCarrierException, SpanContextCorruptedException
from tornado.httputil import HTTPHeaders

from jaeger_like.codecs import (
    Codec,
    TextCodec,
    header_to_hex,
    span_context_from_string,
    span_context_to_string,
)
from jaeger_like.codecs.base import MAX_BAGGAGE_ITEM_LENGTH, MAX_BAGGAGE_ITEMS
from jaeger_like.errors import ConfigError

from . import helpers
from .helpers import WIDE, context, ids, injected

TEXT = TextCodec()
HTTP = TextCodec(url_encoding=True)
BOTH = pytest.mark.parametrize("codec", [TEXT, HTTP], ids=["text_map", "http_headers"])


def test_codec_itself_does_nothing():
    with pytest.raises(NotImplementedError):
        Codec().inject(context(), {})
    with pytest.raises(NotImplementedError):
        Codec().extract({})


# --- ids ---------------------------------------------------------------------------------------

EMITTED = [
    ((0x100, 0x7F, None, 1), "100:7f:0:1"),
    ((0x100, 0x7F, 5, 3), "100:7f:5:3"),
    ((WIDE, 0x7F, 5, 1), "120000000000000034:7f:5:1"),
    (
        (2**128 - 1, 2**64 - 1, 2**64 - 1, 255),
        "ffffffffffffffffffffffffffffffff:ffffffffffffffff:ffffffffffffffff:ff",
    ),
    ((256, 127, 256, 0), "100:7f:100:0"),
]


@pytest.mark.parametrize(("numbers", "text"), EMITTED)
def test_ids_are_written_as_unpadded_lower_case_hex(numbers, text):
    assert span_context_to_string(*numbers) == text
    assert injected(TEXT, context(*numbers)) == {"uber-trace-id": text}
    assert injected(HTTP, context(*numbers)) == {"uber-trace-id": text}
    assert span_context_from_string(text) == numbers


def test_flags_are_cut_to_a_byte_and_no_decision_is_not_sampled():
    assert span_context_to_string(1, 2, None, 0x1FF) == "1:2:0:ff"
    assert injected(TEXT, context(1, 2, 0, 0x1FF)) == {"uber-trace-id": "1:2:0:ff"}
    assert injected(TEXT, context(1, 2, 0, None)) == {"uber-trace-id": "1:2:0:0"}


ACCEPTED = {
    "1:2:0:1": (1, 2, None, 1),
    "0100:007f:0:01": (0x100, 0x7F, None, 1),
    "FFFF:AB:0:1": (0xFFFF, 0xAB, None, 1),
    "1:2:00:1": (1, 2, None, 1),
    "f" * 32 + ":" + "f" * 16 + ":" + "f" * 16 + ":3": (2**128 - 1, 2**64 - 1, 2**64 - 1, 3),
    "0000000000000100:000000000000007f:0000000000000005:3": (0x100, 0x7F, 5, 3),
    "1:2:0:ff": (1, 2, None, 255),
    "1:2:0:100": (1, 2, None, 0),
    "1:2:0:10": (1, 2, None, 16),
    " 1:2:0:1\t": (1, 2, None, 1),
}


@BOTH
@pytest.mark.parametrize("value", ACCEPTED)
def test_well_formed_ids_are_read(codec, value):
    assert ids(codec.extract({"uber-trace-id": value})) == ACCEPTED[value]
    assert span_context_from_string(value) == ACCEPTED[value]
    assert span_context_from_string([value]) == ACCEPTED[value]


MALFORMED = [
    "",
    "1:2:3",
    "1:2:3:4:5",
    "1" * 33 + ":2:0:1",
    "1:" + "2" * 17 + ":0:1",
    "1:2:" + "3" * 17 + ":1",
    "0:1:0:1",
    "1:0:0:1",
    "1:2:-1:1",
    "-1:2:0:1",
    "1:2:0:-1",
    "1:2::1",
    ":2:0:1",
    "1::0:1",
    "1:2:0:",
    "x:2:0:1",
    "1:x:0:1",
    "1:2:x:1",
    "1:2:0:x",
    "1x:2:0:1",
    " 1 : 2 : 0 : 1 ",
    "0x1:0x2:0:1",
    "1_0:2:0:1",
    "+1:2:0:1",
    "\uff11:2:0:1",  # a full-width digit
    "bad value",
]
NO_TEXT = [None, 5, 123.321, [], ["1:2:0:1", "1:2:0:1"], [5], {}, object()]


@BOTH
@pytest.mark.parametrize(
    "value", MALFORMED + NO_TEXT, ids=lambda v: "object" if type(v) is object else repr(v)
)
@pytest.mark.parametrize("name", ["uber-trace-id", "Uber-Trace-Id", "UBER-trace-id"])
def test_malformed_ids_are_corrupted(codec, value, name):
    with pytest.raises(SpanContextCorruptedException):
        codec.extract({name: value, "uberctx-k": "v"})
    with pytest.raises(SpanContextCorruptedException):
        codec.extract({name: value})
    with pytest.raises(SpanContextCorruptedException):
        span_context_from_string(value)


def test_error_says_what_came_and_what_was_expected_and_is_short():
    with pytest.raises(SpanContextCorruptedException) as caught:
        span_context_from_string("x" * 1000000)
    assert "{trace-id}:{span-id}:{parent-id}:{flags}" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_encoded_ids_are_read_in_http_headers_only():
    for name in "uber-trace-id", "UBER-TRACE-ID":
        assert ids(HTTP.extract({name: "1%3A2%3A0%3A1"})) == (1, 2, None, 1)
        with pytest.raises(SpanContextCorruptedException):
            TEXT.extract({name: "1%3A2%3A0%3A1"})
    with pytest.raises(SpanContextCorruptedException):
        HTTP.extract({"uber-trace-id": "%2B1:2:0:1"})


def test_bytes_are_read_in_http_headers_only():
    headers = {b"Uber-Trace-Id": b"1:2:0:1", b"uberctx-K": b"\xc3\xa4", b"uberctx-l": b"\xe4"}
    extracted = HTTP.extract(headers)
    assert ids(extracted) == (1, 2, None, 1)
    assert extracted.baggage == {"k": "ä", "l": "ä"}
    with pytest.raises(SpanContextCorruptedException):
        TEXT.extract({"uber-trace-id": b"1:2:0:1"})
    assert TEXT.extract({"uberctx-k": b"v"}) is None


@pytest.mark.parametrize(
    ("digits", "number"), [("1", 1), ("FF", 255), ("ff", 255), ("0", 0), ("f" * 32, 2**128 - 1)]
)
def test_header_to_hex_reads_digits(digits, number):
    assert header_to_hex(digits) == number


@pytest.mark.parametrize(
    "value", ["", "x", "-1", "+1", "0x1", "1_0", " 1", "1\n", "\uff11", "1" * 33, None, 5, b"1"]
)
def test_header_to_hex_refuses_all_else(value):
    with pytest.raises(SpanContextCorruptedException):
        header_to_hex(value)


# --- names and carriers ------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "name", ["uber-trace-id", "Uber-Trace-Id", "UBER-TRACE-ID", "uBER-trace-ID"]
)
@pytest.mark.parametrize("others", [{}, {"Host": "h", "X-Uber-Trace-Id": "x", 5: "y", None: "z"}])
def test_names_are_read_in_any_case(codec, name, others):
    assert ids(codec.extract({**others, name: "1:2:0:1"})) == (1, 2, None, 1)


@BOTH
@pytest.mark.parametrize(
    "carrier",
    [
        {},
        {"host": "example.com"},
        {"uber_trace_id": "1:2:0:1"},
        {"x-uber-trace-id": "1:2:0:1", "uber-trace-id-2": "1:2:0:1"},
        {"_Trace_ID": "100:7f:0:00", "_trace-attr-Kiff": "Amy"},
        {5: "1:2:0:1"},
        {"jaeger-debug-id": ""},
        {"jaeger-debug-id": None},
        {"jaeger-baggage": 5, "uberctx-k": 5},
        {"uberctx-k": None},
        {"jaeger-baggage": "nothing"},
    ],
    ids=repr,
)
def test_nothing_of_ours_is_none(codec, carrier):
    assert codec.extract(carrier) is None


@BOTH
def test_of_two_headers_the_last_counts(codec):
    assert codec.extract({"uber-trace-id": "1:2:0:1", "Uber-Trace-Id": "3:4:0:1"}).trace_id == 3
    assert codec.extract({"Uber-Trace-Id": "3:4:0:1", "uber-trace-id": "1:2:0:1"}).trace_id == 1


@BOTH
@pytest.mark.parametrize("make", [dict, OrderedDict, UserDict, HTTPHeaders])
def test_mappings_are_carriers(codec, make):
    carrier = make()
    codec.inject(context(baggage={"k": "v"}), carrier)
    assert len(carrier) == 2
    extracted = codec.extract(carrier)
    assert ids(extracted) == (256, 127, None, 1)
    assert extracted.baggage == {"k": "v"}


NAMES = st.sampled_from(
    ["uber-trace-id", "Uber-Trace-Id", "UBER-TRACE-ID", "x-uber-trace-id", "uber-trace-id\n"]
    + ["uberctx-k", "Uberctx-K", "jaeger-debug-id", "jaeger-baggage", "Jaeger-Baggage"]
    + ["host", "Accept", "", b"uber-trace-id", b"host", 5, None, ("uber-trace-id",)]
)
VALUES = st.sampled_from(["1:2:0:1", "3:4:5:0", "1%3A2%3A0%3A1", "k=v", "d", "", None, b"1:2:0:1"])


@BOTH
@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=5), max_size=4))
def test_a_dict_is_read_as_any_mapping_is_the_first_time_and_every_time(codec, carriers):
    """Where our headers are among those of a request is remembered for the next one."""

    def read(carrier):
        try:
            found = codec.extract(carrier)
        except SpanContextCorruptedException:
            return "corrupted"
        return found and (*ids(found), found.baggage, found.debug_id)

    for carrier in carriers + carriers:
        assert read(carrier) == read(UserDict(carrier))


def test_names_of_many_kinds_of_requests_are_not_kept_for_ever():
    codec = TextCodec()
    for number in range(1_000):
        carrier = {f"x-{number}": "y", "uber-trace-id": "1:2:0:1"}
        assert ids(codec.extract(carrier)) == (1, 2, None, 1)
        assert codec.extract({f"x-{number}": "y"}) is None
        assert codec.extract({"x" * 2_000 + str(number): "y"}) is None
    kept = sum(len(name) for names in codec._seen for name in names)
    assert 0 < kept < 10_000


class ItemsOnly:
    def __init__(self, items):
        self.items = items


@BOTH
def test_anything_with_items_can_be_read(codec):
    assert ids(codec.extract(ItemsOnly(lambda: [("Uber-Trace-Id", "1:2:0:1")]))) == (1, 2, None, 1)


@BOTH
@pytest.mark.parametrize("carrier", [[], (), "text", None, 5, bytearray(), set()])
def test_other_carriers_are_refused(codec, carrier):
    for call in (lambda: codec.inject(context(), carrier), lambda: codec.extract(carrier)):
        with pytest.raises(InvalidCarrierException, match=r"^carrier not a collection$"):
            call()


@BOTH
@pytest.mark.parametrize("items", [None, 5, lambda: 5, lambda: [1], lambda: [(1, 2, 3)]])
def test_carriers_with_broken_items_are_refused(codec, items):
    with pytest.raises(InvalidCarrierException):
        codec.extract(ItemsOnly(items))


def test_configured_names_are_normalised_for_writing_and_matching():
    codec = TextCodec(False, "X_My_Trace", "Trace-Attr_", "My_Debug", "My_Baggage")
    headers = injected(codec, context(baggage={"Key": "v"}))
    assert headers == {"x-my-trace": "100:7f:0:1", "trace-attr-Key": "v"}
    assert codec.extract({"X_My_Trace": "1:2:0:1"}) is None
    assert codec.extract({"X-My-Trace": "1:2:0:1"}).trace_id == 1
    assert codec.extract({"uber-trace-id": "1:2:0:1"}) is None
    assert codec.extract({"MY-DEBUG": "d"}).debug_id == "d"
    assert codec.extract({"my-baggage": "a=b"}).baggage == {"a": "b"}
    assert injected(codec, context(None, None, None, None, debug_id="d")) == {"my-debug": "d"}


@pytest.mark.parametrize(
    "setting", ["trace_id_header", "baggage_header_prefix", "debug_id_header", "baggage_header"]
)
def test_names_that_are_no_text_are_configuration_errors(setting):
    with pytest.raises(ConfigError, match=setting):
        TextCodec(**{setting: None})


# --- baggage -----------------------------------------------------------------------------------

ALL_CLIENTS = {"K a": "v ä/+&=,"}


def test_baggage_as_all_clients_write_it():
    assert injected(TEXT, context(baggage=ALL_CLIENTS))["uberctx-K a"] == "v ä/+&=,"
    assert injected(HTTP, context(baggage=ALL_CLIENTS))["uberctx-K a"] == "v%20%C3%A4/%2B%26%3D%2C"


@pytest.mark.parametrize(
    "value", ["v%20%C3%A4/%2B%26%3D%2C", "v+%C3%A4%2F%2B%26%3D%2C", "v%20%C3%A4%2F%2B%26%3D%2C"]
)
def test_baggage_of_all_clients_is_read(value):
    extracted = HTTP.extract({"uber-trace-id": "1:2:0:1", "Uberctx-K a": value})
    assert extracted.baggage == {"k a": "v ä/+&=,"}


READ_BAGGAGE = [
    ({"uberctx-Key_A": "v%201"}, {"key_a": "v%201"}, {"key_a": "v 1"}),
    ({"UBERCTX-KEY": "a+b%2Bc"}, {"key": "a+b%2Bc"}, {"key": "a b+c"}),
    ({"uberctx-": "x"}, {"": "x"}, {"": "x"}),
    ({"uberctx-k": ""}, {"k": ""}, {"k": ""}),
    ({"uberctx-k": ["v"]}, {"k": "v"}, {"k": "v"}),
    ({"uberctx-k": "v", "uberctx-l": 5, "uberctx-m": None}, {"k": "v"}, {"k": "v"}),
    ({"uberctx-k": "%"}, {"k": "%"}, {"k": "%"}),
    ({"uberctx-k": "%zz%4"}, {"k": "%zz%4"}, {"k": "%zz%4"}),
    ({"uberctx-k": "%ff%C3"}, {"k": "%ff%C3"}, {"k": "\ufffd\ufffd"}),
    ({"uberctx-k": "\ud800%41"}, {"k": "\ud800%41"}, {"k": "?A"}),
    ({"uberctx-k": "ä%C3%A4"}, {"k": "ä%C3%A4"}, {"k": "ää"}),
    ({"uberctx-k": "1", "UBERCTX-K": "2"}, {"k": "2"}, {"k": "2"}),
    ({"jaeger-baggage": "k=1", "uberctx-k": "2"}, {"k": "2"}, {"k": "2"}),
    ({"uberctx-k": "1", "jaeger-baggage": "k=2"}, {"k": "2"}, {"k": "2"}),
    (
        {"jaeger-baggage": "k1=v1, k2 = v2 ,k3=a=b,bad,k4="},
        {"k1": "v1", "k2": "v2", "k4": ""},
        {"k1": "v1", "k2": "v2", "k4": ""},
    ),
    ({"Jaeger-Baggage": "Key=a%20b+c"}, {"Key": "a%20b+c"}, {"Key": "a b+c"}),
    ({"jaeger-baggage": "a%3D1%2Cb%3D2"}, None, {"a": "1", "b": "2"}),
]


@pytest.mark.parametrize(("carrier", "text", "http"), READ_BAGGAGE, ids=repr)
def test_baggage_is_read(carrier, text, http):
    for codec, expected in ((TEXT, text), (HTTP, http)):
        alone = codec.extract(carrier)
        assert (alone and alone.baggage) == expected
        with_ids = codec.extract({"uber-trace-id": "1:2:0:1", **carrier})
        assert ids(with_ids) == (1, 2, None, 1)
        assert with_ids.baggage == (expected or {})


@BOTH
def test_baggage_without_ids_is_a_context_without_trace(codec):
    extracted = codec.extract({"uberctx-k": "v"})
    assert ids(extracted) == (None, None, None, None)
    assert not extracted.has_trace
    assert injected(codec, extracted) == {"uberctx-k": "v"}


class NoText:
    def __str__(self):
        raise RuntimeError("never")


@BOTH
def test_baggage_that_is_no_text_is_made_text(codec):
    baggage = {"i": 5, "n": None, "b": b"K", b"key": "v", 7: True, "bad": NoText()}
    headers = injected(codec, context(baggage=baggage))
    del headers["uber-trace-id"]
    assert headers == {
        "uberctx-i": "5",
        "uberctx-n": "None",
        "uberctx-b": "K",
        "uberctx-key": "v",
        "uberctx-7": "True",
    }


def test_lone_surrogates_do_not_break_http_headers():
    assert injected(HTTP, context(baggage={"k": "\ud800"}))["uberctx-k"] == "%3F"


@pytest.mark.parametrize(
    "key",
    [
        "a\r\nx: y",
        "a\n",
        "a\r",
        "\0",
        "a\tb",
        "a:b",
        "a ",
        "a\x85b",
        "a\x7f",
        "\xe9",
        "\u20ac",
        "\ud800",
    ],
)
def test_keys_that_would_break_a_header_are_not_written(key):
    assert injected(HTTP, context(baggage={key: "v", "ab": "v"})) == {
        "uber-trace-id": "100:7f:0:1",
        "uberctx-ab": "v",
    }
    assert injected(TEXT, context(baggage={key: "v"}))["uberctx-" + key] == "v"


@given(st.dictionaries(st.text(), st.text()), st.none() | st.text())
def test_no_text_can_break_out_of_its_header(baggage, debug_id):
    headers = injected(HTTP, context(None, None, None, None, baggage, debug_id))
    for name, value in headers.items():
        assert value.isascii()
        assert value.isprintable()
        assert " " not in value
        assert (name + "x").splitlines() == [name + "x"]
        assert ":" not in name
        assert name == name.rstrip()
        name.encode("ascii")  # http.client raises otherwise, at the program


@BOTH
def test_surplus_of_received_baggage_is_ignored(codec):
    many = codec.extract({f"uberctx-{n}": "v" for n in range(MAX_BAGGAGE_ITEMS + 5)})
    assert len(many.baggage) == MAX_BAGGAGE_ITEMS
    fits, too_long = "v" * (MAX_BAGGAGE_ITEM_LENGTH - 1), "v" * MAX_BAGGAGE_ITEM_LENGTH
    carrier = {"uberctx-a": too_long, "uberctx-b": fits}
    assert codec.extract(carrier).baggage == {"b": fits}
    by_hand = ",".join(f"k{n}=v" for n in range(100000))
    assert len(codec.extract({"jaeger-baggage": by_hand}).baggage) == MAX_BAGGAGE_ITEMS


# --- debug id ----------------------------------------------------------------------------------


@BOTH
def test_debug_id_alone_is_a_context_without_trace(codec):
    extracted = codec.extract({"Jaeger-Debug-Id": "corr+1"})
    assert ids(extracted) == (None, None, None, None)
    assert extracted.debug_id == "corr+1"
    assert extracted.is_debug_id_container_only


def test_debug_id_is_decoded_and_encoded_in_http_headers():
    assert HTTP.extract({"jaeger-debug-id": "a%20b"}).debug_id == "a b"
    assert TEXT.extract({"jaeger-debug-id": "a%20b"}).debug_id == "a%20b"
    without_trace = context(None, None, None, None, debug_id="a\r\nb")
    assert injected(HTTP, without_trace) == {"jaeger-debug-id": "a%0D%0Ab"}
    assert injected(TEXT, without_trace) == {"jaeger-debug-id": "a\r\nb"}


@BOTH
def test_debug_id_beside_ids_is_kept_but_not_sent_on(codec):
    extracted = codec.extract({"jaeger-debug-id": "d", "uber-trace-id": "1:2:0:1"})
    assert ids(extracted) == (1, 2, None, 1)
    assert extracted.debug_id == "d"
    assert injected(codec, extracted) == {"uber-trace-id": "1:2:0:1"}


@BOTH
def test_endless_debug_id_is_ignored(codec):
    assert codec.extract({"jaeger-debug-id": "d" * 100000}) is None


@BOTH
def test_context_with_nothing_writes_nothing(codec):
    assert injected(codec, context(None, None, None, None)) == {}


# --- round trips -------------------------------------------------------------------------------


@given(
    helpers.trace_ids,
    helpers.span_ids,
    helpers.parent_ids,
    helpers.flags,
    st.dictionaries(helpers.texts, helpers.texts),
)
def test_text_map_gives_back_what_it_got(trace_id, span_id, parent_id, flags, baggage):
    sent = context(trace_id, span_id, parent_id, flags, {k.lower(): v for k, v in baggage.items()})
    received = TEXT.extract(injected(TEXT, sent))
    assert ids(received) == ids(sent)
    # Lower-casing twice is not always lower-casing once ("İ").
    assert received.baggage == {k.lower(): v for k, v in sent.baggage.items()}


header_keys = st.text(st.characters(codec="ascii", categories=["Ll", "Nd", "Pd", "Sm"]), max_size=9)


@given(
    helpers.trace_ids,
    helpers.span_ids,
    helpers.parent_ids,
    helpers.flags,
    st.dictionaries(header_keys, helpers.texts),
)
def test_http_headers_give_back_what_they_got(trace_id, span_id, parent_id, flags, baggage):
    sent = context(trace_id, span_id, parent_id, flags, baggage)
    received = HTTP.extract(injected(HTTP, sent))
    assert ids(received) == ids(sent)
    assert received.baggage == baggage
