"""A span may take over ids that were given elsewhere."""

from __future__ import annotations

import pytest
from opentracing import Reference, ReferenceType, follows_from

from jaeger_like import SpanContext, self_ref

from ..core.support import RecordingSampler, new_tracer, tag_values

OTHER = SpanContext(7, 8, None, 1)


@pytest.mark.parametrize("flags", [0, 1, 3])
def test_a_span_takes_over_everything(flags):
    sampler = RecordingSampler()
    tracer = new_tracer(sampler)
    given = SpanContext(1 << 100, 2, 3, flags, {"k": "v"})
    span = tracer.start_span("op", references=self_ref(given), start_time=5.0)
    span.finish(6.0)
    assert (span.trace_id, span.span_id, span.parent_id, span.flags) == (1 << 100, 2, 3, flags)
    assert span.get_baggage_item("k") == "v"
    assert span.references is None
    assert sampler.asked == []
    assert len(tracer.reporter.get_spans()) == (flags & 1)


def test_an_open_decision_is_the_samplers():
    sampler = RecordingSampler(tags={"sampler.type": "mine"})
    span = new_tracer(sampler).start_span("op", references=self_ref(SpanContext(1, 2, 3, None)))
    assert (span.span_id, span.flags, tag_values(span)) == (2, 1, {"sampler.type": "mine"})
    assert sampler.asked == [(1, "op")]


def test_it_beats_a_parent_and_keeps_the_other_references():
    tracer = new_tracer()
    given = SpanContext(1, 2, 3, 1)
    with tracer.start_active_span("active") as scope:
        span = tracer.start_span(
            "op", child_of=scope.span, references=[follows_from(OTHER), self_ref(given)]
        )
    assert (span.trace_id, span.span_id, span.parent_id) == (1, 2, 3)
    assert span.references == [Reference(ReferenceType.FOLLOWS_FROM, OTHER)]


@pytest.mark.parametrize("given", [SpanContext(None, None, None, None), SpanContext(1, 0, None, 1)])
def test_one_without_ids_is_left_out(given):
    span = new_tracer().start_span("op", child_of=OTHER, references=[self_ref(given)])
    assert (span.trace_id, span.parent_id, span.references) == (7, 8, None)


def test_a_span_may_be_given_in_place_of_a_context():
    tracer = new_tracer()
    first = tracer.start_span("first")
    again = tracer.start_span("again", references=self_ref(first))
    assert (again.trace_id, again.span_id) == (first.trace_id, first.span_id)
