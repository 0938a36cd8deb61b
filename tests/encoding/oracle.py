"""Thrift's own compact protocol, writing the generated classes: what our bytes are held against.

Written apart from ``jaeger_like.thrift``, so that a mistake would have to be made twice.
"""

from __future__ import annotations

import math

from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TMessageType
from thrift.transport.TTransport import TMemoryBuffer

from jaeger_like.thrift_gen.agent import Agent
from jaeger_like.thrift_gen.jaeger import ttypes


def write(struct):
    """Return a generated struct in compact protocol."""
    buffer = TMemoryBuffer()
    struct.write(TCompactProtocol(buffer))
    return buffer.getvalue()


def read(kind, record):
    """Return the generated struct that *record* holds, and nothing but it."""
    buffer = TMemoryBuffer(record)
    struct = kind()
    struct.read(TCompactProtocol(buffer))
    assert buffer.read(1) == b"", "bytes left over"
    return struct


def message(batch, seq_id):
    """Return the whole call ``emitBatch(batch)``."""
    buffer = TMemoryBuffer()
    protocol = TCompactProtocol(buffer)
    protocol.writeMessageBegin("emitBatch", TMessageType.ONEWAY, seq_id)
    Agent.emitBatch_args(batch=batch).write(protocol)
    protocol.writeMessageEnd()
    return buffer.getvalue()


def signed(number):
    """Return an unsigned 64-bit number as the signed one of the same bits."""
    return int.from_bytes((number % 2**64).to_bytes(8, "big"), "big", signed=True)


def clean(text):
    """Return text without lone surrogates, which have no UTF-8."""
    return text.encode("utf-8", "backslashreplace").decode()


def tag(key, value, max_length=1024):
    """Return a ``Tag`` of a plain value."""
    key = clean(str(key))
    if isinstance(value, bool):
        return ttypes.Tag(key=key, vType=ttypes.TagType.BOOL, vBool=value)
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return ttypes.Tag(key=key, vType=ttypes.TagType.LONG, vLong=value)
    if isinstance(value, float) and math.isfinite(value):
        return ttypes.Tag(key=key, vType=ttypes.TagType.DOUBLE, vDouble=value)
    text = clean(str(value)[:max_length])
    return ttypes.Tag(key=key, vType=ttypes.TagType.STRING, vStr=text)


def tags(values, max_length=1024):
    return [tag(key, value, max_length) for key, value in (values or {}).items()]


def reference(kind, trace_id, span_id):
    return ttypes.SpanRef(
        refType={"child_of": 0, "follows_from": 1}[kind],
        traceIdLow=signed(trace_id),
        traceIdHigh=signed(trace_id >> 64),
        spanId=signed(span_id),
    )


def span(
    trace_id, flags, span_id, parent_id, name, references, start, duration, values, logs, limit=1024
):
    """Return a ``Span``; *references* are triples, *logs* pairs of a time and fields."""
    return ttypes.Span(
        traceIdLow=signed(trace_id),
        traceIdHigh=signed(trace_id >> 64),
        spanId=signed(span_id),
        parentSpanId=signed(parent_id or 0),
        operationName=clean(name),
        references=[reference(*r) for r in references] if references else None,
        flags=flags,
        startTime=start,
        duration=duration,
        tags=tags(values, limit),
        logs=[ttypes.Log(timestamp=at, fields=tags(f, limit)) for at, f in logs or ()],
    )
