"""Interoperability server: makes and continues traces as other clients' servers ask it to.

Speaks the crossdock protocol of the Jaeger clients over HTTP, JSON both ways; README.md has it
whole. ``POST /start_trace`` begins a trace and asks the next server, ``POST /join_trace`` continues
the one in the request's headers, ``POST /create_traces`` and ``POST /emit_spans`` make spans, and
``GET /`` is answered when the server is ready.
"""

from __future__ import annotations

import argparse
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
from opentracing.ext import tags as ext_tags
from tornado.httpclient import AsyncHTTPClient
from tracers import Tracers, emit_spans

from jaeger_like import Tracer

BAGGAGE_KEY = "crossdock-baggage-key"
DEBUG_HEADER = "jaeger-debug-id"
HEADERS = opentracing.Format.HTTP_HEADERS


def describe(span: Any) -> dict[str, Any]:
    """Return what the asking side compares."""
    return {
        "traceId": f"{span.trace_id:x}",
        "spanId": f"{span.span_id:x}",
        "parentId": f"{span.parent_id or 0:x}",
        "sampled": span.is_sampled(),
        "debug": span.is_debug(),
        "baggage": span.get_baggage_item(BAGGAGE_KEY) or "",
    }


class Handler(tornado.web.RequestHandler):
    """What the questions have in common."""

    def initialize(self, tracers: Tracers) -> None:
        self.tracers = tracers

    def question(self) -> dict[str, Any]:
        """Return the JSON object in the request, or answer 400."""
        try:
            question = json.loads(self.request.body or b"{}")
        except ValueError as exc:
            raise tornado.web.HTTPError(400, f"not JSON: {exc}") from exc
        if not isinstance(question, dict):
            raise tornado.web.HTTPError(400, "not a JSON object")
        return question

    def tracer(self, question: dict[str, Any], bits: int = 64) -> Tracer:
        """Return the tracer that the *question* asks for, or answer 400."""
        try:
            return self.tracers.get(question.get("propagation"), bits)
        except ValueError as exc:
            raise tornado.web.HTTPError(400, str(exc)) from exc

    async def answer(self, tracer: Tracer, span: Any, question: dict[str, Any]) -> None:
        """Ask the next server, if there is one, within *span*, and answer."""
        response: dict[str, Any] = {"span": describe(span), "notImplementedError": ""}
        downstream = question.get("downstream")
        if downstream:
            if downstream.get("transport", "HTTP") != "HTTP":
                response["notImplementedError"] = (
                    f"transport {downstream['transport']} is not implemented, only HTTP"
                )
            else:
                response.update(await self.ask(tracer, span, question))
        self.write(response)

    async def ask(self, tracer: Tracer, parent: Any, question: dict[str, Any]) -> dict[str, Any]:
        """Return what was asked within, and the answer of the next server to ``/join_trace``."""
        downstream = question["downstream"]
        url = f"http://{downstream['host']}:{downstream['port']}/join_trace"
        body = {
            "serverRole": downstream.get("serverRole", ""),
            "downstream": downstream.get("downstream"),
            "propagation": question.get("propagation"),
        }
        headers = {"Content-Type": "application/json"}
        with tracer.start_span(
            "call-downstream",
            child_of=parent,
            tags={ext_tags.SPAN_KIND: ext_tags.SPAN_KIND_RPC_CLIENT, ext_tags.HTTP_URL: url},
        ) as span:
            tracer.inject(span.context, HEADERS, headers)
            response = await AsyncHTTPClient().fetch(
                url, method="POST", headers=headers, body=json.dumps(body)
            )
            return {"call": describe(span), "downstream": json.loads(response.body)}


class StartTrace(Handler):
    """Begins a trace."""

    async def post(self) -> None:
        question = self.question()
        tracer = self.tracer(question, question.get("traceIdBits", 64))
        context = None
        if DEBUG_HEADER in self.request.headers:
            context = tracer.extract(HEADERS, self.request.headers)
        with tracer.start_span(question.get("serverRole", ""), child_of=context) as span:
            span.set_baggage_item(BAGGAGE_KEY, str(question.get("baggage", "")))
            if question.get("mode") != "sampler":
                span.set_tag(ext_tags.SAMPLING_PRIORITY, 1 if question.get("sampled") else 0)
            await self.answer(tracer, span, question)


class JoinTrace(Handler):
    """Continues the trace in the request's headers."""

    async def post(self) -> None:
        question = self.question()
        tracer = self.tracer(question)
        context = tracer.extract(HEADERS, self.request.headers)
        if context is None:
            raise tornado.web.HTTPError(400, "no trace in the headers")
        with tracer.start_span(
            question.get("serverRole", ""),
            child_of=context,
            tags={ext_tags.SPAN_KIND: ext_tags.SPAN_KIND_RPC_SERVER},
        ) as span:
            await self.answer(tracer, span, question)


class CreateTraces(Handler):
    """Makes spans for a test that looks for them at the backend."""

    def post(self) -> None:
        question = self.question()
        tracer = self.tracer(question, question.get("traceIdBits", 64))
        count = int(question.get("count", 1))
        for _ in range(count):
            with tracer.start_span(
                question.get("operation", ""), tags=question.get("tags"), ignore_active_span=True
            ):
                pass
        self.write({"created": count})


class EmitSpans(Handler):
    """Makes the spans that are listed."""

    def post(self) -> None:
        question = self.question()
        emit_spans(self.tracer(question, question.get("traceIdBits", 64)), question["spans"])
        self.write({"emitted": len(question["spans"])})


class Ready(tornado.web.RequestHandler):
    """Answers when the server runs."""

    def get(self) -> None:
        self.write({"status": "ok"})


def new_application(tracers: Tracers) -> tornado.web.Application:
    """Return the server as a tornado application."""
    settings = {"tracers": tracers}
    return tornado.web.Application(
        [
            ("/", Ready),
            ("/start_trace", StartTrace, settings),
            ("/join_trace", JoinTrace, settings),
            ("/create_traces", CreateTraces, settings),
            ("/emit_spans", EmitSpans, settings),
        ]
    )


async def serve(host: str, port: int, service_name: str, until_stdin_closes: bool) -> None:
    """Serve until SIGTERM, or until standard input closes. The port is printed first."""
    tracers = Tracers(service_name)
    sockets = tornado.netutil.bind_sockets(port, host)
    server = tornado.httpserver.HTTPServer(new_application(tracers))
    server.add_sockets(sockets)
    AsyncHTTPClient.configure(None, max_clients=100)  # its ten make chains wait for one another
    print(f"PORT {sockets[0].getsockname()[1]}", flush=True)
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    if until_stdin_closes:

        def wait_for_end() -> None:
            # Not through sys.stdin, whose lock a thread must not hold when the interpreter ends.
            while os.read(0, 4096):
                pass
            loop.call_soon_threadsafe(over.set)

        threading.Thread(target=wait_for_end, daemon=True).start()
    await over.wait()
    server.stop()
    await tracers.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Interoperability server of jaeger_like")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081, help="0: the system chooses")
    parser.add_argument(
        "--service-name", default=os.environ.get("JAEGER_SERVICE_NAME", "crossdock-python")
    )
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="end when standard input does"
    )
    arguments = parser.parse_args()
    asyncio.run(
        serve(
            arguments.host,
            arguments.port,
            arguments.service_name,
            arguments.until_stdin_closes,
        )
    )


if __name__ == "__main__":
    main()
