"""Traces as the JSON of Jaeger's query service, which its user interface and many tools read."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence
from typing import Any

from .model import Log, Process, Span, Tag, Trace, trace_id_text

# JavaScript has no larger whole numbers; Jaeger writes those as text.
_SAFE = (1 << 53) - 1

Json = dict[str, Any]


def response(data: Sequence[Any] | None, errors: list[Json] | None = None) -> Json:
    """Return the envelope that every answer of the query service has."""
    total = 0 if data is None else len(data)
    return {"data": data, "total": total, "limit": 0, "offset": 0, "errors": errors}


def error(code: int, message: str, trace_id: str | None = None) -> Json:
    """Return the answer to a request that failed."""
    problem: Json = {"code": code, "msg": message}
    if trace_id is not None:
        problem["traceID"] = trace_id
    return response(None, [problem])


def trace(value: Trace) -> Json:
    """Return one trace: spans, and the processes they refer to by ``p1``, ``p2``, ..."""
    ids: dict[Process, str] = {}
    # Spans of a batch share the object. To hash one means to hash all of its tags, and a batch may
    # have as many of them as spans.
    known: dict[int, str] = {}
    spans = []
    for item in value.spans:
        process_id = known.get(id(item.process))
        if process_id is None:
            process_id = ids.setdefault(item.process, f"p{len(ids) + 1}")
            known[id(item.process)] = process_id
        spans.append(span(item, process_id))
    return {
        "traceID": trace_id_text(value.trace_id),
        "spans": spans,
        "processes": {
            process_id: {"serviceName": process.service, "tags": _tags(process.tags)}
            for process, process_id in ids.items()
        },
        "warnings": None,
    }


def span(value: Span, process_id: str) -> Json:
    """Return one span."""
    return {
        "traceID": trace_id_text(value.trace_id),
        "spanID": f"{value.span_id:016x}",
        "flags": value.flags,
        "operationName": value.operation,
        "references": [
            {
                "refType": reference.type,
                "traceID": trace_id_text(reference.trace_id),
                "spanID": f"{reference.span_id:016x}",
            }
            for reference in value.references
        ],
        "startTime": value.start,
        "duration": value.duration,
        "tags": _tags(value.tags),
        "logs": [_log(log) for log in value.logs],
        "processID": process_id,
        "warnings": list(value.warnings) or None,
    }


def _log(log: Log) -> Json:
    return {"timestamp": log.timestamp, "fields": _tags(log.fields)}


def _tags(tags: tuple[Tag, ...]) -> list[Json]:
    return [{"key": tag.key, "type": tag.type, "value": _value(tag)} for tag in tags]


def _value(tag: Tag) -> Any:
    value = tag.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON has no such numbers
    if isinstance(value, int) and not -_SAFE <= value <= _SAFE:
        return str(value)
    return value
