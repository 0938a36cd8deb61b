"""What comes and goes leaves nothing behind. Descriptors and tracemalloc are the witnesses."""

import sys

import pytest

from .helpers import assert_exactly_once, run_program


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
