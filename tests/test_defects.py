"""The register of defects, docs/defects.md: every row names a test, every named test exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "defects.md"
TEST = re.compile(r"`(tests/[\w/]+\.py(?:::\w+)+)`")


def rows() -> list[tuple[str, str, str]]:
    """Return defect, place and tests of each row, without heads of tables."""
    cells = [
        tuple(cell.strip() for cell in line.strip("|").split("|"))
        for line in PAGE.read_text().splitlines()
        if line.startswith("|")
    ]
    return [row for row in cells if row[0] != "Defect" and set(row[0]) != {"-"}]


@cache
def names_in(path: str) -> frozenset[str]:
    """Return the names of tests in a file, those in classes as ``Class::test``."""
    found = set()
    for node in ast.parse((ROOT / path).read_text()).body:
        members = node.body if isinstance(node, ast.ClassDef) else [node]
        prefix = f"{node.name}::" if isinstance(node, ast.ClassDef) else ""
        for member in members:
            if isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.add(prefix + member.name)
    return frozenset(name for name in found if name.rpartition(":")[2].startswith("test_"))


def defect_of(row: tuple[str, ...]) -> str:
    return row[0][:60]


@pytest.mark.parametrize("row", rows(), ids=defect_of)
def test_a_row_names_tests_that_exist(row):
    assert len(row) == 3
    named = TEST.findall(row[2])
    assert named
    assert re.sub(TEST, "", row[2]).replace(",", "").strip() == ""
    for test in named:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), test
        assert name in names_in(path), test


def test_no_defect_stands_twice():
    defects = [row[0] for row in rows()]
    assert len(defects) > 80
    assert len(set(defects)) == len(defects)


def test_a_test_that_is_named_after_a_defect_is_in_the_register():
    named = set(TEST.findall(PAGE.read_text()))
    for path in ROOT.glob("tests/**/test_*.py"):
        where = path.relative_to(ROOT).as_posix()
        if "node_modules" in where:
            continue
        for name in names_in(where):
            if name.rpartition(":")[2].startswith("test_defect_"):
                assert f"{where}::{name}" in named


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#:]+)\)", PAGE.read_text()):
        assert (PAGE.parent / target).exists(), target
