"""Programs that gevent or eventlet has patched.

In the old client the background loop never ran there: no span arrived (defect 10).
"""

import importlib.util

import pytest

from .helpers import assert_exactly_once, run_program

WAYS = [
    "parentage",
    "flush",
    "close",
    "exit",
    "interval",
    "busy",
    "others go on",
    "fork",
    "localhost",
]


@pytest.fixture(params=["gevent", "eventlet"])
def library(request):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


def run(library, when, way, port):
    # eventlet warns of itself.
    return run_program("greenlets.py", library, when, way, port, warnings="ignore")


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("way", WAYS)
def test_spans_of_greenlets_arrive(agent, library, when, way):
    result = run(library, when, way, agent.port)
    assert result.status == 0, result.stderr
    assert "Traceback" not in result.stderr
    assert result.ids
    assert_exactly_once(agent, result.ids)
    assert all(seconds < 3 for seconds in result.values("seconds"))
    assert not any(result.values("wrong"))
    if way == "others go on":
        assert result.values("turns")[0] >= 5


@pytest.mark.parametrize("when", ["before", "after"])
def test_what_the_real_thread_has_to_say_is_logged_by_the_program(library, when):
    result = run(library, when, "log", 1)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert result.values("log") == [
        "Failed to submit traces to jaeger-agent socket: [Errno 111] Connection refused"
    ]
