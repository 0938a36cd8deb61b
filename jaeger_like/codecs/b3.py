"""B3, the headers of Zipkin (https://github.com/openzipkin/b3-propagation), several and single."""

from __future__ import annotations

import re
from typing import Any

from opentracing import SpanContextCorruptedException

from ..constants import DEBUG_FLAG, SAMPLED_FLAG
from ..span_context import SpanContext, make_context, make_trace
from .base import (
    DEBUG_FLAGS,
    Codec,
    carrier_items,
    context_without_trace,
    header_name,
    header_text,
    require_mapping,
)
from .ids import MAX_SPAN_ID, header_to_hex

# Strict, as Zipkin's own reader is. A parent without a state is not in the specification's text,
# but that reader takes it too.
_single = re.compile(
    "([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(?:-([01d]))?(?:-([0-9a-f]{16}))?"
).fullmatch
_STATES = {"0": 0, "1": SAMPLED_FLAG, "d": DEBUG_FLAGS}
_SAMPLED = {"0": 0, "false": 0, "1": SAMPLED_FLAG, "true": SAMPLED_FLAG}


class B3Codec(Codec):
    """Writes the ``X-B3-*`` headers; reads them, and the single ``b3`` header before them.

    Ids are padded to 16 digits, trace ids to 32 when they are wider than 64 bits. A decision
    without ids gives a context with flags and no trace; ids without a decision give flags of None,
    which leaves it to the receiver. Baggage and debug ids do not travel in this format.

    The names of the headers are attributes of the class, for subclasses to change.

    :param generate_128bit_trace_id: pad all trace ids to 32 digits
    """

    trace_header = "X-B3-TraceId"
    span_header = "X-B3-SpanId"
    parent_span_header = "X-B3-ParentSpanId"
    sampled_header = "X-B3-Sampled"
    flags_header = "X-B3-Flags"
    single_header = "b3"

    generate_128bit_trace_id = False

    def __init__(self, generate_128bit_trace_id: bool = False) -> None:
        self.generate_128bit_trace_id = generate_128bit_trace_id

    def inject(self, span_context: SpanContext, carrier: Any) -> None:
        require_mapping(carrier)
        trace = span_context._trace
        if trace.trace_id and span_context.span_id:
            carrier[self.trace_header] = self._trace_id(trace.trace_id)
            carrier[self.span_header] = f"{span_context.span_id:016x}"
            if span_context.parent_id:
                carrier[self.parent_span_header] = f"{span_context.parent_id:016x}"
        if trace.flags is not None:
            if trace.flags & DEBUG_FLAG:
                carrier[self.flags_header] = "1"  # implies sampled, which is then not sent
            else:
                carrier[self.sampled_header] = "1" if trace.flags & SAMPLED_FLAG else "0"

    def extract(self, carrier: Any) -> SpanContext | None:
        headers: dict[str, Any] = {}
        for key, value in carrier_items(carrier):
            name = header_name(key)
            if name is not None and value is not None:  # programs hand in headers.get(name)
                headers[name] = value
        single = header_text(headers.get(self.single_header.lower()))
        context = None if single is None else _from_single(single.strip())
        return context or self._from_several(headers)

    def _from_several(self, headers: dict[str, Any]) -> SpanContext | None:
        trace_id = _id(headers, self.trace_header)
        span_id = _id(headers, self.span_header)
        parent_id = _id(headers, self.parent_span_header)
        if (span_id or 0) > MAX_SPAN_ID or (parent_id or 0) > MAX_SPAN_ID:
            raise SpanContextCorruptedException("span id of more than 16 hexadecimal digits")
        flags = _SAMPLED.get(_lower_text(headers, self.sampled_header))
        if _lower_text(headers, self.flags_header) == "1":
            flags = DEBUG_FLAGS
        if trace_id and span_id:
            return make_context(make_trace(trace_id, flags), span_id, parent_id or None)
        return None if flags is None else context_without_trace(flags)

    def _trace_id(self, trace_id: int) -> str:
        wide = self.generate_128bit_trace_id or trace_id > MAX_SPAN_ID
        return f"{trace_id:032x}" if wide else f"{trace_id:016x}"


class B3SingleCodec(B3Codec):
    """Writes the single ``b3`` header; reads what :class:`B3Codec` reads.

    Its value is ``{trace id}-{span id}-{state}-{parent id}``, or a state alone; the state is ``0``,
    ``1``, or ``d`` for debug.
    """

    def inject(self, span_context: SpanContext, carrier: Any) -> None:
        require_mapping(carrier)
        trace = span_context._trace
        fields = []
        if trace.trace_id and span_context.span_id:
            fields = [self._trace_id(trace.trace_id), f"{span_context.span_id:016x}"]
        if trace.flags is not None:
            sampled = "1" if trace.flags & SAMPLED_FLAG else "0"
            fields.append("d" if trace.flags & DEBUG_FLAG else sampled)
            if len(fields) == 3 and span_context.parent_id:
                fields.append(f"{span_context.parent_id:016x}")
        if fields:
            carrier[self.single_header] = "-".join(fields)


def _from_single(value: str) -> SpanContext | None:
    if value in _STATES:
        return context_without_trace(_STATES[value])
    match = _single(value)
    if match is None:
        return None
    trace, span, state, parent = match.groups()
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    parent_id = int(parent, 16) if parent else 0
    flags = None if state is None else _STATES[state]
    return make_context(make_trace(trace_id, flags), span_id, parent_id or None)


def _id(headers: dict[str, Any], name: str) -> int | None:
    name = name.lower()
    if name not in headers:
        return None
    text = header_text(headers[name])
    return header_to_hex(headers[name] if text is None else text.strip())


def _lower_text(headers: dict[str, Any], name: str) -> str:
    return (header_text(headers.get(name.lower())) or "").strip().lower()
