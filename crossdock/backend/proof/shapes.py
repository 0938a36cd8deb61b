"""Spans of every shape the API can make, each with what has to be found again in the backend.

What is expected is written down from what the program asked for, not taken from the client: only
ids, and the times of spans that take them from the clock, are.
"""

from __future__ import annotations

from typing import Any

import opentracing
from opentracing.ext import tags as ext_tags

from jaeger_like import Tracer

SAMPLED, DEBUG, FIREHOSE = 1, 2, 8

CHILD, FOLLOWS = "CHILD_OF", "FOLLOWS_FROM"

UNICODE = "Grüße 結帳 🛒 عربى"

#: Every type of tag, with the ends of its range.
VALUES: dict[str, Any] = {
    "string": "text",
    "string.empty": "",
    "string.unicode": UNICODE,
    "string.odd": 'a "quote", a \\, <b>&amp;</b>, a\ttab, a\nline and \x00',
    "string.number": "42",
    "bool.true": True,
    "bool.false": False,
    "int.zero": 0,
    "int.negative": -1,
    "int.beyond_float": 2**53 + 1,
    "int.max": 2**63 - 1,
    "int.min": -(2**63),
    "float": 1.5,
    "float.whole": 3.0,
    "float.tenth": 0.1,
    "float.large": 1.7976931348623157e308,
    "float.small": 5e-324,
    UNICODE: "key",
}

#: What the client turns into text, since the API of OpenTracing has no other type for it.
AS_TEXT: dict[str, tuple[Any, str]] = {
    "bytes": (b"\x00\xff", "b'\\x00\\xff'"),
    "int.large": (2**63, "9223372036854775808"),
    "none": (None, "None"),
    "list": ([1, "a"], "[1, 'a']"),
    "string.surrogate": ("a\ud800b", "a\\ud800b"),
    "string.long": ("x" * 3000, "x" * 1024),
}

_TYPES = {str: "string", bool: "bool", int: "int64", float: "float64"}


def tag(key: str, value: Any) -> list[Any]:
    """Return a tag as the query API tells it."""
    return [key, _TYPES[type(value)], value]


def tags(values: dict[str, Any]) -> list[list[Any]]:
    return sorted(tag(key, value) for key, value in values.items())


class Maker:
    """Makes spans and remembers what each has to look like."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self.expected: list[dict[str, Any]] = []
        self._now: int | None = None

    def span(
        self,
        operation: str,
        wanted_references: list[list[Any]],
        *,
        flags: int = SAMPLED,
        more_tags: dict[str, Any] | None = None,
        wanted_tags: dict[str, Any] | None = None,
        logs: list[tuple[int, dict[str, Any]]] | None = None,
        times: tuple[int, int] | None = None,
        **how: Any,
    ) -> Any:
        """Make a span.

        :param wanted_references: kind, trace id, span id
        :param more_tags: tags that are expected beside those given in *how*
        :param wanted_tags: tags that are expected in place of those given in *how*
        :param logs: microseconds after the start, and the fields
        :param times: start and duration, microseconds; None for the clock's
        :param how: arguments of ``start_span``
        """
        if times is not None:
            how["start_time"] = times[0] / 1e6
        span: Any = self._tracer.start_span(operation, ignore_active_span=True, **how)
        wanted_logs = []
        for offset, fields in logs or []:
            at = round(span.start_time * 1e6) + offset
            span.log_kv(fields, timestamp=at / 1e6)
            wanted_logs.append([at, tags(fields)])
        span.finish(finish_time=None if times is None else sum(times) / 1e6)
        start = round(span.start_time * 1e6)
        self.expected.append(
            {
                "trace_id": span.trace_id,
                "span_id": span.span_id,
                "operation": operation,
                "references": wanted_references,
                "flags": flags,
                "start": start if times is None else times[0],
                "duration": round(span.end_time * 1e6) - start if times is None else times[1],
                "tags": tags({**(wanted_tags or how.get("tags") or {}), **(more_tags or {})}),
                "logs": wanted_logs,
                "warnings": [],
            }
        )
        return span


def ref(kind: str, span: Any) -> list[Any]:
    return [kind, span.trace_id, span.span_id]


def make(tracer: Tracer, number: int) -> list[dict[str, Any]]:
    """Make one span or more of every shape and return what is expected of them.

    :param number: of this call, 0 to 15, so that no two have a trace in common
    """
    maker = Maker(tracer)
    root_tags = {"sampler.type": "const", "sampler.param": True}
    root = maker.span("root", [], more_tags=root_tags)
    other = maker.span("another root", [], more_tags=root_tags)
    child = maker.span("child", [ref(CHILD, root)], child_of=root)
    maker.span("grandchild", [ref(CHILD, child)], child_of=child.context)

    _references(maker, root, child, other)
    _values(maker, root)
    _logs(maker, root)
    _times(maker, root)
    _kinds(maker, root)
    _flags(maker, tracer)
    _remote(maker, tracer, number)
    return maker.expected


def _references(maker: Maker, root: Any, child: Any, other: Any) -> None:
    follows, child_of = opentracing.follows_from, opentracing.child_of
    maker.span("follows", [ref(FOLLOWS, root)], references=[follows(root.context)])
    maker.span(
        "child, and follows a sibling",
        [ref(CHILD, root), ref(FOLLOWS, child)],
        references=[child_of(root.context), follows(child.context)],
    )
    maker.span(
        "child, and follows another trace",
        [ref(CHILD, root), ref(FOLLOWS, other)],
        child_of=root,
        references=[follows(other.context)],
    )
    maker.span(
        "child of two traces",
        [ref(CHILD, root), ref(CHILD, other)],
        references=[child_of(root.context), child_of(other.context)],
    )


def _values(maker: Maker, root: Any) -> None:
    up = {"child_of": root}
    maker.span("tags", [ref(CHILD, root)], tags=VALUES, **up)
    maker.span(UNICODE, [ref(CHILD, root)], **up)
    maker.span("", [ref(CHILD, root)], **up)
    maker.span(
        "tags as text",
        [ref(CHILD, root)],
        tags={name: value for name, (value, _) in AS_TEXT.items()},
        wanted_tags={name: text for name, (_, text) in AS_TEXT.items()},
        **up,
    )


def _logs(maker: Maker, root: Any) -> None:
    up = {"child_of": root}
    maker.span(
        "logs",
        [ref(CHILD, root)],
        logs=[
            (1, {"event": "first", "attempt": 1}),
            (2, {"event": "second", **VALUES}),
            (3, {"event": UNICODE}),
        ],
        **up,
    )
    maker.span("log without event", [ref(CHILD, root)], logs=[(1, {"message": "text"})], **up)


def _times(maker: Maker, root: Any) -> None:
    up = {"child_of": root}
    start = round(root.start_time * 1e6)
    maker.span("a second", [ref(CHILD, root)], times=(start + 1, 1_000_000), **up)
    maker.span("a microsecond", [ref(CHILD, root)], times=(start + 2, 1), **up)
    maker.span("no time", [ref(CHILD, root)], times=(start + 3, 0), **up)
    maker.span("a day", [ref(CHILD, root)], times=(start + 4, 86_400_000_000), **up)
    maker.span("long ago", [ref(CHILD, root)], times=(1_000_000, 1_500_000), **up)


def _kinds(maker: Maker, root: Any) -> None:
    for kind in ("server", "client", "producer", "consumer"):
        maker.span(
            f"kind {kind}", [ref(CHILD, root)], child_of=root, tags={ext_tags.SPAN_KIND: kind}
        )
    maker.span(
        "failed",
        [ref(CHILD, root)],
        child_of=root,
        tags={ext_tags.ERROR: True},
        logs=[(1, {"event": "error", "message": "no such thing", "error.kind": "KeyError"})],
    )
    maker.span("not failed", [ref(CHILD, root)], child_of=root, tags={ext_tags.ERROR: False})


def _flags(maker: Maker, tracer: Tracer) -> None:
    root_tags = {"sampler.type": "const", "sampler.param": True}
    forced = maker.span(
        "forced",
        [],
        flags=SAMPLED | DEBUG,
        tags={ext_tags.SAMPLING_PRIORITY: 1},
        more_tags=root_tags,
    )
    maker.span("child of forced", [ref(CHILD, forced)], flags=SAMPLED | DEBUG, child_of=forced)
    asked = tracer.extract(opentracing.Format.TEXT_MAP, {"jaeger-debug-id": "why"})
    maker.span(
        "debug id",
        [],
        flags=SAMPLED | DEBUG,
        child_of=asked,
        more_tags={"jaeger-debug-id": "why"},
    )


def _remote(maker: Maker, tracer: Tracer, number: int) -> None:
    """Contexts of other programs: ids at the ends of their range, and all flags."""
    for name, trace_id, span_id, flags in (
        ("128 bits", 0xFEDCBA9876543210_0123456789ABCD00, 0xFFFFFFFFFFFFFFFF, SAMPLED),
        ("all ones", 2**128 - 16, 2**63, SAMPLED),
        ("65 bits", 2**64, 1, SAMPLED),
        ("64 bits", 2**64 - 16, 2**63 - 1, SAMPLED),
        ("small", 0x10, 2, SAMPLED),
        ("debug", 0x20, 3, SAMPLED | DEBUG),
        ("firehose", 0x30, 4, SAMPLED | FIREHOSE),
    ):
        carrier = {"uber-trace-id": f"{trace_id + number:x}:{span_id:x}:0:{flags:x}"}
        context = tracer.extract(opentracing.Format.TEXT_MAP, carrier)
        maker.span(
            f"remote {name}",
            [[CHILD, trace_id + number, span_id]],
            flags=flags,
            child_of=context,
        )
