"""No value, however large or strange, costs more than itself."""

import asyncio
import threading

import pytest

from jaeger_like import reporter as reporter_module
from jaeger_like.reporter import Reporter
from jaeger_like.testing import decode

from .helpers import TIMEOUT, FakeSender, assert_exactly_once, finished_span, loop_held, trace


def test_a_large_span_does_not_take_its_neighbours_with_it(make_tracer, agent, numbers):
    """One span of 70 KB lost its whole batch in the old client (defect 5)."""
    tracer = make_tracer(metrics_factory=numbers)
    with loop_held():
        ids = trace(tracer, 3)
        large = tracer.start_span("large")
        for number in range(70):
            large.log_kv({"event": f"{number}", "text": "x" * 1000})
        large.finish()
        ids += [large.span_id, *trace(tracer, 3)]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    (came,) = [span for span in agent.spans if span.span_id == large.span_id]
    assert came.operation_name == "large"
    assert "logs dropped" in came.tags["jaeger.truncated"]
    assert 50 < len(came.logs) < 70
    assert numbers.spans("ok") == 7


def test_spans_that_fill_a_packet_together_are_split(make_tracer, agent):
    """Ten spans of 7 KB: zero arrived (defect 5)."""
    tracer = make_tracer()
    ids = [
        id_
        for n in range(10)
        for id_ in trace(tracer, 1, **{f"t{i}": "x" * 1000 for i in range(7)})
    ]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert all(batch.size <= 65_000 for batch in agent.batches)
    assert not any("jaeger.truncated" in span.tags for span in agent.spans)


def test_spans_of_a_megabyte_arrive_cut_and_marked(make_tracer, agent):
    tracer = make_tracer()
    ids = []
    for _ in range(3):
        ids += trace(tracer, 1, **{f"t{i}": "x" * 1000 for i in range(1000)})
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    for span in agent.spans:
        assert "tags" in span.tags["jaeger.truncated"]


def test_one_text_of_a_megabyte_is_cut_by_its_own_limit(make_tracer, agent):
    tracer = make_tracer()
    ids = trace(tracer, 1, text="x" * 1_000_000)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert agent.spans[0].tags["text"] == "x" * 1024


def test_what_was_cut_still_counts_as_waiting(monkeypatch, numbers):
    """What each cut left over was taken off the account twice, and the bound grew with each."""
    monkeypatch.setattr(reporter_module, "MAX_WAITING_BYTES", 2_000_000)
    entered, leave = threading.Event(), threading.Event()

    async def wait():
        entered.set()
        await asyncio.to_thread(leave.wait, TIMEOUT)

    sender = FakeSender(*[None] * 15, wait)
    reporter = Reporter(sender=sender, metrics_factory=numbers)
    reporter.set_process("svc", {}, 100)
    large = finished_span(**{f"t{i}": "x" * 1000 for i in range(100)})
    with loop_held():
        for _ in range(16):
            reporter.report_span(large)
    try:
        assert entered.wait(TIMEOUT)
        while not numbers.spans("dropped"):
            reporter.report_span(large)
        assert reporter.queue.size <= 2_000_000
    finally:
        leave.set()
    reporter.close().result(TIMEOUT)


def test_what_cannot_be_cut_is_counted_as_too_large(monkeypatch, numbers):
    monkeypatch.setattr("jaeger_like.encoding.fit.fit", lambda *_: None)
    sender = FakeSender(max_packet_size=2_000)
    reporter = Reporter(sender=sender, metrics_factory=numbers)
    reporter.set_process("svc", {}, 100)
    with loop_held():
        reporter.report_span(finished_span())
        reporter.report_span(finished_span(**{f"t{i}": "x" * 1000 for i in range(3)}))
    numbers.wait_for("err", 1)
    reporter.report_span(finished_span())
    assert reporter.flush(TIMEOUT)
    batches = [decode(packet) for packet in sender.packets]
    assert sum(len(batch.spans) for batch in batches) == 2
    assert batches[-1].stats == (0, 1, 0)
    reporter.close().result(TIMEOUT)


def test_a_failure_in_cutting_costs_that_span_only(monkeypatch, numbers):
    def fail(*_):
        raise ValueError

    monkeypatch.setattr("jaeger_like.encoding.fit.fit", fail)
    sender = FakeSender(max_packet_size=2_000)
    reporter = Reporter(sender=sender, metrics_factory=numbers)
    reporter.set_process("svc", {}, 100)
    reporter.report_span(finished_span(**{f"t{i}": "x" * 1000 for i in range(3)}))
    numbers.wait_for("err", 1)
    reporter.report_span(finished_span())
    assert reporter.flush(TIMEOUT)
    assert [len(decode(packet).spans) for packet in sender.packets] == [1]
    reporter.close().result(TIMEOUT)


def test_a_packet_too_large_for_the_way_is_sent_again_in_smaller_ones(make_tracer, agent, caplog):
    """More than 65,507 bytes is more than a datagram can be; macOS says so from 9,216 on."""
    tracer = make_tracer()
    tracer.reporter.agent.sender.max_packet_size = 200_000
    tracer._introduce()
    ids = trace(tracer, 3_000)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert [batch.seq_no for batch in agent.batches] == list(range(1, len(agent.batches) + 1))
    assert max(batch.size for batch in agent.batches) <= 65_000
    assert agent.batches[-1].stats == (0, 0, 0)
    assert "The network takes no packet of" in caplog.text


def too_large():
    from jaeger_like.transport.udp import PacketTooLargeError

    return PacketTooLargeError(90, "Message too long")


def test_limits_go_down_to_what_macos_takes_and_then_by_halves():
    sender = FakeSender(too_large(), too_large(), too_large())
    reporter = Reporter(sender=sender)
    reporter.set_process("svc", {}, 100)
    with loop_held():
        for _ in range(3_000):
            reporter.report_span(finished_span())
    assert reporter.flush(TIMEOUT)
    assert sender.max_packet_size < 9_216 // 2
    assert sum(len(decode(packet).spans) for packet in sender.packets) == 3_000
    reporter.close().result(TIMEOUT)


def test_a_network_that_takes_nothing_is_an_error_in_the_end(numbers):
    sender = FakeSender(*(too_large() for _ in range(20)))
    reporter = Reporter(sender=sender, metrics_factory=numbers)
    reporter.set_process("svc", {}, 100)
    reporter.report_span(finished_span())
    assert not reporter.flush(TIMEOUT)
    assert numbers.spans("err") == 1
    reporter.close().result(TIMEOUT)


@pytest.mark.parametrize(
    ("service", "tags"),
    [
        ("svc", {f"tag{i}": "x" * 1024 for i in range(40)}),
        ("svc", {f"tag{i}": "x" * 1024 for i in range(1_000)}),
        ("svc", {f"tag{i}": "x" for i in range(20_000)}),
        ("s" * 100_000, {}),
    ],
    ids=["40 tags", "1000 tags", "20000 tags", "service name"],
)
def test_a_huge_process_leaves_room_for_spans(service, tags):
    sender = FakeSender()
    reporter = Reporter(sender=sender)
    reporter.set_process(service, tags, 1024)
    for _ in range(100):
        reporter.report_span(finished_span())
    assert reporter.flush(TIMEOUT)
    batches = [decode(packet) for packet in sender.packets]
    assert sum(len(batch.spans) for batch in batches) == 100
    assert all(batch.size <= 65_000 for batch in batches)
    assert batches[0].service_name.startswith(service[:3])
    reporter.close().result(TIMEOUT)


def kind(value):
    return type(value).__name__


class Raises:
    def __str__(self):
        raise RuntimeError("no text")


class RaisesTwice:
    def __str__(self):
        raise Raises


@pytest.mark.parametrize(
    "value",
    [
        1 << 63,
        -(1 << 63) - 1,
        "\udcff",
        "a\ud800b",
        b"\xff\x00",
        Raises(),
        RaisesTwice(),
        None,
        float("nan"),
        [1, 2],
        {"a": 1},
        object(),
        10**5000,
    ],
    ids=kind,
)
def test_no_value_of_a_tag_costs_its_span_or_a_neighbour(make_tracer, agent, value):
    """Each of the first three lost four spans without a word (defect 6)."""
    tracer = make_tracer()
    ids = trace(tracer, 2)
    ids += trace(tracer, 1, value=value)
    span = tracer.start_span("log")
    span.log_kv({"value": value})
    span.finish()
    ids += [span.span_id, *trace(tracer, 2)]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


@pytest.mark.parametrize("name", [None, 7, b"bytes", "\udcff", Raises(), 1.5, ("a",)], ids=kind)
def test_no_operation_name_costs_its_span_or_a_neighbour(make_tracer, agent, name):
    tracer = make_tracer()
    ids = trace(tracer, 2)
    span = tracer.start_span(name)
    span.set_operation_name(name)
    span.finish()
    ids += [span.span_id, *trace(tracer, 2)]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


@pytest.mark.parametrize("key", [None, 7, b"bytes", "\udcff", ("a",), [], Raises()], ids=kind)
def test_no_key_of_a_tag_costs_its_span_or_a_neighbour(make_tracer, agent, key):
    tracer = make_tracer()
    ids = trace(tracer, 2)
    span = tracer.start_span("key")
    span.set_tag(key, "value")
    span.finish()
    ids += [span.span_id, *trace(tracer, 2)]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


def test_tags_that_another_thread_changes_meanwhile_cost_no_span(make_tracer, agent):
    tracer = make_tracer()
    ids, stop = [], threading.Event()
    current = [tracer.start_span("first")]

    def disturb():
        number = 0
        while not stop.is_set():
            number += 1
            current[0].set_tag(f"t{number % 500}", number)

    disturber = threading.Thread(target=disturb)
    disturber.start()
    try:
        for _ in range(500):
            span = tracer.start_span("work", tags={f"k{i}": i for i in range(50)})
            current[0] = span
            span.finish()
            ids.append(span.span_id)
    finally:
        stop.set()
        disturber.join(TIMEOUT)
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


def test_a_span_whose_tags_change_while_it_is_encoded_is_encoded_again(
    make_tracer, agent, monkeypatch
):
    encode = reporter_module.encode_span
    disturbances = [RuntimeError("dictionary changed size during iteration")]

    def disturbed(*arguments):
        if disturbances:
            raise disturbances.pop()
        return encode(*arguments)

    monkeypatch.setattr(reporter_module, "encode_span", disturbed)
    tracer = make_tracer()
    ids = trace(tracer, 1, key="value")
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert agent.spans[0].tags["key"] == "value"
