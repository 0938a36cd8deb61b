"""ddtrace with tracing by hand: nothing is patched, and nothing but traces is sent."""

from __future__ import annotations

import os

from .material import CHILDREN, REQUEST_HEADERS, STATEMENTS, TRACE, URLS

TYPE_CHECKING = False  # what is imported here is missing from the cost of a peer's start
if TYPE_CHECKING:
    from collections.abc import Sequence


class Datadog:
    """Its tracer writes to the sink as if that were its agent."""

    def __init__(self, http_port: int) -> None:
        self._url = f"http://127.0.0.1:{http_port}"

    def start(self, *, sampled: bool = True, queue: int | None = None, hold: bool = False) -> None:
        # Read by the library when it is imported.
        os.environ["DD_TRACE_AGENT_URL"] = self._url
        if not sampled:
            os.environ["DD_TRACE_SAMPLING_RULES"] = '[{"sample_rate": 0}]'
        if queue is not None:
            # It limits bytes, not spans; by default 20 MiB.
            size = str(max(20 << 20, queue * 4096))
            os.environ["DD_TRACE_WRITER_BUFFER_SIZE_BYTES"] = size
            os.environ["DD_TRACE_WRITER_MAX_PAYLOAD_SIZE_BYTES"] = size
        if hold:
            os.environ["DD_TRACE_WRITER_INTERVAL_SECONDS"] = "3600"
        from ddtrace.propagation.http import HTTPPropagator
        from ddtrace.trace import tracer

        self._tracer, self._propagator = tracer, HTTPPropagator

    def parent(self) -> None:
        self._span = self._tracer.trace("parent")
        self._span.__enter__()

    def end_parent(self) -> None:
        self._span.__exit__(None, None, None)

    def spans(self, count: int) -> None:
        trace = self._tracer.trace
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            with trace("child") as span:
                span.set_tags(tags)

    def children(self, count: int) -> None:
        start_span, parent = self._tracer.start_span, self._span
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            span = start_span("child", child_of=parent)
            span.set_tags(tags)
            span.finish()

    def traces(self, count: int) -> int:
        trace = self._tracer.trace
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            with trace("GET /orders") as span:
                span.set_tags(tags)
                span.set_tag("items", i)
                span.set_tag("cached", False)
                for k, operation in enumerate(CHILDREN):
                    tags = {
                        "db.type": "sql",
                        "db.instance": "stock-replica-2",
                        "db.statement": STATEMENTS[i + k & 63],
                    }
                    with trace(operation) as child:
                        child.set_tags(tags)
                        child.set_tag("rows", i)
                        child.set_tag("cached", False)
                        if k % 5 == 3:
                            # It has no logs; its users set tags.
                            child.set_tag("event", "fetched")
                            child.set_tag("event.rows", i)
        return count * TRACE

    def tagged(self, count: int, tags: dict[str, str]) -> None:
        trace = self._tracer.trace
        for _ in range(count):
            with trace("tagged") as span:
                span.set_tags(tags)

    def named(self, names: Sequence[str]) -> None:
        trace = self._tracer.trace
        for name in names:
            with trace(name):
                pass

    def inject(self, count: int) -> dict[str, str]:
        inject, context = self._propagator.inject, self._span.context
        headers: dict[str, str] = {}
        for _ in range(count):
            headers = {}
            inject(context, headers)
        return {**REQUEST_HEADERS, **headers}

    def extract(self, count: int, headers: dict[str, str]) -> None:
        extract = self._propagator.extract
        for _ in range(count):
            extract(headers)

    def flush(self) -> None:
        self._tracer.flush()

    def close(self) -> None:
        self._tracer.shutdown()
