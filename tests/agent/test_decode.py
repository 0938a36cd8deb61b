"""Bytes to spans: what packets mean, and that no bytes do harm."""

import subprocess
import sys
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jaeger_like.all_in_one import decode
from jaeger_like.thrift_gen.jaeger import ttypes

from . import vectors

KINDS = (decode.COMPACT, decode.BINARY)


@pytest.fixture(params=[True, False], ids=["fast", "slow"], autouse=True)
def reader(request, monkeypatch):
    """Both of Thrift's readers, the one in C and the one in Python."""
    monkeypatch.setattr(decode, "_C_IS_SAFE", request.param and decode._C_IS_SAFE)


@pytest.mark.parametrize(
    ("data", "protocol"), [(vectors.COMPACT, "compact"), (vectors.BINARY, "binary")]
)
def test_a_datagram_is_a_batch(data, protocol):
    assert decode.datagram(data, protocol) == vectors.EXPECTED


def test_a_body_is_a_batch():
    assert decode.body(vectors.BODY) == vectors.EXPECTED


def test_an_empty_batch():
    batch = decode.datagram(vectors.EMPTY, "compact")
    assert (batch.process.service, batch.spans, batch.seq_no, batch.stats) == ("s", (), None, None)


def test_a_packet_of_the_old_client():
    batch = decode.datagram(vectors.OLD_CLIENT, "compact")
    [span] = batch.spans
    assert [tag.value for tag in batch.process.tags] == ["Python-4.8.0", "10.0.0.1", "h1"]
    assert (span.trace_id, span.span_id) == (0x0102030405060708, 0x1112131415161718)
    assert (span.references, span.duration, span.logs) == ((), 1543, ())
    assert span.parent_id is None


@pytest.mark.parametrize("message_type", [0x21, 0x81, 0x41])
def test_the_type_of_the_message_does_not_matter(message_type):
    data = bytearray(vectors.COMPACT)
    data[1] = message_type
    assert decode.datagram(bytes(data), "compact") == vectors.EXPECTED


def test_a_parent_that_is_among_the_references_is_not_added():
    reference = ttypes.SpanRef(ttypes.SpanRefType.FOLLOWS_FROM, 1, 0, 7)
    data = vectors.encode(
        vectors.thrift_batch(vectors.thrift_span(parent_id=7, references=[reference]))
    )
    [span] = decode.datagram(data, "compact").spans
    assert span.references == (("FOLLOWS_FROM", 1, 7),)
    assert span.parent_id == 7


def test_values_that_are_missing_are_zero():
    tags = [ttypes.Tag(f"k{kind}", kind) for kind in (0, 1, 2, 3, 4, 9)]
    data = vectors.encode(vectors.thrift_batch(vectors.thrift_span(tags=tags)))
    [span] = decode.datagram(data, "compact").spans
    assert [tag.value for tag in span.tags] == ["", 0.0, False, 0, b"", "unknown tag type 9"]
    assert [tag.type for tag in span.tags][1:5] == ["float64", "bool", "int64", "binary"]


def test_names_that_are_missing():
    span = vectors.thrift_span()
    assert decode.body(b"\x0f\x00\x02\x0c\0\0\0\0\0").process.service.startswith("null-process")
    data = vectors.encode_body(vectors.thrift_batch(span, service=""))
    assert decode.body(data).process.service == "empty-service-name"


def test_a_negative_duration_gets_a_warning():
    data = vectors.encode(vectors.thrift_batch(vectors.thrift_span(duration=-5)))
    [span] = decode.datagram(data, "compact").spans
    assert span.duration == -5
    assert span.warnings == ("the duration is negative",)


def test_text_that_is_not_utf8_is_kept_as_far_as_it_goes():
    data = vectors.COMPACT.replace(b"\x18\x02op", b"\x18\x02\xffp")
    assert decode.datagram(data, "compact").spans[0].operation == "\ufffdp"


def test_unknown_fields_are_skipped():
    known = vectors.encode_body(vectors.thrift_batch(vectors.thrift_span()))
    # Fields 50 to 53: map<string, list<double>>, set<i16>, byte, struct with a bool.
    more = bytes.fromhex(
        "0d0032 0b0f 00000001 0000000161 04 00000001 3ff0000000000000"
        "0e0033 06 00000002 0001 0002"
        "030034 07"
        "0c0035 020001 01 00"
    )
    assert decode.body(known[:-1] + more + b"\0") == decode.body(known)


@pytest.mark.parametrize(
    ("data", "protocol", "reason"),
    [
        (b"", "compact", "."),
        (b"\0", "binary", "."),
        (vectors.COMPACT, "binary", "."),
        (vectors.BINARY, "compact", "Bad protocol id"),
        (b"\x82\x82" + vectors.COMPACT[2:], "compact", "Bad version"),
        (vectors.COMPACT.replace(b"emitBatch", b"emitPatch"), "compact", "emitPatch"),
        (b"\x82\x81\x01\x09emitBatch\x00", "compact", "without spans"),
        (b"\x82\x81\x01\x09emitBatch\x1c\x00\x00", "compact", "without spans"),
        # a span with no field at all
        (
            bytes.fromhex("82810109656d697442617463681c1c1801730019 1c 00 0000"),
            "compact",
            "required",
        ),
    ],
)
def test_what_is_no_batch(data, protocol, reason):
    with pytest.raises(decode.DecodeError, match=reason):
        decode.datagram(data, protocol)


@pytest.mark.parametrize("protocol", KINDS)
@pytest.mark.parametrize(
    "element", [b"\x1c", b"\x19\x1c", b"\x1b\x01\xcc", b"\x0c\0\x09", b"\x0f\0\x09\x0c\0\0\0\1"]
)
def test_nesting_without_end(protocol, element):
    start = (vectors.COMPACT if protocol == "compact" else vectors.BINARY).split(b"emitBatch")[0]
    field = b"\x00\x00\x00\x01" if protocol == "binary" else b""
    data = (start + b"emitBatch" + field + element * 60000)[:65000]
    with pytest.raises(decode.DecodeError):
        decode.datagram(data, protocol)


@pytest.mark.parametrize(
    "tail",
    [
        b"\xff" * 64000,  # a number of 64,000 bytes
        b"\x19\xfc\xff\xff\xff\xff\x07",  # a list of 2**31 - 1 structs
        b"\x18\xff\xff\xff\xff\x07",  # a string of as many bytes
        b"\x99\xf0\xff\xff\x03" * 12000,  # lists of nothing: elements of no bytes
        b"\x99\xf1\xff\xff\x03" * 12000,
        b"\x9b\xff\xff\x03\x00" * 12000,
        b"\x9b\xff\xff\x03\x11" * 12000,
    ],
)
def test_promises_that_a_packet_does_not_keep_cost_little(tail):
    # The field of the batch, then what the case says.
    data = (b"\x82\x81\x01\x09emitBatch\x1c" + tail)[:65000]
    start = time.perf_counter()
    with pytest.raises(decode.DecodeError):
        decode.datagram(data, "compact")
    assert time.perf_counter() - start < 2  # it is milliseconds; a hang would be hours


def test_a_number_ends_whichever_reader_counts_its_bytes():
    reader = decode._Careful(b"\xff" * 100)
    with pytest.raises(decode.DecodeError, match="does not end"):
        list(iter(lambda: reader.readAll(1), b""))


def test_a_container_of_nothing_is_refused_whichever_reader_skips_it():
    with pytest.raises(decode.DecodeError, match="nothing"):
        decode._SlowCompact(decode._Careful(b"")).skip(0)


@given(st.binary(max_size=300), st.sampled_from(KINDS))
@example(b"\x82\x81\x01\x09emitBatch\x1c\x19\x1c\x00", "compact")
def test_any_bytes_are_a_batch_or_an_error(data, protocol):
    _try(decode.datagram, data, protocol)
    _try(decode.body, data)


@settings(max_examples=300)
@given(st.data(), st.sampled_from([("compact", vectors.COMPACT), ("binary", vectors.BINARY)]))
def test_a_damaged_packet_is_a_batch_or_an_error(data, packet):
    protocol, valid = packet
    damaged = bytearray(valid[: data.draw(st.integers(0, len(valid)))])
    for _ in range(data.draw(st.integers(0, 4))):
        if damaged:
            position = data.draw(st.integers(0, len(damaged) - 1))
            damaged[position] = data.draw(st.integers(0, 255))
    damaged += data.draw(st.binary(max_size=20))
    _try(decode.datagram, bytes(damaged), protocol)


def _try(function, *arguments):
    try:
        function(*arguments)
    except decode.DecodeError as error:
        message = str(error)
    else:
        message = "fine"
    assert message


def test_a_truncated_packet_is_an_error():
    for size in range(len(vectors.COMPACT)):
        with pytest.raises(decode.DecodeError):
            decode.datagram(vectors.COMPACT[:size], "compact")


ids = st.integers(0, 2**64 - 1)
texts = st.text(max_size=20).map(lambda s: s.encode("utf-8", "replace").decode())


def _signed(number):
    return number - 2**64 if number >> 63 else number


@given(ids, ids, ids, texts, st.integers(-(2**63), 2**63 - 1), st.binary(max_size=9), st.floats())
def test_whatever_thrift_writes_is_read(low, high, span_id, name, number, data, double):
    tags = [
        ttypes.Tag("i", 3, vLong=number),
        ttypes.Tag("b", 4, vBinary=data),
        ttypes.Tag("d", 1, vDouble=double),
        vectors.string_tag(name, name),
    ]
    written = vectors.thrift_span(
        _signed(low), _signed(span_id), operation=name, traceIdHigh=_signed(high), tags=tags
    )
    for protocol in KINDS:
        packet = vectors.encode(vectors.thrift_batch(written), protocol)
        [span] = decode.datagram(packet, protocol).spans
        assert (span.trace_id, span.span_id, span.operation) == (high << 64 | low, span_id, name)
        values = [tag.value for tag in span.tags]
        assert values[:2] == [number, data]
        assert repr(values[2]) == repr(double)
        assert values[3] == span.tags[3].key == name


def test_without_thrifts_c_module_everything_works(reader):
    program = (
        "import sys; sys.modules['thrift.protocol.fastbinary'] = None\n"
        "from tests.agent import vectors\n"
        "from jaeger_like.all_in_one import decode\n"
        "assert decode.datagram(vectors.COMPACT, 'compact') == vectors.EXPECTED"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
