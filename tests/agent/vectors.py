"""Packets with their meaning, made once with Apache Thrift's encoder; helpers to make more."""

from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.transport.TTransport import TMemoryBuffer

from jaeger_like.all_in_one.model import (
    Batch,
    ClientStats,
    Log,
    Process,
    Reference,
    Span,
    Tag,
)
from jaeger_like.thrift_gen.agent import Agent
from jaeger_like.thrift_gen.jaeger import ttypes

COMPACT = bytes.fromhex(
    "82810109656d697442617463681c1c1803737663191c1808686f73746e616d65"
    "1500180268310000191c16909cb0d080c181820216b0dcb0d182c58992221601"
    "160418026f70191c150216031600160a00150616808981828389850616b81719"
    "6c180173150018017600180164150227000000000000f83f0018016215043100"
    "1801661504320018016c15064605001801781508580200ff00191c16d8898182"
    "83898506191c18056576656e74150018016500000016021c1608160a160c0000"
    "00"
)

BODY = bytes.fromhex(
    "0c00010b0001000000037376630f00020c000000010b000100000008686f7374"
    "6e616d65080002000000000b000300000002683100000f00020c000000010a00"
    "0101020304050607080a000211121314151617180a0003ffffffffffffffff0a"
    "000400000000000000020b0005000000026f700f00060c000000010800010000"
    "00010a0002fffffffffffffffe0a000300000000000000000a00040000000000"
    "00000500080007000000030a000800060a24182022400a000900000000000005"
    "dc0f000a0c000000060b00010000000173080002000000000b00030000000176"
    "000b00010000000164080002000000010400043ff8000000000000000b000100"
    "000001620800020000000202000501000b000100000001660800020000000202"
    "000500000b0001000000016c080002000000030a0006fffffffffffffffd000b"
    "00010000000178080002000000040b00070000000200ff000f000b0c00000001"
    "0a000100060a241820226c0f00020c000000010b0001000000056576656e7408"
    "0002000000000b000300000001650000000a000300000000000000010c00040a"
    "000100000000000000040a000200000000000000050a00030000000000000006"
    "0000"
)

# The same call in the binary protocol's message: version 1 ONEWAY, name, sequence number 1,
# arguments {1: Batch}.
BINARY = (
    bytes.fromhex("8001000400000009")
    + b"emitBatch"
    + bytes.fromhex("000000010c0001")
    + BODY
    + b"\0"
)

EMPTY = bytes.fromhex("82810109656d697442617463681c1c18017300190c0000")

# Of jaeger_client 4.8.0, as it was seen on a socket.
OLD_CLIENT = bytes.fromhex(
    "82810109656d697442617463681c1c1803737663193c180e6a61656765722e76657273696f6e1500180c50797468"
    "6f6e2d342e382e3000180269701500180831302e302e302e31001808686f73746e616d6515001802683100"
    "00191c16909cb0d080c1818202160016b0dcb0d182c5899222160018026f702502168089818283898506168e1819"
    "1c18016b150018017600190c000000"
)

TRACE = 0x11121314151617180102030405060708
PROCESS = Process("svc", (Tag("hostname", "string", "h1"),))
SPAN = Span(
    trace_id=TRACE,
    span_id=0xFFFFFFFFFFFFFFFF,
    operation="op",
    references=(
        Reference("CHILD_OF", TRACE, 2),
        Reference("FOLLOWS_FROM", 0xFFFFFFFFFFFFFFFE, 5),
    ),
    flags=3,
    start=1700000000123456,
    duration=1500,
    tags=(
        Tag("s", "string", "v"),
        Tag("d", "float64", 1.5),
        Tag("b", "bool", True),
        Tag("f", "bool", False),
        Tag("l", "int64", -3),
        Tag("x", "binary", b"\x00\xff"),
    ),
    logs=(Log(1700000000123500, (Tag("event", "string", "e"),)),),
    process=PROCESS,
)
EXPECTED = Batch(PROCESS, (SPAN,), 1, ClientStats(4, 5, 6))


def encode(batch, protocol="compact", name="emitBatch"):
    """Return the datagram of *batch*, by Thrift's own encoder."""
    transport = TMemoryBuffer()
    proto = {"compact": TCompactProtocol, "binary": TBinaryProtocol}[protocol](transport)
    proto.writeMessageBegin(name, 4, 1)
    Agent.emitBatch_args(batch).write(proto)
    proto.writeMessageEnd()
    return transport.getvalue()


def encode_body(batch):
    """Return the HTTP body of *batch*."""
    transport = TMemoryBuffer()
    batch.write(TBinaryProtocol(transport))
    return transport.getvalue()


def thrift_span(trace_id=1, span_id=1, parent_id=0, operation="op", **fields):
    """Return a generated span."""
    values = {"traceIdHigh": 0, "flags": 1, "startTime": 1_000_000, "duration": 1000}
    values.update(fields)
    return ttypes.Span(
        traceIdLow=trace_id,
        spanId=span_id,
        parentSpanId=parent_id,
        operationName=operation,
        **values,
    )


def thrift_batch(*spans, service="svc", tags=(), **fields):
    """Return a generated batch; *tags* of the process are pairs of strings."""
    return ttypes.Batch(
        ttypes.Process(service, [string_tag(*t) for t in tags]), list(spans), **fields
    )


def string_tag(key, value):
    return ttypes.Tag(key, ttypes.TagType.STRING, vStr=value)


def span(span_id=1, parent=None, operation="op", service="svc", **fields):
    """Return a span of the model in trace 1 (or ``trace_id``)."""
    trace_id = fields.pop("trace_id", 1)
    references = () if parent is None else (Reference("CHILD_OF", trace_id, parent),)
    values = {
        "references": references,
        "flags": 1,
        "start": 1_000_000,
        "duration": 1000,
        "tags": (),
        "logs": (),
        "process": Process(service, ()),
    }
    values.update(fields)
    return Span(trace_id, span_id, operation, **values)
