"""A context as a value."""

from __future__ import annotations

import pytest

from jaeger_like import SpanContext


def test_attributes():
    context = SpanContext(trace_id=1, span_id=2, parent_id=3, flags=4, baggage={"k": "v"}, debug_id="d")  # fmt: skip  # noqa: E501  a line for each
    assert (context.trace_id, context.span_id, context.parent_id, context.flags) == (1, 2, 3, 4)
    assert (context.baggage, context.debug_id) == ({"k": "v"}, "d")


def test_a_parent_of_zero_is_none():
    assert SpanContext(1, 2, 0, 1).parent_id is None
    assert SpanContext(1, 2, None, 1).parent_id is None


def test_ids_and_flags_may_be_assigned():
    context = SpanContext(1, 2, 3, 0)
    for name in ("trace_id", "span_id", "parent_id", "flags"):
        setattr(context, name, 9)
        assert getattr(context, name) == 9


def test_no_baggage_is_an_empty_dict_of_ones_own():
    first, second = SpanContext(1, 2, 3, 0), SpanContext(1, 2, 3, 0)
    first.baggage["k"] = "v"
    assert (first.baggage, second.baggage) == ({}, {})


def test_with_baggage_item():
    before = SpanContext(1, 2, 3, 1, {"k": "v"})
    after = before.with_baggage_item("l", "w")
    assert (before.baggage, after.baggage) == ({"k": "v"}, {"k": "v", "l": "w"})
    assert (after.trace_id, after.span_id, after.parent_id, after.flags) == (1, 2, 3, 1)
    assert after.with_baggage_item("l", None).baggage == {"k": "v"}
    assert after.with_baggage_item("none", None).baggage == after.baggage


@pytest.mark.parametrize(
    ("ids", "has_trace"),
    [
        ((1, 2, None, 0), True),
        ((1, 2, 3, 1), True),
        ((1, 2, None, None), False),
        ((None, None, None, None), False),
        ((0, 0, None, 0), False),
        ((1, None, None, 1), False),
    ],
)
def test_has_trace(ids, has_trace):
    assert SpanContext(*ids).has_trace is has_trace
    assert SpanContext(*ids).is_debug_id_container_only is False


def test_with_debug_id():
    context = SpanContext.with_debug_id("d")
    assert (context.debug_id, context.has_trace, context.is_debug_id_container_only) == (
        "d",
        False,
        True,
    )
    assert context.trace_id is None
    assert SpanContext(1, 2, None, 1, None, "d").is_debug_id_container_only is False
