"""Is what is found in the backend what the program made?"""

from __future__ import annotations

from typing import Any

from . import rules
from .programs import Program
from .query import span_of, tags_of, until
from .results import Result
from .servers import HOST, Backend

#: Tags of the process, of every type.
PROCESS = {"region": "eu", "shards": 3, "ratio": 0.5, "blue": True, "grüße": "結帳", "empty": ""}

SERVICE = "crossdock café"


def configuration(backend: Backend, way: str) -> dict[str, Any]:
    """Return what makes a program send to a backend by one of the ways."""
    if way == "HTTP":
        return {"endpoint": backend.url("collector", "/api/traces")}
    if way == "OTLP":
        return {"endpoint": backend.url("otlp", "/v1/traces")}
    return {
        "local_agent": {
            "reporting_host": HOST,
            "reporting_port": backend.ports["compact"],
            "sampling_port": backend.ports["sampling"],
        }
    }


def check(name: str, backend: Backend) -> list[Result]:
    """Send spans of every shape by every way, with ids of 64 and of 128 bits."""
    kinds = [(way, wide) for way in rules.WAYS for wide in (False, True)]
    return [_check(name, backend, number, *kind) for number, kind in enumerate(kinds)]


def _check(name: str, backend: Backend, number: int, way: str, wide: bool) -> Result:
    service = f"{SERVICE} {way} {128 if wide else 64}"
    config = {
        "sampler": {"type": "const", "param": 1},
        "tags": PROCESS,
        "generate_128bit_trace_id": wide,
        **configuration(backend, way),
    }
    with Program(service, config) as program:
        wanted = program.ask("shapes", number=number)  # and it ends, without flush or close
    idle = rules.apply(wanted, name, way)
    wrong = [f"a rule without effect: {rule}" for rule in idle]
    high = {bool(span["trace_id"] >> 64) for span in wanted["spans"] if not span["references"]}
    if high != {wide}:
        wrong.append("trace ids of the wrong width")
    found, processes = _collect(backend, wanted["spans"])
    wrong += _differences(wanted["spans"], found)
    for process in processes:
        if process != (service, wanted["process"]):
            wrong.append(f"process: {process}, expected {(service, wanted['process'])}")
    return Result(
        name,
        f"every shape of span by {way}, ids of {128 if wide else 64} bits",
        f"{len(found)} of {len(wanted['spans'])} spans, {len(wrong)} differences",
        tuple(wrong),
    )


def _collect(
    backend: Backend, wanted: list[dict[str, Any]]
) -> tuple[dict[tuple[int, int], dict[str, Any]], list[tuple[str, Any]]]:
    """Return spans by trace and span id, and processes, once all there is has come."""
    expected: dict[int, int] = {}
    for span in wanted:
        expected[span["trace_id"]] = expected.get(span["trace_id"], 0) + 1
    found = {}
    processes = []
    for trace_id, number in expected.items():

        def complete(trace_id: int = trace_id, number: int = number) -> Any:
            trace = backend.query.trace(trace_id)
            return trace if trace and len(trace["spans"]) >= number else None

        trace = until(15, complete) or backend.query.trace(trace_id)
        if trace is None:
            continue
        for each in trace["spans"]:
            span = span_of(each)
            span["warnings"] = [rules.without_figures(text) for text in span["warnings"]]
            found[span["trace_id"], span["span_id"]] = span
        processes += [
            (process["serviceName"], tags_of(process["tags"]))
            for process in trace["processes"].values()
        ]
    return found, processes


def _differences(
    wanted: list[dict[str, Any]], found: dict[tuple[int, int], dict[str, Any]]
) -> list[str]:
    wrong = []
    extra = dict(found)
    for span in wanted:
        name = span["operation"]
        got = extra.pop((span["trace_id"], span["span_id"]), None)
        if got is None:
            wrong.append(f"{name!r} is missing")
            continue
        for field, value in span.items():
            if field == "warnings":
                if sorted(value) != sorted(got[field]):
                    wrong.append(f"{name!r}: warnings {got[field]}, expected {value}")
            elif field == "tags":
                wrong += _tag_differences(name, value, got[field])
            elif not _same(value, got[field]):
                wrong.append(f"{name!r}: {field} {got[field]!r}, expected {value!r}")
    wrong += [f"{span['operation']!r} was never made" for span in extra.values()]
    return wrong


def _tag_differences(name: str, wanted: list[Any], got: list[Any]) -> list[str]:
    if _same(wanted, got):
        return []
    # By repr, so that 1, 1.0 and True differ.
    less = sorted({repr(tag) for tag in wanted} - {repr(tag) for tag in got})
    more = sorted({repr(tag) for tag in got} - {repr(tag) for tag in wanted})
    return [f"{name!r}: tags less {less}, more {more}"]


def _same(one: Any, other: Any) -> bool:
    return repr(one) == repr(other)
