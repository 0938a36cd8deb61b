"""Celery's prefork pool, whose workers are forked by billiard and leave by ``os._exit``."""

import contextlib
import importlib.util
import os
import signal
import socket
import subprocess
import sys

import pytest

from .support import APPS, PATIENCE, ROOT, assert_exactly_once, assert_parents

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("celery") is None, reason="celery is not installed"
)
TASKS = 24  # some versions of its transport of files take two seconds for one


@pytest.fixture
def broker(tmp_path):
    for name in ("queue", "control"):
        (tmp_path / name).mkdir()
    return str(tmp_path)


@pytest.fixture
def worker(start, broker):
    def make(*options, **env):
        return start(
            [
                sys.executable, "-m", "celery", "-A", "tasks", "worker", "--pool", "prefork",
                "--without-gossip", "--without-mingle", "--without-heartbeat",
                "--loglevel", "INFO", *options,
            ],
            TEST_BROKER=broker,
            **env,
        )  # fmt: skip

    return make


def ask(broker, count):
    """Ask for *count* tasks."""
    subprocess.run(
        [sys.executable, "tasks.py", str(count)],
        cwd=APPS,
        env={**os.environ, "TEST_BROKER": broker, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""},
        timeout=PATIENCE,
        check=True,
    )


@contextlib.contextmanager
def gate(path, visitors):
    """Keep whoever connects to the socket at *path* until so many are there.

    On a slow machine a few workers are done with all tasks before the last one has started.
    """
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.settimeout(PATIENCE)
        listener.bind(path)
        listener.listen()
        yield
        with contextlib.ExitStack() as waiting:
            for _ in range(visitors):
                waiting.enter_context(listener.accept()[0])


@pytest.mark.parametrize("processes", [1, 4])
def test_every_span_of_every_task_arrives_once(worker, broker, agent, journal, processes):
    meeting = f"{journal.folder}/gate"
    with gate(meeting, processes):
        server = worker(
            "--concurrency", str(processes), TEST_GATE=meeting, TEST_GATED=str(processes)
        )
        ask(broker, TASKS)
    lines = journal.wait_for(TASKS + 1)
    assert server.stop() == 0  # right after the last task
    assert_exactly_once(agent, journal)
    assert_parents(agent)
    assert len({line["pid"] for line in lines}) == processes + 1


def test_workers_that_are_replaced_after_some_tasks_lose_nothing(worker, broker, agent, journal):
    server = worker("--concurrency", "2", "--max-tasks-per-child", "5")
    ask(broker, TASKS)
    lines = journal.wait_for(TASKS + 1)
    assert server.stop() == 0
    assert_exactly_once(agent, journal)
    assert len({line["pid"] for line in lines}) >= TASKS // 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["int", "term"])
def test_the_end_loses_nothing_and_has_the_status_that_it_has_without(
    worker, broker, agent, journal, number
):
    statuses = []
    for env in ({"TEST_TRACER": "none"}, {}):
        finished = len(journal.lines)
        server = worker("--concurrency", "2", **env)
        ask(broker, 5)
        journal.wait_for(finished + 6)
        statuses.append(server.stop(number))
    assert statuses[0] == statuses[1]
    assert_exactly_once(agent, journal)
