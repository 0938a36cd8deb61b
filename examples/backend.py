"""A small service that takes its trace from the headers of a request.

    python examples/backend.py --agent-port 6831

Prints the port it listens on. ``GET /stock?item=...`` answers with a number, or fails.
"""

from __future__ import annotations

from typing import Any

import service
from opentracing import Format, child_of, tags


def main() -> None:
    options = service.options(__doc__)
    tracer = service.tracer("backend", options)

    def stock(path: str, query: dict[str, str], headers: Any) -> tuple[int, str]:
        parent = tracer.extract(Format.HTTP_HEADERS, headers)
        with tracer.start_active_span(
            "GET " + path, references=[child_of(parent)], tags={tags.SPAN_KIND: "server"}
        ) as scope:
            span = scope.span
            # What the frontend said about this trace travels with it.
            span.set_tag("customer", span.get_baggage_item("customer"))
            return look_up(query.get("item", ""))

    def look_up(item: str) -> tuple[int, str]:
        with tracer.start_active_span("query", tags={"db.statement": "SELECT count"}) as scope:
            scope.span.log_kv({"event": "connected", "pool": 3})
            if item == "unicorn":
                # Leaving the block by an exception marks a span; here we answer, so we do it.
                scope.span.set_tag(tags.ERROR, True)
                scope.span.log_kv({"event": "error", "message": "no such item", "item": item})
                return 500, "no such item"
            return 200, str(len(item))

    service.serve(stock, tracer)


if __name__ == "__main__":
    main()
