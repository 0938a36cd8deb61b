"""The tables, for the terminal and for RESULTS.md."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping, Sequence

from figures import FIGURES, REFERENCE, Figure, Line, Measured, lines

NAMES = {
    "jaeger_like": "jaeger_like, pure Python",
    "jaeger_like_c": "jaeger_like",
    "jaeger_client": "jaeger-client",
    "opentelemetry": "OpenTelemetry",
    "ddtrace": "ddtrace",
    "noop": "opentracing, no-op",
    "empty": "empty harness",
}

Rounds = Sequence[Mapping[tuple[str, str], Measured]]


def shown(value: float) -> str:
    """Return a number with three digits that mean something."""
    size = abs(value)
    if size < 0.0005:
        return "0"
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10 or size == 0:
        return f"{value:.1f}".removesuffix(".0")
    return f"{value:.2f}" if size >= 0.1 else f"{value:.3f}"


def table(figure: Figure, rounds: Rounds) -> list[str]:
    """Return the Markdown table of one figure, without its heading; no lines if nobody has it."""
    found = lines(figure, rounds)
    if not found:
        return []
    ratios = figure.unit != "x" and any(line.ratio is not None for line in found)
    limits = any(line.limit is not None for line in found)
    head = ["peer", f"median{f', {figure.unit}' if figure.unit else ''}", "min to max"]
    if ratios:
        head.append(f"to {NAMES[REFERENCE]}")
    if limits:
        head.append("target")
    rows = [head, ["---", *["---:"] * (len(head) - 1)]]
    for line in found:
        row = [NAMES[line.peer], shown(line.middle), f"{shown(line.least)} to {shown(line.most)}"]
        if ratios:
            row.append("" if line.ratio is None else shown(line.ratio))
        if limits:
            row.append(_target(figure, line))
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return [_row(row, widths) for row in rows]


def _row(row: list[str], widths: list[int]) -> str:
    if row[0] == "---":
        cells = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    else:
        cells = [row[0].ljust(widths[0])]
        cells += (cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))
    return f"| {' | '.join(cells)} |"


def _target(figure: Figure, line: Line) -> str:
    if line.limit is None:
        return ""
    sign = "≥" if figure.better == "more" else "≤"
    unit = f" {figure.unit}" if figure.absolute and figure.unit else ""
    verdict = {True: "reached", False: "missed", None: "?"}[line.reached]
    return f"{sign} {line.limit:,g}{unit}: {verdict}"


def targets(rounds: Rounds) -> list[str]:
    """Return the table of what was to be reached and what was; no lines without a target."""
    rows = []
    for figure in FIGURES:
        for line in lines(figure, rounds):
            if line.limit is not None:
                ratio = "" if line.ratio is None else shown(line.ratio)
                value = f"{shown(line.middle)} {figure.unit}"
                rows.append([figure.title, NAMES[line.peer], value, ratio, _target(figure, line)])
    if not rows:
        return []
    head = ["figure", "peer", "median", f"to {NAMES[REFERENCE]}", "target"]
    rows = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    return ["### Targets", "", *(_row(row, widths) for row in rows), ""]


def tables(rounds: Rounds) -> str:
    """Return all tables with their headings."""
    out = targets(rounds)
    for figure in FIGURES:
        rows = table(figure, rounds)
        if rows:
            out += [f"### {figure.title}", "", *rows, ""]
    return "\n".join(out)


def machine() -> str:
    """Return what this was measured on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:  # noqa: PTH123  a line of a device
            model = next(line.split(":", 1)[1].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        pass
    load = os.getloadavg()[0]
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()} {platform.release()}, "
        f"{platform.python_implementation()} {platform.python_version()}; load {load:.1f} after it"
    )


def document(rounds: Rounds, versions: Mapping[str, str], scale: str) -> str:
    """Return RESULTS.md."""
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return "\n".join(
        [
            "# Results",
            "",
            "Written by `python benchmarks/run.py --write`. What is measured, how, and why it is",
            "fair: [README.md](README.md).",
            "",
            f"* date: {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC",
            f"* machine: {machine()}",
            f"* versions: {packages}",
            f"* rounds: {len(rounds)}, scale {scale}",
            "",
            "![Cost of each library](results.svg)",
            "",
            "Of the rounds: median, least and most; the ratio is the median of their ratios.",
            "",
            tables(rounds),
        ]
    )
