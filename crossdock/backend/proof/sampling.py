"""Does the client sample as the backend says, also when that changes while it runs?"""

from __future__ import annotations

import json
import urllib.parse
from dataclasses import dataclass
from math import sqrt
from typing import Any

from .fidelity import configuration
from .programs import Program
from .query import get, span_of, until
from .results import Result
from .servers import Backend

#: Traces started to measure a rate.
TRACES = 40_000

#: Standard deviations that a measured rate may be off by: less than one run in a million is.
DEVIATIONS = 5

#: Seconds within which a change has to take effect: backends look at the file, and the client asks
#: them, several times a second.
PATIENCE = 30

#: Blanks and letters that a URL cannot hold.
SERVICE = "sampled & café"


@dataclass(frozen=True)
class Step:
    """A strategy, and the operations to try it with.

    :ivar strategy: as in a strategies file, less the service's name
    :ivar rates: probability expected by operation
    :ivar per_second: expected of a rate limiting strategy
    """

    name: str
    strategy: dict[str, Any]
    rates: dict[str, float]
    per_second: float | None = None


STEPS = (
    Step("always", {"type": "probabilistic", "param": 1}, {"any": 1}),
    Step("never", {"type": "probabilistic", "param": 0}, {"any": 0}),
    Step("probabilistic 0.25", {"type": "probabilistic", "param": 0.25}, {"any": 0.25}),
    Step("rate limiting 40/s", {"type": "ratelimiting", "param": 40}, {"any": 0}, 40),
    Step(
        "per operation",
        {
            "type": "probabilistic",
            "param": 0.5,
            "operation_strategies": [
                {"operation": "often", "type": "probabilistic", "param": 0.9},
                {"operation": "seldom", "type": "probabilistic", "param": 0.05},
            ],
        },
        {"often": 0.9, "seldom": 0.05, "unknown": 0.5},
    ),
    Step(
        "per operation, changed",
        {
            "type": "probabilistic",
            "param": 0.125,
            "operation_strategies": [
                {"operation": "often", "type": "probabilistic", "param": 0.1},
                {"operation": "seldom", "type": "probabilistic", "param": 0.75},
            ],
        },
        {"often": 0.1, "seldom": 0.75, "unknown": 0.125},
    ),
    Step("rate limiting again", {"type": "ratelimiting", "param": 100}, {"any": 0}, 100),
    Step("probabilistic again", {"type": "probabilistic", "param": 0.75}, {"any": 0.75}),
)


def check(name: str, backend: Backend, traces: int = TRACES) -> list[Result]:
    """Go through all strategies, changed under a program that runs."""
    addresses: dict[str, dict[str, Any]] = {"/sampling": {}}
    if name == "v1":  # the agent's older address; its answers have numbers for names
        addresses["/"] = {"sampling_endpoint": backend.url("sampling", "/")}
    results = []
    for path, more in addresses.items():
        config = {
            "sampler": {"type": "remote", "param": 0},
            "sampling_refresh_interval": 0.25,
            **configuration(backend, "UDP"),
            **more,
        }
        with Program(SERVICE, config) as program:
            results += [_try(name, backend, program, path, step, traces) for step in STEPS]
    return results


def _try(
    name: str, backend: Backend, program: Program, path: str, step: Step, traces: int
) -> Result:
    backend.write_strategies(
        {
            "default_strategy": {"type": "probabilistic", "param": 0.001},
            "service_strategies": [{"service": SERVICE, **step.strategy}],
        }
    )
    seen: list[str] = []
    wrong: list[str] = []
    for operation, rate in step.rates.items():
        kind = "probabilistic" if step.per_second is None else "ratelimiting"
        param = rate if step.per_second is None else step.per_second

        def in_effect(operation: str = operation, wanted: Any = (kind, param)) -> bool:
            got = program.ask("roots", operation=operation, count=200)
            if wanted == ("probabilistic", 0):
                return not got["sampled"]
            return list(wanted) in got["tags"]

        if not until(PATIENCE, in_effect):
            wrong.append(f"{operation}: not in effect after {PATIENCE} s")
            continue
        if step.per_second is None:
            _measure(program, operation, rate, traces, seen, wrong, backend)
        else:
            _measure_limit(program, operation, step.per_second, seen, wrong)
    seen.append(_kind(backend, path))
    return Result(name, f"sampling by `{path}`: {step.name}", "; ".join(seen), tuple(wrong))


def _kind(backend: Backend, path: str) -> str:
    """Return how the backend writes the strategy's type."""
    service = urllib.parse.urlencode({"service": SERVICE})
    answer = json.loads(get(backend.url("sampling", f"{path}?{service}")))
    return f"type `{json.dumps(answer.get('strategyType'))}`"


def _measure(
    program: Program,
    operation: str,
    rate: float,
    traces: int,
    seen: list[str],
    wrong: list[str],
    backend: Backend,
) -> None:
    got = program.ask("roots", operation=operation, count=traces)
    sampled = got["sampled"]
    # One more: a lower bound may let one through.
    allowed = DEVIATIONS * sqrt(traces * rate * (1 - rate)) + (0 < rate < 1)
    seen.append(f"{operation} {sampled / traces:.4f}")
    if abs(sampled - traces * rate) > allowed:
        wrong.append(
            f"{operation}: {sampled} of {traces} sampled, expected {traces * rate:g} "
            f"within {allowed:.0f}"
        )
    if {param for _, param in got["tags"]} - {rate}:
        wrong.append(f"{operation}: tags {got['tags']}")
    if rate:
        _find(backend, program, operation, rate, wrong)


def _find(
    backend: Backend, program: Program, operation: str, rate: float, wrong: list[str]
) -> None:
    """See that a sampled trace arrives, and says by what it was sampled."""
    # The many before went out in a burst; this one is to have the way for itself.
    program.ask("flush")
    trace_id = program.ask("roots", operation=operation, count=round(50 / rate))["trace_id"]
    trace = until(15, lambda: backend.query.trace(trace_id))
    tags = span_of(trace["spans"][0])["tags"] if trace else []
    # A rate of 1 is an integer in the strategy's JSON, and stays one.
    if ("sampler.param", rate) not in [(key, value) for key, _, value in tags]:
        wrong.append(f"{operation}: a sampled trace in the backend has the tags {tags}")


def _measure_limit(
    program: Program, operation: str, limit: float, seen: list[str], wrong: list[str]
) -> None:
    program.ask("roots", operation=operation, count=2000)  # spend what was saved up
    got = program.ask("roots_for", operation=operation, seconds=3)
    allowed = limit * got["seconds"]
    seen.append(
        f"{operation} {got['sampled'] / got['seconds']:.1f} a second of "
        f"{got['started'] / got['seconds']:.0f}"
    )
    # Less when the machine stood still for more than the second that can be saved up.
    if not 0.8 * allowed <= got["sampled"] <= allowed + 2:
        wrong.append(f"{operation}: {got['sampled']} sampled, expected {allowed:.0f}")
