"""What was finished before a program ends is sent, and its end is neither delayed nor changed.

The old client lost 50 of 50 spans at exit (defect 3).
"""

import signal
import socket
import sys
import time

import pytest

from .driven import Driven
from .helpers import (
    assert_among,
    assert_exactly_once,
    free_port,
    on_this_machine,
    run_program,
)

WAYS = [
    "end",
    "sys.exit",
    "uncaught",
    "sigterm",
    "closed",
    "closed twice",
    "closed on a thread",
    "closed in asyncio",
    "awaited in asyncio",
    "closed after asyncio",
    "thread",
    "asyncio",
    "atexit later",
    "atexit before",
    "first span in atexit",
    "no flush interval",
    "many tracers",
]
STATUS = {"sys.exit": 3, "uncaught": 1, "sigterm": 143}


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("way", WAYS)
def test_spans_finished_before_the_end_are_sent(agent, way, host):
    result = run_program("exit.py", way, agent.port, host)
    assert result.status == STATUS.get(way, 0), result.stderr
    if way == "uncaught":
        assert result.stderr.endswith("LookupError: on purpose\n")
        assert result.stderr.count("Traceback") == 1
    else:
        assert result.stderr == ""
    assert len(result.ids) >= 5
    assert_exactly_once(agent, result.ids)


@pytest.mark.parametrize("way", ["end", "sys.exit", "uncaught", "closed"])
def test_daemon_threads_that_are_still_tracing_neither_hang_nor_cost_the_end(agent, way):
    """What they finished before it arrives, and nothing of what they finish meanwhile twice."""
    result = run_program("exit_busy.py", way, agent.port)
    delay = time.time() - result.values("end")[0]
    assert result.status == STATUS.get(way, 0), result.stderr
    assert delay < on_this_machine(2)
    assert result.stderr.count("Traceback") == (way == "uncaught"), result.stderr
    assert_among(agent, result.ids)


def test_sigterm_with_pythons_default_ends_at_once_and_with_its_own_status(agent):
    """It runs no exit handler, so what was finished within the last second may be lost."""
    with Driven(agent.port) as program:
        ids = program.trace(5)
        assert program.flush()
        program.trace(5)
        assert program.signal(signal.SIGTERM) == -signal.SIGTERM
        assert program.log == ""
    assert_among(agent, ids)


class _Silent:
    """A collector that takes connections, reads, and never answers. A context manager."""

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        return self

    def __exit__(self, *_):
        self._listener.close()


def test_a_collector_that_hangs_delays_no_exit():
    with _Silent() as collector:  # its backlog takes the connection
        result = run_program("exit_timed.py", "collector", collector.port, 1)
    delay = time.time() - result.values("end")[0]
    assert result.status == 0
    assert delay < on_this_machine(1.5)
    assert "lost at exit" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("tracers", [1, 20])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("dead", "Failed to submit traces to jaeger-agent socket"),
        ("unknown", "Name or service not known"),
        ("hanging", "Spans lost at exit"),
    ],
)
def test_an_agent_that_cannot_be_reached_delays_no_exit(kind, message, tracers):
    result = run_program("exit_timed.py", kind, free_port(), tracers)
    delay = time.time() - result.values("end")[0]
    assert result.status == 0
    assert delay < on_this_machine(1.5)
    # The log of what was lost, which without a configuration of logging goes to stderr.
    assert message in result.stderr or "lost at exit" in result.stderr
    assert "Traceback" not in result.stderr
    assert "Warning" not in result.stderr


METHODS = ["fork", "spawn", "forkserver"] if sys.platform != "win32" else ["spawn"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("way", ["process", "pool"])
def test_children_of_multiprocessing_send_what_they_finished(agent, way, method):
    result = run_program(
        "exit_multiprocessing.py",
        way,
        method,
        agent.port,
        warnings="ignore" if sys.version_info >= (3, 12) else "error",
    )
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert_exactly_once(agent, result.ids)
    senders = {batch.process_tags["client-uuid"] for batch in agent.batches}
    assert len(senders) >= 2 if way == "process" else 1
