"""Runs a chain of three interoperability servers in one process and compares their answers."""

from __future__ import annotations

import asyncio
import json
import sys

import tornado.httpserver
import tornado.netutil
from server import BAGGAGE_KEY, new_application
from tornado.httpclient import AsyncHTTPClient

from jaeger_like import ConstSampler, Tracer
from jaeger_like.reporter import InMemoryReporter


async def check() -> int:
    """Return the number of failures."""
    reporter = InMemoryReporter()
    servers, ports = [], []
    for number in range(3):
        tracer = Tracer(f"crossdock-{number}", reporter, ConstSampler(True))
        server = tornado.httpserver.HTTPServer(new_application(tracer))
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        servers.append(server)
        ports.append(sockets[0].getsockname()[1])
    failures = 0
    for sampled in (True, False):
        for baggage in ("plain", "with blank, comma; and %", "grüße 日本"):
            reporter.clear()
            wrong = await ask(ports, sampled, baggage)
            # A server span each, and a client span for each call.
            expected = 5 if sampled else 0
            if len(reporter.get_spans()) != expected:
                wrong.append(f"{len(reporter.get_spans())} spans reported, not {expected}")
            failures += bool(wrong)
            verdict = "; ".join(wrong) or "ok"
            print(f"chain of three, sampled={sampled}, {BAGGAGE_KEY}={baggage!r}: {verdict}")
    for server in servers:
        server.stop()
    return failures


async def ask(ports: list[int], sampled: bool, baggage: str) -> list[str]:
    """Send one question through all servers and return what is wrong with the answers."""
    downstream = None
    for number, port in reversed(list(enumerate(ports))[1:]):
        downstream = {
            "serviceName": f"crossdock-{number}",
            "serverRole": f"S{number}",
            "host": "127.0.0.1",
            "port": str(port),
            "transport": "HTTP",
            "downstream": downstream,
        }
    question = {
        "serverRole": "S0",
        "sampled": sampled,
        "baggage": baggage,
        "downstream": downstream,
    }
    response = await AsyncHTTPClient().fetch(
        f"http://127.0.0.1:{ports[0]}/start_trace", method="POST", body=json.dumps(question)
    )
    answer = json.loads(response.body)
    wrong, trace_id, depth = [], answer["span"]["traceId"], 0
    while answer:
        span = answer["span"]
        for key, expected in (("traceId", trace_id), ("sampled", sampled), ("baggage", baggage)):
            if span[key] != expected:
                wrong.append(f"server {depth}: {key} is {span[key]!r}, not {expected!r}")
        answer, depth = answer.get("downstream"), depth + 1
    if depth != len(ports):
        wrong.append(f"{depth} servers answered, not {len(ports)}")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if asyncio.run(check()) else 0)
