"""What a span keeps of what it is told."""

from __future__ import annotations

import _thread
import contextlib
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from unittest import mock

import pytest
from opentracing.ext import tags as ext_tags

from jaeger_like import Span, SpanContext
from jaeger_like.thrift_gen.jaeger import ttypes

from .support import Throttler, new_tracer, tag_values, values

PRIORITY = ext_tags.SAMPLING_PRIORITY


@pytest.fixture
def tracer():
    return new_tracer()


@pytest.fixture
def span(tracer):
    return tracer.start_span("op")


def plain(span):
    """Tags without those of the sampler."""
    return {k: v for k, v in tag_values(span).items() if not k.startswith("sampler.")}


# -- times -----------------------------------------------------------------------------------------


def test_times_are_those_of_the_clock(tracer):
    before = time.time()
    span = tracer.start_span("op")
    assert span.end_time is None
    span.finish()
    assert before - 0.001 <= span.start_time <= span.end_time <= time.time() + 0.001


def test_explicit_times_are_exact_to_the_microsecond(tracer):
    span = tracer.start_span("op", start_time=1_700_000_000.123456)
    span.finish(finish_time=1_700_000_000.125)
    assert (span._start, span._duration) == (1_700_000_000_123_456_000, 1544)
    assert (span.start_time, span.end_time) == (1_700_000_000.123456, 1_700_000_000.125)


def test_zero_is_the_year_1970(tracer):
    span = tracer.start_span("op", start_time=0)
    span.finish(finish_time=0)
    assert (span.start_time, span.end_time) == (0, 0)


def test_an_explicit_start_with_the_clock_as_its_end(tracer):
    span = tracer.start_span("op", start_time=time.time() - 10)
    span.finish()
    assert 10 <= span.end_time - span.start_time < 20


def test_the_clock_as_a_start_and_an_explicit_end(tracer):
    for _ in range(100):  # of which nearly all start within a microsecond
        span = tracer.start_span("op")
        end = round(span.start_time + 10, 6)
        span.finish(finish_time=end)
        assert span.end_time == end


def test_no_duration_is_negative(tracer):
    span = tracer.start_span("op", start_time=2_000_000_000)
    span.finish(finish_time=1_000_000_000)
    assert span.end_time == span.start_time
    span = tracer.start_span("op", start_time=time.time() + 1000)
    span.finish()
    assert span.end_time == span.start_time


def test_the_wall_clock_may_be_set_back_meanwhile(tracer):
    span = tracer.start_span("op")
    with mock.patch("time.time_ns", return_value=0), mock.patch("time.time", return_value=0.0):
        span.finish()
    assert span.end_time >= span.start_time > 1_600_000_000


def test_a_duration_comes_from_the_monotonic_clock(tracer):
    with mock.patch("jaeger_like.tracer.perf_counter_ns", return_value=5_000):
        span = tracer.start_span("op")
    with mock.patch("jaeger_like.span.perf_counter_ns", return_value=5_000 + 1_234_567):
        span.finish()
    assert span._duration == 1234


@pytest.mark.parametrize("when", ["noon", float("nan"), float("inf"), object(), 1e300, [1]])
def test_a_time_that_is_none_is_now(tracer, when):
    before = time.time()
    span = tracer.start_span("op", start_time=when)
    span.log_kv({"event": "e"}, timestamp=when)
    span.finish(finish_time=when)
    for found in (span.start_time, span.logs[0].timestamp / 1e6, span.end_time):
        assert before - 0.001 <= found <= time.time() + 0.001


def test_times_may_be_assigned(span):
    span.start_time = 5.0
    span.end_time = 6.5
    assert (span.start_time, span.end_time) == (5.0, 6.5)
    span.end_time = None
    assert span.end_time is None


# -- tags ------------------------------------------------------------------------------------------


def test_set_tag_returns_the_span_and_replaces(span):
    assert span.set_tag("k", 1) is span
    span.set_tag("k", "two").set_tag("l", 3)
    assert plain(span) == {"k": "two", "l": 3}


@pytest.mark.parametrize(
    ("value", "kind", "field", "wire"),
    [
        ("text", "STRING", "vStr", "text"),
        (True, "BOOL", "vBool", True),
        (False, "BOOL", "vBool", False),
        (7, "LONG", "vLong", 7),
        (-(2**63), "LONG", "vLong", -(2**63)),
        (2**63, "STRING", "vStr", str(2**63)),
        (1.5, "DOUBLE", "vDouble", 1.5),
        (float("inf"), "STRING", "vStr", "inf"),
        (None, "STRING", "vStr", "None"),
        (b"\xff", "STRING", "vStr", "b'\\xff'"),
        ([1, "a"], "STRING", "vStr", "[1, 'a']"),
        ("x" * 2000, "STRING", "vStr", "x" * 1024),
    ],
)
def test_tags_are_generated_objects(tracer, value, kind, field, wire):
    span = tracer.start_span("op", tags={"start": value})
    span.set_tag("set", value)
    span.log_kv({"log": value})
    tags = [tag for tag in span.tags if tag.key in ("start", "set")]
    for tag in (*tags, *span.logs[0].fields):
        assert isinstance(tag, ttypes.Tag)
        assert tag.vType == getattr(ttypes.TagType, kind)
        assert getattr(tag, field) == wire


def test_a_value_that_changes_later_does_not_change_the_tag(span):
    items = [1]
    span.set_tag("k", items)
    span.log_kv({"k": items})
    items.append(2)
    assert plain(span) == {"k": "[1]"}
    assert values(span.logs[0].fields) == {"k": "[1]"}


def test_limits_are_those_of_the_tracer():
    span = new_tracer(max_tag_value_length=5, max_traceback_length=9).start_span("op")
    span.set_tag("long", "x" * 100).set_tag("object", [1] * 100)
    try:
        raise KeyError
    except KeyError as exc:
        span.set_tag("stack", exc.__traceback__)
    assert [len(value) for value in plain(span).values()] == [5, 5, 9]


def test_nothing_is_kept_of_a_span_that_is_not_sampled():
    span = new_tracer(False).start_span("op", tags={"a": 1})
    span.set_tag("b", 2).log_kv({"c": 3})
    span.set_tag(["unhashable"], 1)
    assert (span.tags, span.logs) == ([], [])


def test_what_comes_after_the_end_is_ignored(span):
    span.set_tag("k", 1).log_kv({"a": 1})
    span.finish()
    span.set_tag("k", 2).set_tag("l", 3).set_tag(PRIORITY, 0).set_tag(["k"], 1)
    span.log_kv({"b": 2})
    span.set_operation_name("late")
    assert plain(span) == {"k": 1}
    assert len(span.logs) == 1
    assert span.operation_name == "op"
    assert span.is_sampled()


def test_is_rpc(tracer):
    kinds = {None: (False, False), "client": (True, True), "server": (True, False)}
    kinds["producer"] = (False, False)
    for kind, expected in kinds.items():
        tags = {} if kind is None else {ext_tags.SPAN_KIND: kind}
        span = tracer.start_span("op", tags=tags)
        assert (span.is_rpc(), span.is_rpc_client()) == expected


# -- logs ------------------------------------------------------------------------------------------


def test_log_kv(span):
    assert span.log_kv({"event": "e", "n": 1}, timestamp=5.25) is span
    span.log_kv({"event": "now"})
    first, second = span.logs
    assert isinstance(first, ttypes.Log)
    assert first.timestamp == 5_250_000
    assert values(first.fields) == {"event": "e", "n": 1}
    assert abs(second.timestamp / 1e6 - time.time()) < 60


@pytest.mark.parametrize(
    ("fields", "kept"),
    [(None, {}), ({}, {}), ("text", {"value": "text"}), ([1], {"value": "[1]"}), (7, {"value": 7})],
)
def test_a_log_of_odd_fields(span, fields, kept):
    span.log_kv(fields)
    assert values(span.logs[0].fields) == kept


def test_fields_are_copied(span):
    fields = {"a": 1}
    span.log_kv(fields)
    fields["b"] = 2
    assert values(span.logs[0].fields) == {"a": 1}


def test_deprecated_ways_to_log(span):
    span.info("info")
    span.info("info", {"k": 1})
    span.error("error", "payload")
    span.log_event("event", "payload")
    span.log(event="log")
    assert [values(log.fields) for log in span.logs] == [
        {"event": "info"},
        {"event": "info", "payload": "{'k': 1}"},
        {"event": "error", "payload": "payload"},
        {"event": "event", "payload": "payload"},
        {"event": "log"},
    ]
    assert plain(span) == {"error": True}


# -- sampling.priority -----------------------------------------------------------------------------


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("value", [1, 2, -1, "1", 1.5, True])
def test_a_priority_forces_the_trace(sampled, value):
    span = new_tracer(sampled).start_span("op")
    span.set_tag(PRIORITY, value)
    assert span.flags == 3
    assert span.is_sampled()
    assert span.is_debug()
    assert PRIORITY in plain(span)


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("value", [0, "0", False, 0.9, 0.0])
def test_a_priority_of_zero_drops_the_trace(sampled, value):
    span = new_tracer(sampled).start_span("op")
    span.set_tag(PRIORITY, value).set_tag("later", 1)
    assert span.flags == 0
    assert plain(span) == {}
    span.finish()
    assert span.finished
    assert span.tracer.reporter.get_spans() == []


@pytest.mark.parametrize("value", ["x", None, [], object(), float("nan"), float("inf")])
@pytest.mark.parametrize("sampled", [True, False])
def test_a_priority_that_is_no_number_is_ignored(sampled, value):
    span = new_tracer(sampled).start_span("op", tags={PRIORITY: value})
    span.set_tag(PRIORITY, value)
    assert span.flags == sampled
    assert plain(span) == {}


@pytest.mark.parametrize(
    ("value", "flags"), [(1, 3), ("1", 3), ("0", 3), (0, 0), (False, 0), (0.0, 0), ("x", 3)]
)
def test_a_priority_on_a_debug_span(value, flags):
    span = new_tracer().start_span("op", child_of=SpanContext(1, 2, None, 3))
    span.set_tag(PRIORITY, value)
    assert span.flags == flags
    assert span.tags == []


def test_the_throttler_may_deny_a_priority():
    throttler = Throttler(False)
    span = new_tracer(False, throttler=throttler).start_span("op", tags={"a": 1})
    span.set_tag(PRIORITY, 1)
    assert (span.flags, span.tags) == (0, [])
    assert throttler.asked == ["op"]


def test_the_throttler_is_asked_once_about_start_tags():
    throttler = Throttler(False)
    new_tracer(throttler=throttler).start_span("op", tags={PRIORITY: 1})
    assert throttler.asked == ["op"]


@pytest.mark.parametrize("order", [("a", PRIORITY), (PRIORITY, "a")])
def test_a_priority_among_start_tags_comes_first(order):
    tags = dict.fromkeys(order, 1)
    assert plain(new_tracer(False).start_span("op", tags=tags)) == {"a": 1, PRIORITY: 1}
    tags = dict.fromkeys(order, 0)
    assert plain(new_tracer(True).start_span("op", tags=tags)) == {}
    assert set(tags) == set(order)


def test_a_priority_is_inherited_by_later_children_only():
    tracer = new_tracer(False)
    root = tracer.start_span("root")
    before = tracer.start_span("before", child_of=root)
    root.set_tag(PRIORITY, 1)
    after = tracer.start_span("after", child_of=root)
    assert (before.flags, root.flags, after.flags) == (0, 3, 3)


# -- baggage ---------------------------------------------------------------------------------------


def test_baggage(tracer, span):
    assert span.get_baggage_item("k") is None
    before = span.context
    assert span.set_baggage_item("k", "v") is span
    assert span.context is not before
    assert (before.baggage, span.context.baggage) == ({}, {"k": "v"})
    child = tracer.start_span("child", child_of=span)
    child.set_baggage_item("l", "w").set_baggage_item("k", "other")
    assert child.context.baggage == {"k": "other", "l": "w"}
    assert span.get_baggage_item("k") == "v"
    assert (child.trace_id, child.parent_id) == (span.trace_id, span.span_id)
    span.set_baggage_item("k", None)
    assert span.get_baggage_item("k") is None
    span.set_baggage_item("never set", None)
    assert span.context.baggage == {}


def test_baggage_is_logged_on_sampled_spans(span):
    span.set_baggage_item("k", "v").set_baggage_item("k", "w")
    assert [values(log.fields) for log in span.logs] == [
        {"event": "baggage", "key": "k", "value": "v"},
        {"event": "baggage", "key": "k", "value": "w", "override": "true"},
    ]
    unsampled = new_tracer(False).start_span("op").set_baggage_item("k", "v")
    assert unsampled.logs == []
    assert unsampled.get_baggage_item("k") == "v"


def test_baggage_set_before_the_context_was_asked_for_is_inherited_by_context_too(tracer, span):
    span.set_baggage_item("k", "v")
    assert tracer.start_span("a", child_of=span.context).get_baggage_item("k") == "v"


def test_setting_baggage_takes_off_a_debug_id(tracer):
    span = Span(SpanContext(1, 2, 3, 1, None, "debug"), tracer, "op")
    assert span.set_baggage_item("k", "v").context.debug_id is None


@pytest.mark.parametrize("key", [1, None, ["k"], b"k"])
def test_odd_baggage_is_kept_as_it_can_be(span, key):
    span.set_baggage_item(key, "v")
    assert span.get_baggage_item(key) == "v"
    assert span.get_baggage_item(str(key)) == "v"


# -- the end ---------------------------------------------------------------------------------------


def test_a_second_finish_is_ignored(span, caplog):
    span.finish()
    end = span.end_time
    with caplog.at_level(logging.WARNING, "jaeger_tracing"):
        span.finish(finish_time=end + 5)
    assert span.end_time == end
    assert span.tracer.reporter.get_spans() == [span]
    assert [r.getMessage() for r in caplog.records] == [
        "Span has already been finished; will not be reported again."
    ]


def test_a_span_that_is_not_sampled_finishes_and_is_not_reported():
    span = new_tracer(False).start_span("op")
    span.finish()
    assert span.finished
    assert span.end_time >= span.start_time
    assert span.tracer.reporter.get_spans() == []


def test_a_span_is_a_context_manager(tracer):
    with tracer.start_span("op") as span:
        assert not span.finished
    assert span.finished
    assert plain(span) == {}
    assert span.logs == []


@pytest.mark.parametrize("start", ["start_span", "start_active_span"])
def test_an_exception_is_recorded_and_goes_on(tracer, start):
    with pytest.raises(ValueError, match="went wrong"), getattr(tracer, start)("op"):
        raise ValueError("it went wrong")
    (span,) = tracer.reporter.get_spans()
    assert plain(span) == {"error": True}
    fields = values(span.logs[0].fields)
    assert list(fields) == ["event", "message", "error.object", "error.kind", "stack"]
    assert fields["event"] == "error"
    assert fields["message"] == fields["error.object"] == "it went wrong"
    assert fields["error.kind"] == "<class 'ValueError'>"
    assert "test_span.py" in fields["stack"]


def test_on_error_without_an_error_does_nothing(span):
    Span._on_error(span, None, None, None)
    Span._on_error(None, ValueError, ValueError(), None)
    assert span.logs == []


# -- identity --------------------------------------------------------------------------------------


def test_repr(tracer):
    root = tracer.start_span("op", child_of=SpanContext(0xABC, 0xDEF, None, 3))
    assert repr(root) == f"abc:{root.span_id:x}:def:3 svc.op"
    span = Span(SpanContext(None, None, None, None), None, "op")
    assert repr(span) == "0:0:0:0 None.op"


def test_set_operation_name(span):
    assert span.set_operation_name("new") is span
    assert span.operation_name == "new"
    span.operation_name = "newer"
    assert repr(span).endswith(" svc.newer")


def test_assigning_to_the_context_changes_the_span(tracer):
    for name in ("trace_id", "span_id", "parent_id"):
        span = tracer.start_span("op")
        child = tracer.start_span("child", child_of=span)
        before = (child.trace_id, child.span_id, child.parent_id)
        setattr(span.context, name, 77)
        assert getattr(span, name) == 77
        assert (child.trace_id, child.span_id, child.parent_id) == before
        later = tracer.start_span("child", child_of=span)
        assert (later.trace_id, later.parent_id) == (span.trace_id, span.span_id)
        span.finish()
        assert getattr(span, name) == 77
        assert getattr(span, f"_{name}", None) in (77, None)


def test_flags_assigned_to_the_context_sample_the_span_at_once():
    tracer = new_tracer(False)
    span = tracer.start_span("op")
    span.context.flags = 1
    span.set_tag("k", 1).log_kv({"event": "e"}).finish()
    assert tracer.reporter.get_spans() == [span]
    assert plain(span) == {"k": 1}
    assert len(span.logs) == 1


def test_a_span_that_is_sampled_by_its_context_has_a_duration():
    tracer = new_tracer(False)
    span = tracer.start_span("op", start_time=time.time() - 5)
    span.context.flags = 1
    span.finish()
    (reported,) = tracer.reporter.get_spans()
    assert 5 <= reported.end_time - reported.start_time < 60


@pytest.mark.parametrize("flags", ["1", b"1", object(), 1.0])
def test_flags_that_are_no_number_do_no_harm(tracer, flags):
    with tracer.start_active_span("op") as scope:
        scope.span.context.flags = flags
        scope.span.set_tag("k", "v").log_kv({"a": 1})
        with tracer.start_active_span("child"):
            pass
    assert not scope.span.is_sampled()


def test_flags_of_none_do_no_harm(tracer):
    span = tracer.start_span("op")
    span.context.flags = None
    span.set_tag("k", 1).log_kv({"event": "e"}).finish()
    assert span.flags == 0
    assert tracer.reporter.get_spans() == []


def test_a_span_made_by_hand(tracer):
    context = SpanContext(1, 2, 3, 1)
    span = Span(context, tracer, "op", {"k": "v"}, 5.0, None)
    assert (span.context, span.trace_id, span.span_id, span.parent_id) == (context, 1, 2, 3)
    assert (span.tracer, span.operation_name, span.start_time) == (tracer, "op", 5.0)
    assert plain(span) == {"k": "v"}
    span.finish()
    assert tracer.reporter.get_spans() == [span]
    span = Span(SpanContext(1, 2, 3, 0), object(), "op")
    span.finish()
    assert span.end_time >= span.start_time


def test_the_update_lock_is_one_lock(span):
    with span.update_lock:
        assert span.update_lock.locked()
    assert not span.update_lock.locked()


def test_two_threads_get_the_same_update_lock(span, monkeypatch):
    both = threading.Barrier(2)

    def slow():
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(1)
        return _thread.allocate_lock()

    with ThreadPoolExecutor(2) as pool, monkeypatch.context() as patches:
        asked = [pool.submit(barrier.wait) for barrier in [threading.Barrier(2)] * 2]
        assert sorted(future.result() for future in asked) == [0, 1]  # both threads are there
        patches.setattr(threading, "Lock", slow)
        locks = [pool.submit(lambda: span.update_lock) for _ in range(2)]
        assert locks[0].result() is locks[1].result()


def test_a_duration_is_monotonic_although_the_span_was_sampled_late():
    span = new_tracer(False).start_span("x")
    span.set_tag(PRIORITY, 1)
    with mock.patch("jaeger_like.span.time_ns", return_value=time.time_ns() + 3_600 * 10**9):
        span.finish()
    assert span.end_time - span.start_time < 60


def test_a_span_takes_attributes_of_the_program(span):
    span.custom = 1
    assert span.custom == 1
