"""From the numbers of the workers to the figures of the tables, and what they are to reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Callable

#: All ratios are to this peer.
REFERENCE = "jaeger_client"

#: One measurement: what the worker printed, and beneath "sink" what arrived.
Measured = Mapping[str, Any]


@dataclass(frozen=True)
class Figure:
    """One line of the results.

    :param workload: whose numbers it is made of
    :param value: makes it; None when the peer has no such figure
    :param better: ``"less"`` or ``"more"``
    :param limits: by peer, what its ratio (or its value, see *absolute*) is to reach
    """

    title: str
    workload: str
    unit: str
    value: Callable[[Measured], float | None]
    better: str = "less"
    limits: Mapping[str, float] = field(default_factory=dict)
    absolute: bool = False
    chart: bool = False


def number(key: str, factor: float = 1.0) -> Callable[[Measured], float | None]:
    """Return a function that reads one number of the worker."""
    return lambda measured: measured[key] * factor if key in measured else None


def delivered(measured: Measured) -> float:
    """Return how many of the measured spans arrived, or were made, by a peer that sends none."""
    if measured.get("sink") is None:
        return float(measured["created"])
    return float(max(0, measured["sink"]["spans"] - measured["warmed"]))


def cost_per_delivered(measured: Measured) -> float | None:
    arrived = delivered(measured)
    return measured["cpu"] * 1e6 / arrived if arrived else None


def sent_only(value: Callable[[Measured], float | None]) -> Callable[[Measured], float | None]:
    """Return *value* for the peers that send something."""
    return lambda measured: None if measured.get("sink") is None else value(measured)


def bytes_per_span(measured: Measured) -> float | None:
    sink = measured["sink"]
    return sink["bytes"] / sink["spans"] if sink["spans"] else None


def between(first: str, last: str) -> Callable[[Measured], float | None]:
    """Return the growth between the steps at two places of the worker's numbers."""

    def value(measured: Measured) -> float | None:
        keys = [key for key in measured if key.startswith("us_at_")]
        steps = {"first": keys[0], "last": keys[-1]}
        begin = measured[steps[first]]
        return measured[steps[last]] / begin if begin else None

    return value


def both(pure: float, c: float | None = None) -> dict[str, float]:
    """Return the limits of our two peers."""
    return {"jaeger_like": pure, "jaeger_like_c": pure if c is None else c}


def step(position: int) -> Callable[[Measured], float | None]:
    """Return the function that reads the step at a place of the worker's numbers."""

    def value(measured: Measured) -> float | None:
        keys = [key for key in measured if key.startswith("us_at_")]
        return float(measured[keys[position]])

    return value


_US = "µs"

FIGURES: tuple[Figure, ...] = (
    Figure(
        "Unsampled child, 3 tags, made active",
        *("unsampled", _US, number("us")),
        limits=both(0.22),
        chart=True,
    ),
    Figure("Unsampled child, 3 tags, given its parent", "unsampled", _US, number("explicit_us")),
    Figure(
        "Sampled child, 3 tags, made active: caller's thread",
        *("caller", _US, number("us")),
        limits=both(0.25, 0.12),
        chart=True,
    ),
    Figure(
        "Sampled child, 3 tags, given its parent: caller's thread",
        *("caller", _US, number("explicit_us")),
    ),
    Figure(
        "Start to wire, whole process, per delivered span",
        *("wire", _US, cost_per_delivered),
        limits=both(0.07, 0.04),
        chart=True,
    ),
    Figure("Bytes on the wire per span", "wire", "B", sent_only(bytes_per_span), chart=True),
    Figure("Start to wire, 8 threads", "threads", _US, cost_per_delivered, chart=True),
    Figure(
        "Firehose: spans created per second",
        "firehose",
        "1/s",
        lambda m: m["created"] / m["wall_seconds"],
        better="more",
    ),
    Figure(
        "Firehose: spans delivered per second",
        *("firehose", "1/s", sent_only(lambda m: delivered(m) / m["wall_seconds"])),
        better="more",
        limits=both(60_000, 120_000),
        absolute=True,
    ),
    Figure(
        "Firehose: spans lost",
        *("firehose", "%", sent_only(lambda m: 100 * (1 - delivered(m) / m["created"]))),
        limits=both(0),
        absolute=True,
    ),
    Figure(
        "HTTP headers, inject and extract",
        *("propagation", _US, number("us")),
        limits=both(0.5),
        chart=True,
    ),
    Figure("HTTP headers, inject", "propagation", _US, number("inject_us")),
    Figure("HTTP headers, extract", "propagation", _US, number("extract_us")),
    Figure(
        "Import and initialisation, CPU",
        *("startup", "ms", number("cpu", 1e3)),
        limits=both(0.2),
        chart=True,
    ),
    Figure(
        "Import and initialisation, memory",
        *("startup", "MiB", number("bytes", 1 / (1 << 20))),
        limits=both(6),
        absolute=True,
    ),
    Figure("Import and initialisation, modules", "startup", "", number("modules")),
    Figure("Import and initialisation, threads", "startup", "", number("threads")),
    Figure("The same until the first trace is sent, CPU", "startup", "ms", number("sent_cpu", 1e3)),
    Figure(
        "The same until the first trace is sent, memory",
        *("startup", "MiB", number("sent_bytes", 1 / (1 << 20))),
    ),
    Figure(
        "The same until the first trace is sent, modules", "startup", "", number("sent_modules")
    ),
    Figure(
        "The same until the first trace is sent, threads", "startup", "", number("sent_threads")
    ),
    Figure(
        "Memory of a waiting span",
        *("memory", "B", number("bytes")),
        limits=both(300),
        absolute=True,
        chart=True,
    ),
    Figure(
        "1 ms loop beside 10,000 spans/s: extra p99",
        *("jitter", "ms", number("extra_p99_ms")),
        limits=both(0.5, 0.1),
        absolute=True,
    ),
    Figure("1 ms loop beside 10,000 spans/s: extra p99.9", "jitter", "ms", number("extra_p999_ms")),
    Figure("1 ms loop beside 10,000 spans/s: extra p50", "jitter", "ms", number("extra_p50_ms")),
    Figure("Spans/s that were made beside the loop", "jitter", "1/s", number("per_second"), "more"),
    Figure("Caller's cost while no span waits", "waiting", _US, step(0)),
    Figure(
        "Caller's cost while many spans wait, to while none",
        "waiting",
        "x",
        between("first", "last"),
    ),
    Figure("Start to wire, 1 tag", "tags", _US, step(0)),
    Figure("Start to wire, 10 tags", "tags", _US, step(1)),
    Figure("Start to wire, 100 tags", "tags", _US, step(2)),
    Figure("Start to wire, 1 operation", "operations", _US, step(0)),
    Figure("Start to wire, 10,000 operations, to 1", "operations", "x", between("first", "last")),
)


@dataclass(frozen=True)
class Line:
    """A figure of one peer, over all rounds."""

    peer: str
    middle: float
    least: float
    most: float
    ratio: float | None
    limit: float | None
    reached: bool | None


def lines(figure: Figure, rounds: Sequence[Mapping[tuple[str, str], Measured]]) -> list[Line]:
    """Return the line of each peer that has this figure.

    :param rounds: measurements by workload and peer
    """
    values: dict[str, list[tuple[int, float]]] = {}
    for index, measurements in enumerate(rounds):
        for (workload, peer), measured in measurements.items():
            if workload == figure.workload:
                value = figure.value(measured)
                if value is not None:
                    values.setdefault(peer, []).append((index, value))
    reference = dict(values.get(REFERENCE, ()))
    return [_line(figure, peer, found, reference) for peer, found in values.items()]


def _line(
    figure: Figure, peer: str, found: list[tuple[int, float]], reference: Mapping[int, float]
) -> Line:
    plain = [value for _, value in found]
    # Of one round, so that what slowed the machine down slowed both down.
    ratios = [value / reference[index] for index, value in found if reference.get(index)]
    ratio = median(ratios) if ratios else None
    limit = figure.limits.get(peer)
    measure = median(plain) if figure.absolute else ratio
    reached = None
    if limit is not None and measure is not None:
        reached = measure >= limit if figure.better == "more" else measure <= limit
    return Line(peer, median(plain), min(plain), max(plain), ratio, limit, reached)
