"""What the two services of the demo have in common: options, the tracer, an HTTP server."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from jaeger_like import Config


def options(text: str | None, *, backend: bool = False) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agent-host", default="127.0.0.1")
    parser.add_argument("--agent-port", type=int, default=6831)
    if backend:
        parser.add_argument("--backend", required=True, metavar="URL")
    return parser.parse_args()


def tracer(name: str, settings: argparse.Namespace) -> Any:
    """All that a program has to do to be traced."""
    config = Config(
        config={
            "sampler": {"type": "const", "param": 1},
            "local_agent": {
                "reporting_host": settings.agent_host,
                "reporting_port": settings.agent_port,
            },
            "logging": False,
        },
        service_name=name,
    )
    return config.initialize_tracer()


Answer = Callable[[str, dict[str, str], Any], tuple[int, str]]


def serve(answer: Answer, tracer: Any) -> None:
    """Serve on a free port, which is printed, until SIGTERM or Ctrl-C; then send what is left."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            code, text = answer(url.path, dict(parse_qsl(url.query)), self.headers)
            self.send_response(code)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing: the traces do."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def end(*_: Any) -> None:
        # shutdown() waits for the loop that this signal interrupts.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    print(server.server_port, flush=True)
    server.serve_forever()
    server.server_close()
    tracer.close().result(5)
