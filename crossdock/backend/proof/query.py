"""What a backend tells over HTTP: traces by id and by service, and its own metrics."""

from __future__ import annotations

import base64
import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Callable, TypeVar

T = TypeVar("T")

#: Loopback is never behind a proxy.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

_SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def get(url: str, timeout: float = 30) -> bytes:
    """Return the body of the answer to a GET; HTTP errors raise ``urllib.error.HTTPError``."""
    with _OPENER.open(url, timeout=timeout) as answer:
        body: bytes = answer.read()
        return body


def until(seconds: float, attempt: Callable[[], T | None], pause: float = 0.1) -> T | None:
    """Return what *attempt* returns as soon as that is true, or its last value after *seconds*."""
    deadline = time.monotonic() + seconds
    while True:
        result = attempt()
        if result or time.monotonic() > deadline:
            return result
        time.sleep(pause)


class Query:
    """Jaeger's query service.

    :param base: its address, such as ``http://127.0.0.1:16686``
    """

    def __init__(self, base: str) -> None:
        self._base = base

    def trace(self, trace_id: int) -> dict[str, Any] | None:
        """Return a trace as the UI gets it; None if there is no such trace (yet)."""
        try:
            answer = json.loads(get(f"{self._base}/api/traces/{trace_id:x}"))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise RuntimeError(f"{error.code}: {error.read()[:300]!r}") from error
        found: list[dict[str, Any]] = answer["data"] or []
        return found[0] if found else None

    def traces(self, service: str, limit: int) -> list[dict[str, Any]]:
        """Return the traces of a service, *limit* at the most."""
        asked = urllib.parse.urlencode({"service": service, "limit": limit, "lookback": "1h"})
        found: list[dict[str, Any]] = json.loads(
            get(f"{self._base}/api/traces?{asked}", timeout=120)
        )["data"]
        return found


def samples(url: str, metric: str, **labels: str) -> float:
    """Return the sum of a Prometheus metric's samples that have these labels, 0 without any."""
    total = 0.0
    for name, text, value in _SAMPLE.findall(get(url).decode()):
        if name == metric:
            found = dict(_LABEL.findall(text))
            if all(found.get(key) == wanted for key, wanted in labels.items()):
                total += float(value)
    return total


def span_of(found: dict[str, Any]) -> dict[str, Any]:
    """Return a span of the query API in the form that ``program.py`` describes its spans in."""
    return {
        "trace_id": int(found["traceID"], 16),
        "span_id": int(found["spanID"], 16),
        "operation": found["operationName"],
        "references": [
            [ref["refType"], int(ref["traceID"], 16), int(ref["spanID"], 16)]
            for ref in found["references"]
        ],
        "flags": found.get("flags", 0),
        "start": found["startTime"],
        "duration": found["duration"],
        "tags": tags_of(found["tags"]),
        "logs": [[log["timestamp"], tags_of(log["fields"])] for log in found["logs"]],
        "warnings": found["warnings"] or [],
    }


def tags_of(found: list[dict[str, Any]]) -> list[list[Any]]:
    """Return tags as ``[key, type, value]``, in order of their keys."""
    return sorted([tag["key"], tag["type"], _value(tag["type"], tag["value"])] for tag in found)


def _value(kind: str, value: Any) -> Any:
    if kind == "int64":  # a text when JavaScript could not hold it
        return int(value)
    if kind == "float64":
        return float(value)
    if kind == "binary":
        return base64.b64decode(value).hex()
    return value
