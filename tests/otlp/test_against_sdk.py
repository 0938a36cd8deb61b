"""OpenTelemetry's own SDK and encoder as oracle: the same span, built there, encoded there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like import __version__

from .support import child_of, exported, record

json_format = pytest.importorskip("google.protobuf.json_format")
sdk_trace = pytest.importorskip("opentelemetry.sdk.trace")
encoder = pytest.importorskip("opentelemetry.exporter.otlp.proto.common.trace_encoder")

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

TRACE_IDS = st.integers(1, (1 << 128) - 1) | st.integers(1, (1 << 64) - 1)
SPAN_IDS = st.integers(1, (1 << 64) - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
# What has a meaning of its own is added apart. The SDK drops names that are empty.
NAMES = TEXT.filter(lambda name: name and name not in ("error", "span.kind", "event"))
VALUES = (
    TEXT
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=6)
TIMES = st.integers(0, 1 << 53)
KINDS = {
    None: SpanKind.INTERNAL,
    "internal": SpanKind.INTERNAL,
    "client": SpanKind.CLIENT,
    "server": SpanKind.SERVER,
    "producer": SpanKind.PRODUCER,
    "consumer": SpanKind.CONSUMER,
}


def theirs(trace_id, span_id):
    return SpanContext(trace_id, span_id, is_remote=False, trace_flags=TraceFlags(1))


def comparable(request):
    """As a dict, without the order of attributes and without flags: the SDK encodes others."""
    found = json_format.MessageToDict(request)
    for group in found["resourceSpans"]:
        group["resource"]["attributes"].sort(key=lambda item: item["key"])
        for scope in group["scopeSpans"]:
            for span in scope["spans"]:
                span.pop("flags", None)
                for holder in (span, *span.get("events", ()), *span.get("links", ())):
                    holder.pop("flags", None)
                    holder.get("attributes", []).sort(key=lambda item: item["key"])
                if not span.get("status"):
                    span.pop("status", None)
    return found


@given(
    trace_id=TRACE_IDS,
    span_id=SPAN_IDS,
    parent_id=st.none() | SPAN_IDS,
    name=TEXT,
    start=TIMES,
    duration=st.integers(0, 1 << 40),
    kind=st.sampled_from(list(KINDS)),
    error=st.none() | TEXT,
    attributes=ATTRIBUTES,
    logs=st.lists(st.tuples(TIMES, NAMES, ATTRIBUTES), max_size=4),
    links=st.lists(st.tuples(TRACE_IDS, SPAN_IDS), max_size=3),
    process=st.dictionaries(NAMES.map(lambda name: f"p.{name}"), VALUES, max_size=3),
)
def test_the_same_span_is_the_same_message(
    trace_id,
    span_id,
    parent_id,
    name,
    start,
    duration,
    kind,
    error,
    attributes,
    logs,
    links,
    process,
):
    links = [link for link in links if link != (trace_id, parent_id)]
    entries = [(time, {**fields, "event": event}) for time, event, fields in logs]
    events = [sdk_trace.Event(event, fields, timestamp=time * 1000) for time, event, fields in logs]
    tags = dict(attributes)
    if kind is not None:
        tags["span.kind"] = kind
    status = Status(StatusCode.UNSET)
    if error is not None:
        tags["error"] = True
        entries.append((start, {"event": "error", "message": error}))
        events.append(sdk_trace.Event("error", {"message": error}, timestamp=start * 1000))
        status = Status(StatusCode.ERROR, error)
    ours = exported(
        record(
            trace_id=trace_id,
            span_id=span_id,
            parent_id=parent_id,
            name=name,
            references=[child_of(*link) for link in links],
            start=start,
            duration=duration,
            tags=tags,
            logs=entries,
        ),
        tags=process,
    )
    expected = sdk_trace.ReadableSpan(
        name=name,
        context=theirs(trace_id, span_id),
        parent=theirs(trace_id, parent_id) if parent_id else None,
        resource=Resource(
            {
                "service.name": "svc",
                "telemetry.sdk.name": "jaeger_like",
                "telemetry.sdk.language": "python",
                "telemetry.sdk.version": __version__,
                **process,
            }
        ),
        attributes=attributes,
        events=events,
        links=[Link(theirs(*link), {"opentracing.ref_type": "child_of"}) for link in links],
        kind=KINDS[kind],
        status=status,
        start_time=start * 1000,
        end_time=(start + duration) * 1000,
        instrumentation_scope=InstrumentationScope("jaeger_like", __version__),
    )
    assert comparable(ours) == comparable(encoder.encode_spans([expected]))
