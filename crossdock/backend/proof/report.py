"""Writes the newest result into the README in the folder above."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from . import rules
from .results import Result, as_markdown

README = Path(__file__).resolve().parent.parent / "README.md"


def write(results: Iterable[Result]) -> None:
    """Replace what stands between the markers."""
    text = README.read_text(encoding="utf-8")
    for name, table in (("results", as_markdown(results)), ("rules", rules.as_markdown())):
        begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{table}\n{end}{after}"
    README.write_text(text, encoding="utf-8")
