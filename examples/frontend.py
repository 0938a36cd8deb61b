"""A small service that calls another one and hands its trace on in the headers of the request.

    python examples/frontend.py --agent-port 6831 --backend http://127.0.0.1:PORT

Prints the port it listens on. ``GET /buy?item=...&customer=...`` asks the backend for its stock.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any
from urllib.parse import quote

import service
from opentracing import Format, tags


def main() -> None:
    options = service.options(__doc__, backend=True)
    tracer = service.tracer("frontend", options)

    def buy(path: str, query: dict[str, str], _: Any) -> tuple[int, str]:
        with tracer.start_active_span("GET " + path, tags={tags.SPAN_KIND: "server"}) as scope:
            scope.span.set_baggage_item("customer", query.get("customer", "nobody"))
            with tracer.start_active_span("check"):
                item = query.get("item", "")
            code, answer = ask_backend(item)
            scope.span.set_tag(tags.HTTP_STATUS_CODE, code)
            if code >= 500:
                scope.span.set_tag(tags.ERROR, True)
            return code, answer

    def ask_backend(item: str) -> tuple[int, str]:
        url = f"{options.backend}/stock?item={quote(item)}"
        span_tags = {tags.SPAN_KIND: "client", tags.HTTP_URL: url}
        with tracer.start_active_span("ask backend", tags=span_tags) as scope:
            headers: dict[str, str] = {}
            tracer.inject(scope.span.context, Format.HTTP_HEADERS, headers)
            request = urllib.request.Request(url, headers=headers)  # noqa: S310  http://
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  http://
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as error:
                scope.span.set_tag(tags.ERROR, True)
                return error.code, error.read().decode()

    service.serve(buy, tracer)


if __name__ == "__main__":
    main()
