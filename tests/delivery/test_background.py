"""The thread, its loop, and jobs that come again and again."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time

import pytest
from tornado.ioloop import IOLoop

from jaeger_like import _background, _log, _native
from jaeger_like._held_off import held_off
from jaeger_like._log import Throttled

from .helpers import ROOT, TIMEOUT, on_loop


def test_a_poll_runs_again_and_again_until_it_is_closed():
    times = threading.Semaphore(0)

    async def job():
        times.release()

    poll = _background.Poll(_background.runner(), job, 0.0, 0.001)
    poll.start()
    poll.start()
    for _ in range(5):
        assert times.acquire(timeout=TIMEOUT)
    poll.close()
    poll.close()
    on_loop(lambda: None)
    while times.acquire(blocking=False):
        pass
    assert not times.acquire(timeout=0.05)


def test_a_job_that_fails_is_logged_and_runs_again(caplog):
    times = threading.Semaphore(0)

    async def job():
        times.release()
        raise RuntimeError("on purpose")

    poll = _background.Poll(_background.runner(), job, 0.0, 0.001)
    poll.start()
    for _ in range(3):
        assert times.acquire(timeout=TIMEOUT)
    poll.close()
    on_loop(lambda: None)
    assert "A periodic job of the tracer failed" in caplog.text


def test_a_poll_closed_before_its_start_never_runs():
    ran = threading.Event()

    async def job():
        ran.set()

    poll = _background.Poll(_background.runner(), job, 0.0, 0.001)
    poll.close()
    poll.start()
    on_loop(lambda: None)
    assert not ran.wait(0.05)


def test_a_job_under_way_is_cancelled_by_close():
    begun, cancelled = threading.Event(), threading.Event()

    async def job():
        begun.set()
        try:
            await asyncio.sleep(TIMEOUT)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    poll = _background.Poll(_background.runner(), job, 0.0, 1.0)
    poll.start()
    assert begun.wait(TIMEOUT)
    poll.close()
    assert cancelled.wait(TIMEOUT)


def test_a_closed_loop_takes_nothing():
    io_loop = IOLoop(make_current=False)
    runner = _background.runner(io_loop)
    assert not runner.is_current()
    io_loop.close()
    assert runner.call(print) is False


def no_thread(*_):
    raise RuntimeError("can't create new thread at interpreter shutdown")


@pytest.fixture
def nothing_imported(monkeypatch):
    """As in a program whose first span this is."""
    monkeypatch.setattr(_background, "_is_prepared", lambda: False)


@pytest.mark.parametrize("imported", [False, True])
def test_a_runner_that_cannot_start_a_thread_takes_nothing_and_leaves_nothing(
    monkeypatch, imported
):
    monkeypatch.setattr(_background, "_is_prepared", lambda: imported)
    monkeypatch.setattr("threading.Thread.start", no_thread)
    runner = _background.Runner()
    assert runner.call(print) is False
    assert runner.wait(TIMEOUT) is False
    assert not runner.is_running()
    assert not runner.is_current()


@pytest.mark.usefixtures("nothing_imported")
def test_a_loop_turns_on_the_thread_that_made_it_when_no_other_can_be_had(monkeypatch):
    monkeypatch.setattr("threadloop.ThreadLoop.start", no_thread)
    runner, ran = _background.Runner(), threading.Event()
    assert runner.call(ran.set)
    assert ran.wait(TIMEOUT)
    runner.call(lambda: runner.io_loop.stop())


@pytest.mark.usefixtures("nothing_imported")
def test_a_loop_that_cannot_be_made_is_tried_again(monkeypatch, caplog):
    made = _background._new_loop
    failures = [OSError("too many open files")] * 2
    monkeypatch.setattr(_background, "_START_AGAIN", 0.01)

    def fails_at_first():
        if failures:
            raise failures.pop()
        return made()

    monkeypatch.setattr(_background, "_new_loop", fails_at_first)
    runner, ran = _background.Runner(), threading.Event()
    assert runner.call(ran.set)
    runner.wait(TIMEOUT)
    assert ran.wait(TIMEOUT)
    assert runner.wait(0.0)
    assert [record.getMessage() for record in caplog.records] == [
        "The tracer cannot start its loop yet: OSError('too many open files')"
    ]
    runner.call(lambda: runner.io_loop.stop())


@pytest.mark.usefixtures("nothing_imported")
def test_the_caller_does_not_wait_for_the_imports_of_the_loop(monkeypatch):
    """A slow disk, for instance, is not the traced request's trouble."""
    made, imports_may_end = _background._new_loop, threading.Event()

    def slow():
        assert imports_may_end.wait(TIMEOUT)
        return made()

    monkeypatch.setattr(_background, "_new_loop", slow)
    runner, ran = _background.Runner(), []
    try:
        assert runner.call(ran.append, 1)
        assert runner.call(ran.append, 2)
        assert runner.wait(0.0) is False
    finally:
        imports_may_end.set()
    assert runner.wait(TIMEOUT)
    assert runner.submit(asyncio.sleep, 0, "in order").result(TIMEOUT) == "in order"
    assert ran == [1, 2]
    runner.call(lambda: runner.io_loop.stop())


FORK_WHILE_IT_IMPORTS = """
import importlib.abc, os, sys, threading, time

importing, forking = threading.Event(), threading.Event()

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "tornado.concurrent" and not importing.is_set():
            importing.set()
            assert forking.wait(10)
            time.sleep(0.2)  # the fork is asked for now, and has to wait for what follows

sys.meta_path.insert(0, Slow())
from jaeger_like import Config, _background

config = {{"sampler": {{"type": "const", "param": 1}}, "local_agent": {{"reporting_port": {port}}}}}
tracer = Config(config, service_name="forked early").initialize_tracer()
tracer.start_span("parent").finish()
assert importing.wait(10)
forking.set()
child = os.fork()
if child == 0:
    tracer.start_span("child").finish()
    done = tracer.flush(10) and _background.runner().wait(10)
    os._exit(0 if done else 3)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_waits_for_an_import_of_the_tracers_thread(agent):
    """Else the child would wait for ever for the rest of a half-imported module."""
    done = subprocess.run(
        # From 3.12 on Python itself warns of a fork in a process that has threads.
        [sys.executable, "-Wignore", "-c", FORK_WHILE_IT_IMPORTS.format(port=agent.port)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(span.operation_name for span in agent.wait_for(2)) == ["child", "parent"]


def test_who_holds_forks_off_may_fork_and_does_not_wait_for_himself():
    with held_off:
        child = os.fork()
        if not child:
            os._exit(held_off.lock.locked())
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert held_off.lock.locked()
    assert not held_off.lock.locked()


def test_a_runner_that_is_being_started_makes_nobody_wait_for_ever(monkeypatch):
    monkeypatch.setattr(_background, "_PATIENCE", 0.01)
    runner = _background.Runner()
    with runner._lock:
        assert runner.call(print) is False


def test_the_shared_runner_knows_its_own_thread():
    assert on_loop(_background.runner().is_current)
    assert not _background.runner().is_current()


def test_importing_starts_no_thread_opens_no_file_and_loads_no_loop():
    code = (
        "import os, sys, threading, logging\n"
        "before = len(os.listdir('/proc/self/fd'))\n"
        "import jaeger_like, jaeger_like.reporter, jaeger_like.local_agent_net\n"
        "assert len(os.listdir('/proc/self/fd')) == before\n"
        "assert threading.active_count() == 1\n"
        "assert not logging.root.handlers and not logging.getLogger('jaeger_tracing').handlers\n"
        "heavy = {'tornado', 'asyncio', 'threadloop', 'thrift', 'ssl', 'pytest'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# -- logging -----------------------------------------------------------------------------------


def test_a_throttled_message_is_logged_at_once_then_with_the_number_left_out(caplog):
    now = [0.0]
    throttled = Throttled(logging.ERROR, interval=60, clock=lambda: now[0])
    for _ in range(3):
        throttled.log("it happened to %s", "me")
    now[0] = 60.0
    throttled.log("it happened to %s", "me")
    assert [record.getMessage() for record in caplog.records] == [
        "it happened to me",
        "it happened to me (2 like this since the last message)",
    ]
    assert throttled.reset()
    assert not throttled.reset()
    throttled.log("again")
    assert caplog.records[-1].getMessage() == "again"


def test_what_the_loop_logs_waits_for_another_thread(caplog, monkeypatch):
    def on_the_loop():
        _log.defer_on_this_thread()
        _log.logger.error("said by the loop")

    try:
        on_loop(on_the_loop)
        assert caplog.records == []
        _log.replay()
        _log.replay()
        assert [record.getMessage() for record in caplog.records] == ["said by the loop"]
    finally:
        _log.logger.removeFilter(_log._is_for_now)
        monkeypatch.setattr(_log, "_deferring_thread", None)


# -- locks -------------------------------------------------------------------------------------


def test_taking_a_lock_ends_when_the_time_is_over():
    lock = _native.allocate_lock()
    assert _native.acquire(lock, 0)
    assert not _native.acquire(lock, 0)
    assert not _native.acquire(lock, -5)
    assert not _native.acquire(lock, 0.01)
    threading.Timer(0.01, lock.release).start()
    assert _native.acquire(lock, None)
    lock.release()
    assert _native.acquire(lock, 1e300)


def test_a_thread_that_is_refused_is_not_asked_for_with_every_span(monkeypatch):
    refused, original = [], _background._turn

    def refuse(io_loop):
        refused.append(io_loop)
        raise RuntimeError("can't start new thread")

    _background.prepare()
    monkeypatch.setattr(_background, "_turn", refuse)
    runner, ran = _background.Runner(), threading.Event()
    assert not any(runner.call(ran.set) for _ in range(1_000))
    assert len(refused) < 500
    assert not runner.wait(TIMEOUT)  # whoever waits always asks
    monkeypatch.setattr(_background, "_turn", original)
    deadline = time.monotonic() + TIMEOUT
    while not runner.call(ran.set):
        assert time.monotonic() < deadline
    assert ran.wait(TIMEOUT)
    runner.io_loop.add_callback(runner.io_loop.stop)
