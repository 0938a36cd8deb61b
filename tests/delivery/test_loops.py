"""Programs with event loops: their own are used when they hand them in, and never stopped."""

import asyncio
import gc
import importlib.util
import sys
import threading
import weakref

import pytest
from tornado.ioloop import IOLoop

from jaeger_like import _at_exit, _background
from jaeger_like.closing import all_of, resolved
from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.reporter import CompositeReporter, InMemoryReporter, NullReporter, Reporter
from jaeger_like.testing import RecordingAgent

from .helpers import (
    TIMEOUT,
    FakeSender,
    assert_exactly_once,
    finished_span,
    new_tracer,
    on_loop,
    run_program,
    trace,
)

WAYS = [
    "close in asyncio",
    "close after asyncio",
    "no flush after asyncio",
    "uvloop",
    "yield in tornado",
    "own loop never started",
]


@pytest.mark.parametrize("way", WAYS)
def test_a_program_with_a_loop(agent, way):
    """The old client raised in close() after asyncio.run (defect 4)."""
    if way == "uvloop" and importlib.util.find_spec("uvloop") is None:
        pytest.skip("uvloop is not installed")
    warnings = "error" if way != "uvloop" else "ignore"
    result = run_program("loops.py", way, agent.port, warnings=warnings)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert_exactly_once(agent, result.ids)


def test_initialising_at_import_time_blocks_nothing(agent):
    """Reported of the old client: the import lock and its thread waited for each other."""
    result = run_program("at_import.py", agent.port)
    assert result.status == 0, result.stderr
    assert result.stderr == ""
    assert len(result.ids) == 20
    assert_exactly_once(agent, result.ids)


class Users:
    """A tornado loop of the program's own, on a thread."""

    def __init__(self):
        self.io_loop = IOLoop(make_current=False)
        self.thread = threading.Thread(target=self.io_loop.start)
        self.thread.start()

    def call(self, function):
        done = threading.Event()
        result = []

        def run():
            result.append(function())
            done.set()

        self.io_loop.add_callback(run)
        assert done.wait(TIMEOUT)
        return result[0]

    def stop(self):
        self.io_loop.add_callback(self.io_loop.stop)
        self.thread.join(TIMEOUT)

    def close(self):
        if self.thread.is_alive():
            self.stop()
        if self.io_loop.asyncio_loop.is_closed():
            return
        self.io_loop.close()


@pytest.fixture
def users():
    loop = Users()
    yield loop
    loop.close()


class Where(FakeSender):
    """Remembers the threads it was used on."""

    def __init__(self):
        super().__init__()
        self.threads = set()

    async def send(self, packet):
        self.threads.add(threading.current_thread())
        await super().send(packet)


def reporter_on(io_loop, sender=None, **options):
    reporter = Reporter(sender=sender or Where(), io_loop=io_loop, **options)
    reporter.set_process("svc", {}, 100)
    return reporter


def test_a_loop_that_is_handed_in_is_used_and_not_stopped(users):
    sender = Where()
    reporter = reporter_on(users.io_loop, sender)
    reporter.report_span(finished_span())
    assert reporter.flush(TIMEOUT)
    assert reporter.close().result(TIMEOUT)
    assert sender.threads == {users.thread}
    assert users.call(lambda: "turns") == "turns"


class Endless(FakeSender):
    """As UDP's: asks for a rest after each packet, which brings another span."""

    def __init__(self, rest):
        super().__init__()
        self.rest, self.reporter, self.is_over = rest, None, threading.Event()

    async def send(self, packet):
        await super().send(packet)
        if not self.is_over.is_set():
            self.reporter.report_span(finished_span())

    def pause_after(self, packet, urgent):
        return self.rest


@pytest.mark.parametrize(("rest", "most"), [(0.0, 20), (0.004, 6)], ids=["none", "some"])
def test_while_there_is_always_another_packet_others_come_to_their_turn(rest, most):
    """Other tracers, polls, and whoever waits for a flush."""
    sender = Endless(rest)
    sender.reporter = reporter = reporter_on(None, sender, batch_size=1)
    came, turn = [], threading.Event()

    def others():
        came.append(len(sender.packets))
        if len(came) == 5:
            turn.set()
        else:
            _background.runner().asyncio_loop.call_soon(others)

    reporter.report_span(finished_span())
    assert _background.runner().call(others)
    assert turn.wait(TIMEOUT)
    sender.is_over.set()
    assert reporter.flush(TIMEOUT)
    assert max(after - before for before, after in zip(came, came[1:])) <= most
    assert reporter.close().result(TIMEOUT)


def test_the_channels_loop_is_the_reporters(users):
    channel = LocalAgentSender("127.0.0.1", 1, 2, io_loop=users.io_loop)
    assert Reporter(channel=channel).io_loop is users.io_loop


def test_close_inside_the_loop_that_sends(users, agent):
    tracer = new_tracer(agent.port, io_loop=users.io_loop)
    ids = trace(tracer, 5)
    assert users.call(tracer.close).result(TIMEOUT)
    assert_exactly_once(agent, ids)


def test_flush_inside_the_loop_that_sends_says_no_and_does_it(users, agent):
    tracer = new_tracer(agent.port, io_loop=users.io_loop, flush_interval=None)
    ids = trace(tracer, 5)
    assert users.call(lambda: tracer.flush(TIMEOUT)) is False
    assert_exactly_once(agent, ids)
    tracer.close().result(TIMEOUT)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("how", ["flush", "close", "exit"])
def test_a_loop_that_turns_no_more_is_replaced(users, agent, how, closed):
    tracer = new_tracer(agent.port, io_loop=users.io_loop)
    ids = trace(tracer, 5)
    assert tracer.flush(TIMEOUT)
    users.stop()
    if closed:
        users.io_loop.close()
    ids += trace(tracer, 5)
    if how == "flush":
        assert tracer.flush(TIMEOUT)
    if how == "close":
        assert tracer.close().result(TIMEOUT)
    if how == "exit":
        tracer.reporter._begin_exit()
        tracer.reporter._at_exit(float("inf"))
    assert_exactly_once(agent, ids)
    tracer.close().result(TIMEOUT)


def test_spans_leave_after_their_interval_although_the_loop_was_closed(users, agent):
    tracer = new_tracer(agent.port, io_loop=users.io_loop, flush_interval=0.02)
    users.stop()
    users.io_loop.close()
    assert_exactly_once(agent, trace(tracer, 5))
    tracer.close().result(TIMEOUT)


def test_a_loop_that_stops_in_the_middle_and_turns_again_sends_nothing_twice(agent):
    """As in a program that runs its loop again and again until something is complete."""
    loop = asyncio.new_event_loop()
    io_loop = IOLoop(make_current=False, asyncio_loop=loop)
    sender = Where()

    async def two_events():
        return asyncio.Event(), asyncio.Event()

    reached, goes_on = loop.run_until_complete(two_events())  # 3.9 ties them to the loop here

    async def hang():
        reached.set()
        await goes_on.wait()

    sender.outcomes.append(hang)
    reporter = reporter_on(io_loop, sender, flush_interval=0.01)
    for _ in range(3):
        reporter.report_span(finished_span())

    loop.run_until_complete(reached.wait())
    assert reporter.flush(TIMEOUT)  # on the background loop
    goes_on.set()
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    assert len(sender.packets) == 1
    reporter.close().result(TIMEOUT)
    io_loop.close()


def test_a_loop_that_turns_again_does_not_disturb_the_one_that_sends_meanwhile():
    loop = asyncio.new_event_loop()
    io_loop = IOLoop(make_current=False, asyncio_loop=loop)
    sender = Where()
    reporter = reporter_on(io_loop, sender, flush_interval=0.01)
    reached = {"users": threading.Event(), "ours": threading.Event()}
    leave = threading.Event()

    async def hang():
        reached["users"].set()
        await asyncio.get_running_loop().create_future()

    async def hold():
        reached["ours"].set()
        await asyncio.get_running_loop().run_in_executor(None, leave.wait, TIMEOUT)

    sender.outcomes += [hang, hold]
    reporter.report_span(finished_span())
    while not reached["users"].is_set():
        loop.run_until_complete(asyncio.sleep(0))
    assert not reporter.flush(0)  # the background loop has it now
    assert reached["ours"].wait(TIMEOUT)
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(asyncio.sleep(0))
    reporter.report_span(finished_span())
    assert not reporter.flush(0)
    on_loop(int)  # what this began, it has begun
    assert sender.packets == []  # one after the other
    leave.set()
    assert reporter.close().result(TIMEOUT)
    assert len(sender.packets) == 2
    io_loop.close()


def test_a_runner_does_not_keep_a_users_loop():
    io_loop = IOLoop(make_current=False)
    runner = _background.runner(io_loop)
    assert _background.runner(io_loop) is runner
    io_loop.close()
    gone = weakref.ref(runner)
    del runner, io_loop
    gc.collect()
    assert gone() is None


def test_spans_are_parented_right_in_tasks_by_default(make_tracer, agent):
    """The old client's thread-local gave wrong parents between tasks (defect 11)."""
    tracer = make_tracer()

    async def work(number):
        with tracer.start_active_span(f"root{number}") as root:
            await asyncio.sleep(0.001 * (number % 3))
            with tracer.start_active_span("child") as child:
                await asyncio.sleep(0)
            return child.span.parent_id == root.span.span_id and root.span.parent_id is None

    async def run():
        return await asyncio.gather(*(work(number) for number in range(20)))

    assert all(asyncio.run(run()))
    assert tracer.flush(TIMEOUT)
    assert len(agent.wait_for(40)) == 40


# -- without a thread --------------------------------------------------------------------------


class NoThreads:
    def call(self, *_):
        return False

    def wait(self, _):
        return False

    def is_current(self):
        return False

    def is_running(self):
        return False


def test_without_a_thread_flush_and_close_send_on_the_callers(agent):
    """As at the end of a program, where Python 3.12 and later start no thread any more."""
    tracer = new_tracer(agent.port)
    tracer.reporter._delivery._runner = NoThreads()
    ids = trace(tracer, 5)
    assert tracer.flush(TIMEOUT)
    ids += trace(tracer, 5)
    assert tracer.close().result(0)
    assert_exactly_once(agent, ids)


def test_without_a_thread_and_with_nobody_to_take_it_flush_ends():
    sender = FakeSender()

    async def hang():
        await asyncio.Event().wait()

    sender.outcomes.append(hang)
    reporter = reporter_on(None, sender)
    reporter._delivery._runner = NoThreads()
    reporter.report_span(finished_span())
    assert reporter.flush(0.05) is False
    sender.outcomes.clear()
    assert reporter.close().result(0)
    assert len(sender.packets) == 1


def test_what_is_finished_after_our_exit_handler_is_sent_at_once(monkeypatch, agent):
    tracer = new_tracer(agent.port)
    at_exit = _at_exit.AtExit()
    monkeypatch.setattr(_at_exit, "at_exit", at_exit)
    at_exit.add(tracer.reporter)
    at_exit.run()
    assert_exactly_once(agent, trace(tracer, 3))
    at_exit._after_fork()
    assert at_exit.deadline is None
    tracer.close().result(TIMEOUT)


def test_a_failure_at_exit_is_not_the_others(caplog):
    class Fails:
        def _begin_exit(self):
            raise RuntimeError

        _at_exit = lambda self, deadline: 1 / 0

    class Works:
        done = ()

        def _begin_exit(self):
            self.done += ("begin",)

        def _at_exit(self, deadline):
            self.done += ("end",)

    at_exit = _at_exit.AtExit()
    objects = [Fails(), Works()]
    for obj in objects:
        at_exit.add(obj)
    at_exit.run()
    assert objects[1].done == ("begin", "end")
    assert caplog.text.count("Could not finish at exit") == 2
    at_exit.remove(objects[0])
    at_exit.remove(objects[0])


# -- futures and composites --------------------------------------------------------------------


def test_a_close_future_can_be_awaited():
    async def run():
        return await resolved(True)

    assert asyncio.run(run()) is True


def test_all_of_nothing_is_done():
    assert all_of([]).result(0) is True
    assert all_of([None, "no future"]).result(0) is True


def test_a_composite_closes_flushes_and_feeds_all(agent):
    class Fails(NullReporter):
        def report_span(self, span):
            raise RuntimeError

    with RecordingAgent() as second:
        tracers = [new_tracer(agent.port), new_tracer(second.port)]
        memory = InMemoryReporter()
        reporter = CompositeReporter(Fails(), *(t.reporter for t in tracers), memory)
        reporter.set_process("both", {}, 100)
        span = finished_span()
        reporter.report_span(span)
        assert reporter.flush(TIMEOUT)
        assert reporter.close().result(TIMEOUT)
        assert memory.get_spans() == [span]
        memory.clear()
        assert memory.get_spans() == []
        for one in (agent, second):
            assert_exactly_once(one, [span.span_id])
            assert one.spans[0].service_name == "both"


def test_the_interpreter_is_one_that_is_supported():
    assert sys.version_info >= (3, 9)
