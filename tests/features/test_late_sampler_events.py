"""Samplers that are told what happens to a span until they have decided."""

from __future__ import annotations

import pytest

from jaeger_like.late_samplers import Decision, LateSampler

from ..core.support import RecordingSampler, new_tracer, tag_values
from .support import late_tracer, names


class Scripted(LateSampler):
    """Answers as told, by name of the event."""

    def __init__(self, **answers):
        super().__init__()
        self.answers = answers
        self.events = []

    def _say(self, event, *arguments):
        self.events.append((event, *arguments))
        answer = self.answers.get(event)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def on_create_span(self, span):
        return self._say("create", span.operation_name)

    def on_set_operation_name(self, span, operation_name):
        return self._say("name", operation_name)

    def on_set_tag(self, span, key, value):
        return self._say("tag", key, value)

    def on_finish_span(self, span):
        return self._say("finish", span.operation_name)


def test_a_sampler_is_told_everything_as_long_as_it_has_not_decided():
    tracer = new_tracer(Scripted())
    root = tracer.start_span("root", tags={"a": 1})
    root.set_tag("b", [2]).set_operation_name("new")
    tracer.start_span("child", child_of=root, tags={"c": 3}).finish()
    root.finish()
    assert tracer.sampler.events == [
        ("create", "root"),
        ("tag", "a", 1),
        ("tag", "b", [2]),
        ("name", "new"),
        ("create", "child"),
        ("tag", "c", 3),
        ("finish", "child"),
        ("finish", "new"),
    ]
    assert names(tracer) == []


YES = Decision(True, tags={"sampler.type": "scripted"})


@pytest.mark.parametrize("event", ["create", "tag", "name", "finish"])
def test_a_yes_at_any_event_samples_and_ends_the_questions(event):
    tracer = new_tracer(Scripted(**{event: YES}))
    span = tracer.start_span("op", tags={"a": 1})
    span.set_operation_name("new").finish()
    assert names(tracer) == ["new"]
    assert tag_values(span) == {"a": 1, "sampler.type": "scripted"}
    assert tracer.sampler.events[-1][0] == event


@pytest.mark.parametrize("event", ["create", "tag", "name"])
def test_a_final_no_ends_the_questions(event):
    tracer = new_tracer(Scripted(**{event: Decision(False, False)}, finish=YES))
    span = tracer.start_span("op", tags={"a": 1})
    span.set_operation_name("new").finish()
    assert names(tracer) == []
    assert tracer.sampler.events[-1][0] == event


def test_a_no_that_may_change_leaves_it_open():
    tracer = new_tracer(Scripted(create=Decision(False), finish=(True,)))
    tracer.start_span("op").finish()
    assert names(tracer) == ["op"]


def test_a_decision_may_set_other_flags():
    tracer = new_tracer(Scripted(create=Decision(True, flags=8)))
    assert tracer.start_span("op").flags == 9


@pytest.mark.parametrize("answer", [RuntimeError("broken"), 5, ("too", "many", "of", "these", "!")])
def test_a_sampler_that_fails_samples_nothing(answer, caplog):
    tracer = new_tracer(Scripted(create=answer, finish=YES))
    tracer.start_span("op").finish()
    assert names(tracer) == []
    assert "trace not sampled" in caplog.text


def test_a_decision_made_while_the_sampler_thinks_stays():
    class Slow(LateSampler):
        def on_set_operation_name(self, span, operation_name):
            span.set_tag("sampling.priority", 0)
            return YES

    span = new_tracer(Slow()).start_span("op").set_operation_name("new")
    assert (span.flags, tag_values(span)) == (0, {})


def test_a_sampler_needs_only_the_first_of_the_methods():
    class Small:
        def on_create_span(self, span):
            return None

    tracer = new_tracer(Small())
    tracer.start_span("op").set_tag("x", 1).set_operation_name("new").finish()
    assert names(tracer) == []


def test_an_old_sampler_that_fails_samples_nothing(caplog):
    tracer = late_tracer(RecordingSampler())
    tracer.sampler.is_sampled = None
    assert not tracer.start_span("op").is_sampled()
    assert "trace not sampled" in caplog.text
