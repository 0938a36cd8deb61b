"""Identity of a span, and what it hands on to its children and across process borders."""

from __future__ import annotations

import opentracing

from .constants import SAMPLED_FLAG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_new = object.__new__


class TraceData:
    """What every span of one trace in this process has in common.

    Never changed once a second span may have seen it: a change is a new object, made by
    :meth:`replace`. Sharing it keeps the start of a child span at two references instead of six,
    and lets the encoded trace id be made once for a trace.

    :ivar trace_id: unsigned, 64 or 128 bits; None when there is no trace yet (a context that
        carries only a debug id, baggage or a sampling decision)
    :ivar flags: bits 1 sampled, 2 debug, 8 firehose; None when the sender left the decision to us
    :ivar sampled: whether the first bit of them is set; asked at every step of a span, where
        looking at the bit would be 0.013 us more
    :ivar baggage: None when there is none; never mutated
    :ivar debug_id: correlation id of a trace that is to be forced, or None
    :ivar tracestate: W3C ``tracestate`` as it is to be forwarded, or None
    :ivar random_id: W3C level 2 random flag: of a new trace, or as it was received
    :ivar wire: encoded ids and flags, and the last parent's id, kept here by the span encoder for
        the next span of the trace
    """

    __slots__ = (
        "trace_id",
        "flags",
        "sampled",
        "baggage",
        "debug_id",
        "tracestate",
        "random_id",
        "wire",
    )

    trace_id: int | None
    flags: int | None
    sampled: bool
    baggage: dict[str, str] | None
    debug_id: str | None
    tracestate: str | None
    random_id: bool
    wire: Any

    # A class without a constructor is called in three quarters of the time of object.__new__, of
    # which an extraction has two: 0.03 us.
    __init__ = object.__init__

    def replace(self, **changes: Any) -> TraceData:
        """Return a copy with the named attributes changed and nothing cached."""
        values: dict[str, Any] = {
            "trace_id": self.trace_id,
            "flags": self.flags,
            "baggage": self.baggage,
            "debug_id": self.debug_id,
            "tracestate": self.tracestate,
            "random_id": self.random_id,
        }
        values.update(changes)
        return make_trace(**values)


class SpanContext(opentracing.SpanContext):
    """The part of a span that crosses process borders.

    :param trace_id: unsigned integer of 64 or 128 bits, or None when there is no trace
    :param span_id: unsigned 64-bit integer, or None
    :param parent_id: unsigned 64-bit integer; 0 and None both mean "a root span"
    :param flags: bits 1 sampled, 2 debug; None when the decision is left to the receiver
    :param baggage: text to text; not copied
    :param debug_id: value of the ``jaeger-debug-id`` header, or None

    ``trace_id``, ``span_id``, ``parent_id`` and ``flags`` may be assigned; a change is seen by
    this context and its span only, never by spans that were started before.
    """

    __slots__ = ("_trace", "span_id", "parent_id")

    def __init__(
        self,
        trace_id: int | None,
        span_id: int | None,
        parent_id: int | None,
        flags: int | None,
        baggage: dict[str, str] | None = None,
        debug_id: str | None = None,
    ) -> None:
        self._trace = make_trace(trace_id, flags, baggage or None, debug_id)
        self.span_id = span_id
        self.parent_id = parent_id or None

    @property
    def trace_id(self) -> int | None:
        return self._trace.trace_id

    @trace_id.setter
    def trace_id(self, value: int | None) -> None:
        self._trace = self._trace.replace(trace_id=value, random_id=False)

    @property
    def flags(self) -> int | None:
        return self._trace.flags

    @flags.setter
    def flags(self, value: int | None) -> None:
        self._trace = self._trace.replace(flags=value)

    @property
    def baggage(self) -> dict[str, str]:
        """Baggage items, in a dict of the caller's own: others may have the same ones."""
        return dict(self._trace.baggage or {})

    @property
    def debug_id(self) -> str | None:
        return self._trace.debug_id

    # What codecs that programs derived from jaeger_client's assign to.

    @property
    def _baggage(self) -> dict[str, str]:
        return self.baggage

    @_baggage.setter
    def _baggage(self, value: dict[str, str] | None) -> None:
        self._trace = self._trace.replace(baggage=dict(value or {}) or None)

    @property
    def _debug_id(self) -> str | None:
        return self.debug_id

    @_debug_id.setter
    def _debug_id(self, value: str | None) -> None:
        self._trace = self._trace.replace(debug_id=value)

    @property
    def has_trace(self) -> bool:
        """Whether ids and a sampling decision are known."""
        trace = self._trace
        return bool(trace.trace_id and self.span_id and trace.flags is not None)

    @property
    def is_debug_id_container_only(self) -> bool:
        """Deprecated. Whether this context carries a debug id and no trace."""
        trace = self._trace
        return not trace.trace_id and trace.debug_id is not None

    def with_baggage_item(self, key: str, value: str | None) -> SpanContext:
        """Return a context with one baggage item set, or removed when *value* is None."""
        baggage = with_item(self._trace.baggage, key, value)
        return make_context(self._trace.replace(baggage=baggage), self.span_id, self.parent_id)

    @staticmethod
    def with_debug_id(debug_id: str) -> SpanContext:
        """Deprecated. Return a context that carries nothing but a debug id."""
        return SpanContext(None, None, None, None, None, debug_id)


def with_item(baggage: dict[str, str] | None, key: str, value: str | None) -> dict[str, str] | None:
    """Return *baggage* with one item set, or removed if *value* is None; None when it is empty."""
    items = dict(baggage) if baggage else {}
    if value is None:
        items.pop(key, None)
    else:
        items[key] = value
    return items or None


def make_context(trace: TraceData, span_id: int | None, parent_id: int | None) -> SpanContext:
    """Return a context that shares *trace*. Half the price of the constructor; *parent_id* is
    None for a root, never 0."""
    context = _new(SpanContext)
    context._trace = trace
    context.span_id = span_id
    context.parent_id = parent_id
    return context


def make_trace(
    trace_id: int | None,
    flags: int | None,
    baggage: dict[str, str] | None = None,
    debug_id: str | None = None,
    tracestate: str | None = None,
    random_id: bool = False,
) -> TraceData:
    """Return a :class:`TraceData` with these attributes."""
    trace: TraceData = TraceData()
    trace.trace_id = trace_id
    trace.flags = flags
    # A program may have assigned anything.
    trace.sampled = isinstance(flags, int) and flags & SAMPLED_FLAG == SAMPLED_FLAG
    trace.baggage = baggage
    trace.debug_id = debug_id
    trace.tracestate = tracestate
    trace.random_id = random_id
    trace.wire = None
    return trace
