"""What arrived, as Thrift decoded it, in the form in which clients are compared.

Ids become the names of the spans that they are of, since each client makes its own. References are
as backends read them: a parent that stands in ``parentSpanId`` only is the first of them.
"""

from __future__ import annotations

from typing import Any

from jaeger_like.thrift_gen.jaeger import ttypes

from .run import trace_id_of, unsigned

TYPES = ttypes.TagType._VALUES_TO_NAMES
RELATIONS = ttypes.SpanRefType._VALUES_TO_NAMES
#: Tags of the process whose values differ from machine to machine.
OF_THE_MACHINE = ("jaeger.version", "hostname", "ip", "client-uuid")


def value_of(tag: Any) -> tuple[str, Any]:
    """Return a tag's type and the value in the field that belongs to it."""
    name = TYPES[tag.vType]
    value = getattr(tag, {"STRING": "vStr", "BINARY": "vBinary"}.get(name, f"v{name.title()}"))
    return name, value.hex() if isinstance(value, bytes) else value


def _put(model: dict[str, Any], path: str, tags: list[Any] | None) -> None:
    """Add *tags* below *path*; one that comes twice becomes a list, which equals nothing else."""
    for tag in tags or ():
        key, value = f"{path} / {tag.key}", value_of(tag)
        model[key] = [model[key], value] if key in model else value


def model_of(batches: list[Any]) -> dict[str, Any]:
    """Return one client's *batches* as a value for each path."""
    model: dict[str, Any] = {}
    process = batches[0].process
    model["process / service name"] = process.serviceName
    _put(model, "process / tags", process.tags)
    for name in OF_THE_MACHINE:
        path = f"process / tags / {name}"
        if path in model and isinstance(model[path], tuple):
            model[path] = (model[path][0], "...")
    numbers = [batch.seqNo for batch in batches]
    if any(number is not None for number in numbers):
        # Two tracers, of ids of 64 and of 128 bits, each counting for itself.
        counts = min(numbers) == 1 and all(number >= 1 for number in numbers)
        model["batch / seqNo"] = "counts from 1" if counts else numbers
    stats = batches[-1].stats
    if stats is not None:
        model["batch / stats"] = (
            stats.fullQueueDroppedSpans,
            stats.tooLargeDroppedSpans,
            stats.failedToEmitSpans,
        )
    spans = [span for batch in batches for span in batch.spans]
    names = {(trace_id_of(span), unsigned(span.spanId)): span.operationName for span in spans}
    roots = {
        trace_id_of(span): span.operationName
        for span in spans
        if not span.parentSpanId and not span.references
    }
    for span in spans:
        if f"{span.operationName} / flags" in model:
            model[f"{span.operationName} / times reported"] = "several"
        model.update(_span_model(span, names, roots))
    return model


def _span_model(
    span: Any, names: dict[tuple[int, int], str], roots: dict[int, str]
) -> dict[str, Any]:
    path, trace_id = span.operationName, trace_id_of(span)
    references = [
        (
            RELATIONS[entry.refType],
            names.get((trace_id_of(entry), unsigned(entry.spanId)), "an unknown span"),
        )
        for entry in span.references or ()
    ]
    if span.parentSpanId:
        parent = ("CHILD_OF", names.get((trace_id, unsigned(span.parentSpanId)), "an unknown span"))
        parent_as_any = {(relation, parent[1]) for relation in RELATIONS.values()}
        if not parent_as_any & set(references):
            references.insert(0, parent)
    model = {
        f"{path} / trace": f"of {roots.get(trace_id, 'nobody')}",
        f"{path} / width of trace id": 128 if trace_id >> 64 else 64,
        f"{path} / flags": span.flags,
        f"{path} / start": span.startTime,
        f"{path} / duration": span.duration,
        f"{path} / references": references,
        f"{path} / logs": len(span.logs or ()),
    }
    _put(model, f"{path} / tags", span.tags)
    for number, entry in enumerate(span.logs or ()):
        model[f"{path} / log {number} / timestamp"] = entry.timestamp
        _put(model, f"{path} / log {number}", entry.fields)
    return model
