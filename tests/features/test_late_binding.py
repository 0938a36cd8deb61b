"""The decision about a trace may wait for its real name, or for a tag."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentracing import Format

from jaeger_like import (
    ConstSampler,
    ProbabilisticSampler,
    RemoteControlledSampler,
    SpanContext,
)
from jaeger_like._guard import guard
from jaeger_like.late_binding import MAX_WAITING, OpenTrace, settle
from jaeger_like.late_samplers import is_local_root
from jaeger_like.reporter import BaseReporter
from jaeger_like.sampler import AdaptiveSampler
from jaeger_like.span_context import TraceData, make_trace

from ..core.support import RecordingMetrics, Throttler, new_tracer, tag_values
from .support import TAGS, ByName, late_tracer, names

# -- the operation name ------------------------------------------------------------------------


def test_a_trace_is_sampled_under_its_second_name():
    tracer = late_tracer()
    span = tracer.start_span("GET", tags={"start": 1})
    span.set_tag("before", True).log_kv({"event": "before"})
    assert (span.is_sampled(), span.flags, span.context.flags) == (False, 0, 0)
    span.set_operation_name("wanted")
    assert (span.is_sampled(), span.flags, span.context.flags) == (True, 1, 1)
    span.set_tag("after", 2)
    span.finish()
    assert tracer.reporter.get_spans() == [span]
    assert tag_values(span) == {"start": 1, "before": True, "after": 2, **TAGS}
    assert len(span.logs) == 1
    assert tracer.sampler.asked == ["GET", "wanted"]


def test_a_trace_that_is_sampled_under_its_first_name_stays_so():
    tracer = late_tracer()
    span = tracer.start_span("wanted", tags={"x": 1})
    span.set_operation_name("other").finish()
    assert tracer.sampler.asked == ["wanted"]
    assert tag_values(span) == {"x": 1, **TAGS}
    assert names(tracer) == ["other"]


def test_the_second_no_is_final():
    tracer = late_tracer()
    span = tracer.start_span("GET").set_operation_name("other")
    span.set_tag("x", 1).log_kv({"x": 1}).set_operation_name("wanted")
    span.finish()
    assert tracer.sampler.asked == ["GET", "other"]
    assert names(tracer) == []
    assert tag_values(span) == {}


def test_a_trace_that_is_never_renamed_is_not_sampled():
    tracer = late_tracer()
    span = tracer.start_span("GET")
    span.finish()
    span.set_operation_name("wanted")
    assert names(tracer) == []
    assert not span.is_sampled()


def test_without_the_setting_the_first_name_counts():
    tracer = new_tracer(ByName())
    span = tracer.start_span("GET").set_operation_name("wanted")
    span.finish()
    assert names(tracer) == []
    assert type(span._trace) is TraceData


@pytest.mark.parametrize(
    ("sampler", "is_open"),
    [
        (ConstSampler(False), False),
        (ProbabilisticSampler(0), False),
        (AdaptiveSampler({"defaultSamplingProbability": 0}, 0), True),
        (RemoteControlledSampler(None, "svc", init_sampler=ConstSampler(False)), False),
        (
            RemoteControlledSampler(
                None, "svc", init_sampler=AdaptiveSampler({"defaultSamplingProbability": 0}, 0)
            ),
            True,
        ),
    ],
    ids=lambda value: str(type(value).__name__),
)
def test_a_sampler_to_which_names_mean_nothing_decides_at_once(sampler, is_open):
    if isinstance(sampler, RemoteControlledSampler):
        sampler.close()  # it would ask
    span = late_tracer(sampler).start_span("op")
    assert isinstance(span._trace, OpenTrace)
    assert span._trace.state.final is not is_open


def test_per_operation_sampling_uses_the_second_name():
    strategies = {
        "defaultSamplingProbability": 0,
        "defaultLowerBoundTracesPerSecond": 0,
        "perOperationStrategies": [
            {"operation": "/wanted", "probabilisticSampling": {"samplingRate": 1}}
        ],
    }
    tracer = late_tracer(AdaptiveSampler(strategies, 10))
    tracer.start_span("GET").set_operation_name("/wanted").finish()
    tracer.start_span("GET").set_operation_name("/other").finish()
    assert names(tracer) == ["/wanted"]


# -- several spans -----------------------------------------------------------------------------


def test_children_share_the_decision():
    tracer = late_tracer()
    root = tracer.start_span("GET")
    by_span = tracer.start_span("by span", child_of=root, tags={"x": 1})
    by_context = tracer.start_span("by context", child_of=root.context)
    root.set_baggage_item("k", "v")
    with_baggage = tracer.start_span("with baggage", child_of=root)
    root.set_operation_name("wanted")
    for span in (by_span, by_context, with_baggage, root):
        assert span.is_sampled()
        span.finish()
    assert names(tracer) == ["by span", "by context", "with baggage", "wanted"]
    assert tag_values(by_span) == {"x": 1}
    assert with_baggage.get_baggage_item("k") == "v"


def test_only_the_first_span_of_a_trace_is_asked_about():
    tracer = late_tracer()
    root = tracer.start_span("GET")
    tracer.start_span("wanted", child_of=root).set_operation_name("wanted").finish()
    assert tracer.sampler.asked == ["GET"]
    assert not root.is_sampled()


@pytest.mark.parametrize(("name", "kept"), [("wanted", True), ("other", False)])
def test_spans_that_finished_before_wait_for_the_decision(name, kept):
    metrics = RecordingMetrics()
    tracer = late_tracer(metrics_factory=metrics)
    root = tracer.start_span("GET")
    child = tracer.start_span("child", child_of=root, start_time=100.0)
    child.context  # noqa: B018  once it is made, it is the truth
    child.set_tag("x", 1).log_kv({"x": 1})
    child.finish(102.0)
    child.set_tag("late", 1).log_kv({"late": 1})
    assert names(tracer) == []
    root.set_operation_name(name)
    assert names(tracer) == ["child"] * kept
    root.finish()
    assert names(tracer) == ["child", "wanted"] * kept
    assert (child.end_time, tag_values(child), len(child.logs)) == (102.0, {"x": 1}, 1)
    assert metrics.counts["jaeger:finished_spans"] == 2


def test_spans_that_wait_have_an_end():
    tracer = late_tracer()
    root = tracer.start_span("GET")
    for _ in range(MAX_WAITING + 5):
        tracer.start_span("child", child_of=root).finish()
    root.set_operation_name("wanted")
    assert len(names(tracer)) == MAX_WAITING


def test_spans_that_outlive_the_first_one_follow_its_decision():
    tracer = late_tracer()
    root = tracer.start_span("GET")
    child = tracer.start_span("child", child_of=root)
    root.finish()
    child.set_tag("x", 1).finish()
    assert (names(tracer), tag_values(child)) == ([], {})


def test_a_reporter_that_fails_for_a_waiting_span_is_logged(caplog):
    class Failing(BaseReporter):
        def report_span(self, span):
            raise RuntimeError("full")

    tracer = late_tracer(reporter=Failing())
    root = tracer.start_span("GET")
    tracer.start_span("child", child_of=root).finish()
    root.set_operation_name("wanted")
    assert "Reporter Failing failed" in caplog.text


@pytest.mark.parametrize(("name", "kept"), [("wanted", True), ("other", False)])
def test_a_decision_while_a_span_finishes_loses_nothing(name, kept):
    """Counting is where other code of the program runs while a span finishes."""

    class Deciding(RecordingMetrics):
        root = None

        def create_counter(self, name, tags=None):
            counter = name

            def count(value):
                if counter == "jaeger:finished_spans" and self.root is not None:
                    root, self.root = self.root, None
                    root.set_operation_name(self.name)

            return count

    metrics = Deciding()
    tracer = late_tracer(metrics_factory=metrics)
    root = tracer.start_span("GET")
    child = tracer.start_span("child", child_of=root)
    metrics.root, metrics.name = root, name
    child.finish()
    assert names(tracer) == ["child"] * kept


def test_a_decision_just_before_the_flags_are_looked_at_reports_once():
    """A time is where other code runs between the two looks that finish() takes."""
    tracer = late_tracer()
    root = tracer.start_span("GET")
    child = tracer.start_span("child", child_of=root)

    class Time(float):
        def __mul__(self, factor):
            root.set_operation_name("wanted")
            return float(self) * factor

    child.finish(Time(2_000_000_000.0))
    assert names(tracer) == ["child"]


def test_threads_agree_on_the_decision():
    for _ in range(50):
        tracer = late_tracer()
        root = tracer.start_span("GET")
        children = [tracer.start_span("child", child_of=root) for _ in range(4)]
        barrier = threading.Barrier(5)

        def finish(span, barrier=barrier):
            barrier.wait(30)
            span.finish()

        threads = [threading.Thread(target=finish, args=(child,)) for child in children]
        for thread in threads:
            thread.start()
        barrier.wait(30)
        root.set_operation_name("wanted")
        for thread in threads:
            thread.join()
        root.finish()
        assert sorted(names(tracer)) == ["child"] * 4 + ["wanted"]


def test_a_lock_that_cannot_be_had_does_not_stop_the_program():
    tracer = late_tracer()
    root = tracer.start_span("GET")
    child = tracer.start_span("child", child_of=root)
    taken, done = threading.Event(), threading.Event()

    def hold():
        with guard.lock:
            taken.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert taken.wait(30)
        child.finish()
        root.set_operation_name("wanted")
    finally:
        done.set()
        holder.join()
    assert names(tracer) == ["child"]


def test_a_clock_that_is_set_back_changes_no_duration(monkeypatch):
    span = late_tracer().start_span("GET")
    monkeypatch.setattr("jaeger_like.span.time_ns", lambda: 0)
    span.set_operation_name("wanted").finish()
    assert span.start_time <= span.end_time < span.start_time + 60
    assert span._ticks


# -- what makes it final -----------------------------------------------------------------------


@pytest.mark.parametrize("format", [Format.HTTP_HEADERS, Format.TEXT_MAP, Format.BINARY])
def test_what_another_process_was_told_stays_true(format):
    tracer = late_tracer()
    span = tracer.start_span("GET")
    carrier = bytearray() if format == Format.BINARY else {}
    tracer.inject(span, format, carrier)
    assert tracer.extract(format, carrier).flags == 0
    span.set_operation_name("wanted").finish()
    assert names(tracer) == []
    assert tracer.sampler.asked == ["GET"]


def test_a_sampled_trace_is_injected_as_such():
    tracer = late_tracer()
    span = tracer.start_span("GET").set_operation_name("wanted")
    carrier = {}
    tracer.inject(span, Format.TEXT_MAP, carrier)
    assert tracer.extract(Format.TEXT_MAP, carrier).flags == 1


@pytest.mark.parametrize(("priority", "flags"), [(1, 3), (0, 0)])
def test_a_priority_decides_for_the_whole_trace(priority, flags):
    tracer = late_tracer()
    root = tracer.start_span("GET")
    child = tracer.start_span("child", child_of=root)
    child.set_tag("sampling.priority", priority)
    root.set_operation_name("wanted")
    assert (root.flags, child.flags) == (flags, flags)
    assert tracer.sampler.asked == ["GET"]
    child.finish()
    root.finish()
    assert names(tracer) == ["child", "wanted"] * (flags & 1)


@pytest.mark.parametrize(("priority", "flags"), [(1, 3), (0, 0), ("x", 1)])
def test_a_priority_at_the_start_counts(priority, flags):
    tracer = late_tracer()
    span = tracer.start_span("GET", tags={"a": 1, "sampling.priority": priority})
    span.set_operation_name("wanted")
    assert span.flags == flags
    assert tag_values(span).get("a") == (1 if flags else None)


def test_a_priority_after_the_decision_is_the_spans_own():
    tracer = late_tracer()
    root = tracer.start_span("wanted")
    child = tracer.start_span("child", child_of=root)
    child.set_tag("sampling.priority", 0)
    assert (root.flags, child.flags) == (1, 0)


def test_a_priority_that_is_denied_leaves_the_decision_open():
    tracer = late_tracer(throttler=Throttler(False))
    span = tracer.start_span("GET").set_tag("sampling.priority", 1)
    assert span.set_operation_name("wanted").flags == 1


def test_flags_that_a_program_assigns_are_the_spans_own():
    tracer = late_tracer()
    root = tracer.start_span("GET")
    child = tracer.start_span("child", child_of=root)
    child.context.flags = 1
    child.set_tag("x", 1).finish()
    assert (root.flags, names(tracer), tag_values(child)) == (0, ["child"], {"x": 1})


def test_flags_assigned_to_an_open_trace_are_a_decision():
    span = late_tracer().start_span("GET")
    span._trace.flags = 1
    assert span.is_sampled()
    span._trace.flags = None
    assert span.is_sampled()


def test_a_plain_trace_has_nothing_to_settle():
    assert settle(make_trace(1, 0), 1) is False


# -- traces that come from elsewhere ------------------------------------------------------------


@pytest.mark.parametrize("flags", [0, 1])
def test_a_decision_of_the_caller_is_not_ours(flags):
    tracer = late_tracer()
    span = tracer.start_span("GET", child_of=SpanContext(1, 2, None, flags))
    span.set_operation_name("wanted")
    assert (span.flags, tracer.sampler.asked) == (flags, [])


def test_a_decision_that_the_caller_left_to_us_may_wait():
    metrics = RecordingMetrics()
    tracer = late_tracer(metrics_factory=metrics)
    server = {"span.kind": "server"}
    span = tracer.start_span("GET", child_of=SpanContext(1, 2, None, None), tags=server)
    assert is_local_root(span)
    span.set_operation_name("wanted").finish()
    assert (span.trace_id, span.parent_id, names(tracer)) == (1, 2, ["wanted"])
    assert metrics.counts["jaeger:traces{sampled=delayed,state=joined}"] == 1


def test_a_debug_id_decides():
    tracer = late_tracer()
    span = tracer.start_span("GET", child_of=SpanContext.with_debug_id("d"))
    assert (span.flags, tracer.sampler.asked) == (3, [])


# -- metrics -----------------------------------------------------------------------------------


def test_what_is_open_after_the_start_is_counted_as_delayed():
    metrics = RecordingMetrics()
    tracer = late_tracer(metrics_factory=metrics)
    root = tracer.start_span("GET")
    tracer.start_span("child", child_of=root)
    root.set_operation_name("wanted")
    tracer.start_span("child", child_of=root)
    tracer.start_span("wanted")
    assert metrics.counts == {
        "jaeger:traces{sampled=delayed,state=started}": 1,
        "jaeger:started_spans{sampled=delayed}": 2,
        "jaeger:traces{sampled=y,state=started}": 1,
        "jaeger:started_spans{sampled=y}": 2,
    }


# -- nothing hurts -------------------------------------------------------------------------------


class Odd:
    def __str__(self):
        raise RuntimeError("no text")

    __hash__ = None


# The sampler's own tags are set when it decides: of two that are set the later one stays.
KEYS = st.text().filter(lambda key: key not in TAGS)


@pytest.mark.parametrize("name", ["wanted", "other"])
@given(
    st.dictionaries(KEYS, st.one_of(st.integers(), st.text(), st.none(), st.booleans())),
    st.lists(st.tuples(KEYS, st.one_of(st.integers(), st.text(), st.none()))),
)
def test_tags_are_the_same_whether_they_were_set_before_or_after_the_decision(name, start, later):
    tracer = late_tracer()
    late = tracer.start_span("GET", tags=start)
    early = tracer.start_span(name, tags=start)
    for key, value in later:
        late.set_tag(key, value)
        early.set_tag(key, value)
    late.set_operation_name(name)
    if name == "wanted":
        assert tag_values(late) == tag_values(early)
    assert late.is_sampled() is early.is_sampled() is (name == "wanted")


def test_odd_keys_and_values_cost_nothing_but_themselves():
    tracer = late_tracer()
    span = tracer.start_span("GET", tags={1: Odd(), "x": 2})
    span.set_tag(Odd(), 3).log_kv(None).set_operation_name("wanted")
    span.finish()
    assert names(tracer) == ["wanted"]
    assert {"1": "no text", "x": 2, "no text": 3}.items() <= tag_values(span).items()


def test_odd_start_tags_cost_the_tags(caplog):
    span = late_tracer().start_span("GET", tags=5)
    assert span.set_operation_name("wanted").is_sampled()
    assert "Start tags" in caplog.text


def test_finishing_twice_is_warned_about_as_ever(caplog):
    span = late_tracer().start_span("GET")
    span.finish()
    span.finish()
    assert "already been finished" in caplog.text


def test_it_works_together_with_observers_and_limits():
    from .test_observers import Recorder

    recorder = Recorder()
    tracer = late_tracer(observers=[recorder], max_logs_per_span=2)
    root = tracer.start_span("GET", tags={"a": 1})
    child = tracer.start_span("child", child_of=root)
    for number in range(5):
        child.log_kv({"n": number})
    child.finish()
    root.set_operation_name("wanted").finish()
    assert names(tracer) == ["child", "wanted"]
    assert len(child.logs) == 2
    assert recorder.events[0] == ("", "start", "GET", {"a": 1})
