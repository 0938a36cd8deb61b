"""What a check found: one row each, collected and shown as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One thing that was checked.

    :ivar what: the claim
    :ivar wrong: what contradicts it; empty if it holds
    :ivar seen: figures for the reader
    """

    backend: str
    what: str
    seen: str
    wrong: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        return "WRONG" if self.wrong else "ok"


def as_text(result: Result) -> str:
    """Return the lines to print for a result."""
    lines = [f"{result.backend}  {result.verdict:5}  {result.what}: {result.seen}"]
    lines += [f"           - {each}" for each in result.wrong[:20]]
    if len(result.wrong) > 20:
        lines.append(f"           - and {len(result.wrong) - 20} more")
    return "\n".join(lines)


def as_markdown(results: Iterable[Result]) -> str:
    """Return a table for the README."""
    lines = ["| Backend | Checked | Seen | |", "|---|---|---|---|"]
    lines += [
        f"| {each.backend} | {each.what} | {each.seen.replace('|', chr(92) + '|')} "
        f"| {each.verdict} |"
        for each in results
    ]
    return "\n".join(lines)
