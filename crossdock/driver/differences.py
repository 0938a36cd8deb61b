"""What clients send otherwise than they were asked to: the documented differences."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import Any, Callable

from .wire_spans import same


@dataclass(frozen=True)
class Difference:
    """Something that one or more clients do otherwise.

    :ivar peers: names of the peers; each must show it at least once
    :ivar paths: pattern of the paths in the model, with ``*``
    :ivar accepts: whether this is it, given what was expected (never None) and what came, or None
    :ivar instead: what comes instead, in words
    :ivar reason: why
    """

    peers: tuple[str, ...]
    paths: str
    accepts: Callable[[Any, Any], bool]
    instead: str
    reason: str


def _is_text(_expected: Any, got: Any) -> bool:
    return bool(got) and got[0] == "STRING"


def _is_double(expected: Any, got: Any) -> bool:
    return expected[0] == "LONG" and same(got, ("DOUBLE", float(expected[1])))


def _is_one_less(expected: Any, got: Any) -> bool:
    return bool(got == expected - 1)


def _is_missing(_expected: Any, got: Any) -> bool:
    return got is None


DIFFERENCES = (
    Difference(
        ("this", "python-old"),
        "* / tags / binary",
        _is_text,
        "`STRING`, as Python writes the bytes",
        "jaeger_client did so, and programs may look for it",
    ),
    Difference(
        ("java",),
        "* / tags / binary",
        _is_text,
        "`STRING`, the object's name",
        "its spans take text, numbers and truth values, nothing else",
    ),
    Difference(
        ("node",),
        "* / tags / *",
        _is_double,
        "`DOUBLE`",
        "JavaScript has one type of number; beyond 2^53 the last digits are lost",
    ),
    Difference(("node",), "* / log *", _is_double, "`DOUBLE`", "the same"),
    Difference(
        ("node", "python-old"),
        "* / duration",
        _is_one_less,
        "a microsecond less, of some spans",
        "a difference of floats, with its fraction cut off",
    ),
    Difference(
        ("node", "java", "python-old"),
        "batch / *",
        _is_missing,
        "nothing",
        "has no client statistics over UDP, so the agent cannot count what is lost",
    ),
    Difference(
        ("java", "python-old"),
        "process / tags / client-uuid",
        _is_missing,
        "nothing",
        "the same",
    ),
)


@dataclass(frozen=True)
class Comparison:
    """What one client sent, beside what it was asked to send.

    :ivar compared: number of values
    :ivar documented: the differences that were met, with the paths where
    :ivar failures: a text for each difference that is not documented
    :ivar gone: a text for each documented difference that was not met
    """

    compared: int
    documented: list[tuple[Difference, list[str]]]
    failures: list[str]
    gone: list[str]


def compare(
    peer: str,
    wanted: dict[str, Any],
    got: dict[str, Any],
    table: tuple[Difference, ...] = DIFFERENCES,
) -> Comparison:
    """Compare two models, allowing what the *table* says of *peer*."""
    met: dict[int, list[str]] = {
        number: [] for number, entry in enumerate(table) if peer in entry.peers
    }
    failures = []
    for path in sorted({*wanted, *got}):
        expected, came = wanted.get(path), got.get(path)
        if path in wanted and path in got and same(expected, came):
            continue
        for number, paths in met.items():
            entry = table[number]
            if (
                path in wanted
                and fnmatch.fnmatchcase(path, entry.paths)
                and entry.accepts(expected, came)
            ):
                paths.append(path)
                break
        else:
            failures.append(f"{path}: {came!r}, not {expected!r}")
    gone = [
        f"{table[number].paths}: {table[number].instead}" for number, at in met.items() if not at
    ]
    return Comparison(
        len({*wanted, *got}), [(table[number], at) for number, at in met.items()], failures, gone
    )
