"""From finished spans to packets: nothing lost, nothing twice, packets full, everything counted."""

import gc
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jaeger_like import _background, _log
from jaeger_like.encoding.packet import OVERHEAD
from jaeger_like.errors import ConfigError
from jaeger_like.metrics import MetricsFactory
from jaeger_like.reporter import Reporter
from jaeger_like.testing import decode
from jaeger_like.transport.udp import UDPSender

from .helpers import (
    TIMEOUT,
    FakeSender,
    Numbers,
    assert_exactly_once,
    finished_span,
    loop_held,
    new_tracer,
    on_loop,
    trace,
)


def open_files():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("count", [5_000, 50_000])
def test_a_burst_loses_nothing_with_the_default_settings(make_tracer, agent, numbers, count):
    """The old client's queue of 100 dropped 3,484 of 5,000 quick spans, silently (defect 7)."""
    tracer = make_tracer(metrics_factory=numbers)
    ids = trace(tracer, count)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert numbers.spans("ok") == count
    assert numbers.spans("dropped") == numbers.spans("err") == 0


def test_a_time_limit_that_strikes_while_the_loop_is_woken_keeps_no_span_back(
    make_tracer, agent, monkeypatch
):
    """Celery's soft limits and the like raise in a signal's handler, wherever the program is."""

    class TimeLimit(BaseException):
        pass

    def strike(*_):
        raise TimeLimit

    tracer = make_tracer()
    previous = signal.signal(signal.SIGUSR1, strike)
    try:
        with monkeypatch.context() as patches:
            patches.setattr(_log, "replay", lambda: signal.raise_signal(signal.SIGUSR1))
            with pytest.raises(TimeLimit):
                tracer.start_span("struck").finish()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert len(tracer.reporter.queue) == 1
    tracer.start_span("after").finish()  # has both sent, as any span does
    assert {span.operation_name for span in agent.wait_for(2, TIMEOUT)} == {"struck", "after"}


def test_packets_are_full_and_the_loop_is_woken_once_for_each_at_most(
    make_tracer, agent, monkeypatch
):
    calls = []
    original = _background.Runner.call
    monkeypatch.setattr(
        _background.Runner, "call", lambda *args: calls.append(args) or original(*args)
    )
    tracer = make_tracer()
    ids = trace(tracer, 5_000)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    sizes = [batch.size for batch in agent.batches]
    assert max(sizes) <= 65_000
    assert min(sizes[:-1]) >= 64_000
    assert len(calls) <= len(sizes) + 2  # and one for the first span, one for flush()


def test_a_program_that_does_nothing_but_make_spans_loses_none(numbers):
    """It used to keep the interpreter's lock so long that the buffer overflowed."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody_reads:
        nobody_reads.bind(("127.0.0.1", 0))
        tracer = new_tracer(nobody_reads.getsockname()[1], metrics_factory=numbers)
        with tracer.start_span("parent") as parent:
            for _ in range(250_000):
                tracer.start_span("work", child_of=parent, tags={"number": 1}).finish()
        assert tracer.flush(TIMEOUT)
        tracer.close().result(TIMEOUT)
    assert numbers.spans("dropped") == 0
    assert numbers.spans("ok") == 250_001


def test_spans_of_many_threads_arrive_exactly_once(make_tracer, agent):
    tracer = make_tracer()
    with ThreadPoolExecutor(8) as threads:
        ids = [id_ for ids in threads.map(lambda _: trace(tracer, 2_000), range(8)) for id_ in ids]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


def test_callers_that_come_in_while_the_loop_takes_records_disturb_nothing(
    agent, make_tracer, monkeypatch
):
    monkeypatch.setattr("jaeger_like._waiting.new_buffer", lambda: None)  # as without C
    tracer = make_tracer(flush_interval=0.02)
    reporter, late = tracer.reporter, []

    class Records(type(reporter.queue.records)):
        """Another thread adds a span whenever the loop has had a look."""

        def add(self):
            if threading.current_thread().name == "jaeger_like" and len(late) < 5:
                late.append(finished_span())
                reporter.report_span(late[-1])

        def __iter__(self):
            iterator = super().__iter__()
            self.add()
            return iterator

        def __getitem__(self, index):
            record = super().__getitem__(index)
            self.add()
            return record

        def __delitem__(self, index):
            super().__delitem__(index)
            self.add()

    reporter.queue.records = Records()
    ids = trace(tracer, 3)
    came = agent.wait_for(8)
    assert {span.span_id for span in came} == {*ids, *(span.span_id for span in late)}


def test_nothing_is_sent_before_the_process_is_known(numbers):
    sender = FakeSender()
    reporter = Reporter(sender=sender, flush_interval=0.01, metrics_factory=numbers)
    reporter.report_span(finished_span())
    on_loop(lambda: None)
    assert not reporter.flush(0.01)
    on_loop(reporter._delivery._on_timer)  # the flush interval is over
    assert sender.packets == []
    reporter.set_process("late", {"a": "b"}, 100)
    numbers.wait_for("ok", 1)  # without a flush
    assert decode(sender.packets[0]).service_name == "late"
    reporter.close().result(TIMEOUT)


def test_close_resolves_although_the_process_was_never_known():
    reporter = Reporter(sender=FakeSender(), flush_interval=None)
    reporter.report_span(finished_span())
    assert reporter.close().result(TIMEOUT) is True


def test_spans_leave_after_the_flush_interval_without_a_flush(make_tracer, agent):
    tracer = make_tracer(flush_interval=0.05)
    before = time.monotonic()
    for _ in range(3):  # the timer is set again for what comes later
        ids = trace(tracer, 3)
        assert_exactly_once(agent, ids)
        agent.clear()
        on_loop(lambda: None)  # has done with the packet
    assert time.monotonic() - before >= 0.14


@pytest.mark.parametrize("interval", [0, None])
def test_without_a_flush_interval_only_full_packets_leave(make_tracer, agent, interval):
    tracer = make_tracer(flush_interval=interval)
    ids = trace(tracer, 3, text="x" * 1000)
    on_loop(lambda: None)
    assert not agent.batches
    ids += trace(tracer, 80, text="x" * 1000)
    agent.wait_for(50)
    assert len(agent.batches) == 1
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


@pytest.mark.parametrize("packet_size", [65_000, 512 * 1024, 1024 * 1024])
def test_the_loop_is_woken_before_callers_give_way(numbers, packet_size):
    """Large packets, a collector's, once waited until there were four of them."""
    sender = FakeSender(max_packet_size=packet_size)
    reporter = Reporter(sender=sender, flush_interval=1000.0, metrics_factory=numbers)
    reporter.set_process("svc", {}, 100)
    span = finished_span(text="x" * 1000)
    for _ in range(1_300):  # 1.4 MB; callers give way from 1.5 MB on
        reporter.report_span(span)
    numbers.wait_for("ok", 1)  # long before the flush interval is over
    assert reporter.close().result(TIMEOUT)


def test_what_overflows_the_buffer_is_dropped_counted_told_and_logged(
    make_tracer, agent, numbers, caplog
):
    tracer = make_tracer(queue_capacity=100, metrics_factory=numbers)
    with loop_held():
        ids = trace(tracer, 250)
        assert numbers.spans("dropped") == 150
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids[:100])
    assert agent.batches[-1].stats == (150, 0, 0)
    assert [r.getMessage() for r in caplog.records if "dropped" in r.getMessage()] == [
        "Span dropped, too many are waiting to be sent; 1 dropped so far"
    ]
    more = trace(tracer, 10)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids[:100] + more)


def test_the_buffer_is_bounded_in_bytes(make_tracer, agent, numbers, monkeypatch):
    monkeypatch.setattr("jaeger_like.reporter.MAX_WAITING_BYTES", 100_000)
    tracer = make_tracer(metrics_factory=numbers)
    with loop_held():
        ids = trace(tracer, 200, text="x" * 1000)
    assert tracer.flush(TIMEOUT)
    kept = len(ids) - numbers.spans("dropped")
    assert 80 < kept < 100
    assert_exactly_once(agent, ids[:kept])


def test_seq_numbers_count_packets_from_one(make_tracer, agent):
    tracer = make_tracer()
    for _ in range(3):
        trace(tracer, 1)
        assert tracer.flush(TIMEOUT)
    agent.wait_for(3)
    assert [batch.seq_no for batch in agent.batches] == [1, 2, 3]
    assert agent.batches[0].stats == (0, 0, 0)


def test_the_client_uuid_is_text_of_its_own_for_each_tracer(make_tracer, agent):
    for _ in range(2):
        tracer = make_tracer()
        trace(tracer, 1)
        assert tracer.flush(TIMEOUT)
    agent.wait_for(2)
    uuids = {batch.process_tags["client-uuid"] for batch in agent.batches}
    assert len(uuids) == 2
    assert all(isinstance(uuid, str) and int(uuid, 16) >= 0 for uuid in uuids)


def test_what_failed_is_in_the_metrics_and_in_the_next_packet(numbers):
    sender = FakeSender(ValueError("no"))
    reporter = Reporter(sender=sender, metrics_factory=numbers)
    reporter.set_process("svc", {}, 100)
    for _ in range(2):
        reporter.report_span(finished_span())
    assert not reporter.flush(TIMEOUT)
    reporter.report_span(finished_span())
    assert reporter.flush(TIMEOUT)
    assert decode(sender.packets[0]).stats == (0, 0, 2)
    assert decode(sender.packets[0]).seq_no == 2
    assert (numbers.spans("err"), numbers.spans("ok")) == (2, 1)
    assert numbers.gauges["jaeger:reporter_queue_length"][-1] == 0
    reporter.close().result(TIMEOUT)


def test_the_queue_length_is_what_waits_behind_a_packet(make_tracer, numbers):
    tracer = make_tracer(metrics_factory=numbers, batch_size=4, flush_interval=None)
    with loop_held():
        trace(tracer, 10)
    assert tracer.flush(TIMEOUT)
    assert numbers.gauges["jaeger:reporter_queue_length"] == [6, 2, 0]


def test_flush_says_no_when_the_time_is_over(make_tracer, agent):
    tracer = make_tracer()
    ids = trace(tracer, 1)
    with loop_held():
        before = time.monotonic()
        assert not tracer.flush(0.05)
        assert time.monotonic() - before < 2
        assert not tracer.flush(0)
        assert not tracer.flush(-1)
    assert tracer.flush()
    assert_exactly_once(agent, ids)
    assert tracer.flush(0)  # nothing to do
    assert tracer.flush(1e12)


def test_flush_on_the_loop_itself_says_no_and_does_it(make_tracer, agent):
    tracer = make_tracer(flush_interval=None)
    ids = trace(tracer, 1)
    assert not on_loop(tracer.flush)
    assert_exactly_once(agent, ids)


def test_close_sends_what_waits_and_later_spans_are_counted(make_tracer, agent, numbers, caplog):
    """The old client lost 50 of 50 spans here (defect 3)."""
    tracer = make_tracer(metrics_factory=numbers)
    ids = trace(tracer, 50)
    assert tracer.close().result(TIMEOUT) is True
    assert tracer.close() is tracer.close()
    trace(tracer, 2)
    assert_exactly_once(agent, ids)
    assert numbers.spans("dropped") == 2
    assert "the reporter is closed" in caplog.text


def test_close_on_any_thread_and_on_the_loop_itself(make_tracer, agent):
    """The old client raised "no current event loop" off the main thread (defect 4)."""
    tracers = [make_tracer() for _ in range(3)]
    ids = [id_ for tracer in tracers for id_ in trace(tracer, 5)]
    futures = [tracers[0].close(), on_loop(tracers[1].close)]
    thread = threading.Thread(target=lambda: futures.append(tracers[2].close()))
    thread.start()
    thread.join(TIMEOUT)
    assert all(future.result(TIMEOUT) for future in futures)
    assert_exactly_once(agent, ids)


def test_a_span_that_slips_in_behind_close_leaves_no_socket_open(agent):
    tracer = new_tracer(agent.port, flush_interval=0.01)
    ids = trace(tracer, 1)
    tracer.close().result(TIMEOUT)
    # As a thread sees it that was in the middle of it.
    tracer.reporter.stopped = False
    if tracer.reporter.queue.buffer is not None:
        tracer.reporter.queue.buffer.closed = False
    ids += trace(tracer, 1)
    assert_exactly_once(agent, ids)
    on_loop(lambda: None)
    assert tracer.reporter.agent.sender._socket is None


def test_a_span_that_comes_just_when_the_buffer_has_been_emptied_is_sent(
    make_tracer, agent, monkeypatch
):
    """The loop calls the buffer empty, a thread that saw it full of life adds one more."""
    tracer = make_tracer(flush_interval=0.02)
    reporter = tracer.reporter
    late = []

    def is_there_any(queue):
        on_loop_thread = threading.current_thread().name == "jaeger_like"
        done = queue is reporter.queue and not reporter._delivery._under_way
        if len(queue) == 0 and on_loop_thread and done and not late:
            late.append(finished_span())
            reporter._armed = True
            reporter.report_span(late[0])
            return False
        return len(queue) > 0

    monkeypatch.setattr(type(reporter.queue), "__bool__", is_there_any)
    ids = trace(tracer, 1)
    came = agent.wait_for(2)
    assert {span.span_id for span in came} == {ids[0], late[0].span_id}


def test_a_lack_of_memory_that_passes_costs_nothing(make_tracer, agent, monkeypatch):
    tracer = make_tracer(flush_interval=0.02)
    queue = type(tracer.reporter.queue)
    original, failed = queue.take_batch, []

    def take_batch(*args):
        if len(failed) < 2:
            failed.append(True)
            raise MemoryError
        original(*args)

    monkeypatch.setattr(queue, "take_batch", take_batch)
    ids = trace(tracer, 3)
    assert_exactly_once(agent, ids)
    assert len(failed) == 2
    assert tracer.flush(TIMEOUT)


def test_all_tracers_share_one_thread(make_tracer, agent):
    """One thread and three descriptors for each tracer, for ever, in the old one (defect 13)."""
    ids = [id_ for _ in range(20) for id_ in trace(make_tracer(), 1)]
    assert_exactly_once(agent, ids)
    assert [t.name for t in threading.enumerate()].count("jaeger_like") == 1


def test_a_thousand_tracers_leave_nothing_behind(agent):
    def generation():
        tracers = [new_tracer(agent.port) for _ in range(100)]
        for tracer in tracers:
            trace(tracer, 1)
        for future in [tracer.close() for tracer in tracers]:
            assert future.result(TIMEOUT)

    def everything():
        gc.collect()
        kinds = ("Tracer", "Reporter", "Delivery", "UDPSender", "ContextVarScopeManager")
        objects = sum(type(o).__name__ in kinds for o in gc.get_objects())
        return threading.active_count(), open_files(), objects

    generation()
    on_loop(lambda: None)
    before = everything()
    for _ in range(10):
        generation()
    on_loop(lambda: None)
    assert everything() == before
    assert len(agent.wait_for(1_100)) == 1_100


def test_constructing_starts_nothing(agent):
    threads, files = threading.active_count(), open_files()
    tracer = new_tracer(agent.port)
    assert (threading.active_count(), open_files()) == (threads, files)
    assert tracer.close().result(0) is True


class Broken(MetricsFactory):
    def create_counter(self, name, tags=None):
        return self.fail

    def create_gauge(self, name, tags=None):
        return self.fail

    def fail(self, number):
        raise RuntimeError("metrics are broken")


def test_broken_metrics_cost_no_span(make_tracer, agent, caplog):
    tracer = make_tracer(metrics_factory=Broken(), queue_capacity=10)
    with loop_held():
        ids = trace(tracer, 20)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids[:10])
    assert "metrics failed" in caplog.text


def test_a_broken_error_reporter_costs_no_span():
    class Errors:
        def error(self, *_):
            raise RuntimeError

    sender = FakeSender(ValueError("no"))
    reporter = Reporter(sender=sender, error_reporter=Errors())
    reporter.set_process("svc", {}, 100)
    reporter.report_span(finished_span())
    assert not reporter.flush(TIMEOUT)
    reporter.report_span(finished_span())
    assert reporter.flush(TIMEOUT)
    reporter.close().result(TIMEOUT)


def test_a_span_that_cannot_be_encoded_at_all_is_counted(make_tracer, numbers, caplog):
    tracer = make_tracer(metrics_factory=numbers)

    class NoSpan:
        _tracer = tracer

    tracer.reporter.report_span(NoSpan())
    assert numbers.spans("err") == 1
    assert "A span cannot be encoded: AttributeError" in caplog.text


@pytest.mark.parametrize("key", ["queue_capacity", "batch_size"])
def test_numbers_that_cannot_be_are_refused(key):
    with pytest.raises(ConfigError, match=key):
        Reporter(sender=FakeSender(), **{key: 0})


def test_a_batch_larger_than_the_queue_is_refused():
    with pytest.raises(ValueError, match="Queue capacity cannot be less than batch size"):
        Reporter(sender=FakeSender(), queue_capacity=9, batch_size=10)


def test_a_channel_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="channel"):
        Reporter(channel=object())


def test_any_thrift_transport_is_a_channel():
    class Transport:
        def __init__(self):
            self.written, self.flushed, self.closed = [], 0, 0

        def write(self, data):
            self.written.append(data)

        def flush(self):
            self.flushed += 1

        def close(self):
            self.closed += 1

    transport = Transport()
    reporter = Reporter(channel=transport)
    reporter.set_process("svc", {}, 100)
    reporter.report_span(finished_span("through"))
    assert reporter.flush(TIMEOUT)
    assert decode(transport.written[0]).spans[0].operation_name == "through"
    reporter.close().result(TIMEOUT)
    assert (transport.flushed, transport.closed) == (1, 1)


def test_a_thrift_transport_need_not_close():
    class Transport:
        def write(self, data): ...

        def flush(self): ...

    assert Reporter(channel=Transport()).close().result(TIMEOUT)


def test_the_budget_leaves_room_for_process_and_frame():
    sender = FakeSender()
    reporter = Reporter(sender=sender)
    reporter.set_process("svc", {"k": "v" * 100}, 1000)
    assert reporter._delivery.packet_budget < 65_000 - OVERHEAD - 100
    assert UDPSender("h", 1).max_packet_size == 65_000
    assert Numbers().spans("ok") == 0
    reporter.close()
