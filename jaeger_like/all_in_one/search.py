"""Which traces a query for ``/api/traces`` asks for."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from .model import Span, Tag, Trace

DEFAULT_LIMIT = 100

# Go's syntax for durations, and days, which user interfaces ask for ("2d").
_UNITS = {"ns": 1e-3, "us": 1, "µs": 1, "μs": 1, "ms": 1e3, "s": 1e6, "m": 6e7, "h": 3.6e9}
_UNITS["d"] = 24 * _UNITS["h"]
_PART = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h|d)", re.ASCII)


class QueryError(ValueError):
    """A query has a parameter that cannot be."""


class Query(NamedTuple):
    """What a trace must have: at least one span of *service* that fits all the rest.

    Times and durations in microseconds; None is no limit.
    """

    service: str
    operation: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    start: int | None = None
    end: int | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    limit: int = DEFAULT_LIMIT


def parse(arguments: dict[str, list[str]], now: int) -> Query:
    """Make a query of the parameters of a URL.

    :param now: microseconds since the epoch, for ``lookback`` without ``end``
    :raises QueryError: naming the parameter
    """

    def last(name: str) -> str | None:
        values = arguments.get(name)
        return values[-1] if values and values[-1] else None

    def number(name: str) -> int | None:
        given = last(name)
        if given is None:
            return None
        if not re.fullmatch(r"-?[0-9]{1,20}", given, re.ASCII):
            raise QueryError(f"parameter '{name}' is not a whole number: {given[:40]!r}")
        return int(given)

    def length(name: str) -> int | None:
        given = last(name)
        return None if given is None else duration(given, name)

    service = last("service")
    if service is None:
        raise QueryError("parameter 'service' is required")
    start, end = number("start"), number("end")
    lookback = None if last("lookback") == "custom" else length("lookback")
    if start is None and lookback is not None:
        start = (now if end is None else end) - lookback
    limit = number("limit")
    if limit is not None and limit < 1:
        raise QueryError(f"parameter 'limit' must be positive: {limit}")
    return Query(
        service,
        last("operation"),
        _tags(arguments),
        start,
        end,
        length("minDuration"),
        length("maxDuration"),
        DEFAULT_LIMIT if limit is None else limit,
    )


def duration(text: str, name: str = "duration") -> int:
    """Return microseconds for ``1.5s``, ``2h45m``, ``100us``, ``2d``."""
    total, position = 0.0, 0
    for match in _PART.finditer(text):
        if match.start() != position:
            break
        total += float(match.group(1)) * _UNITS[match.group(2)]
        position = match.end()
    if not position or position != len(text) or total > 1 << 62:
        raise QueryError(f"parameter '{name}' is not a duration like '1.5s': {text[:40]!r}")
    return round(total)


def _tags(arguments: dict[str, list[str]]) -> tuple[tuple[str, str], ...]:
    """``tag=key:value``, repeated, and ``tags={"key":"value"}``, both as Jaeger has them."""
    result: list[tuple[str, str]] = []
    for given in arguments.get("tag", ()):
        key, colon, value = given.partition(":")
        if not colon:
            raise QueryError(f"parameter 'tag' is not key:value: {given[:40]!r}")
        result.append((key, value))
    for given in arguments.get("tags", ()):
        try:
            values = json.loads(given)
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise QueryError(f"parameter 'tags' is not a JSON object: {given[:40]!r}")
        result.extend((key, _text(value)) for key, value in values.items())
    return tuple(result)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def matches(span: Span, query: Query) -> bool:
    """Whether one span fits all of *query*."""
    return (
        span.process.service == query.service
        and (query.operation is None or span.operation == query.operation)
        and (query.start is None or span.start >= query.start)
        and (query.end is None or span.start <= query.end)
        and (query.min_duration is None or span.duration >= query.min_duration)
        and (query.max_duration is None or span.duration <= query.max_duration)
        and all(_has(span, key, value) for key, value in query.tags)
    )


def _has(span: Span, key: str, wanted: str) -> bool:
    """As Jaeger does it: a tag of the span, of its process, or a field of one of its logs."""
    sources: list[Iterable[Tag]] = [span.tags, span.process.tags]
    sources.extend(log.fields for log in span.logs)
    return any(tag.key == key and _plain(tag) == wanted for tags in sources for tag in tags)


def _plain(tag: Tag) -> str:
    if isinstance(tag.value, bytes):
        return tag.value.hex()
    if isinstance(tag.value, float):
        return _float_text(tag.value)
    return tag.value if isinstance(tag.value, str) else json.dumps(tag.value)


def _float_text(value: float) -> str:
    """As Go does it with the format "g" and ten digits, which Jaeger's index has."""
    if math.isfinite(value):
        # Go writes the exponent where Python does, and with two digits, too.
        return f"{value:.10g}"
    return "NaN" if math.isnan(value) else ("+Inf" if value > 0 else "-Inf")


def find(traces: Iterable[Trace], query: Query) -> list[Trace]:
    """Return the traces that fit, in the order given, at most ``query.limit``."""
    result = []
    for trace in traces:
        if any(matches(span, query) for span in trace.spans):
            result.append(trace)
            if len(result) == query.limit:
                break
    return result
