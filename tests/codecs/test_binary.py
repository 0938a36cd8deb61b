"""BINARY, bit for bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentracing import InvalidCarrierException, SpanContextCorruptedException

from jaeger_like.codecs import BinaryCodec
from jaeger_like.codecs.base import MAX_BAGGAGE_ITEM_LENGTH, MAX_BAGGAGE_ITEMS

from . import helpers
from .helpers import WIDE, context, ids, injected

CODEC = BinaryCodec()

VECTORS = [
    (
        context(256, 127, None, 1),
        "00000000000000000000000000000100000000000000007f00000000000000000100000000",
    ),
    (
        context(256, 127, 5, 3),
        "00000000000000000000000000000100000000000000007f00000000000000050300000000",
    ),
    (
        context(WIDE, 0x7F, 5, 1, {"k": "v"}),
        (
            "00000000000000120000000000000034000000000000007f000000000000000501"
            "00000001000000016b0000000176"
        ),
    ),
    (
        context(1, 2, None, 1, {"K a": "v ä/+&=,", "b": "x"}),
        (
            "000000000000000000000000000000010000000000000002000000000000000001"
            "00000002000000034b2061000000097620c3a42f2b263d2c00000001620000000178"
        ),
    ),
    (
        context(1, 2, None, 1, {"k": ""}),
        (
            "000000000000000000000000000000010000000000000002000000000000000001"
            "00000001000000016b00000000"
        ),
    ),
    (
        context(
            7015910995390813531 << 64 | 3921401102271798415,
            2549888962631491458,
            3921401102271798415,
            1,
            {"key_one": "value_one"},
        ),
        (
            b"a]\x85\xe0\xe0\x06\xd5[6k\x9d\x86\xaa\xbc\\\x8f#c\x06\x80jV\xdf\x826k\x9d\x86\xaa\xbc\\\x8f"
            b"\x01\0\0\0\x01\0\0\0\x07key_one\0\0\0\tvalue_one"
        ).hex(),
    ),
]
VECTOR = pytest.mark.parametrize(("sent", "octets"), VECTORS)


@VECTOR
def test_bytes_are_those_of_all_clients(sent, octets):
    assert injected(CODEC, sent, bytearray()).hex() == octets


def every_second(data):
    return memoryview(bytes(byte for pair in zip(data, data) for byte in pair))[::2]


@VECTOR
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, every_second])
def test_bytes_are_read(sent, octets, kind):
    received = CODEC.extract(kind(bytes.fromhex(octets)))
    assert ids(received) == ids(sent)
    assert received.baggage == sent.baggage


@VECTOR
def test_every_cut_is_corrupted(sent, octets):
    whole = bytes.fromhex(octets)
    for end in range(len(whole)):
        with pytest.raises(SpanContextCorruptedException):
            CODEC.extract(whole[:end])


def test_inject_appends_and_extract_ignores_what_follows():
    assert injected(CODEC, context(), bytearray(b"before"))[:6] == b"before"
    assert ids(CODEC.extract(injected(CODEC, context(), bytearray()) + b"after")) == (
        256,
        127,
        None,
        1,
    )


@pytest.mark.parametrize("carrier", [None, "", 5, {}, [], object()])
def test_other_carriers_are_refused(carrier):
    for call in (lambda: CODEC.inject(context(), carrier), lambda: CODEC.extract(carrier)):
        with pytest.raises(InvalidCarrierException, match=r"^carrier not a bytearray$"):
            call()


def test_bytes_cannot_be_written_to():
    with pytest.raises(InvalidCarrierException):
        CODEC.inject(context(), b"")


HEAD = bytes.fromhex("000000000000000000000000000000010000000000000002000000000000000001")


@pytest.mark.parametrize(
    "tail",
    [
        "ffffffff",  # items
        "000000b5",  # 181 of them
        "00000001ffffffff",  # length of a key
        "00000001000010016b",
        "00000001000000016bffffffff",  # length of a value
        "00000001000000016b00001000" + "61" * 4096,  # 4097 bytes together
        "0000000100000001ff00000000",  # no UTF-8
        "00000001000000016b00000002c328",
    ],
)
def test_malformed_baggage_is_corrupted(tail):
    with pytest.raises(SpanContextCorruptedException):
        CODEC.extract(HEAD + bytes.fromhex(tail))


@pytest.mark.parametrize(("trace_id", "span_id"), [(1, 0), (0, 1)])
def test_one_id_of_zero_is_corrupted(trace_id, span_id):
    head = trace_id.to_bytes(16, "big") + span_id.to_bytes(8, "big")
    with pytest.raises(SpanContextCorruptedException):
        CODEC.extract(head + bytes(13))


def test_zeros_are_a_context_without_trace():
    assert not CODEC.extract(bytes(37)).has_trace


def test_context_without_trace_carries_its_baggage():
    sent = context(None, None, None, None, {"k": "v"}, "debug")
    received = CODEC.extract(injected(CODEC, sent, bytearray()))
    assert ids(received) == (None, None, None, None)
    assert received.baggage == {"k": "v"}


def test_flags_are_cut_to_a_byte():
    assert ids(CODEC.extract(injected(CODEC, context(1, 2, None, 0x103), bytearray())))[3] == 3


def test_what_readers_must_refuse_is_not_written():
    baggage = {str(n): "v" for n in range(MAX_BAGGAGE_ITEMS + 1)}
    sent = context(baggage={"long": "ä" * (MAX_BAGGAGE_ITEM_LENGTH // 2), **baggage})
    received = CODEC.extract(injected(CODEC, sent, bytearray()))
    del baggage[str(MAX_BAGGAGE_ITEMS)]
    assert received.baggage == baggage


def test_largest_context_is_read():
    key = "k" * (MAX_BAGGAGE_ITEM_LENGTH - 4)
    sent = context(baggage={key + format(n, "04"): "" for n in range(MAX_BAGGAGE_ITEMS)})
    assert CODEC.extract(injected(CODEC, sent, bytearray())).baggage == sent.baggage


def test_baggage_that_is_no_text_is_made_text():
    sent = context(baggage={1: None, "s": "\ud800"})
    assert CODEC.extract(injected(CODEC, sent, bytearray())).baggage == {"1": "None", "s": "?"}


@given(
    helpers.trace_ids,
    helpers.span_ids,
    helpers.parent_ids,
    helpers.flags,
    st.dictionaries(helpers.texts, helpers.texts),
)
def test_gives_back_what_it_got(trace_id, span_id, parent_id, flags, baggage):
    sent = context(trace_id, span_id, parent_id, flags, baggage)
    received = CODEC.extract(injected(CODEC, sent, bytearray()))
    assert ids(received) == ids(sent)
    assert received.baggage == baggage
