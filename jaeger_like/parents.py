"""Where a new span stands: which of the contexts it was given is its parent.

The active span or ``child_of`` comes first, then the references. A context without ids, one that
carries only a debug id, baggage or a sampling decision, is no parent, but what it carries is kept.
"""

from __future__ import annotations

import opentracing
from opentracing import Reference
from opentracing.ext import tags as ext_tags

from ._log import log
from .span import Span
from .span_context import SpanContext, make_context, make_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: Type of the reference that :func:`self_ref` makes; never sent.
SELF_REFERENCE = "self"


class Origin:
    """What only the first span of a trace in this process has.

    :ivar is_new: whether the trace began here
    :ivar tags: of the sampler or of the forced trace; None when there are none
    """

    __slots__ = ("is_new", "tags")

    def __init__(self, is_new: bool, tags: Mapping[str, Any] | None = None) -> None:
        self.is_new = is_new
        self.tags = tags


def own_context(parent: Any) -> SpanContext | None:
    """Return the context of one of our spans or contexts, None for anything else."""
    if type(parent) is SpanContext:
        return parent
    try:
        if isinstance(parent, opentracing.Span):
            parent = parent.context
        if isinstance(parent, SpanContext):
            return parent
        if parent:
            log.debug("Parent of a foreign tracer ignored: %s", type(parent))
    except Exception:  # a proxy of nothing
        log.debug("Parent of a foreign tracer ignored: %s", type(parent))
    return None


def own_references(references: Any) -> list[Reference]:
    """Return the references to contexts of ours.

    :param references: one ``Reference`` or any iterable of them; spans and contexts themselves are
        taken for parents, as they are when given as ``child_of``
    """
    found: list[Reference] = []
    try:
        if isinstance(references, (Reference, opentracing.Span, opentracing.SpanContext)):
            references = (references,)
        for reference in references:
            kind = getattr(reference, "type", opentracing.ReferenceType.CHILD_OF)
            context = own_context(getattr(reference, "referenced_context", reference))
            if context is not None:
                found.append(Reference(kind, context))
    except Exception as exc:
        log.debug("References %s ignored: %r", type(references), exc)
    return found


def self_ref(context: SpanContext) -> Reference:
    """Return a reference that makes a new span *be* the one of *context*, not its child.

    The span takes over trace id, span id, parent id, flags and baggage as they are; the sampler is
    asked only if *context* leaves the decision open. For emitting spans that were recorded
    elsewhere: ``tracer.start_span("op", references=self_ref(context), start_time=...)``. It beats
    ``child_of`` and the active span, and is itself no reference of the span.

    :param context: has a trace id and a span id; otherwise it is left out
    """
    return Reference(SELF_REFERENCE, context)


def take_self(references: list[Reference]) -> tuple[SpanContext | None, list[Reference] | None]:
    """Return the context that a span is to take over, or None, and the other references."""
    others = [reference for reference in references if reference.type != SELF_REFERENCE]
    if len(others) == len(references):
        return None, references or None
    given = (r.referenced_context for r in references if r.type == SELF_REFERENCE)
    return next(filter(_has_ids, given), None), others or None


def with_ids(references: list[Reference]) -> list[Reference] | None:
    """Return those that refer to a span; to a debug id or baggage alone nothing can refer."""
    return [r for r in references if _has_ids(r.referenced_context)] or None


def combine(parent: Any, references: list[Reference] | None) -> SpanContext | None:
    """Return the context that a new span continues; it may have no ids, or be None.

    The first of *parent* and *references* with ids is the parent. A debug id and baggage of the
    ones without ids are added to it.
    """
    context = own_context(parent)
    if not references or (context is not None and _has_ids(context)):
        return context
    candidates = [] if context is None else [context]
    candidates += [reference.referenced_context for reference in references]
    found = next((c for c in candidates if _has_ids(c)), None)
    carriers = [c._trace for c in candidates if not _has_ids(c)]
    if not carriers:
        return found
    baggage: dict[str, str] = {}
    for trace in carriers:
        baggage.update(trace.baggage or {})
    if found is None:
        debug_id = next((t.debug_id for t in carriers if t.debug_id is not None), None)
        flags = next((t.flags for t in carriers if t.flags is not None), None)
        return make_context(make_trace(None, flags, baggage or None, debug_id), None, None)
    if not baggage:
        return found
    baggage.update(found.baggage)
    return make_context(found._trace.replace(baggage=baggage), found.span_id, found.parent_id)


def _has_ids(context: SpanContext) -> bool:
    return bool(context._trace.trace_id and context.span_id)


def require_numbers(context: SpanContext) -> None:
    """Refuse a context whose ids a program has set to something else.

    :raises TypeError: they are no integers
    """
    trace = context._trace
    for number in (trace.trace_id, context.span_id, context.parent_id, trace.flags):
        if not (number is None or isinstance(number, int)):
            raise TypeError(f"expected integers for ids and flags, got {number!r}")


def set_start_tags(span: Span, tags: Mapping[str, Any]) -> None:
    """Set tags one by one, ``sampling.priority`` first, for it decides whether others are kept."""
    if ext_tags.SAMPLING_PRIORITY in tags:
        span.set_tag(ext_tags.SAMPLING_PRIORITY, tags[ext_tags.SAMPLING_PRIORITY])
    for key, value in tags.items():
        if key != ext_tags.SAMPLING_PRIORITY:
            span.set_tag(key, value)


def is_server(tags: Any) -> bool:
    """Whether start tags are those of the answering end of a remote call."""
    try:
        return bool(tags) and tags.get(ext_tags.SPAN_KIND) == ext_tags.SPAN_KIND_RPC_SERVER
    except Exception:
        return False
