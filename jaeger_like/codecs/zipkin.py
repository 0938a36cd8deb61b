"""The format ``zipkin-span-format``, in which TChannel carries contexts: four integers."""

from __future__ import annotations

from opentracing import InvalidCarrierException, SpanContextCorruptedException

from ..span_context import SpanContext, make_context, make_trace
from .base import FLAGS_MASK, Codec, shown
from .ids import MAX_SPAN_ID, MAX_TRACE_ID

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

ZipkinSpanFormat = "zipkin-span-format"


class ZipkinCodec(Codec):
    """Writes ``trace_id``, ``span_id``, ``parent_id`` and ``traceflags`` into a dict; reads them
    from a dict or from the attributes of any object.

    Baggage and debug ids do not travel in this format; a context without a trace writes nothing.
    """

    def inject(self, span_context: SpanContext, carrier: Any) -> None:
        if not isinstance(carrier, dict):
            raise InvalidCarrierException("carrier not a dictionary")
        trace = span_context._trace
        if trace.trace_id and span_context.span_id:
            carrier["trace_id"] = trace.trace_id
            carrier["span_id"] = span_context.span_id
            carrier["parent_id"] = span_context.parent_id
            carrier["traceflags"] = None if trace.flags is None else trace.flags & FLAGS_MASK

    def extract(self, carrier: Any) -> SpanContext | None:
        read = carrier.get if isinstance(carrier, dict) else _attribute_of(carrier)
        trace_id, span_id, parent_id, flags = [
            read(name) for name in ("trace_id", "span_id", "parent_id", "traceflags")
        ]
        trace_id = _number("trace_id", trace_id, MAX_TRACE_ID)
        if not trace_id:
            return None
        flags = _number("traceflags", flags, None)
        return make_context(
            make_trace(trace_id, None if flags is None else flags & FLAGS_MASK),
            _number("span_id", span_id, MAX_SPAN_ID) or None,
            _number("parent_id", parent_id, MAX_SPAN_ID) or None,
        )


def _attribute_of(carrier: Any) -> Any:
    def read(name: str) -> Any:
        try:
            return getattr(carrier, name)
        except Exception as error:
            raise InvalidCarrierException(f"carrier has no {name}") from error

    return read


def _number(name: str, value: Any, limit: int | None) -> int | None:
    if value is None:
        return None
    if isinstance(value, int) and value >= 0 and (limit is None or value <= limit):
        return value
    raise SpanContextCorruptedException(f"{name}: expected an unsigned integer, got {shown(value)}")
