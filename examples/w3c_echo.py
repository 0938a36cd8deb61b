"""A service for the conformance tests of W3C Trace Context (https://github.com/w3c/trace-context).

    python examples/w3c_echo.py --port 5000

Prints the port it listens on. A POST brings a JSON array of ``{"url": ..., "arguments": [...]}``;
for each the service posts ``arguments`` as JSON to ``url``, continuing the trace of the request it
serves. With the harness of the W3C, in its directory ``test``:

    STRICT_LEVEL=1 python test.py http://127.0.0.1:5000/

Its level 2 has rules of the first edition that the second has not: keys of ``tracestate`` that are
narrower, and lists that are dropped for a repeated key, where here the first one of them stays.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from opentracing import Format, child_of, tags

from jaeger_like import Config


def new_tracer(settings: argparse.Namespace) -> Any:
    return Config(
        {
            "propagation": "w3c",
            "generate_128bit_trace_id": True,  # the width of W3C's
            "sampler": {"type": "const", "param": 1},
            "local_agent": {
                "reporting_host": settings.agent_host,
                "reporting_port": settings.agent_port,
            },
        },
        service_name="w3c-echo",
    ).new_tracer()


def call(tracer: Any, url: str, arguments: Any) -> None:
    with tracer.start_active_span(
        "POST " + urlsplit(url).path, tags={tags.SPAN_KIND: "client", tags.HTTP_URL: url}
    ) as scope:
        headers = {"Content-Type": "application/json"}
        tracer.inject(scope.span, Format.HTTP_HEADERS, headers)
        request = urllib.request.Request(url, json.dumps(arguments).encode(), headers)  # noqa: S310  the tester says where
        with urllib.request.urlopen(request, timeout=20) as response:  # noqa: S310  as above
            scope.span.set_tag(tags.HTTP_STATUS_CODE, response.status)
            response.read()


def handler(tracer: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            # All headers, those that come twice too: the format says what that means.
            parent = tracer.extract(Format.HTTP_HEADERS, self.headers)
            with tracer.start_active_span(
                "POST " + urlsplit(self.path).path,
                references=[child_of(parent)],
                tags={tags.SPAN_KIND: "server"},
            ) as scope:
                code, text = self.serve()
                scope.span.set_tag(tags.HTTP_STATUS_CODE, code)
                scope.span.set_tag(tags.ERROR, code >= 500)
            self.send_response(code)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(text.encode())

        def serve(self) -> tuple[int, str]:
            try:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                calls = [(call["url"], call["arguments"]) for call in json.loads(body)]
            except (ValueError, TypeError, KeyError) as error:
                return 400, f"expected a JSON array of url and arguments: {error!r}"
            try:
                for url, arguments in calls:
                    call(tracer, url, arguments)
            except (OSError, ValueError) as error:
                return 502, f"no answer: {error}"
            return 200, "done"

        def log_message(self, *_: Any) -> None:
            """Say nothing: the traces do."""

    return Handler


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0, help="0: one of the system's choice")
    parser.add_argument("--agent-host", default="127.0.0.1")
    parser.add_argument("--agent-port", type=int, default=6831)
    settings = parser.parse_args()
    tracer = new_tracer(settings)
    # Threads, since a tester may have the service call itself.
    server = ThreadingHTTPServer(("127.0.0.1", settings.port), handler(tracer))

    def end(*_: Any) -> None:
        # shutdown() waits for the loop that this signal interrupts.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(server.server_port, flush=True)
    server.serve_forever()
    server.server_close()
    tracer.close().result(5)


if __name__ == "__main__":
    main()
