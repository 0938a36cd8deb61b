"""Bytes to :mod:`.model`: datagrams of agents' clients, and HTTP bodies of a collector's.

Reading Thrift is Apache Thrift's business, with limits that keep a hostile packet from costing more
than a small multiple of its own size. Any bytes give a batch or :class:`DecodeError`, nothing else.
"""

from __future__ import annotations

from io import BytesIO
from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolAccelerated
from thrift.protocol.TCompactProtocol import TCompactProtocol, TCompactProtocolAccelerated
from thrift.protocol.TProtocol import TProtocolBase
from thrift.Thrift import TException, TType
from thrift.transport.TTransport import TMemoryBuffer, TTransportBase

from jaeger_like.thrift_gen.agent.Agent import emitBatch_args
from jaeger_like.thrift_gen.jaeger import ttypes

from .model import CHILD_OF, FOLLOWS_FROM, Batch, ClientStats, Log, Process, Reference, Span, Tag

COMPACT = "compact"
BINARY = "binary"

_MAX_DEPTH = 32  # structs within structs; a batch needs 5
_MAX_VARINT = 10  # bytes; so many hold 64 bits
_U64 = (1 << 64) - 1

# Thrift's C reader bounds nesting since it counts recursion (0.24); before that a datagram of
# thousands of nested structs overflows the C stack, so there the slow reader has to do.
_C_IS_SAFE = hasattr(TCompactProtocolAccelerated, "increment_recursion_depth")


class DecodeError(ValueError):
    """A peer sent bytes that are no batch of spans."""


class _Careful(TTransportBase):
    """Bytes to read from, that notices a number which does not end.

    Thrift's slow reader takes a variable-length number byte by byte, and before 0.24 as many bytes
    as there are: 65,000 of them cost seconds.
    """

    def __init__(self, data: bytes) -> None:
        self._read = BytesIO(data).read
        self._run = 0

    def readAll(self, size: int) -> bytes:  # noqa: N802  Thrift's name
        data = self._read(size)
        if len(data) < size:
            raise EOFError("truncated")
        if size == 1 and data[0] & 0x80:
            self._run += 1
            # The byte before a number, a field's header, may look like a part of it.
            if self._run > _MAX_VARINT + 1:
                raise DecodeError("a number does not end")
        else:
            self._run = 0
        return data


class _Lenient:
    """Reads text that is not UTF-8 as far as it goes, and bounds nesting. Mixed into a protocol."""

    def readString(self: Any) -> str:  # noqa: N802  Thrift's name
        text: bytes = self.readBinary()
        return text.decode("utf-8", "replace")

    def skip(self: Any, ttype: int, *_depth: int) -> None:
        if ttype == TType.STOP:
            # Takes no byte, so a list could have any number of them (before 0.24).
            raise DecodeError("a container of nothing")
        self._skip_depth = depth = getattr(self, "_skip_depth", 0) + 1
        if depth > _MAX_DEPTH:
            raise DecodeError("nested too deeply")
        TProtocolBase.skip(self, ttype)  # calls back here for every element
        self._skip_depth -= 1


class _SlowCompact(_Lenient, TCompactProtocol):
    pass


class _SlowBinary(_Lenient, TBinaryProtocol):
    pass


_FAST: dict[str, type[TProtocolBase]] = {
    COMPACT: TCompactProtocolAccelerated,
    BINARY: TBinaryProtocolAccelerated,
}
_SLOW: dict[str, type[TProtocolBase]] = {COMPACT: _SlowCompact, BINARY: _SlowBinary}


def datagram(data: bytes, protocol: str) -> Batch:
    """Decode a datagram: one ``emitBatch`` call.

    :param protocol: :data:`COMPACT` (port 6831) or :data:`BINARY` (port 6832)
    :raises DecodeError: when it is anything else
    """

    def read(reader: TProtocolBase) -> Any:
        # The message's type (CALL or ONEWAY) and sequence number mean nothing here.
        name = reader.readMessageBegin()[0]
        if name != "emitBatch":
            raise DecodeError(f"expected a call of emitBatch, got {name[:40]!r}")
        arguments = emitBatch_args()
        arguments.read(reader)
        return arguments.batch

    return _decode(data, protocol, read)


def body(data: bytes) -> Batch:
    """Decode the body of a request to a collector: a bare ``Batch`` in binary protocol.

    :raises DecodeError: when it is anything else
    """

    def read(reader: TProtocolBase) -> Any:
        batch = ttypes.Batch()
        batch.read(reader)
        return batch

    return _decode(data, BINARY, read)


def _decode(data: bytes, protocol: str, read: Any) -> Batch:
    # No string can be longer than the packet, no container have more elements than it has bytes.
    limits = {"string_length_limit": len(data), "container_length_limit": len(data)}
    try:
        if _C_IS_SAFE:
            try:
                return _batch(read(_FAST[protocol](TMemoryBuffer(data), **limits)))
            except UnicodeDecodeError:
                pass  # the C reader insists on UTF-8; clients do not
        return _batch(read(_SLOW[protocol](_Careful(data), **limits)))
    except DecodeError:
        raise
    except (TException, EOFError, ValueError, TypeError, AttributeError) as error:
        raise DecodeError(str(error) or type(error).__name__) from error
    except Exception as error:
        # Thrift's readers raise whatever they stumble upon (AssertionError, KeyError, struct.error,
        # OverflowError, RecursionError, ...): all of it is the peer's doing.
        raise DecodeError(f"{type(error).__name__}: {error}") from error


def _batch(batch: Any) -> Batch:
    if batch is None or batch.spans is None:
        raise DecodeError("a batch without spans")
    process = _process(batch.process)
    stats = batch.stats
    if stats is not None:
        stats = ClientStats(
            stats.fullQueueDroppedSpans or 0,
            stats.tooLargeDroppedSpans or 0,
            stats.failedToEmitSpans or 0,
        )
    return Batch(process, tuple([_span(s, process) for s in batch.spans]), batch.seqNo, stats)


def _process(process: Any) -> Process:
    # The two names are what a Jaeger collector makes of such batches.
    if process is None:
        return Process("null-process-and-service-name", ())
    return Process(process.serviceName or "empty-service-name", _tags(process.tags))


def _span(span: Any, process: Process) -> Span:
    numbers = (span.traceIdLow, span.spanId, span.startTime, span.duration)
    if None in numbers or span.operationName is None:
        raise DecodeError("a span without one of its required fields")
    trace_id = _trace_id(span.traceIdLow, span.traceIdHigh)
    references = [
        Reference(
            FOLLOWS_FROM if ref.refType == ttypes.SpanRefType.FOLLOWS_FROM else CHILD_OF,
            _trace_id(ref.traceIdLow, ref.traceIdHigh),
            (ref.spanId or 0) & _U64,
        )
        for ref in span.references or ()
    ]
    parent_id = (span.parentSpanId or 0) & _U64
    if parent_id and not any(
        ref.span_id == parent_id and ref.trace_id == trace_id for ref in references
    ):
        references.insert(0, Reference(CHILD_OF, trace_id, parent_id))
    return Span(
        trace_id,
        span.spanId & _U64,
        span.operationName,
        tuple(references),
        span.flags or 0,
        span.startTime,
        span.duration,
        _tags(span.tags),
        tuple([Log(log.timestamp or 0, _tags(log.fields)) for log in span.logs or ()]),
        process,
        ("the duration is negative",) if span.duration < 0 else (),
    )


def _trace_id(low: int | None, high: int | None) -> int:
    return ((high or 0) & _U64) << 64 | ((low or 0) & _U64)


def _tags(tags: Any) -> tuple[Tag, ...]:
    return tuple([_tag(tag) for tag in tags]) if tags else ()


def _tag(tag: Any) -> Tag:
    """A missing value is the type's zero, as Go's decoders leave it."""
    kind = tag.vType
    key = tag.key or ""
    if kind == 0:
        return Tag(key, "string", tag.vStr or "")
    if kind == 3:
        return Tag(key, "int64", tag.vLong or 0)
    if kind == 2:
        return Tag(key, "bool", bool(tag.vBool))
    if kind == 1:
        return Tag(key, "float64", 0.0 if tag.vDouble is None else tag.vDouble)
    if kind == 4:
        return Tag(key, "binary", tag.vBinary or b"")
    return Tag(key, "string", f"unknown tag type {kind}")
