"""Where a span stands that inherits nothing in this process: roots, and joined traces."""

from __future__ import annotations

from . import _fork
from ._tracer_ends import TracerEnds
from .constants import DEBUG_FLAG, SAMPLED_FLAG
from .parents import (
    Origin,
    combine,
    is_server,
    own_references,
    require_numbers,
    set_start_tags,
    take_self,
    with_ids,
)
from .span_context import SpanContext, make_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .span import Span


class TracerRoots(TracerEnds):
    """The part of :class:`jaeger_like.Tracer` that places spans which inherit nothing here."""

    _ids_are_random: bool
    _one_span_per_rpc: bool
    debug_id_header: str
    max_trace_id_bits: int

    def _place(
        self, span: Span, operation_name: str | None, parent: Any, references: Any, tags: Any
    ) -> Origin:
        """Give *span* its ids, its trace and its references."""
        _fork.check()
        span.references = None
        try:
            if references is not None:
                given, span.references = take_self(own_references(references))
                if given is not None:
                    return self._join(span, operation_name or "", given, tags, as_is=True)
            context = combine(parent, span.references)
            if span.references is not None:
                span.references = with_ids(span.references)
            return self._join(span, operation_name or "", context, tags)
        except Exception as exc:
            self._start_errors.log("Span %s starts a trace of its own: %r", operation_name, exc)
            span.references = None
            span._trace = make_trace(self._new_span_id(), 0)
            span._span_id, span._parent_id = self._new_span_id(), None
            return Origin(is_new=True)

    def _join(
        self,
        span: Span,
        operation_name: str,
        context: SpanContext | None,
        tags: Any,
        as_is: bool = False,
    ) -> Origin:
        trace = None if context is None else context._trace
        if context is not None and trace is not None and trace.trace_id and context.span_id:
            sampler_tags = None
            require_numbers(context)
            if trace.flags is None:  # the sender left the decision to us
                flags, sampler_tags = self._ask_sampler(trace.trace_id, operation_name)
                trace = trace.replace(flags=flags)
            span._trace = trace if trace.debug_id is None else trace.replace(debug_id=None)
            if as_is or (self._one_span_per_rpc and is_server(tags)):
                span._span_id, span._parent_id = context.span_id, context.parent_id
            else:
                span._span_id, span._parent_id = (
                    self._new_span_id(),
                    context.span_id,
                )
            return Origin(is_new=False, tags=sampler_tags)

        trace_id = self._id_source.getrandbits(self.max_trace_id_bits)
        if not trace_id & 0xFFFF_FFFF_FFFF_FFFF:
            trace_id |= 1
        span._span_id, span._parent_id = self._new_span_id(), None
        sampler_tags = None
        if trace is not None and trace.debug_id is not None:
            flags = 0
            if self.is_debug_allowed(operation_name):
                flags = SAMPLED_FLAG | DEBUG_FLAG
                sampler_tags = {self.debug_id_header: trace.debug_id}
        elif trace is not None and trace.flags is not None:  # decided before us, ids left to us
            flags = trace.flags
        else:
            flags, sampler_tags = self._ask_sampler(trace_id, operation_name)
        span._trace = make_trace(
            trace_id,
            flags,
            None if trace is None else trace.baggage,
            random_id=self._ids_are_random,
        )
        return Origin(is_new=True, tags=sampler_tags if flags else None)

    def _set_origin_tags(self, span: Span, tags: Any) -> None:
        try:
            set_start_tags(span, tags)
        except Exception as exc:
            self._sampler_errors.log("Tags of sampler %s ignored: %r", self.sampler, exc)

    def _new_span_id(self) -> int:
        number: int = self._id_source.getrandbits(64)
        return number or 1

    def _ask_sampler(self, trace_id: int, operation_name: str) -> tuple[int, Any]:
        """Return the flags of a trace and the tags of its first span."""
        try:
            sampled, tags = self.sampler.is_sampled(trace_id, operation_name)
        except Exception as exc:
            self._sampler_errors.log("Sampler %s failed, trace not sampled: %r", self.sampler, exc)
            return 0, None
        return (SAMPLED_FLAG, tags) if sampled else (0, None)
