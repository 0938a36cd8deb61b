"""Processes made in every way that the standard library has, with the default configuration.

The tracer is initialised before; nothing flushes, closes, or has a hook. Spans are counted at a
socket by their ids.
"""

import collections
import os
import sys

import pytest

from .helpers import assert_exactly_once, run_program

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

# From 3.12 on Python itself warns of a fork in a process that has threads.
WARNINGS = "error" if sys.version_info < (3, 12) else "ignore"
METHODS = ["fork", "spawn", "forkserver"]


@pytest.fixture
def run(agent, monkeypatch):
    """Run the program, and hold what every way has to hold. Return what it did."""

    def run_it(way, how, status=0):
        monkeypatch.setenv("TEST_AGENT_PORT", str(agent.port))
        result = run_program("forked.py", way, how, warnings=WARNINGS, timeout=60)
        assert result.status == status, result.stderr
        assert result.stderr == ""
        assert_exactly_once(agent, result.ids)
        assert len(set(result.ids)) == len(result.ids)
        assert_one_identity_per_process(agent, result)
        return result

    return run_it


def assert_one_identity_per_process(agent, result):
    """As many client-uuids as processes that traced; each numbers its packets from 1 on."""
    processes, numbers = collections.defaultdict(set), collections.defaultdict(list)
    for batch in agent.batches:
        uuid = batch.process_tags["client-uuid"]
        numbers[uuid].append(batch.seq_no)
        processes[uuid].update(span.tags["process"] for span in batch.spans)
        assert batch.stats in (None, (0, 0, 0))
    assert all(len(of_one) == 1 for of_one in processes.values()), processes
    everybody = [process for of_one in processes.values() for process in of_one]
    assert sorted(everybody) == sorted(set(result.values("process")))
    for of_one in numbers.values():
        assert of_one == list(range(1, len(of_one) + 1))


def assert_traces_do_not_collide(result):
    trace_ids = [number for numbers in result.values("trace_ids") for number in numbers]
    assert len(set(trace_ids)) == len(trace_ids)
    for line in result.lines:  # a request, and perhaps its step
        assert line["parents"] == [None, *line["ids"][:-1]]


@pytest.mark.parametrize("leave", ["sys.exit", "os._exit"])
def test_child_and_grandchild_of_os_fork(run, leave):
    result = run("fork", leave, status=3)
    assert_traces_do_not_collide(result)
    assert len(set(result.values("process"))) == 3


def test_children_forked_inside_a_span_have_it_as_their_parent(run):
    result = run("inside a span", "fork")
    assert len(set(result.values("process"))) == 3


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", ["processes", "pool", "recycling pool", "executor"])
def test_children_of_the_standard_library(run, way, method):
    result = run(way, method)
    assert_traces_do_not_collide(result)
    processes = len(set(result.values("process")))
    # The parent; three, and three with a child each; two at a time that do two tasks of eight.
    assert processes >= {"processes": 10, "recycling pool": 5}.get(way, 2)
