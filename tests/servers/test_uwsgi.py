"""uWSGI, which forks in C and by default runs no ``os.register_at_fork`` hooks."""

import contextlib
import json
import re
import signal
import socket
import time

import pytest

from .support import (
    APPS,
    PATIENCE,
    assert_exactly_once,
    assert_parents,
    free_port,
    request_many,
    request_until,
    script,
)

UWSGI = script("uwsgi")
pytestmark = pytest.mark.skipif(UWSGI is None, reason="uwsgi is not installed")

WORKERS = 4
REQUESTS = 120

THREADS = [
    pytest.param([], id="no threads"),
    pytest.param(["--enable-threads"], id="enable-threads"),
    pytest.param(["--threads", "4"], id="threads"),
    pytest.param(["--enable-threads", "--py-call-osafterfork"], id="osafterfork"),
]
IMPORT = [pytest.param([], id="preload"), pytest.param(["--lazy-apps"], id="lazy-apps")]


# SIGTERM lets workers finish, then end. By itself uWSGI reloads on it.
GRACEFUL = ["--hook-master-start", "unix_signal:15 gracefully_kill_them_all"]


def command(*options, port=0):
    return [
        UWSGI, "--master", "--processes", str(WORKERS), "--http-socket", f"127.0.0.1:{port}",
        "--need-app", *GRACEFUL, "--pythonpath", str(APPS), "--module", "wsgi:application",
        "--disable-logging", "--worker-reload-mercy", "20", "--reload-mercy", "20", *options,
    ]  # fmt: skip


def assert_nobody_was_killed(server):
    if "--threads" in server.process.args:
        # One worker in some hundred waits for its own threads when it ends, also without a tracer,
        # and is killed; its spans are sent meanwhile.
        return
    assert not re.search(r"NO MERCY|died|Traceback|DAMN|Segmentation", server.text), server.text


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("lazy", IMPORT)
def test_every_span_of_every_worker_arrives_once(start, agent, journal, threads, lazy):
    server = start(command(*threads, *lazy))
    pids = request_until(server.wait_until_listening(), WORKERS, at_least=REQUESTS)
    assert server.stop() == 0
    assert_nobody_was_killed(server)
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert len(agent.spans) == len(pids) * 3 + (WORKERS if lazy else 1)


@pytest.mark.parametrize("threads", THREADS)
def test_workers_that_are_replaced_after_some_requests_lose_nothing(start, agent, journal, threads):
    server = start(command(*threads, "--max-requests", "15"))
    request_until(server.wait_until_listening(), WORKERS + 2)  # its master looks once in a second
    # Without an end, which other tests see: a worker that the master starts while it tells the
    # others to end is told nothing, and stays, also without a tracer.
    assert_nobody_was_killed(server)
    assert_exactly_once(agent, journal)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("lazy", IMPORT)
def test_a_graceful_reload_loses_nothing(start, agent, journal, threads, lazy):
    # The port has to be known before: uWSGI replaces itself, and asks for the same port again.
    port = free_port()
    server = start(command(*threads, *lazy, port=port))
    server.wait_until_listening()
    before = set(request_until(port, WORKERS))
    server.send(signal.SIGHUP)
    after = set()
    while len(after) < WORKERS:
        after |= set(request_many(port, 16)) - before
    assert server.stop() == 0
    assert_nobody_was_killed(server)
    assert_exactly_once(agent, journal)


def wait_until_idle(path):
    """Wait until no worker is in the middle of a request, by uWSGI's own statistics."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as sock:
            sock.connect(path)
            text = b"".join(iter(lambda: sock.recv(65536), b""))
        if all(worker["status"] == "idle" for worker in json.loads(text)["workers"]):
            return
    raise AssertionError("the workers remain busy")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["int", "quit"])
@pytest.mark.parametrize("threads", THREADS)
def test_a_quick_shutdown_loses_nothing(start, agent, journal, threads, number):
    """Of a worker that is in the middle of a request uWSGI makes an end without its exit handlers,
    and it is, for a moment, after the answer; the spans of its last second are lost then."""
    path = journal.path + ".stats"
    server = start(command(*threads, "--stats", path))
    request_until(server.wait_until_listening(), WORKERS)
    wait_until_idle(path)
    assert server.stop(number) == 0
    assert_nobody_was_killed(server)
    assert_exactly_once(agent, journal)


def test_the_exit_status_is_that_without_tracing(start):
    server = start(command(), TEST_TRACER="none")
    request_until(server.wait_until_listening(), WORKERS)
    assert server.stop() == 0


@pytest.mark.parametrize("options", [[], ["--threads", "4"]], ids=["no threads", "threads"])
def test_one_process_without_a_master(start, agent, journal, options):
    """It imports the program as one that is about to fork does, and then does not fork."""
    server = start(
        [
            UWSGI, "--http-socket", "127.0.0.1:0", "--pythonpath", str(APPS),
            "--module", "wsgi:application", "--disable-logging", "--enable-threads",
            "--die-on-term", *options,
        ]
    )  # fmt: skip
    request_many(server.wait_until_listening(), REQUESTS)
    agent.wait_for(REQUESTS * 3 + 1)  # by the thread of a process that never forked
    server.stop()
    assert_exactly_once(agent, journal)
