"""The peers that speak OpenTracing: ours, the one it replaces, and the one that does nothing."""

from __future__ import annotations

# ruff: noqa: ARG002  every peer has the same methods
from .material import CHILDREN, REQUEST_HEADERS, STATEMENTS, TRACE, URLS

TYPE_CHECKING = False  # what is imported here is missing from the cost of a peer's start
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

TIMEOUT = 60.0


class OpenTracing:
    """Everything but how a tracer is made and emptied."""

    tracer: Any

    def parent(self) -> None:
        self._scope = self.tracer.start_active_span("parent", ignore_active_span=True)

    def end_parent(self) -> None:
        self._scope.close()

    def spans(self, count: int) -> None:
        start_active_span = self.tracer.start_active_span
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            with start_active_span("child", tags=tags):
                pass

    def children(self, count: int) -> None:
        start_span, parent = self.tracer.start_span, self._scope.span
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            start_span("child", child_of=parent, tags=tags).finish()

    def traces(self, count: int) -> int:
        start_active_span = self.tracer.start_active_span
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            with start_active_span("GET /orders", tags=tags) as scope:
                scope.span.set_tag("items", i).set_tag("cached", False)
                for k, operation in enumerate(CHILDREN):
                    tags = {
                        "db.type": "sql",
                        "db.instance": "stock-replica-2",
                        "db.statement": STATEMENTS[i + k & 63],
                    }
                    with start_active_span(operation, tags=tags) as child:
                        child.span.set_tag("rows", i).set_tag("cached", False)
                        if k % 5 == 3:
                            child.span.log_kv({"event": "fetched", "rows": i})
        return count * TRACE

    def tagged(self, count: int, tags: dict[str, str]) -> None:
        start_span = self.tracer.start_span
        for _ in range(count):
            start_span("tagged", tags=tags).finish()

    def named(self, names: Sequence[str]) -> None:
        start_span = self.tracer.start_span
        for name in names:
            start_span(name).finish()

    def inject(self, count: int) -> dict[str, str]:
        inject, context = self.tracer.inject, self._scope.span.context
        headers: dict[str, str] = {}
        for _ in range(count):
            headers = {}
            inject(context, "http_headers", headers)
        return {**REQUEST_HEADERS, **headers}

    def extract(self, count: int, headers: dict[str, str]) -> None:
        extract = self.tracer.extract
        for _ in range(count):
            extract("http_headers", headers)


class _Jaeger(OpenTracing):
    def __init__(self, udp_port: int) -> None:
        self._udp_port = udp_port

    def _config_class(self) -> Any:
        raise NotImplementedError

    def _hold(self, config: dict[str, Any]) -> Any:
        raise NotImplementedError

    def start(self, *, sampled: bool = True, queue: int | None = None, hold: bool = False) -> None:
        config: dict[str, Any] = {
            "sampler": {"type": "const", "param": int(sampled)},
            "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": self._udp_port},
        }
        if queue is not None:
            config["reporter_queue_size"] = queue
        loop = self._hold(config) if hold else None
        made = self._config_class()(config, service_name="bench", validate=True)
        self.tracer = made.initialize_tracer(io_loop=loop)


class JaegerLike(_Jaeger):
    """The library of this repository."""

    def _config_class(self) -> Any:
        from jaeger_like import Config

        return Config

    def _hold(self, config: dict[str, Any]) -> Any:
        # A loop that never runs: spans wait as they do until the background gets to them.
        from tornado.ioloop import IOLoop

        return IOLoop(make_current=False)

    def flush(self) -> None:
        if not self.tracer.flush(TIMEOUT):
            raise SystemExit("flush failed")

    def close(self) -> None:
        self.tracer.close().result(TIMEOUT)


class JaegerClient(_Jaeger):
    """jaeger-client 4.8."""

    def _config_class(self) -> Any:
        from jaeger_client import Config

        return Config

    def _hold(self, config: dict[str, Any]) -> Any:
        # It takes spans one by one and keeps them until there is a batch, or the time is over.
        config["reporter_batch_size"] = config["reporter_queue_size"]
        config["reporter_flush_interval"] = 3600

    def flush(self) -> None:
        # Its close() hands out a future of the loop's thread, which cannot be waited for on
        # another one; so the same wait is done there.
        import threading

        reporter, done = self.tracer.reporter, threading.Event()

        async def wait() -> None:
            await reporter.queue.join()
            done.set()

        reporter.io_loop.add_callback(wait)
        if not done.wait(TIMEOUT):
            raise SystemExit("flush failed")

    def close(self) -> None:
        self.flush()
        self.tracer.close()


class Noop(OpenTracing):
    """opentracing's own tracer, which does nothing: what the interface costs."""

    def start(self, *, sampled: bool = True, queue: int | None = None, hold: bool = False) -> None:
        import opentracing

        self.tracer = opentracing.Tracer()

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass
