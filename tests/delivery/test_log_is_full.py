"""The disk is full, or whatever else the log goes to fails."""

import errno
import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaeger_like.testing import RecordingAgent

from .helpers import (
    PROGRAMS,
    ROOT,
    assert_exactly_once,
    free_port,
    loop_held,
    new_tracer,
    trace,
)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is full")
@pytest.mark.parametrize("where", ["handler", "stderr"])
def test_a_log_without_room_costs_no_span(where):
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", str(PROGRAMS / "logs.py"), where],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        first = program.stdout.readline()
        assert first, program.stderr.read()
        with RecordingAgent(port=json.loads(first)["port"]) as agent:
            out, err = program.communicate("go on\n", timeout=60)
            lines = [json.loads(line) for line in out.splitlines()]
            assert {"errno": errno.ENOSPC} in lines  # it is full
            ids = [span_id for line in lines for span_id in line.get("ids", ())]
            assert len(ids) == 105
            assert_exactly_once(agent, ids)
    # Python itself tells with 120 that it could not flush standard error at the end.
    assert program.returncode in ((0, 120) if where == "stderr" else (0,)), err


class Raises(logging.Handler):
    """As logging's own do not, but people's may."""

    def __init__(self):
        super().__init__()
        self.asked = 0

    def emit(self, record):
        self.asked += 1
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def raises():
    logger = logging.getLogger("jaeger_tracing")
    handler = Raises()
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.DEBUG)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


def test_a_handler_that_raises_costs_no_span(make_tracer, agent, raises):
    tracer = make_tracer(queue_capacity=10)
    with loop_held():
        ids = trace(tracer, 20)  # drops, which is logged
        assert raises.asked
    assert tracer.flush(20)
    span = tracer.start_span("twice", child_of=object())  # is logged, too
    span.finish()
    span.finish()
    assert tracer.flush(20)
    assert_exactly_once(agent, [*ids[:10], span.span_id])


def test_a_handler_that_raises_on_the_sending_thread_costs_no_span(raises):
    port = free_port()
    tracer = new_tracer(port)
    trace(tracer, 5)
    assert not tracer.flush(20)
    assert raises.asked
    with RecordingAgent(port=port) as agent:
        ids = trace(tracer, 5)
        assert tracer.flush(20)
        assert_exactly_once(agent, ids)
    tracer.close().result(20)
