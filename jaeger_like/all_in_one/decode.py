"""Bytes to :mod:`.model`: datagrams of agents' clients, and HTTP bodies of a collector's.

Any bytes give a batch or :class:`DecodeError`, nothing else, in time proportional to their number,
and with memory of a small multiple of it. That multiple is small because a struct without the
fields that it must have, as Jaeger's definitions say, is refused where it ends: an adversary's
densest packet is one of honest, short tags.
"""

from __future__ import annotations

from functools import lru_cache

from .model import CHILD_OF, FOLLOWS_FROM, Batch, ClientStats, Log, Process, Reference, Span, Tag
from .wire import (
    BYTES_FIELD,
    DOUBLE_FIELD,
    I32_FIELD,
    I64_FIELD,
    LIST,
    STRUCT,
    TEXT_FIELD,
    TRUNCATED,
    TRUTH_FIELD,
    BinaryReader,
    CompactReader,
    DecodeError,
    Fields,
    Reader,
)

__all__ = ["BINARY", "COMPACT", "DecodeError", "body", "datagram"]

COMPACT = "compact"
BINARY = "binary"

_READERS = {COMPACT: CompactReader, BINARY: BinaryReader}
_U64 = (1 << 64) - 1
_FOLLOWS_FROM = 1  # of SpanRefType; 0 is CHILD_OF


def datagram(data: bytes, protocol: str) -> Batch:
    """Decode a datagram: one ``emitBatch`` call.

    :param protocol: :data:`COMPACT` (port 6831) or :data:`BINARY` (port 6832)
    :raises DecodeError: when it is anything else
    """
    reader = _READERS[protocol](data)
    try:
        # The message's type (CALL or ONEWAY) and sequence number mean nothing here.
        name = reader.message()
        if name != "emitBatch":
            raise DecodeError(f"expected a call of emitBatch, got {name[:40]!r}")
        batch = reader.struct(_ARGUMENTS, 2)[1]
    except TRUNCATED as error:
        raise DecodeError("truncated") from error
    if batch is None:
        raise DecodeError("a call without a batch")
    result: Batch = batch
    return result


def body(data: bytes) -> Batch:
    """Decode the body of a request to a collector: a bare ``Batch`` in binary protocol.

    :raises DecodeError: when it is anything else
    """
    try:
        return _batch(BinaryReader(data))
    except TRUNCATED as error:
        raise DecodeError("truncated") from error


# A tag's values by its type: the field that has it, the type's name, and what a missing one is,
# which is the type's zero, as Go's decoders leave it.
_VALUES = (
    (3, "string", ""),
    (4, "float64", 0.0),
    (5, "bool", False),
    (6, "int64", 0),
    (7, "binary", b""),
)
_TAG: Fields = {
    1: TEXT_FIELD, 2: I32_FIELD, 3: TEXT_FIELD, 4: DOUBLE_FIELD, 5: TRUTH_FIELD, 6: I64_FIELD,
    7: BYTES_FIELD,
}  # fmt: skip


@lru_cache(256)  # there can be 13,000 such tags in a packet
def _unknown(kind: int) -> str:
    return f"unknown tag type {kind}"


def _tag(reader: Reader) -> Tag:
    values = reader.struct(_TAG, 8)
    key, kind = values[1], values[2]
    if key is None or kind is None:
        raise DecodeError("a tag without one of its required fields")
    if not 0 <= kind < len(_VALUES):
        return Tag(key, "string", _unknown(kind))
    number, name, zero = _VALUES[kind]
    value = values[number]
    return Tag(key, name, zero if value is None else value)


# The number is what one takes in compact protocol, which is the shorter one, at the very least.
def _tags(reader: Reader) -> tuple[Tag, ...]:
    return tuple(reader.structs(_tag, 5))


_TAGS_FIELD = (LIST, _tags)
_LOG: Fields = {1: I64_FIELD, 2: _TAGS_FIELD}


def _log(reader: Reader) -> Log:
    _, timestamp, fields = reader.struct(_LOG, 3)
    if timestamp is None or fields is None:
        raise DecodeError("a log without one of its required fields")
    return Log(timestamp, fields)


def _logs(reader: Reader) -> tuple[Log, ...]:
    return tuple(reader.structs(_log, 5))


_REFERENCE: Fields = {1: I32_FIELD, 2: I64_FIELD, 3: I64_FIELD, 4: I64_FIELD}


def _reference(reader: Reader) -> Reference:
    _, kind, low, high, span_id = values = reader.struct(_REFERENCE, 5)
    if values.count(None) > 1:  # there is no field 0
        raise DecodeError("a reference without one of its required fields")
    name = FOLLOWS_FROM if kind == _FOLLOWS_FROM else CHILD_OF
    return Reference(name, _trace_id(low, high), span_id & _U64)


def _references(reader: Reader) -> list[Reference]:
    return reader.structs(_reference, 9)


_SPAN: Fields = {
    1: I64_FIELD, 2: I64_FIELD, 3: I64_FIELD, 4: I64_FIELD, 5: TEXT_FIELD, 6: (LIST, _references),
    7: I32_FIELD, 8: I64_FIELD, 9: I64_FIELD, 10: _TAGS_FIELD, 11: (LIST, _logs),
}  # fmt: skip


def _span(reader: Reader) -> Span:
    _, low, high, span_id, parent_id, operation, references, flags, start, duration, tags, logs = (
        reader.struct(_SPAN, 12)
    )
    if None in (low, high, span_id, parent_id, operation, flags, start, duration):
        raise DecodeError("a span without one of its required fields")
    trace_id = _trace_id(low, high)
    references = references or []
    parent_id &= _U64
    if parent_id and not any(
        ref.span_id == parent_id and ref.trace_id == trace_id for ref in references
    ):
        references.insert(0, Reference(CHILD_OF, trace_id, parent_id))
    return Span(
        trace_id,
        span_id & _U64,
        operation,
        tuple(references),
        flags,
        start,
        duration,
        tags or (),
        logs or (),
        reader.owner,
        ("the duration is negative",) if duration < 0 else (),
    )


def _trace_id(low: int, high: int) -> int:
    return (high & _U64) << 64 | low & _U64


_PROCESS: Fields = {1: TEXT_FIELD, 2: _TAGS_FIELD}


def _process(reader: Reader) -> Process:
    _, service, tags = reader.struct(_PROCESS, 3)
    reader.owner = process = Process(service or "empty-service-name", tags or ())
    return process


_STATS: Fields = {1: I64_FIELD, 2: I64_FIELD, 3: I64_FIELD}


def _stats(reader: Reader) -> ClientStats:
    _, full_queue, too_large, failed_to_emit = reader.struct(_STATS, 4)
    return ClientStats(full_queue or 0, too_large or 0, failed_to_emit or 0)


def _spans(reader: Reader) -> list[Span]:
    return reader.structs(_span, 17)


_BATCH: Fields = {
    1: (STRUCT, _process), 2: (LIST, _spans), 3: I64_FIELD, 4: (STRUCT, _stats),
}  # fmt: skip


def _batch(reader: Reader) -> Batch:
    _, process, spans, seq_no, stats = reader.struct(_BATCH, 5)
    if spans is None:
        raise DecodeError("a batch without spans")
    if process is None:
        # This name, and the one of an empty service, are what a Jaeger collector makes of it.
        process = Process("null-process-and-service-name", ())
    if spans and spans[0].process is not process:  # the spans came first
        for index, span in enumerate(spans):  # in place, so that there is one list of them
            spans[index] = span._replace(process=process)
    return Batch(process, tuple(spans), seq_no, stats)


_ARGUMENTS: Fields = {1: (STRUCT, _batch)}
