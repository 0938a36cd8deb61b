"""Spans to OTLP and back: by way of the real encoder, read with the generated classes."""

import opentracing
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2

from jaeger_like.encoding.otlp import Messages, export_request
from jaeger_like.encoding.packet import emit_batch, encode_process
from jaeger_like.encoding.span import encode_span
from jaeger_like.span_context import SpanContext, make_trace
from jaeger_like.transport.collector import batch_of

TRACE_ID, SPAN_ID, START = 0x0102030405060708, 0xF1F2F3F4F5F6F7F8, 1_700_000_000_123_456


def child_of(trace_id, span_id):
    return opentracing.child_of(SpanContext(trace_id, span_id, None, 1))


def follows_from(trace_id, span_id):
    return opentracing.follows_from(SpanContext(trace_id, span_id, None, 1))


def packet(*records, service="svc", tags=None):
    return emit_batch(encode_process(service, tags, 1024), records, 1, (0, 0, 0))


def record(
    trace_id=TRACE_ID,
    span_id=SPAN_ID,
    parent_id=None,
    name="op",
    references=None,
    flags=1,
    start=START,
    duration=1500,
    tags=None,
    logs=None,
):
    trace = make_trace(trace_id, flags)
    return encode_span(
        trace,
        span_id,
        parent_id,
        name,
        references,
        start * 1000,
        duration,
        tags,
        logs and [(at * 1000, fields) for at, fields in logs],
        1024,
        4096,
    )


def exported(*records, **process):
    """Return the ``ExportTraceServiceRequest`` of some records."""
    body = export_request(batch_of(packet(*records, **process)), Messages())
    return trace_service_pb2.ExportTraceServiceRequest.FromString(body)


def exported_span(**fields):
    request = exported(record(**fields))
    return request.resource_spans[0].scope_spans[0].spans[0]


def values(attributes):
    """Return attributes as a dict; none may come twice."""
    found = {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes}
    assert len(found) == len(attributes)
    return found
