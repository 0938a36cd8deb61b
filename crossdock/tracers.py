"""The tracers of this project's interoperability server, and the spans that it makes on request."""

from __future__ import annotations

from typing import Any, Callable

import opentracing
from opentracing.ext import tags as ext_tags

from jaeger_like import Config, Tracer

# Every peer of the crossdock names its process so, for the comparison of what they send.
PROCESS_TAGS = {"team": "blue", "shard": 7, "spot": True, "load": 0.5}

_PARSE: dict[str, Callable[[str], Any]] = {
    "string": str,
    "bool": lambda text: text == "true",
    "long": int,
    "double": float,
    "binary": bytes.fromhex,
}


class Tracers:
    """One tracer for each propagation format and width of trace ids, made when it is asked for.

    Where spans go is taken from ``JAEGER_AGENT_HOST`` and ``JAEGER_AGENT_PORT``.
    """

    def __init__(self, service_name: str) -> None:
        self._service_name = service_name
        self._made: dict[tuple[str, int], Tracer] = {}

    def get(self, propagation: str | None, bits: int) -> Tracer:
        """Return the tracer for a *propagation*, None is "jaeger", and trace ids of so many *bits*.

        Raises a ``ValueError`` if there is no such propagation.
        """
        name = (propagation or "jaeger", bits)
        if name not in self._made:
            settings = {
                "sampler": {"type": "const", "param": 1},
                "propagation": name[0],
                "generate_128bit_trace_id": bits == 128,
                "reporter_flush_interval": 0.2,
                "tags": PROCESS_TAGS,
            }
            self._made[name] = Config(settings, service_name=self._service_name).new_tracer()
        return self._made[name]

    async def close(self) -> None:
        """Send what is waiting."""
        for tracer in self._made.values():
            await tracer.close()


def emit_spans(tracer: Tracer, spans: list[dict[str, Any]]) -> None:
    """Make the *spans* that are listed, in their order; times come in microseconds since 1970."""
    made: list[Any] = []
    for wanted in spans:
        span = tracer.start_span(
            wanted["operation"],
            references=[_reference(made, entry) for entry in wanted["references"]],
            start_time=wanted["start"] / 1e6,
        )
        if wanted["debug"]:
            span.set_tag(ext_tags.SAMPLING_PRIORITY, 1)
        for key, value in _values(wanted["tags"]).items():
            span.set_tag(key, value)
        for entry in wanted["logs"]:
            span.log_kv(_values(entry["fields"]), entry["timestamp"] / 1e6)
        made.append(span)
    for wanted, span in zip(spans, made):
        span.finish((wanted["start"] + wanted["duration"]) / 1e6)


def _reference(made: list[Any], entry: dict[str, Any]) -> Any:
    relation = {"child_of": opentracing.child_of, "follows_from": opentracing.follows_from}
    return relation[entry["type"]](made[entry["span"]].context)


def _values(items: list[dict[str, str]]) -> dict[str, Any]:
    return {item["key"]: _PARSE[item["type"]](item["value"]) for item in items}
