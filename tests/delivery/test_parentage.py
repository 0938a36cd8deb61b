"""Whose child a span is, in programs of tasks, threads, coroutines and greenlets.

With the default configuration: no scope manager, no loop, no flush. What arrived is checked.
"""

import collections
import importlib.util

import pytest

from .helpers import run_program

KINDS = {  # and how many units of work take turns
    "asyncio": 1000,
    "uvloop": 1000,
    "threads": 64,
    "tornado": 200,
    "gevent": 200,
    "eventlet": 200,
}
PARENTS = {"a": None, "b": "a", "c": "b", "d": "b", "e": "a"}


@pytest.mark.parametrize("kind", KINDS)
def test_spans_have_the_parents_that_were_active(agent, monkeypatch, kind):
    if kind not in ("asyncio", "threads") and importlib.util.find_spec(kind) is None:
        pytest.skip(f"{kind} is not installed")
    monkeypatch.setenv("TEST_AGENT_PORT", str(agent.port))
    # eventlet warns of itself, and so does asyncio of uvloop's policy.
    warnings = "ignore" if kind in ("eventlet", "uvloop") else "error"
    result = run_program("parentage.py", kind, KINDS[kind], warnings=warnings, timeout=60)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert result.values("loop") == [kind if kind in ("asyncio", "uvloop") else None]

    spans = agent.wait_for(KINDS[kind] * len(PARENTS))
    units = collections.defaultdict(dict)
    for span in spans:
        units[span.tags["unit"]][span.operation_name.partition(" ")[0]] = span
    assert len(units) == KINDS[kind]
    assert len({unit["a"].trace_id for unit in units.values()}) == KINDS[kind]
    assert len({span.span_id for span in spans}) == len(spans) == KINDS[kind] * len(PARENTS)
    for unit in units.values():
        for name, parent in PARENTS.items():
            assert unit[name].parent_id == (unit[parent].span_id if parent else 0)
            assert unit[name].trace_id == unit["a"].trace_id
