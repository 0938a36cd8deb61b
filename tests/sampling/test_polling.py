"""What the remote sampler and the remote throttler share, and what starts when."""

import gc
import logging
import subprocess
import sys
import threading
import time
import weakref

import pytest

from jaeger_like import _background
from jaeger_like._guard import guard
from jaeger_like._log import logger
from jaeger_like.sampler.polling import Polling

from .fakes import SOON, Channel, in_child


class Owner:
    """Something that asks, and counts how often."""

    def __init__(self, interval=60, random=lambda: 0.0, io_loop=None):
        self.asked = threading.Semaphore(0)
        self.polling = Polling(
            self.ask,
            Channel(io_loop=io_loop),
            interval,
            random,
            logger,
            starting="starting %d",
            started="started %d",
            failed="failed",
        )

    async def ask(self):
        self.asked.release()

    def was_asked(self):
        return self.asked.acquire(timeout=SOON)


@pytest.fixture
def loop_jobs():
    """Wait until the loop has done what it was given so far."""

    def wait():
        done = threading.Event()
        _background.runner().call(done.set)
        assert done.wait(SOON)

    return wait


@pytest.mark.parametrize(
    ("interval", "number", "expected"), [(60, 0.5, 0.5), (0.1, 0.5, 0.05), (60, 0.0, 0.0)]
)
def test_the_first_question_comes_within_a_second_and_within_the_interval(
    interval, number, expected, caplog, monkeypatch
):
    delays = []

    class Poll(_background.Poll):
        def __init__(self, runner, job, first_delay, interval):
            delays.append(first_delay)
            super().__init__(runner, job, first_delay, interval)

    monkeypatch.setattr(_background, "Poll", Poll)
    owner = Owner(interval, lambda: number)
    owner.polling.start()
    owner.polling.close()
    assert delays == [expected]


def test_by_default_the_first_delay_is_random(caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")
    owner = Owner(random=None)
    owner.polling.start()
    owner.polling.close()
    (delay,) = next(record.args for record in caplog.records if record.msg == "starting %d")
    assert 0 <= delay < 1


def test_many_threads_start_one_poll(monkeypatch):
    made = []

    class Poll(_background.Poll):
        def __init__(self, *args):
            made.append(self)
            super().__init__(*args)

    monkeypatch.setattr(_background, "Poll", Poll)
    owner = Owner()
    together = threading.Barrier(8)

    def start():
        together.wait(SOON)
        owner.polling.start()

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert len(made) == 1
    assert owner.was_asked()
    owner.polling.close()


def test_a_start_that_cannot_get_the_lock_is_made_up_for_later():
    owner = Owner()
    with guard.lock:
        owner.polling.start()
    assert owner.polling.idle
    owner.polling.start()
    assert owner.was_asked()
    owner.polling.close()


def test_a_loop_that_cannot_be_had_is_logged_once_and_raises_nothing(caplog):
    owner = Owner(io_loop=5)  # is no loop
    owner.polling.start()
    owner.polling.start()
    (record,) = (r for r in caplog.records if r.levelname == "ERROR")
    assert record.getMessage().startswith("failed: ")
    owner.polling.close()


def test_close_in_the_middle_of_the_start_is_not_lost(monkeypatch):
    owner = Owner()

    class Poll(_background.Poll):
        def start(self):
            started = super().start()
            owner.polling.poll = None  # as another thread sees it a moment earlier
            owner.polling.close()
            owner.polling.poll = self
            return started

    monkeypatch.setattr(_background, "Poll", Poll)
    owner.polling.start()
    assert owner.polling.poll._closed


def test_ends_by_itself_when_the_owner_is_gone(loop_jobs):
    owner = Owner(interval=0.001)
    owner.polling.start()
    assert owner.was_asked()
    poll, gone = owner.polling.poll, weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None
    deadline = time.monotonic() + SOON
    while not poll._closed and time.monotonic() < deadline:
        loop_jobs()
    assert poll._closed


def test_a_poll_of_the_parent_that_a_child_still_finds_ends(loop_jobs):
    owner = Owner(interval=0.001)
    owner.polling.start()
    assert owner.was_asked()
    inherited = owner.polling.poll
    owner.polling._after_fork()
    assert owner.polling.idle
    owner.polling.start()
    deadline = time.monotonic() + SOON
    while not inherited._closed and time.monotonic() < deadline:
        loop_jobs()
    assert inherited._closed
    assert not owner.polling.poll._closed
    owner.polling.close()


def test_a_child_of_a_child_polls_too():
    owner = Owner()
    owner.polling.start()
    assert owner.was_asked()

    def asked():
        owner.asked = threading.Semaphore(0)
        owner.polling.start()
        return str(owner.was_asked())

    assert in_child(lambda: asked() + in_child(asked)) == "TrueTrue"
    owner.polling.close()


def test_import_and_construction_start_no_thread_and_load_no_loop():
    script = """
import sys, threading
before = set(sys.modules)  # a measurement of coverage brings some
from jaeger_like.sampler import RemoteControlledSampler
from jaeger_like.throttler import RemoteThrottler
class Channel: io_loop = None
sampler = RemoteControlledSampler(Channel(), "s")
throttler = RemoteThrottler(Channel(), "s")
throttler.set_client_id(1)
sampler.close(); throttler.close()
late = {"tornado", "asyncio", "threadloop", "thrift", "ssl", "http.client", "json"}
print(threading.active_count(), sorted(late & (set(sys.modules) - before)))
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert (run.stdout.strip(), run.stderr) == ("1 []", "")
