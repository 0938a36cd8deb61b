"""W3C Trace Context, level 2 (https://www.w3.org/TR/trace-context-2/), with W3C Baggage."""

from __future__ import annotations

import re
from typing import Any

from ..constants import SAMPLED_FLAG
from ..span_context import SpanContext, make_context, make_trace
from .baggage import format_w3c_baggage, parse_w3c_baggage
from .base import (
    Codec,
    carrier_items,
    context_without_trace,
    header_name,
    header_text,
    require_mapping,
)

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
BAGGAGE = "baggage"

RANDOM_FLAG = 0x02  # of traceparent's flags; not Jaeger's debug bit

MAX_TRACESTATE_MEMBERS = 32
MAX_TRACESTATE_LENGTH = 4096  # at least 512 must be forwarded

_BLANKS = " \t"
_traceparent = re.compile(
    "([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL
).fullmatch
# Key and value of one member, which has been stripped of blanks around it.
_member = re.compile(
    r"([a-z0-9][a-z0-9_\-*/@]{0,255})=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}"
).fullmatch


class W3CCodec(Codec):
    """Reads and writes ``traceparent``, ``tracestate`` and ``baggage``.

    A malformed ``traceparent`` is ignored, as the recommendation has it; baggage is read all the
    same. ``tracestate`` is forwarded as received. The format cannot express the parent of the
    span, debug, nor a debug id; a decision that is left open is written as "not sampled".
    """

    def inject(self, span_context: SpanContext, carrier: Any) -> None:
        require_mapping(carrier)
        trace = span_context._trace
        if trace.trace_id and span_context.span_id:
            flags = (trace.flags or 0) & SAMPLED_FLAG
            if trace.random_id:
                flags |= RANDOM_FLAG
            carrier[TRACEPARENT] = (
                f"00-{trace.trace_id:032x}-{span_context.span_id:016x}-{flags:02x}"
            )
            if trace.tracestate:
                carrier[TRACESTATE] = trace.tracestate
        if trace.baggage:
            baggage = format_w3c_baggage(trace)
            if baggage:
                carrier[BAGGAGE] = baggage

    def extract(self, carrier: Any) -> SpanContext | None:
        headers: dict[str, list[str | None]] = {TRACEPARENT: [], TRACESTATE: [], BAGGAGE: []}
        for key, value in carrier_items(carrier):
            name = header_name(key)
            if name in headers:
                values = value if isinstance(value, (list, tuple)) else [value]
                headers[name].extend([header_text(each) for each in values])

        baggage: dict[str, str] = {}
        if headers[BAGGAGE]:
            parse_w3c_baggage(_joined(headers[BAGGAGE]), baggage)

        if len(headers[TRACEPARENT]) == 1:
            ids = _parse_traceparent(headers[TRACEPARENT][0] or "")
            if ids is not None:
                trace_id, span_id, flags = ids
                return make_context(
                    make_trace(
                        trace_id,
                        flags & SAMPLED_FLAG,
                        baggage or None,
                        tracestate=_valid_tracestate(_joined(headers[TRACESTATE])),
                        random_id=bool(flags & RANDOM_FLAG),
                    ),
                    span_id,
                    None,
                )
        return context_without_trace(None, baggage) if baggage else None


def _joined(values: list[str | None]) -> str:
    return ",".join([value for value in values if value is not None])


def _parse_traceparent(value: str) -> tuple[int, int, int] | None:
    match = _traceparent(value.strip(_BLANKS))
    if match is None:
        return None
    version, trace, span, flags, rest = match.groups()
    # Later versions may add fields; this one is complete with four, and "ff" is none.
    if version == "ff" or (version == "00" and rest is not None):
        return None
    trace_id, span_id = int(trace, 16), int(span, 16)
    if not trace_id or not span_id:
        return None
    return trace_id, span_id, int(flags, 16)


def _valid_tracestate(header: str) -> str | None:
    """Return the list as it is to be forwarded: without blanks, empty members and repeated keys,
    cut to a bearable length; None when there is nothing or anything is malformed."""
    members: dict[str, str] = {}
    count = 0
    for part in header.split(","):
        member = part.strip(_BLANKS)
        if not member:
            continue
        match = _member(member)
        count += 1
        if match is None or count > MAX_TRACESTATE_MEMBERS:
            return None
        members.setdefault(match[1], member)
    return ",".join(_cut(list(members.values()))) or None


def _cut(members: list[str]) -> list[str]:
    # Whole members go, first those of more than 128 characters, then from the right (3.3.1.5).
    excess = sum(map(len, members)) + len(members) - 1 - MAX_TRACESTATE_LENGTH
    for large in (True, False):
        for index in range(len(members) - 1, -1, -1):
            if excess <= 0:
                return members
            if not large or len(members[index]) > 128:
                excess -= len(members[index]) + 1
                del members[index]
    return members
