"""The record of a span is byte for byte what thrift's compact protocol writes."""

from __future__ import annotations

import enum
import math
import struct
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jaeger_like.encoding.span import encode_span, identifier, list_header
from jaeger_like.encoding.varint import varint, zigzag
from jaeger_like.span_context import make_trace
from jaeger_like.thrift_gen.jaeger import ttypes

from . import oracle

U64 = 2**64 - 1

# Where a varint grows by a byte, and where a shortcut of the encoder could begin or end.
EDGES = sorted(
    {
        edge + step
        for edge in [1 << 7 * k for k in range(1, 10)]
        + [1 << (7 * k - 1) for k in range(1, 10)]
        + [2**13, 2**14, 2**15, 2**31, 2**32, 2**41, 2**42, 2**43, 2**55, 2**56, 2**57, 2**62]
        for step in (-1, 0, 1)
    }
)
IDS = [1, 2, *EDGES, U64 - 1, U64]
INTEGERS = sorted({0, *(n for edge in EDGES for n in (edge, -edge) if -(2**63) <= n < 2**63)})
COUNTS = [0, 1, 14, 15, 16, 127, 128, 200]


def nanos(micros):
    """Return a time that is rounded down to *micros*."""
    return micros * 1000 + 999


def encoded(
    trace_id=1, flags=1, span_id=1, parent_id=0, name="o", references=None, start=0, duration=0,
    values=None, logs=None, limit=1024, traceback_limit=4096,
):  # fmt: skip
    own = [
        SimpleNamespace(type=kind, referenced_context=SimpleNamespace(trace_id=t, span_id=s))
        for kind, t, s in references or ()
    ]
    return encode_span(
        make_trace(trace_id, flags),
        span_id,
        parent_id,
        name,
        own,
        nanos(start),
        duration,
        values,
        logs and [(nanos(at), fields) for at, fields in logs],
        limit,
        traceback_limit,
    )


def expected(
    trace_id=1, flags=1, span_id=1, parent_id=0, name="o", references=None, start=0, duration=0,
    values=None, logs=None, limit=1024,
):  # fmt: skip
    return oracle.write(
        oracle.span(
            trace_id,
            flags,
            span_id,
            parent_id,
            name,
            references,
            start,
            duration,
            values,
            logs,
            limit,
        )
    )


def assert_same(**fields):
    assert encoded(**fields).hex() == expected(**fields).hex()


# -- vectors ---------------------------------------------------------------------------------------


def test_smallest_span():
    # Two empty lists stand in front of the last byte, as jaeger_client writes them.
    assert encoded().hex() == "160216001602160018016f250216001600190c190c00"


def test_span_of_the_example_batch():
    """All fields, every kind of tag that Python has."""
    record = encoded(
        trace_id=0x1112131415161718_0102030405060708,
        flags=3,
        span_id=U64,
        parent_id=2,
        name="op",
        references=[("follows_from", U64 - 1, 5)],
        start=1_700_000_000_123_456,
        duration=1500,
        values={"s": "v", "d": 1.5, "b": True, "f": False, "l": -3},
        logs=[(1_700_000_000_123_500, {"event": "e"})],
    )
    assert record.hex() == (
        "16909cb0d080c181820216b0dcb0d182c5899222160116041802"
        "6f70191c150216031600160a00150616808981828389850616b817"
        "195c"
        "180173150018017600180164150227000000000000f83f00"
        "180162150431001801661504320018016c1506460500"
        "191c16d889818283898506191c18056576656e741500180165000000"
    )


def test_span_of_a_real_packet_of_jaeger_client():
    record = encoded(
        trace_id=0x0102030405060708,
        span_id=0x1112131415161718,
        parent_id=None,
        start=1_700_000_000_123_456,
        duration=1543,
        values={"k": "v"},
    )
    assert record.hex() == (
        "16909cb0d080c1818202160016b0dcb0d182c5899222160018016f2502168089818283898506168e18"
        "191c18016b150018017600190c00"
    )


# -- spans after each other, whose ids, names and times are those of the one before, or nearly -----

SPANS_OF_A_TRACE = st.lists(
    st.tuples(
        st.sampled_from([1, 127, 2**63, U64]),
        st.sampled_from([None, 0, 1, 127, 2**63, U64]),
        st.sampled_from(["", "a", "b", "é", "x" * 300]),
        st.sampled_from([0, 1, -1, -(2**62), 2**40, 2**41, 2**54, 2**55, 2**56, 2**62])
        .flatmap(lambda near: st.integers(near - 3, near + 3))
        .filter(lambda time: -(2**63) <= time < 2**63),
    ),
    min_size=1,
    max_size=12,
)


@given(st.sampled_from([1, U64, 2**127]), SPANS_OF_A_TRACE)
def test_what_is_kept_for_the_next_span_is_never_the_wrong_one(trace_id, spans):
    trace = make_trace(trace_id, 1)
    for span_id, parent_id, name, start in spans:
        record = encode_span(
            trace, span_id, parent_id, name, None, nanos(start), 0, None, None, 1024, 4096
        )
        fields = {"span_id": span_id, "parent_id": parent_id, "name": name, "start": start}
        assert record.hex() == expected(trace_id=trace_id, **fields).hex()


# -- integers, where their encoding changes its length ---------------------------------------------


@pytest.mark.parametrize("number", IDS)
def test_ids_at_every_boundary(number):
    assert_same(trace_id=number, span_id=number, parent_id=number)
    assert_same(trace_id=number << 64 | 1)
    assert_same(trace_id=number << 64 | number, references=[("child_of", number << 64, number)])


@pytest.mark.parametrize("number", INTEGERS)
def test_integers_at_every_boundary(number):
    assert_same(values={"n": number}, logs=[(number, {"n": number})])
    assert_same(start=number)
    assert_same(duration=number)


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**30, -(10**30)])
def test_an_integer_beyond_64_bits_becomes_text(number):
    assert_same(values={"n": number})


def test_a_number_too_long_even_for_text_costs_only_its_own_value():
    span = oracle.read(ttypes.Span, encoded(values={"n": 10**10_000, "m": 1}))
    assert [tag.vType for tag in span.tags] == [ttypes.TagType.STRING, ttypes.TagType.LONG]


@pytest.mark.parametrize("flags", range(256))
def test_every_flag_survives(flags):
    assert_same(flags=flags)


@given(st.integers(0, 2**70))
def test_varint(number):
    buffer = bytearray(varint(number).encode("latin-1"))
    assert sum((byte & 0x7F) << 7 * i for i, byte in enumerate(buffer)) == number
    assert [byte >> 7 for byte in buffer] == [1] * (len(buffer) - 1) + [0]


@given(st.integers(0, U64))
def test_an_id_is_written_as_the_signed_number_of_the_same_bits(number):
    assert identifier(number) == zigzag(oracle.signed(number))


# -- text ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 1023, 1024, 16_383, 16_384, 70_000])
@pytest.mark.parametrize("letter", ["a", "é", "語", "😀", "\0", "\ud800"])
def test_text_of_every_length_and_width(size, letter):
    text = letter * size
    assert_same(name=text, values={text: text}, limit=1 << 20)


@pytest.mark.parametrize("limit", [0, 1, 5, 1024])
@pytest.mark.parametrize("letter", ["a", "é", "😀"])
def test_a_limit_counts_characters(limit, letter):
    assert_same(values={"k": letter * 2000}, logs=[(0, {"k": letter * 2000})], limit=limit)


def test_a_lone_surrogate_is_written_as_its_escape():
    span = oracle.read(ttypes.Span, encoded(name="\ud800", values={"\udfff": "a\udc80b"}))
    assert span.operationName == "\\ud800"
    assert (span.tags[0].key, span.tags[0].vStr) == ("\\udfff", "a\\udc80b")


# -- lists -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", COUNTS)
def test_counts_of_tags_logs_and_references(count):
    values = {f"k{i}": i for i in range(count)}
    assert_same(values=values)
    assert_same(logs=[(i, values) for i in range(count)])
    assert_same(references=[("follows_from", i + 1, i + 1) for i in range(count)])


def test_list_header_changes_its_form_at_fifteen():
    assert [list_header(n, 0xC) for n in (0, 14)] == ["\x0c", "\xec"]
    assert [list_header(n, 0xC) for n in (15, 128)] == ["\xfc\x0f", "\xfc\x80\x01"]


def test_an_unknown_kind_of_reference_is_a_child_of():
    context = SimpleNamespace(trace_id=None, span_id=None)
    odd = SimpleNamespace(type="related", referenced_context=context)
    record = encode_span(make_trace(1, 1), 1, 0, "o", [odd], 0, 0, None, None, 9, 9)
    assert record == expected(references=[("child_of", 0, 0)])


# -- values ----------------------------------------------------------------------------------------


class Level(enum.IntEnum):
    HIGH = 7


class Unprintable:
    def __str__(self):
        raise ValueError("no text")


class UnprintableTwice:
    def __str__(self):
        raise UnprintableError


class UnprintableError(Exception):
    def __str__(self):
        raise RuntimeError


class Recursive:
    def __str__(self):
        return str(self)


class Text(str):
    __slots__ = ()


class OddInteger(int):
    def __le__(self, other):
        raise ZeroDivisionError("incomparable")

    __ge__ = __le__


class NoInteger(int):
    def __int__(self):
        raise ZeroDivisionError("no number")


cycle = []
cycle.append(cycle)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "vStr", "None"),
        (b"\x00\xff", "vStr", "b'\\x00\\xff'"),
        (Level.HIGH, "vLong", 7),
        (Text("text"), "vStr", "text"),
        (1 + 2j, "vStr", "(1+2j)"),
        ((1, "a"), "vStr", "(1, 'a')"),
        (cycle, "vStr", "[[...]]"),
        (Unprintable(), "vStr", "no text"),
        (UnprintableTwice(), "vStr", "<UnprintableTwice without text>"),
        (OddInteger(3), "vLong", 3),
        (NoInteger(3), "vStr", "no number"),
    ],
)
def test_odd_values_are_written_as_text(value, kind, text):
    (tag,) = oracle.read(ttypes.Span, encoded(values={"k": value})).tags
    assert getattr(tag, kind) == text


def test_a_value_whose_text_recurses_for_ever_costs_only_itself():
    first, second = oracle.read(ttypes.Span, encoded(values={"k": Recursive(), "l": 1})).tags
    assert "recursion" in first.vStr
    assert second.vLong == 1


@pytest.mark.parametrize(
    ("key", "text"),
    [(1, "1"), (None, "None"), (b"k", "b'k'"), (("a", 1), "('a', 1)"), (Unprintable(), "no text")],
)
def test_odd_keys_are_written_as_text(key, text):
    for _ in range(2):  # keys are cached
        (tag,) = oracle.read(ttypes.Span, encoded(values={key: 1})).tags
        assert tag.key == text


def test_an_odd_operation_name_is_written_as_text():
    for name, text in ((None, "None"), (5, "5"), (b"o", "b'o'"), (Unprintable(), "no text")):
        assert oracle.read(ttypes.Span, encoded(name=name)).operationName == text


def test_a_traceback_has_a_limit_of_its_own():
    try:
        raise KeyError("k")
    except KeyError as exc:
        trace = exc.__traceback__
    (tag,) = oracle.read(ttypes.Span, encoded(values={"stack": trace}, limit=5)).tags
    assert tag.vStr.lstrip().startswith("File")
    (tag,) = oracle.read(ttypes.Span, encoded(values={"stack": trace}, traceback_limit=9)).tags
    assert len(tag.vStr) == 9


@pytest.mark.parametrize("number", [0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 5e-324])
def test_floats(number):
    assert_same(values={"f": number})


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_for_json_goes_as_text(number):
    """Jaeger's query service answers 500 for a trace with such a DOUBLE, and for its searches."""
    (tag,) = oracle.read(ttypes.Span, encoded(values={"f": number})).tags
    assert (tag.vType, tag.vStr) == (ttypes.TagType.STRING, str(number))


def test_many_different_keys_are_written_right_when_the_cache_is_full():
    values = {f"key {i}": i for i in range(10_000)}
    assert_same(values=values)
    assert_same(values=values)


def test_ids_are_encoded_once_for_a_trace():
    trace = make_trace(5, 1)
    first = encode_span(trace, 1, 0, "o", None, 0, 0, None, None, 9, 9)
    assert encode_span(trace, 1, 0, "o", None, 0, 0, None, None, 9, 9) == first
    assert first == expected(trace_id=5)


def test_a_trace_without_ids_is_written_as_zeros():
    record = encode_span(make_trace(None, None), 0, None, "o", None, 0, 0, None, None, 9, 9)
    assert record == expected(trace_id=0, flags=0, span_id=0)


# -- for all spans ---------------------------------------------------------------------------------

u64 = st.one_of(st.integers(0, U64), st.sampled_from(IDS))
i64 = st.one_of(st.integers(-(2**63), 2**63 - 1), st.sampled_from(INTEGERS))
texts = st.text(st.characters(), max_size=300)  # surrogates too
plain = st.one_of(
    texts, i64, st.booleans(), st.floats(), st.integers(), st.text("abc", min_size=1000)
)
mapping = st.dictionaries(st.one_of(texts, st.integers()), plain, max_size=20)
spans = st.fixed_dictionaries(
    {
        "trace_id": st.builds(lambda high, low: high << 64 | low, u64, u64),
        "flags": st.integers(0, 255),
        "span_id": u64,
        "parent_id": st.one_of(st.none(), u64),
        "name": texts,
        "references": st.one_of(
            st.none(),
            st.lists(
                st.tuples(st.sampled_from(["child_of", "follows_from"]), u64, u64), max_size=17
            ),
        ),
        "start": i64,
        "duration": i64,
        "values": st.one_of(st.none(), mapping),
        "logs": st.one_of(st.none(), st.lists(st.tuples(i64, mapping), max_size=5)),
        "limit": st.integers(1, 2000),
    }
)


@given(spans)
@settings(max_examples=300, deadline=None)
@example({"values": {"f": struct.unpack("<d", b"\x01\0\0\0\0\0\xf0\x7f")[0]}})
def test_every_span_is_written_as_thrift_writes_it(span):
    assert encoded(**span) == expected(**span)


class Whatever:
    def __init__(self, text):
        self.text = text

    def __str__(self):
        if len(self.text) % 3 == 0:
            raise ValueError(self.text)
        return self.text


odd = st.one_of(
    plain,
    st.none(),
    st.binary(max_size=50),
    st.lists(st.integers(), max_size=5),
    st.decimals(),
    st.datetimes(),
    st.complex_numbers(),
    st.builds(Whatever, texts),
)


@given(st.dictionaries(st.one_of(texts, st.none(), st.binary(max_size=9)), odd, max_size=20), odd)
@settings(deadline=None)
def test_any_values_at_all_make_a_span_that_can_be_read(values, name):
    record = encoded(name=name, values=values, logs=[(0, values)])
    span = oracle.read(ttypes.Span, record)
    assert len(span.tags) == len(span.logs[0].fields) == len(values)
