"""Tables of results: text for terminals, Markdown for README.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from .known import KNOWN
from .run import Result

FAILED = "FAILED"
PROPAGATIONS = ("jaeger", "b3", "b3-single", "w3c")


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Return *rows* as aligned text, the first one underlined."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return *rows* as a Markdown table, the first one as its head."""
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def summary(results: Iterable[Result]) -> str:
    """Return in a few words how *results* went, such as ``6 ok, 4 known (d e)``."""
    results = list(results)
    if not results:
        return ""
    failed = sum(bool(result.judgement.failures or result.judgement.gone) for result in results)
    known = [
        result
        for result in results
        if result.judgement.known and not (result.judgement.failures or result.judgement.gone)
    ]
    labels = sorted({fault.label for result in known for _, fault in result.judgement.known})
    parts = [f"{failed} {FAILED}"] if failed else []
    if len(results) > failed + len(known):
        parts.append(f"{len(results) - failed - len(known)} ok")
    if known:
        parts.append(f"{len(known)} known ({' '.join(labels)})")
    return ", ".join(parts)


def chain_rows(results: list[Result]) -> list[list[str]]:
    """Return a row for each chain of three and a column for each propagation."""
    by_chain: dict[tuple[str, ...], list[Result]] = {}
    for result in results:
        by_chain.setdefault(result.names, []).append(result)
    rows = [["chain", *PROPAGATIONS]]
    for names, its in by_chain.items():
        rows.append(
            [
                " -> ".join(names),
                *(
                    summary(one for one in its if one.scenario.propagation == propagation)
                    for propagation in PROPAGATIONS
                ),
            ]
        )
    return rows


def hop_rows(results: list[Result], propagation: str) -> list[list[str]]:
    """Return a row for each sender, and for each receiver a column with what went wrong there."""
    cells: dict[tuple[str, str], set[str]] = {}
    for result in results:
        if result.scenario.propagation != propagation:
            continue
        for hop in zip(result.names, result.names[1:]):
            cells.setdefault(hop, set())
        for finding, fault in result.judgement.known:
            cells[finding.sender, finding.receiver].add(fault.label)
        for finding in result.judgement.failures:
            cells.setdefault((finding.sender, finding.receiver), set()).add(FAILED)
    names = list(dict.fromkeys(sender for sender, _ in cells if sender))

    def cell(sender: str, receiver: str) -> str:
        labels = cells.get((sender, receiver))
        if not labels:
            return "not asked" if labels is None else "ok"
        return "FAILED" if FAILED in labels else f"known: {' '.join(sorted(labels))}"

    return [
        ["from \\ to", *names],
        *([sender, *(cell(sender, receiver) for receiver in names)] for sender in names),
    ]


def known_rows() -> list[Sequence[str]]:
    """Return a row for each known fault."""
    return [
        ["", "whose", "format", "lost or changed", "when", "why"],
        *dict.fromkeys(
            (one.label, one.peer, one.propagation, one.aspect, one.condition, one.reason)
            for one in KNOWN
        ),
    ]


def write_between(path: Path, name: str, text: str) -> None:
    """Replace what stands in a file between the comments ``begin: name`` and ``end: name``."""
    begin, end = f"<!-- begin: {name} -->\n", f"<!-- end: {name} -->"
    before, rest = path.read_text(encoding="utf-8").split(begin)
    after = rest.split(end)[1]
    path.write_text(f"{before}{begin}\n{text.strip()}\n\n{end}{after}", encoding="utf-8")
