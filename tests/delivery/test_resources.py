"""What comes and goes leaves nothing behind. Descriptors and tracemalloc are the witnesses."""

import gc
import sys
import warnings
import weakref

import pytest

from jaeger_like.transport.collector import HTTPSender
from tests.raw_server import serving, until
from tests.test_http_sender import PACKET

from .helpers import TIMEOUT, assert_exactly_once, new_tracer, on_loop, run_program, trace


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts descriptors in /proc")
def test_a_thousand_configured_tracers_leave_no_thread_socket_or_memory(agent):
    """Each with its polls of strategies and of credits, which fail, and with a span."""
    result = run_program("thousand.py", agent.port, 1_000, timeout=120)
    assert result.status == 0, result.stderr
    assert_exactly_once(agent, result.ids)
    first, second, third = result.values("had")
    assert first["threads"] == second["threads"] == third["threads"]
    assert first["descriptors"] == second["descriptors"] == third["descriptors"]
    # Once, something is imported by the first poll that gets so far. A leak is in both halves; two
    # hundred bytes for each tracer would be one.
    halves = second["memory"] - first["memory"], third["memory"] - second["memory"]
    assert min(halves) < 100_000, halves


def test_garbage_is_collected_and_threads_end_meanwhile(agent):
    """Up to Python 3.11.8 ``sys._current_frames()`` hangs where a collection lets a thread end."""
    result = run_program("collecting.py", agent.port)
    assert result.status == 0, result.stderr
    assert_exactly_once(agent, result.ids)


def test_a_tracer_that_nobody_closes_goes_without_a_warning(agent):
    tracer = new_tracer(agent.port)
    sender = weakref.ref(tracer.reporter._delivery._sender)
    assert_exactly_once(agent, trace(tracer, 3))
    assert tracer.flush(TIMEOUT)
    on_loop(int)  # it has ended what it was at
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        del tracer
        gc.collect()
    assert sender() is None
    assert [str(warning.message) for warning in heard] == []


def test_a_sender_that_nobody_closes_takes_its_connection_along():
    @serving()
    async def server(server):
        sender = HTTPSender(server.url)
        await sender.send(PACKET)
        del sender
        gc.collect()
        await until(lambda: server.closed_by_client == 1)
        return server

    assert server.connections == 1
