"""Programs' own reporters, tracers and spans, written for jaeger_client."""

from unittest import mock

import opentracing
import pytest
from opentracing.scope_managers import ThreadLocalScopeManager

from jaeger_like import ConstSampler, Span, SpanContext, Tracer
from jaeger_like.codecs import TextCodec
from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.reporter import BaseReporter, CompositeReporter, InMemoryReporter, Reporter
from jaeger_like.testing import recording_agent  # noqa: F401  a fixture

TIMEOUT = 10


def channel(agent):
    return LocalAgentSender("127.0.0.1", 5778, agent.port)


def arrived(agent, tracer):
    tracer.close().result(TIMEOUT)
    (span,) = agent.wait_for(1)
    return span


class Enriching(Reporter):
    def report_span(self, span):
        span.set_tag("dc", "eu").set_operation_name("renamed")
        span.log_kv({"event": "reported"})
        span.tags = [tag for tag in span.tags if tag.key != "sql"]
        span.logs = span.logs[1:]
        super().report_span(span)
        span.set_tag("late", 1).set_operation_name("late")
        span.log_kv({"event": "late"})


def test_a_reporter_may_change_a_span_until_it_hands_it_on(recording_agent):
    tracer = Tracer("s", Enriching(channel(recording_agent)), ConstSampler(True))
    span = tracer.start_span("a", tags={"sql": "secret", "n": 5, "f": 1.5, "b": True})
    span.log_kv({"event": "first"})
    span.finish()
    assert span.operation_name == "renamed"
    span = arrived(recording_agent, tracer)
    assert span.operation_name == "renamed"
    assert {key: span.tags.get(key) for key in ("sql", "n", "f", "b", "dc", "late")} == {
        "sql": None, "n": 5, "f": 1.5, "b": True, "dc": "eu", "late": None,
    }  # fmt: skip
    assert [fields["event"] for _, fields in span.logs] == ["reported"]


class Before(BaseReporter):
    def report_span(self, span):
        span.set_tag("before", True)


class Reporting(Tracer):
    def report_span(self, span):
        span.set_tag("reported", True)
        super().report_span(span)


def test_so_may_one_before_it_and_a_tracer(recording_agent):
    reporter = CompositeReporter(Before(), Reporter(channel(recording_agent)))
    tracer = Reporting("s", reporter, ConstSampler(True))
    tracer.start_span("a").finish()
    tags = arrived(recording_agent, tracer).tags
    assert tags["before"] is tags["reported"] is True


def test_what_is_kept_in_memory_is_kept_as_it_was():
    reporter = InMemoryReporter()
    Tracer("s", reporter, ConstSampler(True)).start_span("a").finish()
    (span,) = reporter.get_spans()
    span.set_tag("late", 1).set_operation_name("late")
    assert span.operation_name == "a"
    assert "late" not in [tag.key for tag in span.tags]


def test_a_span_whose_constructor_empties_its_tags():
    class Emptied(Span):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.tags = []
            self.logs = []

    tracer = Tracer("s", InMemoryReporter(), ConstSampler(True))
    span = Emptied(SpanContext(1, 2, None, 1), tracer, "a", tags={"a": 1}).set_tag("b", 2)
    assert [tag.key for tag in span.tags] == ["b"]
    assert span.logs == []


def test_a_start_that_is_moved_leaves_the_end():
    span = Tracer("s", InMemoryReporter(), ConstSampler(True)).start_span("a", start_time=1000.0)
    span.finish(1010.0)
    span.start_time = 1005.0
    assert (span.start_time, span.end_time) == (1005.0, 1010.0)
    span.start_time = 1020.0
    assert (span.start_time, span.end_time) == (1020.0, 1020.0)


@pytest.mark.parametrize("sampled", [True, False])
def test_start_active_span_gives_their_start_span_what_it_was_given(sampled):
    calls = []

    class Theirs(Tracer):
        def start_span(self, operation_name=None, **others):
            calls.append((operation_name, others["child_of"], others["ignore_active_span"]))
            return super().start_span(operation_name, **others)

    tracer = Theirs("s", InMemoryReporter(), ConstSampler(sampled))
    with tracer.start_active_span("a") as outer, tracer.start_active_span("b") as inner:
        assert inner.span.parent_id == outer.span.span_id
    assert calls == [("a", None, False), ("b", None, False)]


def test_a_scope_manager_that_is_put_in_later():
    tracer = Tracer("s", InMemoryReporter(), ConstSampler(True))
    tracer._scope_manager = manager = ThreadLocalScopeManager()
    assert tracer.scope_manager is manager
    with tracer.start_active_span("a") as scope:
        assert tracer.active_span is scope.span
        assert tracer.start_span("b").parent_id == scope.span.span_id


@pytest.mark.parametrize("kind", [mock.Mock, mock.MagicMock])
def test_a_mock_as_sampler_decides(kind):
    sampler = kind()
    sampler.is_sampled.return_value = (True, {"by": "mock"})
    span = Tracer("s", InMemoryReporter(), sampler).start_span("a")
    assert span.is_sampled()
    assert isinstance(span.tracer, opentracing.Tracer)


def test_a_reporter_that_wants_to_send_by_itself_hears_that_it_does_not(recording_agent, caplog):
    class Sending(Reporter):
        def _send(self, batch):
            raise AssertionError

    tracer = Tracer("s", Sending(channel(recording_agent)), ConstSampler(True))
    assert "Sending._send is never called" in caplog.text
    tracer.start_span("a").finish()
    assert arrived(recording_agent, tracer).operation_name == "a"


def test_a_context_that_is_forced_on_a_span(recording_agent):
    tracer = Tracer("s", Reporter(channel(recording_agent)), ConstSampler(True))
    span = tracer.start_span("a")
    span._context = SpanContext(0xABC, 0xDEF, None, 1)
    assert span._context is span.context
    headers = {}
    tracer.inject(span, opentracing.Format.TEXT_MAP, headers)
    assert headers["uber-trace-id"] == "abc:def:0:1"
    child = tracer.start_span("b", child_of=span)
    assert (child.trace_id, child.parent_id) == (0xABC, 0xDEF)
    span.finish()
    span = arrived(recording_agent, tracer)
    assert (span.trace_id, span.span_id) == (0xABC, 0xDEF)


def test_a_codec_that_takes_out_baggage():
    class Filtering(TextCodec):
        def extract(self, carrier):
            context = super().extract(carrier)
            context._baggage = {k: v for k, v in context._baggage.items() if k != "secret"}
            context._debug_id = None
            return context

    tracer = Tracer(
        "s", InMemoryReporter(), ConstSampler(True),
        extra_codecs={opentracing.Format.TEXT_MAP: Filtering()},
    )  # fmt: skip
    context = tracer.extract(
        opentracing.Format.TEXT_MAP,
        {"uber-trace-id": "1:2:0:1", "uberctx-secret": "x", "uberctx-a": "b"},
    )
    assert context.baggage == {"a": "b"}
    assert tracer.start_span("a", child_of=context).get_baggage_item("secret") is None


def test_baggage_that_is_changed_in_place_is_nobody_elses():
    tracer = Tracer("s", InMemoryReporter(), ConstSampler(True))
    context = SpanContext(1, 2, None, 1, {"a": "1"})
    one, other = (tracer.start_span(name, child_of=context) for name in ("one", "other"))
    one.context.baggage["user"] = "ann"
    assert other.context.baggage == context.baggage == {"a": "1"}
