"""A batch of Jaeger spans in, an OTLP ``ExportTraceServiceRequest`` out.

The mapping is that of OpenTelemetry's compatibility documents for OpenTracing and of the Jaeger
receiver of the OpenTelemetry Collector, so that a trace looks the same whichever way it came:

- span kind from the tag ``span.kind``, INTERNAL without one; status from the tag ``error``
- logs are events, named by their field ``event``
- references are links, with their kind in ``opentracing.ref_type``, except to the span it is a
  child of
- tags of the process are attributes of the resource, some under the names of OpenTelemetry
- trace ids of 64 bits are padded with zeros on the left

What OTLP has no place for is left out: the debug bit, numbers of packets, client statistics.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .._version import __version__

_SCOPE_NAME = "jaeger_like"

# Names of attributes, https://opentelemetry.io/docs/specs/semconv/registry/attributes/
_SERVICE_NAME = "service.name"
_REFERENCE_TYPE = "opentracing.ref_type"
_RENAMED = {"hostname": "host.name", "client-uuid": "service.instance.id"}
_SDK = {
    "telemetry.sdk.name": _SCOPE_NAME,
    "telemetry.sdk.language": "python",
    "telemetry.sdk.version": __version__,
}

_SPAN_KIND = "span.kind"
_KINDS = {"internal": 1, "server": 2, "client": 3, "producer": 4, "consumer": 5}
_INTERNAL = _KINDS["internal"]

_ERROR = "error"
_STATUS_ERROR = 2

_EVENT = "event"
_DEFAULT_EVENT = "log"

_CHILD_OF = "child_of"
_REFERENCE_TYPES = {0: _CHILD_OF, 1: "follows_from"}

_SAMPLED = 1  # the same bit in Jaeger's flags and in those of W3C
_U64 = (1 << 64) - 1


class Messages:
    """The generated messages of the package opentelemetry-proto, which is optional.

    :raises ImportError: it is not installed, or not with a protobuf that suits it
    """

    def __init__(self) -> None:
        try:
            self.service: Any = import_module(
                "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
            )
        except Exception as exc:  # protobuf has errors of its own for versions it refuses
            raise ImportError(f"opentelemetry-proto cannot be imported: {exc}") from exc


def export_request(batch: Any, messages: Messages) -> bytes:
    """Return an ``ExportTraceServiceRequest`` with the spans of one process.

    :param batch: a generated ``Batch``
    """
    request = messages.service.ExportTraceServiceRequest()
    resource_spans = request.resource_spans.add()
    _put(resource_spans.resource.attributes, _resource(batch.process))
    scope_spans = resource_spans.scope_spans.add()
    scope_spans.scope.name = _SCOPE_NAME
    scope_spans.scope.version = __version__
    for span in batch.spans:
        _fill(scope_spans.spans.add(), span)
    body: bytes = request.SerializeToString()
    return body


def _resource(process: Any) -> dict[str, Any]:
    found = _values(process.tags)
    attributes = {_SERVICE_NAME: process.serviceName, **_SDK}
    for name, value in found.items():
        wanted = _RENAMED.get(name, name)
        # What a program calls by OpenTelemetry's name itself is what it means.
        attributes[name if wanted in found else wanted] = value
    attributes[_SERVICE_NAME] = process.serviceName
    return attributes


def _fill(out: Any, span: Any) -> None:
    attributes = _values(span.tags)
    logs = [(log.timestamp, _values(log.fields)) for log in span.logs or ()]
    out.trace_id = _trace_id(span)
    out.span_id = _id(span.spanId)
    if span.parentSpanId:
        out.parent_span_id = _id(span.parentSpanId)
    out.flags = span.flags & _SAMPLED
    out.name = span.operationName
    out.start_time_unix_nano = _nanoseconds(span.startTime)
    out.end_time_unix_nano = _nanoseconds(span.startTime + max(0, span.duration))
    # A span without a kind is INTERNAL: UNSPECIFIED is not for senders.
    out.kind = _KINDS.get(_lower(attributes.get(_SPAN_KIND)), _INTERNAL)
    if _lower(attributes.get(_SPAN_KIND)) in _KINDS:
        del attributes[_SPAN_KIND]
    if _lower(attributes.get(_ERROR)) == "true":
        del attributes[_ERROR]
        out.status.code = _STATUS_ERROR
        out.status.message = _error_message(logs)
    for reference in span.references or ():
        kind = _REFERENCE_TYPES.get(reference.refType, _CHILD_OF)
        if not reference.spanId or not (reference.traceIdHigh or reference.traceIdLow):
            continue  # to a context of baggage alone, or the like
        is_parent = reference.spanId == span.parentSpanId and _trace_id(reference) == out.trace_id
        # That the parent is only followed from has no other place: Jaeger, and what sends to it,
        # see it from a link to the parent.
        if is_parent and kind == _CHILD_OF:
            continue
        link = out.links.add()
        link.trace_id = _trace_id(reference)
        link.span_id = _id(reference.spanId)
        _put(link.attributes, {_REFERENCE_TYPE: kind})
    for timestamp, fields in logs:
        event = out.events.add()
        event.time_unix_nano = _nanoseconds(timestamp)
        event.name = str(fields.pop(_EVENT, "")) or _DEFAULT_EVENT
        _put(event.attributes, fields)
    _put(out.attributes, attributes)


def _error_message(logs: list[tuple[int, dict[str, Any]]]) -> str:
    # The last one: it is what the span failed with, and others are what it got over.
    for _, fields in reversed(logs):
        if fields.get(_EVENT) == _ERROR:
            for name in ("message", "error.object", "error.kind"):
                if fields.get(name):
                    return str(fields[name])
    return ""


def _values(tags: Any) -> dict[str, Any]:
    """Return tags by name; names are unique in OTLP, so the last one of a name counts."""
    return {tag.key: _value(tag) for tag in tags or ()}


def _value(tag: Any) -> Any:
    # The kinds of Thrift's TagType, in the order of their numbers.
    return (tag.vStr, tag.vDouble, tag.vBool, tag.vLong, tag.vBinary)[tag.vType]


def _put(attributes: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        item = attributes.add()
        item.key = name
        kind = type(value)
        if kind is str:
            item.value.string_value = value
        elif kind is bool:
            item.value.bool_value = value
        elif kind is int:
            item.value.int_value = value
        elif kind is float:
            item.value.double_value = value
        elif kind is bytes:
            item.value.bytes_value = value


def _lower(value: Any) -> str:
    return str(value).lower()


def _trace_id(struct: Any) -> bytes:
    return _id(struct.traceIdHigh) + _id(struct.traceIdLow)


def _id(number: int) -> bytes:
    return (number & _U64).to_bytes(8, "big")


def _nanoseconds(microseconds: int) -> int:
    return min(max(0, microseconds * 1000), _U64)
