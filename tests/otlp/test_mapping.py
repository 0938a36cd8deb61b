"""What becomes of a Jaeger span in OTLP, field by field."""

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2

from jaeger_like import __version__
from jaeger_like.encoding.otlp import Messages, export_request
from jaeger_like.thrift_gen.jaeger import ttypes

from .support import (
    START,
    TRACE_ID,
    child_of,
    exported,
    exported_span,
    follows_from,
    record,
    values,
)

Span, Status = trace_pb2.Span, trace_pb2.Status
PARENT = 0x1122


# -- identity and time ---------------------------------------------------------------------------


def test_a_trace_id_of_64_bits_is_padded_on_the_left():
    assert exported_span().trace_id.hex() == "00000000000000000102030405060708"


def test_a_trace_id_of_128_bits_goes_as_it_is():
    assert exported_span(trace_id=(0xAB << 64) | 1).trace_id.hex() == (
        "00000000000000ab0000000000000001"
    )


def test_the_widest_ids():
    span = exported_span(trace_id=(1 << 128) - 1, span_id=(1 << 64) - 1, parent_id=1 << 63)
    assert span.trace_id == b"\xff" * 16
    assert span.span_id == b"\xff" * 8
    assert span.parent_span_id.hex() == "8000000000000000"


def test_a_root_has_no_parent_id():
    assert exported_span().parent_span_id == b""


def test_name_and_times_in_nanoseconds():
    span = exported_span(name="né", start=START, duration=1500)
    assert span.name == "né"
    assert span.start_time_unix_nano == START * 1000
    assert span.end_time_unix_nano == (START + 1500) * 1000


@pytest.mark.parametrize(
    ("start", "duration", "begin", "end"),
    [
        (5, -3, 5000, 5000),
        (-5, 10, 0, 5000),
        ((1 << 63) - 1, 0, (1 << 64) - 1, (1 << 64) - 1),
    ],
)
def test_times_that_otlp_cannot_express_are_moved_to_its_limits(start, duration, begin, end):
    span = exported_span(start=start, duration=duration)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (begin, end)


@pytest.mark.parametrize(("flags", "expected"), [(0, 0), (1, 1), (3, 1), (2, 0), (9, 1)])
def test_of_the_flags_only_sampled_is_the_same_in_both(flags, expected):
    assert exported_span(flags=flags).flags == expected


# -- tags ----------------------------------------------------------------------------------------


def test_tags_keep_their_types():
    tags = {"s": "text", "e": "", "b": True, "f": False, "i": -(1 << 63), "d": 1.5, "z": 0}
    assert values(exported_span(tags=tags).attributes) == tags
    kinds = {i.key: i.value.WhichOneof("value") for i in exported_span(tags=tags).attributes}
    assert kinds == {
        "s": "string_value",
        "e": "string_value",
        "b": "bool_value",
        "f": "bool_value",
        "i": "int_value",
        "d": "double_value",
        "z": "int_value",
    }


def test_tags_of_the_sampler_stay():
    tags = {"sampler.type": "probabilistic", "sampler.param": 0.5}
    assert values(exported_span(tags=tags).attributes) == tags


def test_of_two_tags_that_read_the_same_the_last_counts():
    assert values(exported_span(tags={"1": "a", 1: "b"}).attributes) == {"1": "b"}


def batch_of_tags(*tags):
    span = ttypes.Span(1, 0, 1, 0, "o", None, 1, 0, 0, list(tags), None)
    return ttypes.Batch(ttypes.Process("s", None), [span])


def test_binary_tags_are_bytes_and_tags_without_their_value_have_none():
    batch = batch_of_tags(
        ttypes.Tag("x", ttypes.TagType.BINARY, vBinary=b"\0\xff"),
        ttypes.Tag("n", ttypes.TagType.STRING),
    )
    request = Messages().service.ExportTraceServiceRequest.FromString(
        export_request(batch, Messages())
    )
    binary, none = request.resource_spans[0].scope_spans[0].spans[0].attributes
    assert binary.value.bytes_value == b"\0\xff"
    assert none.value.WhichOneof("value") is None


# -- kind and status -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "kind"),
    [
        ("client", Span.SPAN_KIND_CLIENT),
        ("server", Span.SPAN_KIND_SERVER),
        ("producer", Span.SPAN_KIND_PRODUCER),
        ("consumer", Span.SPAN_KIND_CONSUMER),
        ("internal", Span.SPAN_KIND_INTERNAL),
        ("SERVER", Span.SPAN_KIND_SERVER),
    ],
)
def test_the_kind_is_no_attribute(tag, kind):
    span = exported_span(tags={"span.kind": tag, "a": 1})
    assert span.kind == kind
    assert values(span.attributes) == {"a": 1}


@pytest.mark.parametrize("tag", ["rpc", 5, True, "unspecified"])
def test_an_unknown_kind_stays_an_attribute(tag):
    span = exported_span(tags={"span.kind": tag})
    assert span.kind == Span.SPAN_KIND_INTERNAL
    assert values(span.attributes) == {"span.kind": tag}


def test_no_kind_is_internal():
    assert exported_span().kind == Span.SPAN_KIND_INTERNAL


def error_log(**fields):
    return (START, {"event": "error", **fields})


@pytest.mark.parametrize("tag", [True, "true", "True"])
@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ([], ""),
        ([error_log(message="broken")], "broken"),
        ([error_log(**{"error.object": "no item"})], "no item"),
        ([error_log(**{"error.kind": "KeyError", "message": ""})], "KeyError"),
        ([error_log(message="first"), error_log(message="last")], "last"),
        ([error_log(message="m"), error_log(stack="s")], "m"),
        ([(START, {"event": "other", "message": "m"})], ""),
    ],
)
def test_an_error_is_a_status_with_the_message_of_its_log(tag, logs, message):
    span = exported_span(tags={"error": tag}, logs=logs)
    assert span.status.code == Status.STATUS_CODE_ERROR
    assert span.status.message == message
    assert not span.attributes
    assert len(span.events) == len(logs)


@pytest.mark.parametrize("tag", [False, "false", "timeout", 1, 0, ""])
def test_an_error_tag_that_does_not_say_true_is_an_attribute(tag):
    span = exported_span(tags={"error": tag}, logs=[error_log(message="m")])
    assert not span.HasField("status")
    assert values(span.attributes) == {"error": tag}


# -- logs ----------------------------------------------------------------------------------------


def test_logs_are_events_named_by_their_field_event():
    logs = [
        (START, {"event": "cache", "hit": True, "n": 3}),
        (START + 1, {"message": "m"}),
        (START + 2, {"event": ""}),
        (START + 3, {"event": 7}),
        (START + 4, {}),
    ]
    events = exported_span(logs=logs).events
    assert [event.name for event in events] == ["cache", "log", "log", "7", "log"]
    assert [event.time_unix_nano for event in events] == [(START + i) * 1000 for i in range(5)]
    assert [values(event.attributes) for event in events] == [
        {"hit": True, "n": 3},
        {"message": "m"},
        {},
        {},
        {},
    ]


# -- references ----------------------------------------------------------------------------------


def links_of(span):
    return [
        (int.from_bytes(x.trace_id, "big"), int.from_bytes(x.span_id, "big"), values(x.attributes))
        for x in span.links
    ]


def kind(name):
    return {"opentracing.ref_type": name}


@pytest.mark.parametrize(
    ("parent_id", "references", "links"),
    [
        (PARENT, None, []),
        (PARENT, [child_of(TRACE_ID, PARENT)], []),
        # Jaeger makes the kind of a span's first reference of such a link.
        (
            PARENT,
            [follows_from(TRACE_ID, PARENT)],
            [(TRACE_ID, PARENT, kind("follows_from"))],
        ),
        (
            PARENT,
            [child_of(TRACE_ID, PARENT), follows_from(TRACE_ID, 9), child_of(TRACE_ID, 10)],
            [(TRACE_ID, 9, kind("follows_from")), (TRACE_ID, 10, kind("child_of"))],
        ),
        # The parent's span id in another trace, also one that differs in its high half only.
        (PARENT, [child_of(5, PARENT)], [(5, PARENT, kind("child_of"))]),
        (
            PARENT,
            [child_of(TRACE_ID | 1 << 64, PARENT)],
            [(TRACE_ID | 1 << 64, PARENT, kind("child_of"))],
        ),
        # What has no ids is nothing to link to.
        (PARENT, [child_of(None, None), child_of(None, 3), child_of(3, None)], []),
        (None, [child_of(1 << 64, 9)], [(1 << 64, 9, kind("child_of"))]),
        (None, [follows_from(TRACE_ID, 9)], [(TRACE_ID, 9, kind("follows_from"))]),
    ],
)
def test_references_but_the_one_to_be_a_child_of_are_links(parent_id, references, links):
    span = exported_span(parent_id=parent_id, references=references)
    assert links_of(span) == links
    assert int.from_bytes(span.parent_span_id, "big") == (parent_id or 0)
    assert not span.attributes


# -- process -------------------------------------------------------------------------------------


def resource(**tags):
    (spans,) = exported(record(), service="shop", tags=tags).resource_spans
    return values(spans.resource.attributes)


SDK = {
    "service.name": "shop",
    "telemetry.sdk.name": "jaeger_like",
    "telemetry.sdk.language": "python",
    "telemetry.sdk.version": __version__,
}


@pytest.mark.parametrize(
    ("tags", "attributes"),
    [
        ({}, {}),
        ({"hostname": "h"}, {"host.name": "h"}),
        ({"client-uuid": "u"}, {"service.instance.id": "u"}),
        ({"jaeger.version": "Python-1"}, {"jaeger.version": "Python-1"}),
        ({"ip": "10.0.0.1", "zone": 3}, {"ip": "10.0.0.1", "zone": 3}),
        ({"hostname": "h", "host.name": "own"}, {"hostname": "h", "host.name": "own"}),
        ({"service.name": "other"}, {}),
        ({"telemetry.sdk.name": "own"}, {"telemetry.sdk.name": "own"}),
    ],
)
def test_the_process_is_the_resource(tags, attributes):
    assert resource(**tags) == {**SDK, **attributes}


def test_all_spans_of_a_batch_are_in_one_scope():
    (spans,) = exported(record(span_id=1), record(span_id=2)).resource_spans
    (scope,) = spans.scope_spans
    assert (scope.scope.name, scope.scope.version) == ("jaeger_like", __version__)
    assert [span.span_id[-1] for span in scope.spans] == [1, 2]


def test_a_batch_without_spans_or_tags():
    request = exported()
    assert not request.resource_spans[0].scope_spans[0].spans
