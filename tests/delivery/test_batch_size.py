"""Packets that are sent although they are not full, because so many spans wait."""

import sys

import pytest

from .helpers import TIMEOUT, assert_exactly_once, loop_held, on_loop, trace


def test_a_batch_size_sends_packets_that_are_not_full(make_tracer, agent):
    tracer = make_tracer(batch_size=10, flush_interval=None)
    ids = trace(tracer, 25)
    agent.wait_for(20)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert [len(batch.spans) for batch in agent.batches] == [10, 10, 5]


def test_a_batch_leaves_after_more_than_one_has_waited(make_tracer, agent):
    tracer = make_tracer(batch_size=10, flush_interval=None)
    with loop_held():
        ids = trace(tracer, 15)
    agent.wait_for(10)
    on_loop(lambda: None)  # has done with the packet
    ids += trace(tracer, 5)
    agent.wait_for(20)
    assert_exactly_once(agent, ids)


@pytest.mark.parametrize("options", [{"batch_size": 10}, {"queue_capacity": 60}], ids=str)
def test_a_span_costs_no_more_while_more_than_a_batch_waits(make_tracer, agent, options):
    """Each of them looked whether the loop had to be woken: a fifth of its price."""
    tracer = make_tracer(**options)
    calls = []

    def calls_of(count):
        calls.clear()
        sys.setprofile(lambda frame, event, _: calls.append((event, frame.f_code.co_name)))
        try:
            return trace(tracer, count)
        finally:
            sys.setprofile(None)

    with loop_held():
        ids = trace(tracer, 1)  # which starts the timer
        ids += calls_of(1)
        first = len(calls)
        ids += trace(tracer, 33)  # more than a batch, and more than half of what may wait
        ids += calls_of(10)
    assert len(calls) < 10 * first + 30
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
