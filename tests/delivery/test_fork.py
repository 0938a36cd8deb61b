"""Forked processes trace without a hook of any server, and their parents go on.

In the old client a child never sent a span, and two children made the same trace ids (defect 2).
"""

import os
import sys

import pytest

from jaeger_like import _fork

from .helpers import assert_exactly_once, run_program

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

WAYS = {  # and how many processes send
    "before the first span": 2,
    "waiting in the parent": 2,
    "grandchild": 3,
    "flush in the child": 2,
    "close in the child": 2,
    "fifty": 51,
    "other thread traces": 11,
    "while sending": 6,
    "users loop": 2,
    "no hooks": 2,
}
# From 3.12 on Python itself warns of a fork in a process that has threads.
WARNINGS = "error" if sys.version_info < (3, 12) else "ignore"


@pytest.mark.parametrize("way", WAYS)
def test_every_span_of_every_process_arrives_once(agent, way):
    result = run_program("fork.py", way, agent.port, warnings=WARNINGS)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert_exactly_once(agent, result.ids)
    assert len(set(result.ids)) == len(result.ids)
    trace_ids = [number for numbers in result.values("trace_ids") for number in numbers]
    assert len(set(trace_ids)) == len(trace_ids)
    uuids = {batch.process_tags["client-uuid"] for batch in agent.batches}
    assert len(uuids) == WAYS[way]
    assert set(result.values("uuid")) <= uuids
    for uuid in uuids:  # each counts its own packets
        numbers = [b.seq_no for b in agent.batches if b.process_tags["client-uuid"] == uuid]
        assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("whose", ["own loop", "user's loop"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_once_a_tracer_is_made_nothing_is_imported_but_while_forks_wait(agent, host, whose):
    """A fork while another thread imports leaves the child a lock that nobody will open."""
    result = run_program("imports.py", agent.port, host, whose)
    assert result.status == 0, result.stderr
    assert result.values("imported") == [[]]
    assert_exactly_once(agent, result.ids)


def test_a_fork_in_the_middle_of_an_import_waits_for_its_end(agent):
    """logging's own hook before a fork must not keep the lock that the import needs to end."""
    result = run_program("fork_in_import.py", agent.port, warnings=WARNINGS)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert result.values("imported") == [["of.a.module"]]
    assert result.values("status") == [0]
    assert result.values("free") == [[True]]
    assert_exactly_once(agent, result.ids)


@pytest.mark.parametrize(("how", "whole"), [("an import", False), ("a stop", True)])
def test_a_child_gets_no_half_module_of_ours(agent, how, whole):
    """Forks do not wait for ever; while the whole process is stopped, they have not waited."""
    result = run_program("fork_in_half.py", agent.port, how, warnings=WARNINGS)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert result.values("whole") == [whole]
    assert result.values("status") == [0]
    assert result.values("flushed") == [True, True]
    assert len(result.ids) == 3
    assert_exactly_once(agent, result.ids)


def test_a_fork_waits_for_a_long_import_as_long_as_it_gets_on():
    """It is the time without a module that counts, not that of the whole import."""
    result = run_program("fork_in_long_import.py", warnings=WARNINGS)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert result.values("imported") == [[0, 1, 2, 3, 4, 5, 6, 7]]
    assert result.values("status") == [0]


@pytest.mark.parametrize(
    ("way", "looked_up"), [("ends soon", ["agent.example"]), ("hangs", [])], ids=["soon", "hangs"]
)
def test_a_fork_waits_for_a_look_up_and_not_for_ever(agent, way, looked_up):
    """The C library's resolver has locks, which a child would find closed for ever."""
    result = run_program("fork_in_look_up.py", agent.port, way, warnings=WARNINGS)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert result.values("looked_up") == [looked_up]
    assert result.values("status") == [0]
    assert [span.operation_name for span in agent.wait_for(1)] == ["parent"]


class Told:
    def __init__(self):
        self.times = 0

    def _after_fork(self):
        self.times += 1


def test_a_check_without_a_fork_tells_nobody():
    told = Told()
    _fork.register(told)
    _fork.check()
    _fork._in_child()
    assert told.times == 0


def test_a_fork_is_told_once_to_those_who_live(monkeypatch):
    told, gone = Told(), Told()
    monkeypatch.setattr(_fork, "_registered", {})
    monkeypatch.setattr(_fork, "_pid", os.getpid() + 1)
    _fork.register(told)
    _fork.register(gone)
    del gone
    _fork.check()
    _fork.check()
    assert told.times == 1
