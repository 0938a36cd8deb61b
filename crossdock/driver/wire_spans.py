"""The spans that every client is asked to make, and the model that they shall arrive as."""

from __future__ import annotations

import math
from typing import Any, Callable

#: Microseconds since 1970; odd, so that clients that compute with floats show it.
START = 1_700_000_000_123_457

_TAGS = [
    ("text", "string", "plain"),
    ("text.unicode", "string", "grüße 日本 🎈"),
    ("text.empty", "string", ""),
    ("text.long", "string", "x" * 1000),
    ("true", "bool", "true"),
    ("false", "bool", "false"),
    ("long.zero", "long", "0"),
    ("long.negative", "long", "-3"),
    ("long.2^53", "long", str(1 << 53)),
    ("long.max", "long", str((1 << 63) - 1)),
    ("long.min", "long", str(-(1 << 63))),
    ("double", "double", "1.5"),
    ("double.small", "double", "-2.5e-300"),
    ("double.large", "double", "1e300"),
    ("double.whole", "double", "2.0"),
    ("binary", "binary", "00ff80"),
]
_LOGS = [
    (10, [("event", "string", "cart"), ("items", "long", "3"), ("full", "bool", "false")]),
    (1501, [("event", "string", "grüße"), ("share", "double", "0.25")]),
]

Span = dict[str, Any]


def _span(
    operation: str,
    references: list[tuple[str, int]],
    tags: list[tuple[str, str, str]] | None = None,
    logs: list[tuple[int, list[tuple[str, str, str]]]] | None = None,
    number: int = 0,
    debug: bool = False,
) -> Span:
    start = START + 1001 * number
    return {
        "operation": operation,
        "start": start,
        "duration": 1543 + number,
        "debug": debug,
        "references": [{"type": relation, "span": span} for relation, span in references],
        "tags": _values(tags or []),
        "logs": [
            {"timestamp": start + offset, "fields": _values(fields)}
            for offset, fields in logs or []
        ],
    }


def _values(items: list[tuple[str, str, str]]) -> list[dict[str, str]]:
    return [{"key": key, "type": kind, "value": value} for key, kind, value in items]


def _spans(prefix: str) -> list[Span]:
    return [
        _span(f"{prefix} everything", [], _TAGS, _LOGS),
        _span(f"{prefix} child", [("child_of", 0)], number=1),
        _span(f"{prefix} follower", [("follows_from", 0)], number=2),
        _span(f"{prefix} both", [("child_of", 1), ("follows_from", 2)], number=3),
        _span(f"{prefix} two parents", [("child_of", 1), ("child_of", 2)], number=4),
        _span(f"{prefix} debug", [], number=5, debug=True),
        _span(f"{prefix} of two traces", [("child_of", 1), ("follows_from", 5)], number=6),
        _span(f"{prefix} child of debug", [("child_of", 5)], number=7),
    ]


#: What to post to ``/emit_spans``, by width of the trace ids.
SPANS = {bits: _spans(f"{bits}") for bits in (64, 128)}

_PARSE: dict[str, tuple[str, Callable[[str], Any]]] = {
    "string": ("STRING", str),
    "bool": ("BOOL", lambda text: text == "true"),
    "long": ("LONG", int),
    "double": ("DOUBLE", float),
    "binary": ("BINARY", str),
}


def expected(service_name: str) -> dict[str, Any]:
    """Return the model of :data:`SPANS`, flat: a value for each path."""
    model: dict[str, Any] = {
        "process / service name": service_name,
        "process / tags / team": ("STRING", "blue"),
        "process / tags / shard": ("LONG", 7),
        "process / tags / spot": ("BOOL", True),
        "process / tags / load": ("DOUBLE", 0.5),
        "process / tags / jaeger.version": ("STRING", "..."),
        "process / tags / hostname": ("STRING", "..."),
        "process / tags / ip": ("STRING", "..."),
        "process / tags / client-uuid": ("STRING", "..."),
        "batch / seqNo": "counts from 1",
        "batch / stats": (0, 0, 0),
    }
    for bits, spans in SPANS.items():
        for span in spans:
            model.update(_expected_span(span, spans, bits))
    return model


def _expected_span(span: Span, spans: list[Span], bits: int) -> dict[str, Any]:
    path = span["operation"]
    first = span
    while first["references"]:
        first = spans[first["references"][0]["span"]]
    model = {
        f"{path} / trace": f"of {first['operation']}",
        f"{path} / width of trace id": bits,
        f"{path} / flags": 3 if first["debug"] else 1,
        f"{path} / start": span["start"],
        f"{path} / duration": span["duration"],
        f"{path} / references": [
            (entry["type"].upper(), spans[entry["span"]]["operation"])
            for entry in span["references"]
        ],
        f"{path} / logs": len(span["logs"]),
    }
    if not span["references"]:
        model[f"{path} / tags / sampler.type"] = ("STRING", "const")
        model[f"{path} / tags / sampler.param"] = ("BOOL", True)
    if span["debug"]:
        model[f"{path} / tags / sampling.priority"] = ("LONG", 1)
    for item in span["tags"]:
        model[f"{path} / tags / {item['key']}"] = _typed(item)
    for number, entry in enumerate(span["logs"]):
        model[f"{path} / log {number} / timestamp"] = entry["timestamp"]
        for item in entry["fields"]:
            model[f"{path} / log {number} / {item['key']}"] = _typed(item)
    return model


def _typed(item: dict[str, str]) -> tuple[str, Any]:
    kind, parse = _PARSE[item["type"]]
    return kind, parse(item["value"])


def same(one: Any, other: Any) -> bool:
    """Return whether two values of the model are equal in type, too."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and bool(one == other)
