"""Active spans that are not sampled: made when somebody asks, and nobody can tell."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentracing import Format

from jaeger_like import ConstSampler, SpanContext, Tracer
from jaeger_like.metrics import MetricsFactory
from jaeger_like.reporter import InMemoryReporter
from jaeger_like.scope_manager import QuietScope


class Counting(MetricsFactory):
    """Counts, so that every span has to be made at once."""

    def create_counter(self, name, tags=None):
        return lambda number: None


@pytest.fixture
def tracer():
    return Tracer("svc", InMemoryReporter(), ConstSampler(False))


@pytest.fixture
def root(tracer):
    with tracer.start_active_span("root") as scope:
        yield scope.span


def test_a_child_is_made_when_it_is_asked_for_and_only_once(tracer, root):
    with tracer.start_active_span("child", tags={"a": 1}) as scope:
        assert isinstance(scope, QuietScope)
        assert scope._span is None
        span = scope.span
        assert scope.span is span
        assert tracer.active_span is span
        assert tracer.scope_manager.active is scope
        assert not span.finished
    assert span.finished
    assert (span.operation_name, span.tags) == ("child", [])
    assert (span.trace_id, span.parent_id) == (root.trace_id, root.span_id)
    assert span.span_id not in (0, root.span_id)


def test_the_ids_of_a_chain_are_those_of_its_members(tracer, root):
    with tracer.start_active_span("1"), tracer.start_active_span("2") as inner:
        leaf = tracer.start_span("3")
        assert leaf.parent_id == inner.span.span_id
        assert inner.span.parent_id == inner._previous.span.span_id
        assert inner._previous.span.parent_id == root.span_id
    assert tracer.active_span is root


def test_a_chain_may_be_longer_than_the_stack(tracer, root):
    scopes = [tracer.start_active_span(str(number)) for number in range(5_000)]
    assert scopes[-1].span.parent_id == scopes[-2].span.span_id
    assert scopes[0].span.parent_id == root.span_id
    for scope in reversed(scopes):
        scope.close()
    assert scopes[0].span.finished


def test_a_class_of_the_program_sees_every_start():
    class Named(Tracer):
        def start_span(self, operation_name=None, *args, **kwargs):
            return super().start_span(f"own {operation_name}", *args, **kwargs)

    tracer = Named("svc", InMemoryReporter(), ConstSampler(False))
    with tracer.start_active_span("root"), tracer.start_active_span("child") as scope:
        assert scope.span.operation_name == "own child"


def test_its_start_is_that_of_the_scope(tracer, root):
    before = time.time()
    with tracer.start_active_span("child") as scope:
        after = time.time()
        while time.time() <= after:
            pass
        assert before - 1e-6 <= scope.span.start_time <= after


def test_a_span_asked_for_after_the_end_has_ended(tracer, root):
    with tracer.start_active_span("child") as scope:
        pass
    with tracer.start_active_span("child", finish_on_close=False) as open_scope:
        pass
    assert scope.span.finished
    assert not open_scope.span.finished


def test_a_priority_set_late_samples_from_there_on(tracer, root):
    with tracer.start_active_span("before"):
        pass
    with tracer.start_active_span("forced") as scope:
        with tracer.start_active_span("earlier child"):
            scope.span.set_tag("sampling.priority", 1)
        with tracer.start_active_span("child"):
            pass
    child, forced = tracer.reporter.get_spans()
    assert (child.operation_name, forced.operation_name) == ("child", "forced")
    assert child.parent_id == forced.span_id
    assert forced.parent_id == root.span_id


def test_a_priority_among_the_tags_samples_at_once(tracer, root):
    with tracer.start_active_span("forced", tags={"sampling.priority": 1}):
        pass
    assert len(tracer.reporter.get_spans()) == 1


def test_an_exception_goes_through(tracer, root):
    with pytest.raises(KeyError), tracer.start_active_span("child"):
        raise KeyError
    assert tracer.active_span is root


def test_its_context_can_be_sent(tracer, root):
    with tracer.start_active_span("child"), tracer.start_active_span("grandchild"):
        headers = {}
        tracer.inject(tracer.active_span, Format.HTTP_HEADERS, headers)
        context = tracer.extract(Format.HTTP_HEADERS, headers)
        assert context.span_id == tracer.active_span.span_id
        assert (context.trace_id, context.flags) == (root.trace_id, 0)


def test_baggage_is_that_of_the_moment_of_the_start(tracer, root):
    with tracer.start_active_span("child") as scope:
        root.set_baggage_item("late", "1")
        assert scope.span.get_baggage_item("late") is None
    with tracer.start_active_span("child") as scope:
        assert scope.span.get_baggage_item("late") == "1"


def test_a_remote_parent_that_is_not_sampled(tracer):
    remote = SpanContext(5, 6, 0, 0)
    server = tracer.start_active_span("server", child_of=remote)
    with server, tracer.start_active_span("child") as scope:
        assert isinstance(scope, QuietScope)
        assert (scope.span.trace_id, scope.span.parent_id) == (5, server.span.span_id)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["open", "close", "ask", "force", "baggage", "start", "drop", "rename"]),
        st.booleans(),
    ),
    max_size=25,
)


def run(tracer, steps):
    """Do *steps*; return what can be seen of them, ids as places of their first appearance."""
    seen, names, scopes, ids = [], iter(range(100)), [], {}

    def place(number):
        return None if number is None else ids.setdefault(number, len(ids))

    def note(span):
        if span is None:
            seen.append(None)
            return
        seen.append(
            (
                span.operation_name,
                place(span.trace_id),
                place(span.span_id),
                place(span.parent_id),
                span.flags,
                span.finished,
                span.context.baggage,
            )
        )

    first = tracer.start_active_span("root")
    note(first.span)
    for step, flag in steps:
        active = tracer.active_span if step not in ("open", "close") else None
        if step == "open":
            scopes.append(tracer.start_active_span(str(next(names)), finish_on_close=flag))
        elif step == "close" and scopes:
            scopes.pop(-1 if flag else 0).close()
        elif step == "ask":
            note(active)
        elif step == "force":
            active.set_tag("sampling.priority", int(flag))
        elif step == "baggage":
            active.set_baggage_item("key", str(next(names)))
        elif step == "start":
            note(tracer.start_span(str(next(names))))
        elif step == "rename":
            active.set_operation_name("renamed")
    for scope in [*reversed(scopes), first]:
        scope.close()
        note(scope.span)
    for span in tracer.reporter.get_spans():
        note(span)
    return seen


@given(STEPS)
def test_nobody_can_tell_that_a_span_was_made_late(steps):
    late = Tracer("svc", InMemoryReporter(), ConstSampler(False))
    at_once = Tracer("svc", InMemoryReporter(), ConstSampler(False), metrics_factory=Counting())
    assert run(late, steps) == run(at_once, steps)
