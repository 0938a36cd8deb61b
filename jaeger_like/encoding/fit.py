"""A span too large for a packet, made to fit.

Nothing of this is on the way of an ordinary span. What is given up, in this order: text of an
operation name that is none; logs, the middle ones first; text of tags, the longest first; whole
tags; references; text of any operation name. A tag says what was cut. The record is taken apart and
put together by thrift itself.
"""

from __future__ import annotations

from typing import Any

from ..thrift_gen.jaeger import ttypes

#: The tag that marks a span that was cut.
TRUNCATED_TAG_KEY = "jaeger.truncated"

_SHORT = 64  # characters that are left of a long text
_LONGEST_NAME = 1024  # characters of an operation name that may cost a span its logs
_SAFE = 200  # bytes for the mark and for what the estimate misses


def fit(record: bytes, limit: int) -> bytes | None:
    """Return *record*, a ``Span`` struct, in at most *limit* bytes, or None if it cannot be done.

    :raises Exception: whatever thrift raises on bytes that are no ``Span``
    """
    if len(record) <= limit:
        return record
    span = _decode(record)
    excess = len(record) - limit + _SAFE
    cut = []
    for give_up in (_long_name, _logs, _texts, _tags, _references, _name):
        saved, what = give_up(span, excess)
        if saved:
            if what not in cut:
                cut.append(what)
            excess -= saved
        if excess <= 0:
            break
    span.tags = [
        *(span.tags or ()),
        ttypes.Tag(TRUNCATED_TAG_KEY, ttypes.TagType.STRING, ", ".join(cut)),
    ]
    result = _encode(span)
    return result if len(result) <= limit else None


def _decode(record: bytes) -> Any:
    from thrift.protocol.TCompactProtocol import TCompactProtocol
    from thrift.transport.TTransport import TMemoryBuffer

    span = ttypes.Span()
    span.read(TCompactProtocol(TMemoryBuffer(record)))
    return span


def _encode(struct: Any) -> bytes:
    from thrift.protocol.TCompactProtocol import TCompactProtocol
    from thrift.transport.TTransport import TMemoryBuffer

    transport = TMemoryBuffer()
    struct.write(TCompactProtocol(transport))
    return bytes(transport.getvalue())


def _logs(span: Any, excess: int) -> tuple[int, str]:
    """Keep logs of both ends, as many as there is room for: how it began and how it ended."""
    logs = span.logs or []
    sizes = [len(_encode(log)) for log in logs]
    room = sum(sizes) - excess
    kept: set[int] = set()
    order = (i for pair in zip(range(len(logs)), reversed(range(len(logs)))) for i in pair)
    for i in order:
        room -= sizes[i]
        if room < 0:  # sooner than all are kept
            break
        kept.add(i)
    span.logs = [log for i, log in enumerate(logs) if i in kept]
    dropped = len(logs) - len(kept)
    return sum(size for i, size in enumerate(sizes) if i not in kept), f"{dropped} logs dropped"


def _texts(span: Any, excess: int) -> tuple[int, str]:
    saved = count = 0
    for tag in sorted(span.tags or (), key=lambda tag: -len(tag.vStr or "")):
        if saved >= excess or len(tag.vStr or "") <= _SHORT:
            break
        before = len(_encode(tag))
        # A character is at least a byte: what has to go of this text, and no more.
        tag.vStr = tag.vStr[: max(_SHORT, len(tag.vStr) - (excess - saved))]
        saved += before - len(_encode(tag))
        count += 1
    return saved, f"{count} tag values shortened"


def _tags(span: Any, excess: int) -> tuple[int, str]:
    saved, kept = 0, []
    tags = span.tags or []
    for tag in reversed(tags):
        if saved < excess:
            saved += len(_encode(tag))
        else:
            kept.append(tag)
    span.tags = kept[::-1]
    return saved, f"{len(tags) - len(kept)} tags dropped"


def _references(span: Any, _excess: int) -> tuple[int, str]:
    references = span.references or []
    span.references = None
    saved = sum(len(_encode(reference)) for reference in references)
    return saved, f"{len(references)} references dropped"


def _long_name(span: Any, excess: int) -> tuple[int, str]:
    return _name(span, excess, _LONGEST_NAME)


def _name(span: Any, excess: int, shortest: int = _SHORT) -> tuple[int, str]:
    before = len(span.operationName.encode())
    span.operationName = span.operationName[: max(shortest, len(span.operationName) - excess)]
    return before - len(span.operationName.encode()), "operation name shortened"
