"""What the way to the query API changes about a span, and why: all of it, and nothing else.

Each rule changes what is expected, never what was found, so that one that no longer holds shows as
a difference. A rule without any effect is reported, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Trace = dict[str, Any]

BACKENDS = ("v1", "v2")
WAYS = ("UDP", "HTTP", "OTLP")

#: A 0 for the bits that OTLP has no place for.
NO_FLAGS = 0

NEGATIVE = "Negative duration detected"
NO_PARENT = "invalid parent span IDs=%016x; skipping clock skew adjustment"


@dataclass(frozen=True)
class Rule:
    """One change.

    :ivar where: pairs of backend and way that it applies to
    :ivar what: it does
    :ivar why: whose doing it is, and for what reason
    :ivar change: applies it to what is expected: ``{"process": [...], "spans": [...]}``
    """

    where: frozenset[tuple[str, str]]
    what: str
    why: str
    change: Callable[[Trace, str, str], None]


def _on(backends: str, ways: str) -> frozenset[tuple[str, str]]:
    return frozenset((b, w) for b in backends.split() for w in ways.split())


def _tag_format(trace: Trace, backend: str, way: str) -> None:  # noqa: ARG001  a rule's signature
    name = {"UDP": "proto", "HTTP": "jaeger", "OTLP": "otlp"}[way]
    for span in trace["spans"]:
        span["tags"].append(["internal.span.format", "string", name])


def _no_flags(trace: Trace, *_: str) -> None:
    for span in trace["spans"]:
        span["flags"] = NO_FLAGS


def _warn_of_no_time(trace: Trace, *_: str) -> None:
    for span in trace["spans"]:
        if span["duration"] <= 0:
            span["warnings"].append(NEGATIVE)


def _warn_of_no_parent(trace: Trace, *_: str) -> None:
    known = {(span["trace_id"], span["span_id"]) for span in trace["spans"]}
    for span in trace["spans"]:
        for _kind, *parent in span["references"][:1]:
            if tuple(parent) not in known and parent[0] == span["trace_id"]:
                span["warnings"].append(NO_PARENT % parent[1])


def _tag_kind(trace: Trace, *_: str) -> None:
    for span in trace["spans"]:
        if not any(key == "span.kind" for key, *_ in span["tags"]):
            span["tags"].append(["span.kind", "string", "internal"])


def _name_events(trace: Trace, *_: str) -> None:
    for span in trace["spans"]:
        for _at, fields in span["logs"]:
            if not any(key == "event" for key, *_ in fields):
                fields.append(["event", "string", "log"])


def _tag_status(trace: Trace, *_: str) -> None:
    for span in trace["spans"]:
        if ["error", "bool", True] in span["tags"]:
            span["tags"].append(["otel.status_code", "string", "ERROR"])


def _tag_description(trace: Trace, *_: str) -> None:
    for span in trace["spans"]:
        if ["error", "bool", True] in span["tags"]:
            for _at, fields in span["logs"]:
                for key, _kind, value in fields:
                    if key == "message":
                        span["tags"].append(["otel.status_description", "string", value])


def _scope(prefix: str, trace: Trace) -> list[list[Any]]:
    version = next(value for key, _, value in trace["process"] if key == "jaeger.version")
    return [
        [f"{prefix}.name", "string", "jaeger_like"],
        [f"{prefix}.version", "string", version.removeprefix("Python-")],
    ]


def _tag_scope(trace: Trace, *_: str) -> None:
    for span in trace["spans"]:
        span["tags"] += _scope("otel.scope", trace)


def _tag_library(trace: Trace, *_: str) -> None:
    trace["process"] += _scope("otel.library", trace)


def _rename_host(trace: Trace, *_: str) -> None:
    for tag in trace["process"]:
        if tag[0] == "hostname":
            tag[0] = "host.name"


def _rename_version(trace: Trace, *_: str) -> None:
    for tag in trace["process"]:
        if tag[0] == "jaeger.version":
            tag[0], tag[2] = "opencensus.exporterversion", f"Jaeger-{tag[2]}"


def _tag_sdk(trace: Trace, *_: str) -> None:
    for tag in trace["process"]:
        if tag[0] == "client-uuid":
            tag[0] = "service.instance.id"
    trace["process"] += [
        *_scope("telemetry.sdk", trace),
        ["telemetry.sdk.language", "string", "python"],
    ]


ALL = _on("v1 v2", "UDP HTTP OTLP")

RULES = (
    Rule(
        ALL,
        "the trace has a warning when a span's parent is not in it",
        "the query service cannot correct clocks then; the parent here is a span of a program "
        "that never sent one",
        _warn_of_no_parent,
    ),
    Rule(
        _on("v1", "UDP HTTP OTLP"),
        "a tag `internal.span.format` more: `proto`, `jaeger` or `otlp`",
        "Jaeger 1.x's collector notes in which format it got a span; from the agent it is `proto`",
        _tag_format,
    ),
    Rule(
        _on("v2", "UDP HTTP OTLP") | _on("v1", "OTLP"),
        "the flags (sampled, debug, firehose) are gone",
        "OTLP has no place for Jaeger's flags, and Jaeger 2 stores everything as OTLP",
        _no_flags,
    ),
    Rule(
        _on("v2", "UDP HTTP OTLP"),
        "a span of less than a microsecond has a warning of a negative duration",
        "Jaeger 2 takes an end that is not after the start for a mistake, and adds a nanosecond",
        _warn_of_no_time,
    ),
    Rule(
        _on("v2", "UDP HTTP OTLP") | _on("v1", "OTLP"),
        "a tag `otel.status_code=ERROR` beside `error=true`",
        "`error=true` is the status of a span in OTLP, and is shown as both",
        _tag_status,
    ),
    Rule(
        _on("v1 v2", "OTLP"),
        "a tag `otel.status_description` beside `error=true`",
        "this client fills the status' message from the log of the error",
        _tag_description,
    ),
    Rule(
        _on("v1 v2", "OTLP"),
        "a span without `span.kind` has `span.kind=internal`",
        "OTLP's specification: a sender says INTERNAL when it does not know",
        _tag_kind,
    ),
    Rule(
        _on("v1 v2", "OTLP"),
        "a log without the field `event` has `event=log`",
        "an event of OTLP has to have a name",
        _name_events,
    ),
    Rule(
        _on("v2", "OTLP"),
        "tags `otel.scope.name` and `otel.scope.version` more, on each span",
        "OTLP says which library made a span",
        _tag_scope,
    ),
    Rule(
        _on("v1", "OTLP"),
        "tags `otel.library.name` and `otel.library.version` more, on the process",
        "the same, under older names; the query service moves them to the process",
        _tag_library,
    ),
    Rule(
        _on("v2", "UDP HTTP OTLP") | _on("v1", "OTLP"),
        "the process' tag `hostname` is named `host.name`",
        "OpenTelemetry's name for it; in OTLP by this client, in Jaeger 2 by its Thrift receiver",
        _rename_host,
    ),
    Rule(
        _on("v1 v2", "OTLP"),
        "the process' tag `client-uuid` is named `service.instance.id`, and there are "
        "`telemetry.sdk.name`, `.language`, `.version` more",
        "OpenTelemetry's names",
        _tag_sdk,
    ),
    Rule(
        _on("v2", "UDP HTTP"),
        "the process' tag `jaeger.version` is named `opencensus.exporterversion`, its value with "
        "`Jaeger-` in front",
        "Jaeger 2's Thrift receiver translates it so",
        _rename_version,
    ),
)


def apply(trace: Trace, backend: str, way: str) -> list[str]:
    """Change what is expected as the way changes it; return the rules that changed nothing."""
    idle = []
    for rule in RULES:
        if (backend, way) in rule.where:
            before = repr(trace)
            rule.change(trace, backend, way)
            if repr(trace) == before:
                idle.append(rule.what)
    for span in trace["spans"]:
        span["tags"].sort()
        for _at, fields in span["logs"]:
            fields.sort()
    trace["process"].sort()
    return idle


def without_figures(warning: str) -> str:
    """Return a warning less the times in it."""
    return re.sub(rf"^({NEGATIVE}).*", r"\1", warning)


def as_markdown() -> str:
    """Return a table for the README."""
    lines = ["| In Jaeger | Backend and way | Why |", "|---|---|---|"]
    for rule in RULES:
        where = []
        for backend in BACKENDS:
            ways = [way for way in WAYS if (backend, way) in rule.where]
            if ways:
                where.append(f"{backend} {', '.join(ways) if len(ways) < 3 else 'all'}")
        lines.append(f"| {rule.what} | {'; '.join(where)} | {rule.why} |")
    return "\n".join(lines)
