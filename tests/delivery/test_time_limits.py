"""A signal's handler that raises, as those of time limits do, wherever it strikes."""

from __future__ import annotations

import signal

import pytest

from .helpers import TIMEOUT

SPANS = 20_000


class TimeLimit(Exception):  # noqa: N818  as task queues have them: no error, nor a BaseException
    pass


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
def test_the_program_sees_each_of_them_and_no_span_twice(make_tracer, agent, numbers):
    tracer = make_tracer(metrics_factory=numbers)
    raised = 0

    def strike(*_):
        nonlocal raised
        raised += 1
        raise TimeLimit

    seen, finished, struck = 0, set(), set()
    previous = signal.signal(signal.SIGALRM, strike)
    try:
        for number in range(SPANS):
            span = tracer.start_span("work", tags={"number": number})
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.000_001 * (number % 40 + 1))
                try:
                    span.finish()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except TimeLimit:
                seen += 1
                struck.add(span.span_id)
            else:
                finished.add(span.span_id)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    assert tracer.flush(TIMEOUT)
    came = [span.span_id for span in agent.wait_for(numbers.spans("ok"))]
    assert seen == raised > SPANS / 100
    assert len(came) == len(set(came))
    assert finished <= set(came) <= finished | struck
