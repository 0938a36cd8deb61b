"""The loops with nothing in them: what the harness itself costs."""

from __future__ import annotations

# ruff: noqa: ARG002  every peer has the same methods
from .material import CHILDREN, REQUEST_HEADERS, STATEMENTS, TRACE, URLS

TYPE_CHECKING = False  # what is imported here is missing from the cost of a peer's start
if TYPE_CHECKING:
    from collections.abc import Sequence


class Empty:
    """Makes the arguments, as every peer must, and throws them away."""

    def start(self, *, sampled: bool = True, queue: int | None = None, hold: bool = False) -> None:
        """Make the tracer."""

    def spans(self, count: int) -> None:
        """Make children with three tags below the span that ``parent`` made."""
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            tags.clear()

    def children(self, count: int) -> None:
        """Make the same, handing them their parent instead of making each the active one."""
        self.spans(count)

    def parent(self) -> None:
        """Make a span active."""

    def end_parent(self) -> None:
        """Finish it."""

    def traces(self, count: int) -> int:
        """Make traces of ten spans with five tags, and a log on every fifth; return the spans."""
        for i in range(count):
            tags = {"http.method": "GET", "http.url": URLS[i & 63], "http.status_code": 200}
            for k, _operation in enumerate(CHILDREN):
                tags = {
                    "db.type": "sql",
                    "db.instance": "stock-replica-2",
                    "db.statement": STATEMENTS[i + k & 63],
                }
                if k % 5 == 3:
                    tags.clear()
        return count * TRACE

    def tagged(self, count: int, tags: dict[str, str]) -> None:
        """Make root spans with these tags."""
        for _ in range(count):
            pass

    def named(self, names: Sequence[str]) -> None:
        """Make root spans of these operations."""
        for _ in names:
            pass

    def inject(self, count: int) -> dict[str, str]:
        """Write the context of the parent into fresh headers."""
        headers: dict[str, str] = {}
        for _ in range(count):
            headers = {}
        return {**REQUEST_HEADERS, **headers}

    def extract(self, count: int, headers: dict[str, str]) -> None:
        """Read a context from headers."""
        for _ in range(count):
            pass

    def flush(self) -> None:
        """Return when all that was finished is sent."""

    def close(self) -> None:
        """Send what is left and stop."""
