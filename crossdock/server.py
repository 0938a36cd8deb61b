"""Interoperability server: makes and continues traces as other clients' servers ask it to.

Speaks the crossdock protocol of the Jaeger clients over HTTP, JSON both ways:

``POST /start_trace``
    ``{serverRole, sampled, baggage, downstream}``: begin a trace, call *downstream* if there is one
``POST /join_trace``
    ``{serverRole, downstream}``: continue the trace in the request's headers
``POST /create_traces``
    ``{type, operation, count, tags}``: make *count* spans and report them
``GET /``
    200 when the server is ready

*downstream* is ``{serviceName, serverRole, host, port, transport, downstream}``; the answer is
``{span: {traceId, sampled, baggage}, downstream, notImplementedError}``, where *downstream* is the
answer of the next server, which is asked with ``/join_trace``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from typing import Any

import opentracing
import tornado.httpserver
import tornado.netutil
import tornado.web
from opentracing.ext import tags as ext_tags
from tornado.httpclient import AsyncHTTPClient

from jaeger_like import Config, ConstSampler, Tracer

BAGGAGE_KEY = "crossdock-baggage-key"


def describe(span: Any) -> dict[str, Any]:
    """Return what the asking side compares."""
    return {
        "traceId": f"{span.trace_id:x}",
        "sampled": span.is_sampled(),
        "baggage": span.get_baggage_item(BAGGAGE_KEY) or "",
    }


class Handler(tornado.web.RequestHandler):
    """What the three questions have in common."""

    def initialize(self, tracer: Tracer) -> None:
        self.tracer = tracer

    def question(self) -> dict[str, Any]:
        """Return the JSON object in the request, or answer 400."""
        try:
            question = json.loads(self.request.body or b"{}")
        except ValueError as exc:
            raise tornado.web.HTTPError(400, f"not JSON: {exc}") from exc
        if not isinstance(question, dict):
            raise tornado.web.HTTPError(400, "not a JSON object")
        return question

    async def answer(self, span: Any, downstream: dict[str, Any] | None) -> None:
        """Ask the next server, if there is one, within *span*, and answer."""
        response: dict[str, Any] = {"span": describe(span), "notImplementedError": ""}
        if downstream:
            if downstream.get("transport", "HTTP") != "HTTP":
                response["notImplementedError"] = (
                    f"transport {downstream['transport']} is not implemented, only HTTP"
                )
            else:
                response["downstream"] = await self.ask(span, downstream)
        self.write(response)

    async def ask(self, parent: Any, downstream: dict[str, Any]) -> Any:
        """Return the answer of the next server to ``/join_trace``."""
        url = f"http://{downstream['host']}:{downstream['port']}/join_trace"
        question = {
            "serverRole": downstream.get("serverRole", ""),
            "downstream": downstream.get("downstream"),
        }
        headers = {"Content-Type": "application/json"}
        with self.tracer.start_span(
            "call-downstream",
            child_of=parent,
            tags={ext_tags.SPAN_KIND: ext_tags.SPAN_KIND_RPC_CLIENT, ext_tags.HTTP_URL: url},
        ) as span:
            self.tracer.inject(span.context, opentracing.Format.HTTP_HEADERS, headers)
            response = await AsyncHTTPClient().fetch(
                url, method="POST", headers=headers, body=json.dumps(question)
            )
        return json.loads(response.body)


class StartTrace(Handler):
    """Begins a trace."""

    async def post(self) -> None:
        question = self.question()
        with self.tracer.start_span(question.get("serverRole", "")) as span:
            span.set_baggage_item(BAGGAGE_KEY, str(question.get("baggage", "")))
            span.set_tag(ext_tags.SAMPLING_PRIORITY, 1 if question.get("sampled") else 0)
            await self.answer(span, question.get("downstream"))


class JoinTrace(Handler):
    """Continues the trace in the request's headers."""

    async def post(self) -> None:
        question = self.question()
        context = self.tracer.extract(opentracing.Format.HTTP_HEADERS, self.request.headers)
        if context is None:
            raise tornado.web.HTTPError(400, "no trace in the headers")
        with self.tracer.start_span(
            question.get("serverRole", ""),
            child_of=context,
            tags={ext_tags.SPAN_KIND: ext_tags.SPAN_KIND_RPC_SERVER},
        ) as span:
            await self.answer(span, question.get("downstream"))


class CreateTraces(Handler):
    """Makes spans for a test that looks for them at the backend."""

    def post(self) -> None:
        question = self.question()
        for _ in range(int(question.get("count", 1))):
            with self.tracer.start_span(
                question.get("operation", ""), tags=question.get("tags"), ignore_active_span=True
            ):
                pass
        self.write({"created": int(question.get("count", 1))})


class Ready(tornado.web.RequestHandler):
    """Answers when the server runs."""

    def get(self) -> None:
        self.write({"status": "ok"})


def new_tracer(service_name: str) -> Tracer:
    """Return a tracer that samples everything; the agent's address comes from the environment."""
    config = Config({"sampler": {"type": "const", "param": 1}}, service_name=service_name)
    tracer = config.new_tracer()
    tracer.sampler = ConstSampler(True)
    return tracer


def new_application(tracer: Tracer) -> tornado.web.Application:
    """Return the server as a tornado application."""
    settings = {"tracer": tracer}
    return tornado.web.Application(
        [
            ("/", Ready),
            ("/start_trace", StartTrace, settings),
            ("/join_trace", JoinTrace, settings),
            ("/create_traces", CreateTraces, settings),
        ]
    )


async def serve(host: str, port: int, service_name: str) -> None:
    """Serve until cancelled. Port 0 lets the system choose; the port is printed."""
    tracer = new_tracer(service_name)
    sockets = tornado.netutil.bind_sockets(port, host)
    server = tornado.httpserver.HTTPServer(new_application(tracer))
    server.add_sockets(sockets)
    print(f"listening on http://{host}:{sockets[0].getsockname()[1]}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        server.stop()
        await tracer.close()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Interoperability server of jaeger_like")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument(
        "--service-name", default=os.environ.get("JAEGER_SERVICE_NAME", "crossdock-python")
    )
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.host, arguments.port, arguments.service_name))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
