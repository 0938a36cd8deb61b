"""Crossdock peer: the old Python client, jaeger_client 4.8, behind the interoperability protocol.

It listens on 127.0.0.1, on a port that the system chooses, prints "PORT n" and serves until its
standard input closes or it gets SIGTERM. Spans go to JAEGER_AGENT_HOST:JAEGER_AGENT_PORT. The
questions and answers are described in crossdock/README.md.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import threading
from typing import Any

import opentracing
import tornado.httpserver
import tornado.netutil
import tornado.web
from jaeger_client import Config
from opentracing.ext import tags as ext_tags
from tornado.httpclient import AsyncHTTPClient

BAGGAGE_KEY = "crossdock-baggage-key"
HEADERS = opentracing.Format.HTTP_HEADERS
PROCESS_TAGS = {"team": "blue", "shard": 7, "spot": True, "load": 0.5}
PARSE = {
    "string": str,
    "bool": lambda text: text == "true",
    "long": int,
    "double": float,
    "binary": bytes.fromhex,
}

tracers: dict[tuple[str, int], Any] = {}


def tracer_for(propagation: str | None, bits: int) -> Any:
    """Return the one tracer of a propagation format and a width of trace ids."""
    name = (propagation or "jaeger", bits)
    if name not in tracers:
        if name[0] not in ("jaeger", "b3"):
            raise tornado.web.HTTPError(500, f"this client has no propagation {name[0]!r}")
        settings = {
            "sampler": {"type": "const", "param": 1},
            "tags": PROCESS_TAGS,
            "propagation": "b3" if name[0] == "b3" else "",
            "generate_128bit_trace_id": bits == 128,
            "reporter_queue_size": 100_000,  # with its own 100 it drops what comes in a burst
            "reporter_flush_interval": 0.2,
        }
        service_name = os.environ.get("JAEGER_SERVICE_NAME", "crossdock-python-old")
        tracers[name] = Config(settings, service_name=service_name, validate=True).new_tracer()
    return tracers[name]


def describe(span: Any) -> dict[str, Any]:
    """Return what the asking side compares."""
    return {
        "traceId": f"{span.trace_id:x}",
        "spanId": f"{span.span_id:x}",
        "parentId": f"{span.parent_id or 0:x}",
        "sampled": bool(span.is_sampled()),
        "debug": bool(span.is_debug()),
        "baggage": span.get_baggage_item(BAGGAGE_KEY) or "",
    }


class Handler(tornado.web.RequestHandler):
    """What the questions have in common."""

    def question(self) -> dict[str, Any]:
        """Return the JSON object in the request."""
        return dict(json.loads(self.request.body or b"{}"))

    async def answer(self, tracer: Any, span: Any, asked: dict[str, Any]) -> None:
        """Ask the next server, if there is one, within *span*, and describe both."""
        response: dict[str, Any] = {"span": describe(span), "notImplementedError": ""}
        downstream = asked.get("downstream")
        if downstream and downstream.get("transport", "HTTP") != "HTTP":
            response["notImplementedError"] = "only the transport HTTP is implemented"
        elif downstream:
            with tracer.start_span("call-downstream", child_of=span) as call:
                call.set_tag(ext_tags.SPAN_KIND, ext_tags.SPAN_KIND_RPC_CLIENT)
                response["call"] = describe(call)
                headers = {"Content-Type": "application/json"}
                tracer.inject(call.context, HEADERS, headers)
                question = {
                    "serverRole": downstream.get("serverRole", ""),
                    "downstream": downstream.get("downstream"),
                    "propagation": asked.get("propagation"),
                }
                url = f"http://{downstream['host']}:{downstream['port']}/join_trace"
                answered = await AsyncHTTPClient().fetch(
                    url, method="POST", headers=headers, body=json.dumps(question)
                )
            response["downstream"] = json.loads(answered.body)
        self.write(response)


class StartTrace(Handler):
    """Begins a trace."""

    async def post(self) -> None:
        asked = self.question()
        tracer = tracer_for(asked.get("propagation"), asked.get("traceIdBits", 64))
        context = None
        if "jaeger-debug-id" in self.request.headers:
            context = tracer.extract(HEADERS, dict(self.request.headers))
        with tracer.start_span(asked.get("serverRole", ""), child_of=context) as span:
            if asked.get("mode") != "sampler":
                span.set_tag(ext_tags.SAMPLING_PRIORITY, 1 if asked.get("sampled") else 0)
            span.set_baggage_item(BAGGAGE_KEY, asked.get("baggage", ""))
            await self.answer(tracer, span, asked)


class JoinTrace(Handler):
    """Continues the trace in the request's headers."""

    async def post(self) -> None:
        asked = self.question()
        tracer = tracer_for(asked.get("propagation"), 64)
        # A dict, since its B3 codec takes nothing else.
        context = tracer.extract(HEADERS, dict(self.request.headers))
        if context is None:
            raise tornado.web.HTTPError(500, "no trace in the headers")
        with tracer.start_span(asked.get("serverRole", ""), child_of=context) as span:
            span.set_tag(ext_tags.SPAN_KIND, ext_tags.SPAN_KIND_RPC_SERVER)
            await self.answer(tracer, span, asked)


class CreateTraces(Handler):
    """Makes spans and reports them."""

    def post(self) -> None:
        asked = self.question()
        tracer = tracer_for(asked.get("propagation"), asked.get("traceIdBits", 64))
        for _ in range(asked.get("count", 1)):
            tracer.start_span(asked.get("operation", ""), tags=asked.get("tags")).finish()
        self.write({"created": asked.get("count", 1)})


def parsed(values: list[dict[str, str]]) -> dict[str, Any]:
    """Return what a list of keys, types and texts means."""
    return {item["key"]: PARSE[item["type"]](item["value"]) for item in values}  # type: ignore[operator]  # a table of functions


class EmitSpans(Handler):
    """Makes the spans that are listed; times come in microseconds, this client wants seconds."""

    def post(self) -> None:
        asked = self.question()
        tracer = tracer_for("jaeger", asked.get("traceIdBits", 64))
        made: list[Any] = []
        for wanted in asked["spans"]:
            references = [
                (
                    opentracing.follows_from
                    if reference["type"] == "follows_from"
                    else opentracing.child_of
                )(made[reference["span"]].context)
                for reference in wanted["references"]
            ]
            span = tracer.start_span(
                wanted["operation"], references=references, start_time=wanted["start"] / 1e6
            )
            if wanted["debug"]:
                span.set_tag(ext_tags.SAMPLING_PRIORITY, 1)
            for key, value in parsed(wanted["tags"]).items():
                span.set_tag(key, value)
            for entry in wanted["logs"]:
                span.log_kv(parsed(entry["fields"]), entry["timestamp"] / 1e6)
            made.append(span)
        for wanted, span in zip(asked["spans"], made):
            span.finish((wanted["start"] + wanted["duration"]) / 1e6)
        self.write({"emitted": len(made)})


class Ready(tornado.web.RequestHandler):
    """Answers when the server runs."""

    def get(self) -> None:
        self.write({"status": "ok"})


async def serve() -> None:
    """Serve until standard input closes or SIGTERM comes."""
    application = tornado.web.Application(
        [
            ("/", Ready),
            ("/start_trace", StartTrace),
            ("/join_trace", JoinTrace),
            ("/create_traces", CreateTraces),
            ("/emit_spans", EmitSpans),
        ]
    )
    sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
    server = tornado.httpserver.HTTPServer(application)
    server.add_sockets(sockets)
    AsyncHTTPClient.configure(None, max_clients=100)
    print("PORT", sockets[0].getsockname()[1], flush=True)
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)

    def wait_for_end() -> None:
        # Not through sys.stdin, whose lock a thread must not hold when the interpreter ends.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    await over.wait()
    server.stop()
    closing = [tracer.close() for tracer in tracers.values()]
    # Its futures are done on its own threads, and only a second after the last span was sent.
    for _ in range(30):
        if all(future.done() for future in closing):
            break
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(serve())
