"""What servers that fork need of us, without the servers; with them: ``tests/servers``."""

import os
import signal
import sys
import threading
import time
import types

import pytest

from jaeger_like import _at_exit, _background, _fork, _native

from .helpers import TIMEOUT, assert_exactly_once, new_tracer, trace


class UWSGI(types.ModuleType):
    """What a program finds under the name ``uwsgi`` when it runs in it."""

    def __init__(self, worker=0, mule=0, master=None):
        super().__init__("uwsgi")
        self.worker = worker
        self.worker_id = lambda: self.worker
        self.mule_id = lambda: mule
        self.masterpid = lambda: os.getpid() if master is None else master


@pytest.fixture
def uwsgi(monkeypatch):
    """This process is uWSGI's, and has no loop yet."""
    module = UWSGI()
    threads = set(threading.enumerate())
    monkeypatch.setitem(sys.modules, "uwsgi", module)
    monkeypatch.setattr(_background, "_shared", None)
    yield module
    module.worker = 1
    io_loop = _background.runner().io_loop
    io_loop.add_callback(io_loop.stop)
    for thread in set(threading.enumerate()) - threads:
        thread.join(TIMEOUT)
    io_loop.close()


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        (None, False),
        (types.ModuleType("uwsgi"), False),  # of somebody else
        (UWSGI(), True),
        (UWSGI(master=0), True),  # none; it may fork all the same
        (UWSGI(worker=1), False),
        (UWSGI(mule=1), False),
        (UWSGI(master=1), False),  # a spooler
    ],
)
def test_who_is_about_to_fork(monkeypatch, module, expected):
    monkeypatch.setitem(sys.modules, "uwsgi", module)
    assert _native.is_about_to_fork() is expected


def test_before_uwsgi_forks_spans_are_sent_without_a_thread(uwsgi, agent):
    """A thread that holds the interpreter's lock when uWSGI forks hangs the worker for ever."""
    tracer = new_tracer(agent.port)
    threads = threading.active_count()
    ids = trace(tracer, 5)
    assert_exactly_once(agent, ids)
    assert _background.runner()._io_loop is None
    assert threading.active_count() == threads
    uwsgi.worker = 1
    ids += trace(tracer, 5)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert _background.runner()._io_loop is not None
    assert tracer.close().result(TIMEOUT)


def test_before_uwsgi_forks_an_agent_that_cannot_be_found_costs_half_a_second_at_most(
    uwsgi, agent, monkeypatch
):
    found = threading.Event()

    async def look_up(*args, **options):
        import asyncio
        import socket

        while not found.is_set():  # noqa: ASYNC110  waited for on two loops, one after the other
            await asyncio.sleep(0.01)
        return [(socket.AF_INET, ("127.0.0.1", agent.port))]

    monkeypatch.setattr("jaeger_like.transport.udp.look_up", look_up)
    tracer = new_tracer(agent.port, host="agent.example")
    started = time.monotonic()
    ids = trace(tracer, 20)
    assert time.monotonic() - started < 2
    found.set()
    uwsgi.worker = 1
    ids += trace(tracer, 1)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert tracer.close().result(TIMEOUT)


class Signal:
    """Celery's, as far as it is used."""

    def __init__(self):
        self.receivers = {}

    def connect(self, receiver, *, weak, dispatch_uid):
        assert not weak
        self.receivers[dispatch_uid] = receiver

    def send(self, **arguments):
        for receiver in self.receivers.values():
            receiver(signal=self, **arguments)


class Ending:
    def __init__(self):
        self.told = []

    def _begin_exit(self):
        self.told.append("begin")

    def _at_exit(self, deadline):
        self.told.append("end")


def test_workers_of_celery_are_told_before_they_leave(monkeypatch):
    """They leave by ``os._exit``, and their parent kills them meanwhile."""
    signals = types.ModuleType("celery.signals")
    signals.worker_process_shutdown = Signal()
    monkeypatch.setitem(sys.modules, "celery.signals", signals)
    at_exit, ending = _at_exit.AtExit(), Ending()
    at_exit.add(ending)
    at_exit._after_fork()
    at_exit.hook()  # as a child does; it has inherited the parent's connection
    signals.worker_process_shutdown.send(sender=None, pid=os.getpid(), exitcode=0)
    assert ending.told == ["begin", "end"]
    _at_exit.atexit.unregister(at_exit.run)


@pytest.fixture
def uvicorn(monkeypatch):
    """uvicorn's server, which has installed its handler of SIGTERM, as uvicorn does."""
    module = types.ModuleType("uvicorn.server")

    class Server:
        should_exit = False

        def handle_exit(self, *_):
            self.should_exit = True

    module.Server = Server
    server = Server()
    monkeypatch.setitem(sys.modules, "uvicorn.server", module)
    before = signal.signal(signal.SIGTERM, server.handle_exit)
    yield server
    signal.signal(signal.SIGTERM, before)


def test_what_waits_when_uvicorn_is_told_to_end_is_sent_and_what_comes_then_too(uvicorn, agent):
    """It then kills itself, and no exit handler runs. The real one: ``tests/servers``."""
    tracer = new_tracer(agent.port, flush_interval=60)
    ids = trace(tracer, 5)
    os.kill(os.getpid(), signal.SIGTERM)
    assert_exactly_once(agent, ids)  # not a minute later
    ids += trace(tracer, 5)
    assert_exactly_once(agent, ids)
    assert tracer.close().result(TIMEOUT)


@pytest.fixture
def in_child(monkeypatch):
    """As if this process were the child of a fork that told nobody."""
    monkeypatch.setattr(_fork, "_registered", {})
    monkeypatch.setattr(_fork, "_lock", _native.allocate_lock())
    monkeypatch.setattr(_fork, "_pid", -1)


class Told:
    def __init__(self, action=lambda: None):
        self.times = 0
        self._action = action
        _fork.register(self)

    def _after_fork(self):
        self._action()
        self.times += 1


def test_threads_that_notice_a_fork_together_wait_for_the_first(in_child):
    """Those that did not made ids that another worker of uWSGI, with threads, made as well."""
    entered, leave, asking = threading.Event(), threading.Event(), threading.Event()
    seen = []

    def action():
        entered.set()
        assert leave.wait(TIMEOUT)

    told = Told(action)

    def second():
        asking.set()
        _fork.check()
        seen.append(told.times)

    threads = [threading.Thread(target=_fork.check), threading.Thread(target=second)]
    threads[0].start()
    assert entered.wait(TIMEOUT)
    threads[1].start()
    assert asking.wait(TIMEOUT)
    threads[1].join(0.1)  # it would be through by now
    leave.set()
    for thread in threads:
        thread.join(TIMEOUT)
    assert seen == [1]
    assert told.times == 1


def test_those_who_start_afresh_may_ask(in_child):
    told = Told(_fork.check)
    _fork.check()
    assert told.times == 1


def test_a_lock_that_was_held_at_the_fork_holds_nobody_for_ever(in_child, monkeypatch):
    monkeypatch.setattr(_fork, "_PATIENCE", 0.05)
    told = Told()
    _fork._lock.acquire()
    _fork.check()
    assert told.times == 1
