"""Metrics of the calls that a service answers, made from its server spans, sampled or not.

Three instruments, all with the tag ``component=jaeger``; ``endpoint`` is the operation name:

- counter ``jaeger-rpc:requests``, tags ``endpoint`` and ``error`` (``true`` or ``false``)
- timer ``jaeger-rpc:request_latency``, microseconds, the same tags
- counter ``jaeger-rpc:http_requests``, tags ``endpoint`` and ``status_code`` (``2xx`` to ``5xx``)

Names, tags and rules are those of jaeger-client-go's package ``rpcmetrics``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from opentracing.ext import tags as ext_tags

from ._clock import to_micros
from ._guard import PATIENCE, guard
from .observers import Observer, SpanObserver

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Callable

    from .span import Span

MAX_ENDPOINTS = 200
"""More than that many are counted together, as :data:`OTHER`."""

OTHER = "other"

_ODD = re.compile(r"[^A-Za-z0-9\-_/.]")
_NAMESPACE = "jaeger-rpc:"


class RPCMetrics(Observer):
    """Counts and times the requests that this service answers.

    :param metrics_factory: makes the instruments, one for each endpoint and outcome
    :param max_endpoints: how many endpoints are told apart
    """

    def __init__(self, metrics_factory: Any, max_endpoints: int = MAX_ENDPOINTS) -> None:
        self._factory = metrics_factory
        self._max_endpoints = max_endpoints
        self._endpoints: dict[str, str] = {}
        self._instruments: dict[tuple[str, ...], Callable[[float], object]] = {}

    def on_start_span(self, span: Span, operation_name: str, tags: Mapping[str, Any]) -> _Request:
        """Watch every span: that it is a server's may turn out later."""
        request = _Request(self, operation_name, span._start // 1000)
        for key, value in tags.items():
            request.on_set_tag(key, value)
        return request

    def record(self, operation_name: str, error: bool, status: int, duration: int) -> None:
        """Count one request.

        :param status: HTTP status, or 0
        :param duration: microseconds
        """
        endpoint = self._endpoint(operation_name)
        outcome = {"endpoint": endpoint, "error": "true" if error else "false"}
        self._instrument("create_counter", "requests", outcome)(1)
        self._instrument("create_timer", "request_latency", outcome)(duration)
        if 200 <= status < 600:
            code = {"endpoint": endpoint, "status_code": f"{status // 100}xx"}
            self._instrument("create_counter", "http_requests", code)(1)

    def _endpoint(self, operation_name: str) -> str:
        known = self._endpoints.get(operation_name)
        if known is not None:
            return known
        endpoint = _ODD.sub("-", operation_name)
        lock = guard.lock
        if not lock.acquire(timeout=PATIENCE):
            return OTHER
        try:
            if len(self._endpoints) >= self._max_endpoints:
                return OTHER
            return self._endpoints.setdefault(operation_name, endpoint)
        finally:
            lock.release()

    def _instrument(self, create: str, name: str, tags: dict[str, str]) -> Callable[[float], Any]:
        key = (name, *tags.values())
        found = self._instruments.get(key)
        if found is None:
            # Two threads may make the same one; factories give the same instrument then.
            found = getattr(self._factory, create)(
                name=_NAMESPACE + name, tags={"component": "jaeger", **tags}
            )
            self._instruments[key] = found
        return found


class _Request(SpanObserver):
    def __init__(self, metrics: RPCMetrics, operation_name: str, start: int) -> None:
        self._metrics = metrics
        self._name = operation_name
        self._start = start
        self._is_server = False
        self._error = False
        self._status = 0

    def on_set_operation_name(self, operation_name: str) -> None:
        self._name = operation_name

    def on_set_tag(self, key: str, value: Any) -> None:
        if key == ext_tags.SPAN_KIND:
            self._is_server = value == ext_tags.SPAN_KIND_RPC_SERVER
        elif key == ext_tags.ERROR:
            self._error = str(value).lower() == "true"
        elif key == ext_tags.HTTP_STATUS_CODE:
            try:
                self._status = int(value)
            except (TypeError, ValueError, OverflowError):
                self._status = 0

    def on_finish(self, finish_time: float) -> None:
        if self._is_server and self._name:
            duration = max(0, to_micros(finish_time) - self._start)
            self._metrics.record(str(self._name), self._error, self._status, duration)
