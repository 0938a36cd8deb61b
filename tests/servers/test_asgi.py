"""Servers of asyncio programs: uvicorn and hypercorn, with uvloop where it is installed."""

import signal

import pytest

from .support import (
    APPS,
    assert_exactly_once,
    assert_parents,
    needs,
    request_many,
    request_until,
    script,
)

LOOPS = [
    pytest.param("asyncio", "asyncio", id="asyncio"),
    pytest.param("uvloop", "uvloop", id="uvloop", marks=needs("uvloop")),
]
REQUESTS = 120


def uvicorn(*options):
    return [
        script("uvicorn") or "uvicorn", "--port", "0", "--app-dir", str(APPS), "--no-access-log",
        *options, "asgi:application",
    ]  # fmt: skip


def hypercorn(*options):
    return [
        script("hypercorn") or "hypercorn", "--bind", "127.0.0.1:0", *options, "asgi:application",
    ]  # fmt: skip


def assert_loop(agent, module):
    loops = {span.tags["loop"] for span in agent.spans if span.operation_name == "request"}
    assert loops == {module}


@needs("uvicorn")
@pytest.mark.parametrize(("loop", "module"), LOOPS)
def test_uvicorn_interrupted(start, agent, journal, loop, module):
    server = start(uvicorn("--loop", loop))
    request_many(server.wait_until_listening(), REQUESTS)
    status = server.stop(signal.SIGINT)
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert_loop(agent, module)
    assert status == status_without_tracing(start, loop, signal.SIGINT)


@needs("uvicorn")
@pytest.mark.parametrize(("loop", "module"), LOOPS)
def test_uvicorn_told_to_end_after_the_flush_interval(start, agent, journal, loop, module):
    """After its graceful shutdown uvicorn has SIGTERM kill the process, and no exit handler runs;
    the status stays what it is without tracing."""
    server = start(uvicorn("--loop", loop))
    request_many(server.wait_until_listening(), REQUESTS)
    agent.wait_for(REQUESTS * 3 + 1)
    status = server.stop()
    assert_exactly_once(agent, journal)
    assert_loop(agent, module)
    assert status == status_without_tracing(start, loop, signal.SIGTERM)


@needs("uvicorn")
@pytest.mark.parametrize(("loop", "module"), LOOPS)
@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("close", ["", "1"], ids=["unasked", "closed"])
def test_uvicorn_told_to_end_at_once(start, agent, journal, loop, module, workers, close):
    """Nothing is lost, whether the application closes the tracer in its shutdown or not."""
    server = start(uvicorn("--loop", loop, "--workers", str(workers)), TEST_FLUSH=close)
    request_until(server.wait_until_listening(), workers, at_least=REQUESTS)
    server.stop()
    assert_exactly_once(agent, journal)
    assert_loop(agent, module)


def status_without_tracing(start, loop, number):
    server = start(uvicorn("--loop", loop), TEST_TRACER="none")
    request_many(server.wait_until_listening(), 1)
    return server.stop(number)


@needs("hypercorn")
@pytest.mark.parametrize(("loop", "module"), LOOPS)
def test_hypercorn(start, agent, journal, loop, module):
    server = start(hypercorn("--worker-class", loop))
    request_many(server.wait_until_listening(), REQUESTS)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert_loop(agent, module)


def gunicorn(kind):
    return [
        script("gunicorn"), "--preload", "-w", "2", "-b", "127.0.0.1:0", "--chdir", str(APPS),
        "-k", kind, "asgi:application",
    ]  # fmt: skip


@needs("gunicorn", "gunicorn.workers.gasgi")
def test_gunicorn_with_workers_of_asyncio(start, agent, journal):
    """The tracer is made before the fork, and the loop after it."""
    server = start(gunicorn("asgi"))
    pids = request_until(server.wait_until_listening(), 2, at_least=REQUESTS)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert len(agent.spans) == len(pids) * 3 + 1


@needs("gunicorn", "uvicorn", "uvicorn.workers")
def test_gunicorn_with_workers_of_uvicorn(start, agent, journal):
    """They end as uvicorn does."""
    server = start(gunicorn("uvicorn.workers.UvicornWorker"))
    pids = request_until(server.wait_until_listening(), 2, at_least=REQUESTS)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert len(agent.spans) == len(pids) * 3 + 1
