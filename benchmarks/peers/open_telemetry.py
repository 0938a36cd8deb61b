"""opentelemetry-sdk with its batch processor and the OTLP/HTTP exporter (protobuf)."""

from __future__ import annotations

from .material import CHILDREN, REQUEST_HEADERS, STATEMENTS, TRACE, URLS

TYPE_CHECKING = False  # what is imported here is missing from the cost of a peer's start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


class OpenTelemetry:
    """The set-up of OpenTelemetry's own documentation."""

    def __init__(self, http_port: int) -> None:
        self._endpoint = f"http://127.0.0.1:{http_port}/v1/traces"

    def start(self, *, sampled: bool = True, queue: int | None = None, hold: bool = False) -> None:
        from opentelemetry import context, trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.propagate import extract, inject
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider, sampling
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        options: dict[str, Any] = {}
        if queue is not None:
            options["max_queue_size"] = queue
        if hold:
            # Nothing is taken out before there is a batch, or the time is over.
            options.update(max_export_batch_size=queue, schedule_delay_millis=3_600_000)
        self._provider = TracerProvider(
            resource=Resource.create({"service.name": "bench"}),
            sampler=sampling.DEFAULT_ON if sampled else sampling.DEFAULT_OFF,
        )
        exporter = OTLPSpanExporter(endpoint=self._endpoint)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, **options))
        trace.set_tracer_provider(self._provider)
        self._tracer = trace.get_tracer("bench")
        self._inject, self._extract = inject, extract
        self._current = context.get_current

    def parent(self) -> None:
        self._scope = self._tracer.start_as_current_span("parent")
        self._scope.__enter__()

    def end_parent(self) -> None:
        self._scope.__exit__(None, None, None)

    def spans(self, count: int) -> None:
        start = self._tracer.start_as_current_span
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            with start("child", attributes=tags):
                pass

    def children(self, count: int) -> None:
        start, parent = self._tracer.start_span, self._current()
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            start("child", context=parent, attributes=tags).end()

    def traces(self, count: int) -> int:
        start = self._tracer.start_as_current_span
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            with start("GET /orders", attributes=tags) as span:
                span.set_attribute("items", i)
                span.set_attribute("cached", False)
                for k, operation in enumerate(CHILDREN):
                    tags = {
                        "db.type": "sql",
                        "db.instance": "stock-replica-2",
                        "db.statement": STATEMENTS[i + k & 63],
                    }
                    with start(operation, attributes=tags) as child:
                        child.set_attribute("rows", i)
                        child.set_attribute("cached", False)
                        if k % 5 == 3:
                            child.add_event("fetched", {"rows": i})
        return count * TRACE

    def tagged(self, count: int, tags: dict[str, str]) -> None:
        start = self._tracer.start_span
        for _ in range(count):
            start("tagged", attributes=tags).end()

    def named(self, names: Sequence[str]) -> None:
        start = self._tracer.start_span
        for name in names:
            start(name).end()

    def inject(self, count: int) -> dict[str, str]:
        inject = self._inject
        headers: dict[str, str] = {}
        for _ in range(count):
            headers = {}
            inject(headers)
        return {**REQUEST_HEADERS, **headers}

    def extract(self, count: int, headers: dict[str, str]) -> None:
        extract = self._extract
        for _ in range(count):
            extract(headers)

    def flush(self) -> None:
        if not self._provider.force_flush(60_000):
            raise SystemExit("flush failed")

    def close(self) -> None:
        self._provider.shutdown()
