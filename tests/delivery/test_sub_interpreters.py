"""Spans of a sub-interpreter, in which mod_wsgi runs most applications, are sent at its end."""

import sys

import pytest

from .helpers import assert_exactly_once, run_program

pytestmark = pytest.mark.skipif(
    sys.implementation.name != "cpython" or sys.version_info < (3, 10),
    reason="no module to make sub-interpreters of all kinds",
)


@pytest.mark.parametrize("way", ["end", "atexit later"])
def test_a_loop_whose_thread_was_deleted_is_not_woken(agent, way):
    """mod_wsgi deletes the other threads first, and one that wakes up then crashes."""
    result = run_program("sub_interpreter.py", "mod_wsgi", way, agent.port, warnings="default")
    assert result.status == 0, result.stderr
    assert len(result.ids) == {"end": 10, "atexit later": 15}[way]
    assert_exactly_once(agent, result.ids)


@pytest.mark.parametrize("way", ["told", "refused"])
def test_what_is_finished_after_mod_wsgi_has_told_is_sent_at_once(agent, way):
    result = run_program("told_by_mod_wsgi.py", way, agent.port)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert len(result.ids) == {"told": 10, "refused": 5}[way]
    assert_exactly_once(agent, result.ids)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="they may have what we start before")
def test_an_interpreter_that_allows_no_daemon_threads(agent):
    result = run_program("sub_interpreter.py", "isolated", "end", agent.port)
    assert result.status == 0, result.stderr
    assert_exactly_once(agent, result.ids)


def test_an_encoder_outlives_that_of_another_interpreter(agent):
    result = run_program("after_interpreter.py", agent.port, warnings="default")
    assert result.status == 0, result.stderr
    assert_exactly_once(agent, result.ids)
    wanted = {"list": "[1]", "wide": str(1 << 64), "nan": "nan"}
    assert wanted.items() <= agent.spans[0].tags.items()
