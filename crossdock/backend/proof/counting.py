"""What a backend has of a service's spans, and what the agent has counted for its clients."""

from __future__ import annotations

from .programs import Program
from .query import samples, span_of, until
from .servers import Backend

CAUSES = ("full-queue", "too-large", "send-failure")

_STATS = "jaeger_agent_client_stats_"


class ClientStats:
    """The agent's client statistics since this was made.

    They are of all clients together, so one program at a time is to send. A backend that is no
    agent has none: all numbers are 0.
    """

    def __init__(self, backend: Backend) -> None:
        self._url = backend.metrics()
        self._before = self._now()

    def since(self) -> dict[str, int]:
        return {name: round(value - self._before[name]) for name, value in self._now().items()}

    def _now(self) -> dict[str, float]:
        counts = {
            name: samples(self._url, f"{_STATS}{name}_total")
            for name in ("batches_received", "batches_sent")
        }
        for cause in CAUSES:
            counts[cause] = samples(self._url, f"{_STATS}spans_dropped_total", cause=cause)
        return counts


def introduce(program: Program, name: str, stats: ClientStats) -> None:
    """Have a program send its first packet, one span, and wait until the agent has seen to it.

    The agent counts from a client's first packet on, the first that one of its workers gets hold
    of: of two that arrive together it may be the second.
    """
    program.ask("many", traces=1, spans=1, rate=0)
    program.ask("flush")
    if name == "v1" and not until(10, lambda: stats.since()["batches_received"]):
        raise RuntimeError("the agent keeps no statistics of this client")


def listed(counted: dict[str, int]) -> str:
    """Return counts as text."""
    return "the agent's client statistics: " + ", ".join(
        f"{name} {value}" for name, value in counted.items()
    )


def numbers(backend: Backend, service: str, expected: int, traces: int) -> list[int]:
    """Return the tag ``number`` of every span that the backend has of a service, in order.

    :param expected: how many there should be; waits for them, within reason
    :param traces: how many there are at the most
    """
    found: list[int] = []

    def complete() -> bool:
        found[:] = [
            value
            for trace in backend.query.traces(service, traces)
            for span in trace["spans"]
            for key, _, value in span_of(span)["tags"]
            if key == "number"
        ]
        return len(found) >= expected

    until(60, complete, pause=0.5)
    return sorted(found)
