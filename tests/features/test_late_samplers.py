"""Samplers by tag, and several in order of priority."""

from __future__ import annotations

import pytest

from jaeger_like import ConstSampler
from jaeger_like.errors import ConfigError
from jaeger_like.late_samplers import Decision, LateSampler, PrioritySampler, TagMatchingSampler

from ..core.support import RecordingSampler, new_tracer, tag_values


def finished(sampler, start=None, **later):
    tracer = new_tracer(sampler)
    span = tracer.start_span("op", tags=start)
    for key, value in later.items():
        span.set_tag(key, value)
    span.finish()
    return span


# -- tags ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_start", [True, False])
@pytest.mark.parametrize(
    ("value", "flags"), [("hot", 1), ("hotter", 9), ("cold", 0), (["hot"], 0), (1, 1), ("1", 0)]
)
def test_the_value_of_a_tag_decides(at_start, value, flags):
    sampler = TagMatchingSampler("temperature", {"hot": False, "hotter": True, 1: False})
    span = finished(sampler, **({"start": {"temperature": value}} if at_start else {}))
    if not at_start:
        span = finished(sampler, temperature=value)
    assert span.flags == flags
    assert tag_values(span) == (
        {
            "temperature": value,
            "sampler.type": "TagMatchingSampler",
            "sampler.param": f"temperature={value}",
        }
        if flags
        # It recorded until it ended.
        else {"temperature": value if isinstance(value, str) else str(value)}
    )


def test_another_key_does_not():
    assert finished(TagMatchingSampler("temperature", ["hot"]), colour="hot").flags == 0


def test_a_child_can_decide_for_the_trace():
    tracer = new_tracer(TagMatchingSampler("k", ["v"]))
    root = tracer.start_span("root")
    tracer.start_span("child", child_of=root).set_tag("k", "v").finish()
    root.finish()
    assert [span.operation_name for span in tracer.reporter.get_spans()] == ["child", "root"]


@pytest.mark.parametrize(
    ("options", "values"),
    [
        (
            {"key": "k", "matchers": [{"value": "a", "firehose": True}, {"value": "b"}]},
            {"a": True, "b": False},
        ),
        (
            {"key": "k", "values": {"a": {"firehose": True}, "b": {}}},
            {"a": True, "b": False},
        ),
        ({"key": "k"}, {}),
    ],
)
def test_the_json_of_other_clients_is_understood(options, values):
    sampler = TagMatchingSampler.from_json(options)
    assert (sampler.key, sampler.values) == ("k", values)


@pytest.mark.parametrize(
    "options", [{}, [], {"key": "k", "matchers": [{}]}, {"key": "k", "values": {"a": 1}}]
)
def test_other_json_is_an_error(options):
    with pytest.raises(ConfigError, match="sampler"):
        TagMatchingSampler.from_json(options)


@pytest.mark.parametrize("values", [5, [[]]])
def test_values_that_cannot_be_looked_up_are_an_error(values):
    with pytest.raises(ConfigError, match="values"):
        TagMatchingSampler("k", values)


# -- priority ------------------------------------------------------------------------------------


def test_the_first_that_samples_wins():
    last = RecordingSampler(True, {"sampler.type": "last"})
    sampler = PrioritySampler(TagMatchingSampler("k", ["v"]), ConstSampler(False), last)
    span = finished(sampler, k="v")
    assert tag_values(span)["sampler.type"] == "last"
    span = finished(PrioritySampler(TagMatchingSampler("k", ["v"]), ConstSampler(False)), k="v")
    assert tag_values(span)["sampler.type"] == "TagMatchingSampler"


def test_who_said_no_for_good_is_not_asked_again():
    first, second = RecordingSampler(False), RecordingSampler(False)
    tracer = new_tracer(PrioritySampler(first, second, LateSampler()))
    span = tracer.start_span("a").set_operation_name("b").set_operation_name("c")
    span.finish()
    assert [name for _, name in first.asked] == [name for _, name in second.asked] == ["a", "b"]


def test_when_all_have_said_no_it_is_final():
    tracer = new_tracer(PrioritySampler(ConstSampler(False), ConstSampler(False)))
    span = tracer.start_span("a").set_tag("x", 1)
    assert tag_values(span) == {}


def test_each_trace_is_decided_by_itself():
    tracer = new_tracer(PrioritySampler(RecordingSampler(False), ConstSampler(True)))
    assert tracer.start_span("a").is_sampled()
    assert tracer.start_span("b").is_sampled()


@pytest.mark.parametrize(
    ("delegates", "expected"),
    [
        ([ConstSampler(False), ConstSampler(True)], True),
        ([ConstSampler(False)], False),
        ([LateSampler()], False),
        ([], False),
    ],
)
def test_where_decisions_cannot_wait_it_answers_as_any_sampler(delegates, expected):
    assert PrioritySampler(*delegates).is_sampled(1, "op")[0] is expected


def test_closing_closes_all():
    first, second = RecordingSampler(), RecordingSampler()
    PrioritySampler(first, second, LateSampler()).close()
    assert (first.closed, second.closed) == (1, 1)


def test_a_sampler_that_does_nothing_says_nothing():
    span = finished(LateSampler(), {"a": 1}, b=2)
    span.set_operation_name("x")
    assert span.flags == 0
    sampler = LateSampler()
    assert sampler.on_set_operation_name(span, "x") is None
    assert Decision(False).retryable
