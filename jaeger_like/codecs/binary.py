"""BINARY: a context in bytes, the same in the Go, Java and Python clients.

All integers are big-endian and unsigned:

    offset 0   8 bytes   trace id, high half
           8   8 bytes   trace id, low half
          16   8 bytes   span id
          24   8 bytes   parent id, 0 for a root
          32   1 byte    flags
          33   4 bytes   number of baggage items
          37   per item  4 bytes length of the key, key, 4 bytes length of the value, value (UTF-8)
"""

from __future__ import annotations

import struct

from opentracing import InvalidCarrierException, SpanContextCorruptedException

from ..span_context import SpanContext, make_context, make_trace
from .base import (
    FLAGS_MASK,
    MAX_BAGGAGE_ITEM_LENGTH,
    MAX_BAGGAGE_ITEMS,
    Codec,
    baggage_items,
    context_without_trace,
)
from .ids import MAX_SPAN_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_head = struct.Struct(">QQQQBI")
_length = struct.Struct(">I")


class BinaryCodec(Codec):
    """Appends contexts to a ``bytearray`` and reads them from the start of one, or of ``bytes``.

    Bytes that follow the context are ignored. Items beyond 180 and items of more than 4096 bytes
    are not written, because a reader must refuse the whole context for them, as this one does.
    A context without a trace has ids of 0; a debug id cannot be expressed.
    """

    def inject(self, span_context: SpanContext, carrier: Any) -> None:
        if not isinstance(carrier, bytearray):
            raise InvalidCarrierException("carrier not a bytearray")
        trace = span_context._trace
        items = []
        for key, value in baggage_items(trace):
            item = key.encode("utf-8", "replace"), value.encode("utf-8", "replace")
            if len(item[0]) + len(item[1]) <= MAX_BAGGAGE_ITEM_LENGTH:
                items.append(item)
        items = items[:MAX_BAGGAGE_ITEMS]
        trace_id, span_id, parent_id = trace.trace_id, span_context.span_id, span_context.parent_id
        if not trace_id or not span_id:
            trace_id = span_id = parent_id = 0
        carrier += _head.pack(
            (trace_id >> 64) & MAX_SPAN_ID,
            trace_id & MAX_SPAN_ID,
            span_id & MAX_SPAN_ID,
            (parent_id or 0) & MAX_SPAN_ID,
            (trace.flags or 0) & FLAGS_MASK,
            len(items),
        )
        for item in items:
            for part in item:
                carrier += _length.pack(len(part))
                carrier += part

    def extract(self, carrier: Any) -> SpanContext | None:
        if not isinstance(carrier, (bytearray, bytes, memoryview)):
            raise InvalidCarrierException("carrier not a bytearray")
        # A copy no larger than a context can be: a view may change, or not be contiguous.
        try:
            view = memoryview(carrier)
            if not view.c_contiguous:
                view = memoryview(view.tobytes())
            data = bytes(view.cast("B")[:_MAX_SIZE])
            high, low, span_id, parent_id, flags, count = _head.unpack_from(data)
            baggage = _read_baggage(data, count)
        except (struct.error, ValueError) as error:
            raise SpanContextCorruptedException(f"malformed binary context: {error}") from error
        trace_id = high << 64 | low
        if trace_id and span_id:
            return make_context(make_trace(trace_id, flags, baggage), span_id, parent_id or None)
        if trace_id or span_id:
            raise SpanContextCorruptedException("malformed binary context: one of its ids is 0")
        return context_without_trace(None, baggage)


_MAX_SIZE = _head.size + MAX_BAGGAGE_ITEMS * (2 * _length.size + MAX_BAGGAGE_ITEM_LENGTH)


def _read_baggage(data: bytes, count: int) -> dict[str, str] | None:
    if count > MAX_BAGGAGE_ITEMS:
        raise ValueError(f"{count} baggage items, at most {MAX_BAGGAGE_ITEMS} are accepted")
    baggage = {}
    offset = _head.size
    for _ in range(count):
        key, offset = _read_part(data, offset, MAX_BAGGAGE_ITEM_LENGTH)
        value, offset = _read_part(data, offset, MAX_BAGGAGE_ITEM_LENGTH - len(key))
        baggage[key.decode("utf-8")] = value.decode("utf-8")
    return baggage or None


def _read_part(data: bytes, offset: int, limit: int) -> tuple[bytes, int]:
    (length,) = _length.unpack_from(data, offset)
    if length > limit:
        raise ValueError(f"baggage item of more than {MAX_BAGGAGE_ITEM_LENGTH} bytes")
    start = offset + _length.size
    end = start + length
    if end > len(data):
        raise ValueError("it ends within a baggage item")
    return data[start:end], end
