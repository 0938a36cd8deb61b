"""Bytes to spans: what packets mean, and that no bytes do harm."""

import copy
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TType
from thrift.transport.TTransport import TMemoryBuffer

from jaeger_like.all_in_one import decode
from jaeger_like.all_in_one.wire import I64_FIELD, TEXT_FIELD, BinaryReader, CompactReader
from jaeger_like.thrift_gen.jaeger import ttypes

from . import vectors

KINDS = (decode.COMPACT, decode.BINARY)


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
        (vectors.BINARY, "compact", "bad protocol id"),
        (b"\x82\x82" + vectors.COMPACT[2:], "compact", "bad version"),
        (vectors.COMPACT.replace(b"emitBatch", b"emitPatch"), "compact", "emitPatch"),
        (b"\x82\x81\x01\x09emitBatch\x00", "compact", "without a batch"),
        (b"\x80\x02" + vectors.BINARY[2:], "binary", "bad version"),
        (b"\x82\x81\x01\x09emitBatch\x1c\x00\x00", "compact", "without spans"),
        # a span with no field at all, and room for the fields
        (b"\x82\x81\x01\x09emitBatch\x1c\x29\x1c" + bytes(30), "compact", "a span without"),
        (vectors.COMPACT.replace(b"\x19\x1c\x16\x90", b"\x19\x18\x16\x90"), "compact", "structs"),
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
        b"\x16" + b"\xff" * 64000,  # a number of 64,000 bytes
        b"\x18" + b"\xff" * 64000,  # a string whose length is such a number
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


REQUIRED = [
    (ttypes.Tag("k", 3, vLong=1), "a tag", ["key", "vType"]),
    (ttypes.Log(1, [vectors.string_tag("k", "v")]), "a log", ["timestamp", "fields"]),
    (
        ttypes.SpanRef(0, 1, 2, 3),
        "a reference",
        ["refType", "traceIdLow", "traceIdHigh", "spanId"],
    ),
    (
        vectors.thrift_span(tags=[vectors.string_tag("long enough", "x" * 100)]),
        "a span",
        [
            "traceIdLow", "traceIdHigh", "spanId", "parentSpanId", "operationName", "flags",
            "startTime", "duration",
        ],
    ),
]  # fmt: skip


@pytest.mark.parametrize("protocol", KINDS)
@pytest.mark.parametrize(
    ("struct", "name", "field"),
    [(struct, name, field) for struct, name, fields in REQUIRED for field in fields],
)
def test_a_struct_without_a_field_that_it_must_have_is_refused(struct, name, field, protocol):
    """As Jaeger's agent does; it is what bounds the memory of a packet."""

    def packet(struct):
        if name == "a span":
            return vectors.encode(vectors.thrift_batch(struct), protocol)
        fields = {"a tag": "tags", "a log": "logs", "a reference": "references"}
        # One that is whole comes after it, so that there is room for this one.
        spans = [
            vectors.thrift_span(**{fields[name]: [struct]}),
            vectors.thrift_span(tags=[vectors.string_tag("k", "x" * 100)]),
        ]
        return vectors.encode(vectors.thrift_batch(*spans), protocol)

    assert decode.datagram(packet(struct), protocol).spans
    without = copy.copy(struct)
    setattr(without, field, None)
    with pytest.raises(decode.DecodeError, match=f"{name} without one of its required fields"):
        decode.datagram(packet(without), protocol)


def test_spans_that_come_before_their_process():
    name, end = b"\x0b\0\1\0\0\0\1", b"\0"
    batch = vectors.encode_body(vectors.thrift_batch(vectors.thrift_span(), vectors.thrift_span()))
    process = b"\x0c\0\1" + b"\x0b\0\1\0\0\0\3svc" + b"\x0f\0\2\x0c\0\0\0\0" + end
    assert batch.startswith(process)
    assert decode.body(batch[len(process) : -1] + process + end) == decode.body(batch)
    # Also when there is a second one, whose word is the last.
    other = b"\x0c\0\1" + name + b"x" + end + end
    spans = decode.body(batch[:-1] + other).spans
    assert [span.service for span in spans] == ["x", "x"]


def test_a_message_of_before_versions():
    old = b"\0\0\0\x09emitBatch" + b"\4" + b"\0\0\0\1" + vectors.BINARY[21:]
    assert decode.datagram(old, "binary") == vectors.EXPECTED


def test_numbers_of_32_bits_have_no_more():
    span = vectors.thrift_span()
    [read] = decode.datagram(vectors.encode(vectors.thrift_batch(span)), "compact").spans
    assert read.flags == 1
    data = vectors.encode(vectors.thrift_batch(span)).replace(
        b"\x25\x02\x16", b"\x25\xfe\xff\xff\xff\x7f\x16"
    )
    with pytest.raises(decode.DecodeError, match="32 bits"):
        decode.datagram(data, "compact")


# -- fields that nobody asked for, of any type ----------------------------------------------------

SCALARS = [
    (TType.BOOL, st.booleans(), "writeBool"),
    (TType.BYTE, st.integers(-128, 127), "writeByte"),
    (TType.I16, st.integers(-(2**15), 2**15 - 1), "writeI16"),
    (TType.I32, st.integers(-(2**31), 2**31 - 1), "writeI32"),
    (TType.I64, st.integers(-(2**63), 2**63 - 1), "writeI64"),
    (TType.DOUBLE, st.floats(), "writeDouble"),
    (TType.STRING, st.binary(max_size=200), "writeBinary"),
]


@st.composite
def values(draw, depth=3):
    """Draw a type, and a function that writes a value of it with a protocol of Thrift's."""
    kind = draw(st.sampled_from(["scalar", "struct", "list", "set", "map"][: 5 if depth else 1]))
    if kind == "scalar":
        ttype, strategy, method = draw(st.sampled_from(SCALARS))
        value = draw(strategy)
        return ttype, lambda out: getattr(out, method)(value)
    if kind == "struct":
        fields = draw(st.dictionaries(st.integers(-300, 300), values(depth - 1), max_size=3))
        return TType.STRUCT, lambda out: write_struct(out, fields)
    times = draw(st.integers(0, 20))
    key, write_key = draw(values(depth - 1))
    value, write_value = draw(values(depth - 1))

    def write(out):
        if kind == "map":
            out.writeMapBegin(key, value, times)
        else:
            {"list": out.writeListBegin, "set": out.writeSetBegin}[kind](value, times)
        for _ in range(times):
            if kind == "map":
                write_key(out)
            write_value(out)
        {"map": out.writeMapEnd, "list": out.writeListEnd, "set": out.writeSetEnd}[kind]()

    return {"list": TType.LIST, "set": TType.SET, "map": TType.MAP}[kind], write


def write_struct(out, fields):
    out.writeStructBegin("")
    for number, (ttype, write) in fields.items():
        out.writeFieldBegin("", ttype, number)
        write(out)
        out.writeFieldEnd()
    out.writeFieldStop()
    out.writeStructEnd()


@settings(max_examples=300)
@given(
    st.dictionaries(st.integers(-5, 0) | st.integers(12, 2**15 - 1), values(), max_size=4),
    st.sampled_from([(CompactReader, TCompactProtocol), (BinaryReader, TBinaryProtocol)]),
)
def test_whatever_thrift_writes_is_passed_over(unknown, protocol):
    make_reader, make_writer = protocol
    transport = TMemoryBuffer()
    out = make_writer(transport)
    known = {1: (TType.I64, lambda out: out.writeI64(-5))}
    last = {11: (TType.STRING, lambda out: out.writeString("last"))}
    write_struct(out, {**known, **unknown, **last})
    fields = {1: I64_FIELD, 11: TEXT_FIELD}
    read = make_reader(transport.getvalue()).struct(fields, 12)
    assert (read[1], read[11]) == (-5, "last")


@settings(max_examples=300)
@given(values(), st.integers(1, 11), st.sampled_from(KINDS))
def test_a_known_field_of_another_type_is_a_batch_or_an_error(value, number, protocol):
    transport = TMemoryBuffer()
    out = {"compact": TCompactProtocol, "binary": TBinaryProtocol}[protocol](transport)
    out.writeMessageBegin("emitBatch", 4, 1)
    span = {1: (TType.LIST, lambda out: _write_list(out, {number: value}))}
    write_struct(out, {1: (TType.STRUCT, lambda out: write_struct(out, {2: span[1]}))})
    _try(decode.datagram, transport.getvalue(), protocol)


def _write_list(out, *structs):
    out.writeListBegin(TType.STRUCT, len(structs))
    for fields in structs:
        write_struct(out, fields)
    out.writeListEnd()
