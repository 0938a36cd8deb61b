"""Servers of asyncio programs: uvicorn and hypercorn, with uvloop where it is installed."""

import importlib.util
import signal

import pytest

from .support import (
    APPS,
    assert_exactly_once,
    assert_parents,
    request_many,
    request_until,
    script,
)


def needs(*modules):
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} not installed")


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
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["term", "int"])
def test_uvicorn(start, agent, journal, loop, module, number):
    server = start(uvicorn("--loop", loop))
    request_many(server.wait_until_listening(), REQUESTS)
    status = server.stop(number)
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert_loop(agent, module)
    bare = start(uvicorn("--loop", loop), TEST_TRACER="none")
    request_many(bare.wait_until_listening(), 1)
    assert bare.stop(number) == status


@needs("uvicorn")
def test_uvicorn_with_workers(start, agent, journal):
    server = start(uvicorn("--workers", "2"))
    pids = request_until(server.wait_until_listening(), 2, at_least=REQUESTS)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)
    assert len(agent.spans) >= len(pids) * 3


@needs("hypercorn")
@pytest.mark.parametrize(("loop", "module"), LOOPS)
def test_hypercorn(start, agent, journal, loop, module):
    server = start(hypercorn("--worker-class", loop))
    request_many(server.wait_until_listening(), REQUESTS)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert_loop(agent, module)


@needs("uvicorn", "gunicorn")
def test_gunicorn_with_workers_of_asyncio(start, agent, journal):
    """The tracer is made before the fork, and the loop after it."""
    server = start(
        [
            script("gunicorn"), "--preload", "-w", "2", "-b", "127.0.0.1:0", "--chdir", str(APPS),
            "-k", "asgi" if importlib.util.find_spec("gunicorn.workers.gasgi")
            else "uvicorn.workers.UvicornWorker", "asgi:application",
        ]
    )  # fmt: skip
    pids = request_until(server.wait_until_listening(), 2, at_least=REQUESTS)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert len(agent.spans) == len(pids) * 3 + 1
