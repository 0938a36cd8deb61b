"""gunicorn, which imports the application before it forks (``--preload``)."""

import os
import re
import signal
import sys
import threading
from pathlib import Path

import pytest

from .support import (
    APPS,
    ROOT,
    assert_exactly_once,
    assert_parents,
    has,
    needs,
    request,
    request_until,
)

pytestmark = needs("gunicorn")


# gunicorn 26 has no workers for eventlet any more. For them `make test-servers` puts an older one
# here, beside the newest.
OLDER = Path(sys.prefix) / "gunicorn-for-eventlet"
HAS_EVENTLET = has("eventlet") and (has("gunicorn.workers.geventlet") or OLDER.exists())

KINDS = [
    pytest.param(["-k", "sync"], id="sync"),
    pytest.param(["-k", "gthread", "--threads", "8"], id="gthread"),
    pytest.param(["-k", "gevent"], id="gevent", marks=needs("gevent")),
    pytest.param(
        ["-k", "eventlet"],
        id="eventlet",
        marks=pytest.mark.skipif(not HAS_EVENTLET, reason="no eventlet, or no gunicorn before 26"),
    ),
    pytest.param(["-k", "tornado"], id="tornado"),
]
REQUESTS = 120  # more where it takes them until every worker has answered


WORKERS = 4


@pytest.fixture
def run(start):
    """Start gunicorn with some options; with keywords for its environment."""

    def run_it(*options, preload=True, **env):
        if "eventlet" in options and not has("gunicorn.workers.geventlet"):
            env["PYTHONPATH"] = os.pathsep.join(map(str, (OLDER, APPS, ROOT)))
        return start(command(*options, preload=preload), **env)

    return run_it


def command(*options, preload):
    return [
        sys.executable, "-m", "gunicorn", *(["--preload"] if preload else []),
        "--workers", str(WORKERS), "--bind", "127.0.0.1:0", "--chdir", str(APPS),
        # A worker that is told to end while it starts may not notice; it has traced nothing yet.
        "--graceful-timeout", "10", "--timeout", "60", *options, "wsgi:application",
    ]  # fmt: skip


def stop(server, pids, number=signal.SIGTERM):
    """Stop the server; each of *pids* ends by itself. Return the exit status."""
    status = server.stop(number)
    exited = set(map(int, re.findall(r"Worker exiting \(pid: (\d+)\)", server.text)))
    assert set(pids) <= exited, f"killed: {set(pids) - exited}\n{server.text}"
    return status


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("preload", [True, False], ids=["preload", "late"])
def test_every_span_of_every_worker_arrives_once(run, agent, journal, kind, preload):
    server = run(*kind, preload=preload)
    pids = request_until(server.wait_until_listening(), WORKERS, at_least=REQUESTS)
    assert stop(server, pids) == 0
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert len(agent.spans) == len(pids) * 3 + (1 if preload else WORKERS)


@pytest.mark.parametrize("kind", KINDS)
def test_workers_that_are_replaced_after_some_requests_lose_nothing(run, agent, journal, kind):
    server = run(*kind, "--max-requests", "15", "--max-requests-jitter", "5")
    pids = request_until(server.wait_until_listening(), 2 * WORKERS)
    assert stop(server, pids) == 0
    assert_exactly_once(agent, journal)


@pytest.mark.parametrize("kind", KINDS)
def test_a_reload_under_load_loses_nothing(run, agent, journal, kind):
    server = run(*kind)
    port = server.wait_until_listening()
    before = set(request_until(port, WORKERS))
    ended, during = threading.Event(), []

    def ask():
        while not ended.is_set():
            during.append(request(port))

    clients = [threading.Thread(target=ask) for _ in range(4)]
    for client in clients:
        client.start()
    try:
        server.send(signal.SIGHUP)
        for _ in before:
            server.wait_for_line("Worker exiting")
    finally:
        ended.set()
        for client in clients:
            client.join()
    after = set(request_until(port, WORKERS))
    assert stop(server, before | after) == 0
    assert not before & after
    assert before < before | set(during) | after
    assert_exactly_once(agent, journal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["int", "quit"])
def test_a_quick_shutdown_loses_nothing(run, agent, journal, number):
    server = run("-k", "sync")
    pids = request_until(server.wait_until_listening(), WORKERS)
    assert stop(server, pids, number) == 0
    assert_exactly_once(agent, journal)


@pytest.mark.parametrize("kind", KINDS)
def test_the_exit_status_is_that_without_tracing(run, kind):
    server = run(*kind, TEST_TRACER="none")
    pids = request_until(server.wait_until_listening(), WORKERS)
    assert stop(server, pids) == 0


def test_the_parent_is_not_disturbed_by_its_children(run, agent, journal):
    """What was finished before the forks is sent by the parent while all of them live."""
    server = run("-k", "sync")
    server.wait_until_listening()
    [line] = journal.wait_for(1)
    [span] = agent.wait_for(1)
    assert [span.span_id] == line["spans"]
    assert span.tags["pid"] == server.process.pid
    assert server.stop() == 0
    assert_exactly_once(agent, journal)
