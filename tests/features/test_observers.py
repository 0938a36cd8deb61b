"""Observers are told of every span, sampled or not."""

from __future__ import annotations

import logging

import pytest

from jaeger_like import Tracer
from jaeger_like.observers import Observer, SpanObserver
from jaeger_like.span import Span

from ..core.support import new_tracer, tag_values


class Recorder(Observer, SpanObserver):
    """Observes every span and remembers all that it was told."""

    def __init__(self, name="", events=None):
        self.name = name
        self.events = [] if events is None else events

    def on_start_span(self, span, operation_name, tags):
        self.events.append((self.name, "start", operation_name, dict(tags)))
        self.span = span
        return self

    def on_set_operation_name(self, operation_name):
        self.events.append((self.name, "name", operation_name))

    def on_set_tag(self, key, value):
        self.events.append((self.name, "tag", key, value))

    def on_finish(self, finish_time):
        self.events.append((self.name, "finish"))
        self.finish_time = finish_time


@pytest.mark.parametrize("sampled", [True, False])
def test_an_observer_is_told_everything_in_order(sampled):
    recorder = Recorder()
    tracer = new_tracer(sampled, observers=[recorder])
    value = object()
    span = tracer.start_span("a", tags={"x": 1})
    span.set_tag("y", value).set_operation_name("b").log_kv({"e": 1}).finish()
    assert recorder.events == [
        ("", "start", "a", {"x": 1}),
        ("", "tag", "y", value),
        ("", "name", "b"),
        ("", "finish"),
    ]


def test_what_comes_after_the_end_is_not_told(caplog):
    recorder = Recorder()
    span = new_tracer(observers=[recorder]).start_span("a")
    span.finish()
    span.set_tag("x", 1)
    span.set_operation_name("b")
    span.finish()
    assert [event[1] for event in recorder.events] == ["start", "finish"]
    assert "already been finished" in caplog.text


def test_several_are_told_in_the_order_in_which_they_were_added():
    events = []
    tracer = new_tracer(observers=[Recorder("1", events)])
    tracer.add_observer(Recorder("2", events))
    tracer.start_span("a").finish()
    assert [event[:2] for event in events] == [
        ("1", "start"),
        ("2", "start"),
        ("1", "finish"),
        ("2", "finish"),
    ]


def test_children_and_spans_of_remote_parents_are_observed():
    recorder = Recorder()
    tracer = new_tracer(observers=[recorder])
    with tracer.start_active_span("root"):
        child = tracer.start_span("child")
        assert child.parent_id == tracer.active_span.span_id
    tracer.start_span("joined", child_of=child.context)
    starts = [event[2] for event in recorder.events if event[1] == "start"]
    assert starts == ["root", "child", "joined"]


def test_an_observer_added_later_sees_the_children_of_earlier_spans():
    tracer = new_tracer()
    root = tracer.start_span("root")
    recorder = Recorder()
    tracer.add_observer(recorder)
    tracer.start_span("child", child_of=root)
    root.finish()
    assert [event[2] for event in recorder.events] == ["child"]


def test_children_go_the_ways_that_they_go_without_observers():
    tracer = new_tracer(observers=[Recorder()])
    root = tracer.start_span("root")
    child = tracer.start_span("child", child_of=root)
    assert (child.trace_id, child.parent_id, child.references) == (
        root.trace_id,
        root.span_id,
        None,
    )
    root.context.trace_id = 5
    assert tracer.start_span("child", child_of=root).trace_id == 5
    tracer.one_span_per_rpc = True
    parent = tracer.start_span("parent")
    server = tracer.start_span("server", child_of=parent, tags={"span.kind": "server"})
    assert server.span_id == parent.span_id


def test_spans_are_spans_whatever_is_in_use():
    span = new_tracer(observers=[Recorder()], max_logs_per_span=1).start_span("a")
    assert isinstance(span, Span)
    assert type(span).__name__ == "Span"


def test_a_tag_set_at_the_finish_is_sent():
    class Last(SpanObserver):
        def on_finish(self, finish_time):
            self.span.set_tag("last", True)

    class Chooser(Observer):
        def on_start_span(self, span, operation_name, tags):
            observer = Last()
            observer.span = span
            return observer

    tracer = new_tracer(observers=[Chooser()])
    tracer.start_span("a").finish()
    (span,) = tracer.reporter.get_spans()
    assert tag_values(span)["last"] is True


@pytest.mark.parametrize(
    ("start", "finish", "expected"), [(100.0, 101.5, 101.5), (100.0, 50.0, 100.0)]
)
def test_the_time_of_the_finish_is_that_of_the_span(start, finish, expected):
    recorder = Recorder()
    span = new_tracer(observers=[recorder]).start_span("a", start_time=start)
    span.finish(finish)
    assert recorder.finish_time == span.end_time == expected


@pytest.mark.parametrize("start", [None, 100.0])
def test_the_time_of_the_finish_is_taken_once(start):
    recorder = Recorder()
    span = new_tracer(observers=[recorder]).start_span("a", start_time=start)
    span.finish()
    assert recorder.finish_time == span.end_time >= span.start_time


@pytest.mark.parametrize("sampled", [True, False])
def test_a_clock_that_is_set_back_changes_no_duration(sampled, monkeypatch):
    recorder = Recorder()
    span = new_tracer(sampled, observers=[recorder]).start_span("a")
    monkeypatch.setattr("jaeger_like.span.time_ns", lambda: 0)
    monkeypatch.setattr("jaeger_like.observers.now_micros", lambda: 0)
    span.finish()
    assert span.start_time <= recorder.finish_time < span.start_time + 60


def test_a_start_that_is_set_later_counts():
    recorder = Recorder()
    span = new_tracer(observers=[recorder]).start_span("a")
    span.start_time = 100.0
    span.finish()
    assert recorder.finish_time == span.end_time > 1_000_000_000


def test_an_observer_without_interest_is_left_alone():
    tracer = new_tracer(observers=[Observer()])
    span = tracer.start_span("a")
    span.set_tag("x", 1).set_operation_name("b").finish()
    assert tracer.reporter.get_spans() == [span]


def test_a_span_observer_needs_nothing_of_its_own():
    class Chooser(Observer):
        def on_start_span(self, span, operation_name, tags):
            return SpanObserver()

    tracer = new_tracer(observers=[Chooser()])
    tracer.start_span("a").set_tag("x", 1).set_operation_name("b").finish()
    assert len(tracer.reporter.get_spans()) == 1


class Failing:
    def on_start_span(self, span, operation_name, tags):
        return self

    def on_set_tag(self, key, value):
        raise RuntimeError("tag")


class FailingAtOnce:
    def on_start_span(self, span, operation_name, tags):
        raise RuntimeError("start")


@pytest.mark.parametrize("failing", [Failing, FailingAtOnce])
def test_the_failure_of_an_observer_is_its_own(failing, caplog):
    recorder = Recorder()
    tracer = new_tracer(observers=[failing(), recorder])
    with caplog.at_level(logging.ERROR, "jaeger_tracing"):
        span = tracer.start_span("a").set_tag("x", 1).set_operation_name("b")
        span.finish()
    assert tag_values(span)["x"] == 1
    assert [event[1] for event in recorder.events] == ["start", "tag", "name", "finish"]
    assert f"Observer {failing.__name__} failed" in caplog.text


def test_the_tracer_without_observers_makes_plain_spans():
    tracer = new_tracer()
    assert type(tracer.start_span("a")) is Span
    assert tracer._extras is None


def test_a_subclass_of_the_tracer_may_override_the_start_of_spans():
    class Mine(Tracer):
        def start_span(self, *args, **kwargs):
            return super().start_span(*args, **kwargs).set_tag("mine", True)

    template = new_tracer()
    recorder = Recorder()
    tracer = Mine("svc", template.reporter, template.sampler, observers=[recorder])
    assert tag_values(tracer.start_span("a"))["mine"] is True
    assert [event[1] for event in recorder.events] == ["start", "tag"]
