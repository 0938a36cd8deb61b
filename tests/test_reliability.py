"""The promises of docs/reliability.md: each names what holds it, and every named test exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reliability.md"
NAMED = re.compile(r"`((?:tests|scripts)/[\w/.]+)((?:::\w+)*)`")


def rows() -> list[list[str]]:
    """Return the cells of each row of each table, without heads."""
    found, lines = [], PAGE.read_text().splitlines()
    for line, following in zip(lines, [*lines[1:], ""]):
        if line.startswith("|") and not line.startswith("|---") and "|---" not in following:
            found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


@cache
def names_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / path).read_text())
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, functions))


@pytest.mark.parametrize(("path", "name"), sorted(set(NAMED.findall(PAGE.read_text()))))
def test_what_is_named_exists(path, name):
    assert (ROOT / path).exists()
    if name:
        assert name.rpartition(":")[2].startswith("test_")
        assert name.rpartition(":")[2] in names_in(path)


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0][:60])
def test_a_promise_names_what_holds_it(row):
    assert NAMED.search(row[-1]) or row[-1].startswith("the same, `"), row


def test_there_are_no_other_ways_to_name_a_test():
    """As "::test_x" alone, which the tests above would not see."""
    text = PAGE.read_text()
    assert len(rows()) > 50
    assert text.count("::test_") == len([name for _, name in NAMED.findall(text) if name])
