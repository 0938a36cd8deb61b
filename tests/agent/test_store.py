"""The memory of the agent: bounds, order, snapshots, what is quiet."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like.all_in_one.model import Tag
from jaeger_like.all_in_one.store import Store

from .vectors import span


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def ids(store):
    return [trace.trace_id for trace in store.traces()]


def test_the_trace_that_changed_last_comes_first():
    store = Store()
    store.add([span(trace_id=1), span(trace_id=2), span(trace_id=3), span(2, trace_id=1)])
    assert ids(store) == [1, 3, 2]
    assert [s.span_id for s in store.trace(1).spans] == [1, 2]
    assert store.trace(9) is None


def test_the_quietest_trace_makes_room():
    store = Store(max_traces=2)
    store.add([span(trace_id=1), span(trace_id=2), span(2, trace_id=1), span(trace_id=3)])
    assert ids(store) == [3, 1]
    assert store.sizes() == {"traces": 2, "spans": 3, "evictedSpans": 1}


def test_spans_are_bounded_over_all_traces():
    store = Store(max_spans=4)
    store.add([span(n, trace_id=1) for n in range(3)] + [span(n, trace_id=2) for n in range(2)])
    assert ids(store) == [2]
    assert store.sizes() == {"traces": 1, "spans": 2, "evictedSpans": 3}


def test_a_trace_larger_than_everything_keeps_its_first_spans():
    store = Store(max_spans=3)
    store.add([span(n) for n in range(10)])
    assert [s.span_id for s in store.spans()] == [0, 1, 2]
    assert store.sizes()["evictedSpans"] == 7


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 9)), max_size=60),
    st.integers(1, 4),
    st.integers(1, 12),
)
def test_bounds_hold_and_every_span_is_accounted_for(arrivals, max_traces, max_spans):
    store = Store(max_traces, max_spans)
    for trace_id, span_id in arrivals:
        store.add([span(span_id, trace_id=trace_id)])
        sizes = store.sizes()
        assert sizes["traces"] <= max_traces
        assert sizes["spans"] == len(store.spans()) <= max_spans
        assert all(trace.spans for trace in store.traces())
    assert sizes["spans"] + sizes["evictedSpans"] == len(arrivals) if arrivals else True


def test_services_and_operations():
    server = span(operation="get", service="b", tags=(Tag("span.kind", "string", "server"),))
    store = Store()
    store.add([server, span(operation="put", service="b"), span(service="a"), server])
    assert store.services() == ["a", "b"]
    assert store.operations("b") == [("get", "server"), ("put", "")]
    assert store.operations("c") == []


def test_a_trace_is_given_out_once_it_is_quiet_and_again_when_it_has_grown():
    clock = Clock()
    store = Store(clock=clock)
    store.add([span(trace_id=1)])
    clock.now += 0.6
    store.add([span(trace_id=2)])
    assert store.quiet(1.0) == []
    clock.now += 0.5
    assert [(t.trace_id, again) for t, again in store.quiet(1.0)] == [(1, False)]
    assert store.is_pending
    store.add([span(5, trace_id=1)])
    clock.now += 5
    assert [(t.trace_id, len(t.spans), a) for t, a in store.quiet(1.0)] == [
        (2, 1, False),
        (1, 2, True),
    ]
    assert store.quiet(0) == []
    assert not store.is_pending


def test_what_was_evicted_is_not_given_out():
    store = Store(max_traces=1)
    store.add([span(trace_id=1), span(trace_id=2)])
    assert [trace.trace_id for trace, _ in store.quiet(0)] == [2]


def test_clear_forgets_everything():
    store = Store()
    store.add([span()])
    store.clear()
    assert (store.traces(), store.spans(), store.quiet(0)) == ([], [], [])
    assert store.sizes()["spans"] == 0


def test_a_snapshot_does_not_change():
    store = Store()
    store.add([span()])
    trace = store.trace(1)
    store.add([span(2)])
    assert len(trace.spans) == 1


def test_waiting_ends_when_the_spans_are_there():
    store = Store()
    waiting = threading.Event()

    def predicate(store):
        waiting.set()
        return store.spans()

    def later():
        waiting.wait(10)
        store.add([span(7)])

    thread = threading.Thread(target=later)
    thread.start()
    assert [s.span_id for s in store.wait_for(predicate, 10)] == [7]
    thread.join()


def test_waiting_ends_without_them_too():
    assert Store().wait_for(lambda store: store.spans(), 0.01) == []


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("true", True), (False, False), ("no", False), (1, False)]
)
def test_what_is_an_error(value, expected):
    assert span(tags=(Tag("error", "?", value),)).is_error is expected
    assert not span().is_error


def test_the_last_value_of_a_tag_counts():
    assert span(tags=(Tag("a", "int64", 1), Tag("a", "int64", 2))).tag("a") == 2
