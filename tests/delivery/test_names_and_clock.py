"""Names that nobody knows, that take for ever, or that mean something else; a clock that is set.

In real processes: only the C library is told what to say, and all above it is what users have.
"""

import time

import pytest

from jaeger_like.testing import RecordingAgent

from .driven import Driven, faults, faults_library  # noqa: F401  fixtures
from .helpers import assert_exactly_once, free_port, on_this_machine

HOST = "agent.example"


@pytest.mark.parametrize("answer", ["hang", "unknown"])
def test_a_name_without_an_answer_delays_no_exit(answer, faults):
    faults.names(answer)
    with Driven(free_port(), HOST, **faults.env) as program:
        program.trace(5)
        assert program.end() == 0
    assert program.delay < on_this_machine(1.5)
    assert "Traceback" not in program.log
    assert "lost at exit" in program.log or "Name or service not known" in program.log


def test_a_name_that_hangs_stops_neither_a_program_nor_its_other_tracers(faults):
    faults.names("hang")
    with RecordingAgent() as agent, Driven(free_port(), HOST, **faults.env) as program:
        program.trace(5)
        assert not program.flush(0.2)
        assert len(program.trace(100)) == 100
        assert_exactly_once(agent, program.ask(f"other {agent.port}")["ids"])
        assert program.end() == 0


def test_a_name_that_is_unknown_and_then_known(faults):
    faults.names("unknown")
    with RecordingAgent() as agent, Driven(agent.port, HOST, **faults.env) as program:
        program.trace(5)
        assert not program.flush()
        faults.names("127.0.0.1")
        ids = [program.trace_until_sent(), *program.trace(5)]
        assert program.flush()
        assert_exactly_once(agent, ids)
        assert program.end() == 0
    assert program.log.count("Name or service not known") == 1
    assert program.log.count("works again") == 1


def test_an_agent_that_moves_is_found_at_its_new_address(faults):
    faults.names("127.0.0.1")
    with RecordingAgent() as old:
        port = old.port
        with Driven(port, HOST, **faults.env) as program:
            ids = program.trace(5)
            assert program.flush()
            assert_exactly_once(old, ids)
            old.close()
            faults.names("127.0.0.2")
            with RecordingAgent("127.0.0.2", port) as new:
                ids = [program.trace_until_sent(), *program.trace(5)]
                assert program.flush()
                assert_exactly_once(new, ids)
                assert program.end() == 0


@pytest.mark.parametrize("seconds", [-3600, 3600, -10 * 365 * 86_400])
def test_a_clock_that_is_set_costs_neither_spans_nor_their_durations(seconds, faults):
    with RecordingAgent() as agent, Driven(agent.port, **faults.env) as program:
        ids = program.trace(5)
        [over] = program.ask("start")["ids"]
        before = time.time_ns() // 1000
        faults.clock(seconds)
        program.ask("finish")
        ids += [over, *program.trace(5)]
        assert_exactly_once(agent, ids)  # without a flush: intervals go on
        spans = {span.span_id: span for span in agent.spans}
        assert all(0 <= span.duration < 60_000_000 for span in spans.values())
        assert abs(spans[over].start_time - before) < 60_000_000
        assert abs(spans[ids[-1]].start_time - before - seconds * 1_000_000) < 60_000_000
        assert program.end() == 0
