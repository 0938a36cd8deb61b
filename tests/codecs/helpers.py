"""What the tests of the codecs share."""

from __future__ import annotations

from hypothesis import strategies as st

from jaeger_like.span_context import SpanContext

WIDE = 0x12 << 64 | 0x34

trace_ids = st.integers(min_value=1, max_value=2**128 - 1)
span_ids = st.integers(min_value=1, max_value=2**64 - 1)
parent_ids = st.none() | span_ids
flags = st.integers(min_value=0, max_value=255)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def context(trace_id=256, span_id=127, parent_id=None, flags=1, baggage=None, debug_id=None):
    return SpanContext(trace_id, span_id, parent_id, flags, baggage, debug_id)


def ids(context):
    """Everything a format may carry, but baggage."""
    return context.trace_id, context.span_id, context.parent_id, context.flags


def injected(codec, context, carrier=None):
    carrier = {} if carrier is None else carrier
    codec.inject(context, carrier)
    return carrier
