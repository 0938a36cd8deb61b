"""Which parent, ids and flags a new span gets."""

from __future__ import annotations

import opentracing
import pytest
from opentracing import Reference, child_of, follows_from
from opentracing.ext import tags as ext_tags

from jaeger_like import Span, SpanContext

from .support import RecordingSampler, Throttler, new_tracer, tag_values

REMOTE = SpanContext(trace_id=0xA, span_id=0xB, parent_id=0xC, flags=1)
OTHER = SpanContext(trace_id=0x1A, span_id=0x1B, parent_id=None, flags=1)
SERVER = {ext_tags.SPAN_KIND: ext_tags.SPAN_KIND_RPC_SERVER}


def ids(span):
    return (span.trace_id, span.parent_id)


# -- roots -----------------------------------------------------------------------------------------


def test_a_root_has_new_ids_and_no_parent():
    tracer = new_tracer()
    first, second = tracer.start_span("a"), tracer.start_span("b")
    numbers = {first.trace_id, first.span_id, second.trace_id, second.span_id}
    assert len(numbers) == 4
    assert all(0 < number < 2**64 for number in numbers)
    assert first.parent_id is None
    assert first.references is None


def test_the_sampler_decides_about_a_root_once():
    sampler = RecordingSampler(True, {"sampler.type": "x", "sampler.param": 0.5})
    root = new_tracer(sampler).start_span("op", tags={"a": 1})
    child = root.tracer.start_span("child", child_of=root)
    assert sampler.asked == [(root.trace_id, "op")]
    assert root.flags == 1
    assert list(tag_values(root)) == ["a", "sampler.type", "sampler.param"]
    assert tag_values(child) == {}


def test_a_root_that_is_not_sampled_has_no_tags():
    sampler = RecordingSampler(False, {"sampler.type": "x"})
    root = new_tracer(sampler).start_span("op", tags={"a": 1})
    assert root.flags == 0
    assert root.tags == []


@pytest.mark.parametrize(("wide", "bits"), [(False, 64), (True, 128)])
def test_width_of_trace_ids(wide, bits):
    tracer = new_tracer(generate_128bit_trace_id=wide)
    found = {tracer.start_span("op").trace_id for _ in range(200)}
    assert max(found).bit_length() > bits - 8
    assert max(found) < 2**bits
    assert tracer.max_trace_id_bits == bits


class FixedRandom:
    """A user's source of ids."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def getrandbits(self, bits):
        return self.numbers.pop(0) if self.numbers else 0


def test_ids_are_never_zero():
    tracer = new_tracer()
    tracer.random = FixedRandom()
    root = tracer.start_span("op")
    child = tracer.start_span("op", child_of=root)
    joined = tracer.start_span("op", child_of=SpanContext(1, 2, None, 1))
    assert (root.trace_id, root.span_id, child.span_id, joined.span_id) == (1, 1, 1, 1)


def test_the_lower_half_of_a_wide_id_is_never_zero():
    tracer = new_tracer(generate_128bit_trace_id=True)
    tracer.random = FixedRandom(5 << 64)
    assert tracer.start_span("op").trace_id == 5 << 64 | 1


def test_ids_come_from_the_source_that_was_assigned():
    tracer = new_tracer()
    source = tracer.random = FixedRandom(7, 8)
    assert tracer.random is source
    root = tracer.start_span("op")
    assert (root.trace_id, root.span_id) == (7, 8)


# -- parents ---------------------------------------------------------------------------------------


def test_a_child_inherits_trace_and_flags():
    tracer = new_tracer(False)
    for flags in range(256):
        parent = SpanContext(5, 6, 7, flags)
        child = tracer.start_span("op", child_of=parent)
        grandchild = tracer.start_span("op", child_of=child)
        assert (child.trace_id, child.parent_id, child.flags) == (5, 6, flags)
        assert (grandchild.trace_id, grandchild.parent_id, grandchild.flags) == (
            5,
            child.span_id,
            flags,
        )


def test_child_of_takes_spans_and_contexts():
    tracer = new_tracer()
    root = tracer.start_span("root")
    for parent in (root, root.context):
        child = tracer.start_span("child", child_of=parent)
        assert ids(child) == (root.trace_id, root.span_id)
        assert child.references is None


def test_precedence_of_parents():
    """``child_of`` beats the active span, which beats references."""
    tracer = new_tracer()
    references = [child_of(REMOTE), follows_from(OTHER)]
    with tracer.start_active_span("active") as scope:
        active = (scope.span.trace_id, scope.span.span_id)
        cases = [
            (ids(tracer.start_span("s")), active),
            (ids(tracer.start_span("s", child_of=OTHER)), (0x1A, 0x1B)),
            (ids(tracer.start_span("s", child_of=OTHER, references=references)), (0x1A, 0x1B)),
            (ids(tracer.start_span("s", references=references)), active),
            (
                ids(tracer.start_span("s", references=references, ignore_active_span=True)),
                (0xA, 0xB),
            ),
        ]
        root = tracer.start_span("s", ignore_active_span=True)
    for found, expected in cases:
        assert found == expected
    assert root.parent_id is None
    assert root.trace_id != active[0]


def test_the_first_reference_with_ids_is_the_parent_whatever_its_type():
    tracer = new_tracer()
    debug = SpanContext(None, None, None, None, debug_id="d")
    references = [child_of(debug), follows_from(OTHER), child_of(REMOTE)]
    span = tracer.start_span("s", references=references)
    assert ids(span) == (0x1A, 0x1B)
    # To a context without ids nothing can refer: it would be one to trace 0 on the wire.
    assert [r.referenced_context for r in span.references] == [OTHER, REMOTE]
    assert tracer.start_span("s", references=child_of(debug)).references is None


@pytest.mark.parametrize(
    ("references", "count"),
    [
        (None, None),
        ([], None),
        ((), None),
        (child_of(OTHER), 1),
        (OTHER, 1),
        ((child_of(OTHER), follows_from(REMOTE)), 2),
        (iter([child_of(OTHER)]), 1),
        ([OTHER, REMOTE], 2),
        ([child_of(OTHER), child_of(None), child_of("x"), None, 7], 1),
    ],
)
def test_forms_of_references(references, count):
    span = new_tracer().start_span("s", references=references)
    if count is None:
        assert span.references is None
        assert span.parent_id is None
    else:
        assert len(span.references) == count
        assert all(isinstance(r, Reference) for r in span.references)
        assert ids(span) == (0x1A, 0x1B)


def test_references_may_hold_spans():
    tracer = new_tracer()
    root = tracer.start_span("root")
    for references in (root, [root], Reference("follows_from", root)):
        span = tracer.start_span("s", references=references)
        assert ids(span) == (root.trace_id, root.span_id)
        assert span.references[0].referenced_context is root.context
    assert span.references[0].type == "follows_from"


def test_references_that_are_none_cost_neither_parent_nor_sampling():
    tracer = new_tracer()

    def broken():
        yield child_of(OTHER)
        raise RuntimeError

    for references in (42, object(), [object()], "abc"):
        span = tracer.start_span("s", child_of=REMOTE, references=references)
        assert ids(span) == (0xA, 0xB)
        assert span.references is None
        assert tracer.start_span("s", references=references).is_sampled()
    assert len(tracer.start_span("s", references=broken()).references) == 1


@pytest.mark.parametrize(
    "foreign",
    [
        opentracing.SpanContext(),
        opentracing.Tracer().start_span(),
        "a string",
        7,
        object(),
        {"trace": 1},
        False,
    ],
)
def test_a_foreign_parent_makes_a_sampled_root(foreign):
    tracer = new_tracer()
    for span in (
        tracer.start_span("s", child_of=foreign),
        tracer.start_span("s", references=[Reference("child_of", foreign)]),
    ):
        assert span.parent_id is None
        assert span.is_sampled()
        span.finish()
    assert len(tracer.reporter.get_spans()) == 2


def test_a_subclass_of_our_context_is_a_parent():
    class Mine(SpanContext):
        __slots__ = ()

    assert ids(new_tracer().start_span("s", child_of=Mine(1, 2, None, 1))) == (1, 2)


def test_a_parent_of_another_jaeger_tracer_is_a_parent():
    parent = new_tracer().start_span("s")
    assert ids(new_tracer().start_span("s", child_of=parent)) == (parent.trace_id, parent.span_id)


# -- one span per RPC ------------------------------------------------------------------------------


def test_one_span_per_rpc_makes_the_server_use_the_ids_of_the_client():
    span = new_tracer(one_span_per_rpc=True).start_span("s", child_of=REMOTE, tags=SERVER)
    assert (span.trace_id, span.span_id, span.parent_id) == (0xA, 0xB, 0xC)


def test_one_span_per_rpc_holds_within_a_process_too():
    tracer = new_tracer(one_span_per_rpc=True)
    client = tracer.start_span("client")
    server = tracer.start_span("server", child_of=client, tags=SERVER)
    assert (server.span_id, server.parent_id) == (client.span_id, None)


@pytest.mark.parametrize("tags", [None, {}, {ext_tags.SPAN_KIND: "client"}, ["server"]])
def test_one_span_per_rpc_is_for_servers_only(tags):
    span = new_tracer(one_span_per_rpc=True).start_span("s", child_of=REMOTE, tags=tags)
    assert (span.trace_id, span.parent_id) == (0xA, 0xB)


def test_one_span_per_rpc_has_no_part_in_a_new_trace():
    span = new_tracer(one_span_per_rpc=True).start_span("s", tags=SERVER)
    assert span.parent_id is None
    assert span.span_id


# -- contexts without ids --------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [None, True, False])
def test_a_debug_id_forces_the_trace_unless_the_throttler_says_no(allowed):
    throttler = None if allowed is None else Throttler(allowed)
    sampler = RecordingSampler(False)
    tracer = new_tracer(sampler, throttler=throttler, debug_id_header="X-Debug")
    span = tracer.start_span("op", child_of=SpanContext.with_debug_id("coraline"))
    assert span.parent_id is None
    assert span.flags == (0 if allowed is False else 3)
    assert tag_values(span) == ({} if allowed is False else {"X-Debug": "coraline"})
    assert sampler.asked == []
    if throttler:
        assert throttler.asked == ["op"]


def test_a_debug_id_beside_ids_is_ignored():
    span = new_tracer(False).start_span("op", child_of=SpanContext(1, 2, None, 0, None, "d"))
    assert (span.trace_id, span.flags, span.context.debug_id) == (1, 0, None)


@pytest.mark.parametrize("decision", [True, False])
def test_baggage_alone_leaves_the_decision_to_the_sampler(decision):
    sampler = RecordingSampler(decision, {"sampler.type": "x"})
    parent = SpanContext(None, None, None, None, {"k": "v"})
    span = new_tracer(sampler).start_span("op", child_of=parent)
    assert span.flags == decision
    assert span.parent_id is None
    assert span.get_baggage_item("k") == "v"
    assert sampler.asked == [(span.trace_id, "op")]


@pytest.mark.parametrize("flags", [0, 1, 3])
def test_a_decision_without_ids_is_kept(flags):
    sampler = RecordingSampler(flags == 0)
    span = new_tracer(sampler).start_span("op", child_of=SpanContext(None, None, None, flags))
    assert span.flags == flags
    assert span.trace_id
    assert span.parent_id is None
    assert sampler.asked == []


@pytest.mark.parametrize("decision", [True, False])
def test_ids_without_a_decision_leave_it_to_the_sampler(decision):
    sampler = RecordingSampler(decision, {"sampler.type": "x"})
    span = new_tracer(sampler).start_span("op", child_of=SpanContext(5, 6, 7, None, {"k": "v"}))
    assert (span.trace_id, span.parent_id, span.flags) == (5, 6, decision)
    assert tag_values(span) == ({"sampler.type": "x"} if decision else {})
    assert span.get_baggage_item("k") == "v"
    assert sampler.asked == [(5, "op")]


def test_tags_of_a_sampler_that_said_no_are_not_used_if_the_trace_is_forced():
    sampler = RecordingSampler(False, {"sampler.type": "x"})
    for parent in (None, SpanContext(5, 6, 7, None)):
        tags = {ext_tags.SAMPLING_PRIORITY: 1}
        span = new_tracer(sampler).start_span("op", child_of=parent, tags=tags)
        assert tag_values(span) == {ext_tags.SAMPLING_PRIORITY: 1}


def test_debug_id_and_baggage_survive_references():
    debug = SpanContext(None, None, None, None, {"k": "1"}, "coraline")
    for references in (debug, [child_of(debug)], [child_of(debug), follows_from(debug)]):
        span = new_tracer(False).start_span("op", references=references)
        assert span.flags == 3
        assert span.get_baggage_item("k") == "1"
    span = new_tracer(False).start_span("op", child_of=debug, references=[follows_from(OTHER)])
    assert ids(span) == (0x1A, 0x1B)
    assert span.get_baggage_item("k") == "1"


def test_baggage_of_the_parent_beats_that_of_contexts_without_ids():
    bag = SpanContext(None, None, None, None, {"k": "bag", "only": "bag"})
    parent = SpanContext(5, 6, None, 1, {"k": "parent"})
    span = new_tracer().start_span("op", references=[child_of(bag), child_of(parent)])
    assert span.context.baggage == {"k": "parent", "only": "bag"}
    assert parent.baggage == {"k": "parent"}
    assert bag.baggage == {"k": "bag", "only": "bag"}


def test_a_decision_and_baggage_of_several_contexts_are_put_together():
    span = new_tracer(False).start_span(
        "op",
        child_of=SpanContext(None, None, None, None, {"a": "1"}),
        references=[child_of(SpanContext(None, None, None, 1))],
    )
    assert span.flags == 1
    assert span.context.baggage == {"a": "1"}


# -- other arguments -------------------------------------------------------------------------------


def test_all_arguments_are_positional_too():
    tracer = new_tracer()
    span = tracer.start_span("op", REMOTE, child_of(OTHER), {"k": 1}, 5.0, True)
    assert (span.operation_name, ids(span), tag_values(span), span.start_time) == (
        "op",
        (0xA, 0xB),
        {"k": 1},
        5.0,
    )
    with tracer.start_active_span("op", REMOTE, None, {"k": 1}, 5.0, True, False) as scope:
        assert ids(scope.span) == (0xA, 0xB)
    assert not scope.span.finished


def test_no_operation_name_is_the_empty_one():
    assert new_tracer().start_span().operation_name == ""


def test_start_tags_are_copied():
    sampler = RecordingSampler(True, {"sampler.type": "x"})
    tags = {"a": 1}
    span = new_tracer(sampler).start_span("op", tags=tags)
    span.set_tag("b", 2)
    assert tags == {"a": 1}
    assert sampler.tags == {"sampler.type": "x"}
    tags["c"] = 3
    assert tag_values(span) == {"a": 1, "sampler.type": "x", "b": 2}


def test_spans_are_ours():
    tracer = new_tracer()
    span = tracer.start_span("op")
    assert isinstance(span, Span)
    assert span.tracer is tracer
    assert isinstance(span.context, SpanContext)
    assert span.context is span.context
