"""What a service may set as baggage is limited, by its configuration or by the backend."""

from __future__ import annotations

import json
import threading
import weakref
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like import Config
from jaeger_like.baggage_limits import (
    BaggageRestrictions,
    LocalBaggageRestrictions,
    RemoteBaggageRestrictions,
    Restriction,
    parse_restrictions,
)
from jaeger_like.errors import ConfigError

from ..core.support import RecordingMetrics as CoreMetrics
from ..core.support import new_tracer, values
from ..sampling.fakes import RecordingErrors, RecordingMetrics, Response
from ..sampling.test_over_http import Backend, backend  # noqa: F401  a fixture

SOON = 10


def limited(allowed_keys=None, max_value_length=None, **settings):
    metrics = CoreMetrics()
    restrictions = LocalBaggageRestrictions(allowed_keys, max_value_length)
    tracer = new_tracer(baggage_restrictions=restrictions, metrics_factory=metrics, **settings)
    return tracer.start_span("op"), metrics.counts


def last_log(span):
    return values(span.logs[-1].fields)


# -- spans ---------------------------------------------------------------------------------------


def test_a_value_that_is_too_long_is_cut():
    span, counts = limited(max_value_length=3)
    span.set_baggage_item("k", "abcdef")
    assert span.get_baggage_item("k") == span.context.baggage["k"] == "abc"
    assert last_log(span) == {
        "event": "baggage",
        "key": "k",
        "value": "abc",
        "truncated": "true",
    }
    assert counts["jaeger:baggage_truncations"] == counts["jaeger:baggage_updates{result=ok}"] == 1


def test_a_value_that_fits_is_not():
    span, counts = limited(max_value_length=3)
    span.set_baggage_item("k", "abc").set_baggage_item("k", "xyz")
    assert last_log(span) == {"event": "baggage", "key": "k", "value": "xyz", "override": "true"}
    assert "jaeger:baggage_truncations" not in counts
    assert counts["jaeger:baggage_updates{result=ok}"] == 2


def test_a_key_that_is_not_allowed_is_not_set():
    span, counts = limited(allowed_keys=["k"])
    context = span.context
    assert span.set_baggage_item("other", "v") is span
    assert span.get_baggage_item("other") is None
    assert span.context is context
    assert last_log(span) == {"event": "baggage", "key": "other", "value": "v", "invalid": "true"}
    span.set_baggage_item("k", "v" * 5000)
    assert len(span.get_baggage_item("k")) == 5000
    assert counts["jaeger:baggage_updates{result=err}"] == 1
    assert counts["jaeger:baggage_updates{result=ok}"] == 1


def test_an_item_may_always_be_removed():
    remote = new_tracer().start_span("r").set_baggage_item("other", "v")
    span, _ = limited(allowed_keys=[])
    child = span.tracer.start_span("c", child_of=remote)
    child.set_baggage_item("other", None)
    assert child.context.baggage == {}


def test_what_came_from_elsewhere_is_passed_on():
    remote = new_tracer().start_span("r").set_baggage_item("other", "long value")
    span, _ = limited(allowed_keys=[], max_value_length=1)
    child = span.tracer.start_span("c", child_of=remote.context)
    assert child.context.baggage == {"other": "long value"}


def test_a_value_of_another_kind_becomes_text_when_it_is_measured():
    span, _ = limited(max_value_length=2)
    span.set_baggage_item("k", 12345)
    assert span.get_baggage_item("k") == "12"


def test_unsampled_spans_are_limited_and_log_nothing():
    restrictions = LocalBaggageRestrictions(["k"], 1)
    span = new_tracer(False, baggage_restrictions=restrictions).start_span("op")
    span.set_baggage_item("k", "abc").set_baggage_item("other", "v")
    assert (span.context.baggage, span.logs) == ({"k": "a"}, [])


def test_without_limits_updates_are_counted_all_the_same():
    metrics = CoreMetrics()
    new_tracer(metrics_factory=metrics).start_span("op").set_baggage_item("k", "v" * 5000)
    assert metrics.counts["jaeger:baggage_updates{result=ok}"] == 1


def test_limits_may_be_lifted_again():
    span, _ = limited(allowed_keys=[])
    span.tracer.restrict_baggage(None)
    later = span.tracer.start_span("later").set_baggage_item("k", "v")
    assert later.get_baggage_item("k") == "v"


def test_restrictions_that_fail_restrict_nothing(caplog):
    tracer = new_tracer(baggage_restrictions=object())
    span = tracer.start_span("op").set_baggage_item("k", "v")
    assert span.get_baggage_item("k") == "v"
    assert "Baggage restrictions failed" in caplog.text
    tracer.close()


def test_a_manager_without_opinion_allows_everything():
    manager = BaggageRestrictions()
    span = new_tracer(baggage_restrictions=manager).start_span("op").set_baggage_item("k", "v")
    assert span.get_baggage_item("k") == "v"
    manager.close()


@given(st.text(), st.text(), st.sets(st.text()), st.integers(0, 5))
def test_no_item_ever_breaks_the_limits(key, value, allowed, length):
    span, _ = limited(allowed, length)
    span.set_baggage_item(key, value)
    assert span.context.baggage == ({key: value[:length]} if key in allowed else {})


@pytest.mark.parametrize(("keys", "length"), [("text", None), (None, -1), (None, "3"), (None, 1.5)])
def test_limits_that_cannot_be_are_an_error(keys, length):
    with pytest.raises(ConfigError):
        LocalBaggageRestrictions(keys, length)


# -- the backend ----------------------------------------------------------------------------------


class Channel:
    """Gives prepared answers in order, the last one for ever."""

    io_loop = None

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def request_baggage_restrictions(self, service_name):
        self.asked.append(service_name)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        future = Future()
        future.set_result(Response(answer))
        return future


def polled(answer, expected="ok", before=None, **settings):
    """Return restrictions that have asked once."""
    metrics, errors = RecordingMetrics(), RecordingErrors()
    channel = Channel(answer)
    restrictions = RemoteBaggageRestrictions(
        channel, "svc", metrics_factory=metrics, error_reporter=errors, **settings
    )
    try:
        if before is not None:
            assert restrictions.restriction("svc", "k") == before
        else:
            restrictions.restriction("svc", "k")
        assert metrics.wait_for(f"baggage_restrictions_updates.{expected}")
    finally:
        restrictions.close()
    assert channel.asked == ["svc"]
    return restrictions, errors.messages


ANSWER = json.dumps([{"baggageKey": "k", "maxValueLength": 10}]).encode()


def test_only_the_listed_keys_are_allowed_once_there_is_an_answer():
    restrictions, errors = polled(ANSWER)
    assert restrictions.restriction("svc", "k") == Restriction(True, 10)
    assert not restrictions.restriction("svc", "other").key_allowed
    assert errors == []


def test_an_empty_list_allows_nothing():
    restrictions, _ = polled(b"[]")
    assert not restrictions.restriction("svc", "k").key_allowed


@pytest.mark.parametrize("deny", [False, True])
def test_until_there_is_an_answer(deny):
    restrictions, errors = polled(
        RuntimeError("down"),
        expected="err",
        deny_until_known=deny,
    )
    assert restrictions.restriction("svc", "k") == Restriction(not deny, 2048)
    assert errors == ["Failed to get baggage restrictions from jaeger-agent: down [None]"]


@pytest.mark.parametrize("answer", [b"{}", b"x", b"", None, b'"k"', b"\xff"])
def test_an_answer_that_makes_no_sense_changes_nothing(answer):
    restrictions, errors = polled(answer, expected="err")
    assert restrictions.restriction("svc", "k") == Restriction(True, 2048)
    assert len(errors) == 1


def test_a_bad_answer_leaves_the_last_good_one():
    metrics = RecordingMetrics()
    restrictions = RemoteBaggageRestrictions(
        Channel(ANSWER, b"x"),
        "svc",
        refresh_interval=0.01,
        metrics_factory=metrics,
        error_reporter=RecordingErrors(),
    )
    try:
        restrictions.restriction("svc", "k")
        assert metrics.wait_for("baggage_restrictions_updates.err")
    finally:
        restrictions.close()
    assert restrictions.restriction("svc", "k") == Restriction(True, 10)


def test_local_limits_hold_as_well():
    restrictions, _ = polled(ANSWER, local=LocalBaggageRestrictions(["k", "other"], 4))
    assert restrictions.restriction("svc", "k") == Restriction(True, 4)
    assert not restrictions.restriction("svc", "other").key_allowed
    restrictions, _ = polled(ANSWER, local=LocalBaggageRestrictions(["other"], 400))
    assert restrictions.restriction("svc", "k") == Restriction(False, 10)


def test_entries_that_make_no_sense_cost_only_themselves():
    content = [
        {"baggageKey": "good", "maxValueLength": 0},
        {"baggageKey": "k", "maxValueLength": -1},
        {"baggageKey": "k", "maxValueLength": "1"},
        {"baggageKey": "k", "maxValueLength": True},
        {"baggageKey": 1, "maxValueLength": 1},
        {"baggageKey": "k"},
        5,
    ]
    assert parse_restrictions(json.dumps(content)) == {"good": 0}


def test_nothing_is_asked_before_baggage_is_set():
    channel = Channel(ANSWER)
    restrictions = RemoteBaggageRestrictions(channel, "svc")
    tracer = new_tracer(baggage_restrictions=restrictions)
    tracer.start_span("op").set_tag("x", 1).finish()
    assert channel.asked == []
    assert tracer.close().result(SOON) is True
    restrictions.restriction("svc", "k")
    assert channel.asked == []


@pytest.mark.parametrize("interval", [0, -1, "x"])
def test_an_interval_that_cannot_be_is_an_error(interval):
    with pytest.raises(ConfigError, match="refresh_interval"):
        RemoteBaggageRestrictions(Channel(ANSWER), "svc", refresh_interval=interval)


def test_who_forgets_the_restrictions_ends_the_asking():
    restrictions = RemoteBaggageRestrictions(Channel(ANSWER), "svc")
    gone = weakref.ref(restrictions)
    del restrictions
    assert gone() is None


# -- over HTTP -------------------------------------------------------------------------------------


def test_the_agent_is_asked(backend, monkeypatch):
    monkeypatch.delenv("JAEGER_AGENT_HOST", raising=False)
    backend.body = ANSWER
    metrics = RecordingMetrics()
    config = Config(
        {
            "sampler": {"type": "const", "param": 1},
            "local_agent": {
                "reporting_host": "127.0.0.1",
                "reporting_port": backend.server_address[1],
                "sampling_port": backend.server_address[1],
            },
            "baggage": {"remote": True, "max_value_length": 5},
        },
        service_name="my svc",
        metrics_factory=metrics,
        validate=True,
    )
    tracer = config.new_tracer()
    try:
        tracer.start_span("op").set_baggage_item("k", "v")
        assert metrics.wait_for("baggage_restrictions_updates.ok")
        span = tracer.start_span("op").set_baggage_item("k", "abcdefgh")
        span.set_baggage_item("other", "v")
        assert span.context.baggage == {"k": "abcde"}
    finally:
        tracer.close().result(SOON)
    assert backend.questions == [("/baggageRestrictions", {"service": ["my svc"]})]


def test_an_agent_that_has_no_such_thing_is_no_harm(backend, caplog):
    backend.status, backend.body = 500, b"not implemented"
    metrics = RecordingMetrics()
    settings = {
        "local_agent": {
            "reporting_host": "127.0.0.1",
            "sampling_port": backend.server_address[1],
        },
        "baggage": {"remote": True},
        "sampler": {"type": "const", "param": 0},
    }
    tracer = Config(settings, service_name="svc", metrics_factory=metrics).new_tracer()
    try:
        span = tracer.start_span("op").set_baggage_item("k", "v")
        assert metrics.wait_for("baggage_restrictions_updates.err")
        assert span.get_baggage_item("k") == "v"
    finally:
        tracer.close().result(SOON)
    assert "Failed to get baggage restrictions" in caplog.text


def test_making_a_tracer_with_remote_limits_starts_nothing():
    before = threading.active_count()
    settings = {
        "baggage": {"remote": True},
        "local_agent": {"reporting_host": "::1"},
        "sampler": {"type": "const", "param": 0},
    }
    tracer = Config(settings, service_name="svc").new_tracer()
    assert isinstance(tracer.baggage_restrictions, RemoteBaggageRestrictions)
    assert threading.active_count() == before
    tracer.close().result(SOON)
