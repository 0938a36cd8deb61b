"""uWSGI, which forks in C and by default runs no ``os.register_at_fork`` hooks."""

import re
import signal

import pytest

from .support import (
    APPS,
    assert_exactly_once,
    assert_parents,
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


def command(*options):
    return [
        UWSGI, "--master", "--processes", str(WORKERS), "--http-socket", "127.0.0.1:0",
        "--need-app", "--die-on-term", "--pythonpath", str(APPS), "--module", "wsgi:application",
        "--disable-logging", "--worker-reload-mercy", "20", "--reload-mercy", "20", *options,
    ]  # fmt: skip


def assert_nobody_was_killed(server):
    if "--threads" in server.process.args:
        # One worker in some hundred waits for its own threads when it ends, also without a tracer,
        # and is killed; its spans are sent meanwhile.
        return
    assert not re.search(r"NO MERCY|died|Traceback|DAMN", server.text), server.text


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
    request_until(server.wait_until_listening(), 2 * WORKERS)
    assert server.stop() == 0
    assert_nobody_was_killed(server)
    assert_exactly_once(agent, journal)


@pytest.mark.parametrize("threads", THREADS)
@pytest.mark.parametrize("lazy", IMPORT)
def test_a_graceful_reload_loses_nothing(start, agent, journal, threads, lazy):
    server = start(command(*threads, *lazy))
    port = server.wait_until_listening()
    before = set(request_until(port, WORKERS))
    server.send(signal.SIGHUP)
    server.wait_for_line("gracefully (RE)?spawned|chain reloading complete|binary reloading|gracef")
    server.wait_for_line("spawned uWSGI worker|Respawned uWSGI worker")
    after = request_until(port, WORKERS)
    while before & set(after[-16:]):
        after = request_until(port, WORKERS)
    assert server.stop() == 0
    assert_nobody_was_killed(server)
    assert_exactly_once(agent, journal)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT], ids=["int", "quit"])
@pytest.mark.parametrize("threads", THREADS)
def test_a_quick_shutdown_loses_nothing(start, agent, journal, threads, number):
    server = start(command(*threads))
    request_until(server.wait_until_listening(), WORKERS)
    assert server.stop(number) == 0
    assert_nobody_was_killed(server)
    assert_exactly_once(agent, journal)


def test_the_exit_status_is_that_without_tracing(start):
    server = start(command(), TEST_TRACER="none")
    request_until(server.wait_until_listening(), WORKERS)
    assert server.stop() == 0
