"""The tracer apart from starting spans: its settings, process tags, borders, metrics."""

from __future__ import annotations

import random
import socket
import threading

import opentracing
import pytest
from opentracing import Format, InvalidCarrierException, UnsupportedFormatException
from opentracing.ext import tags as ext_tags

import jaeger_like
from jaeger_like import SpanContext, Tracer
from jaeger_like.codecs import B3Codec, ZipkinSpanFormat
from jaeger_like.constants import JAEGER_CLIENT_VERSION
from jaeger_like.errors import ConfigError
from jaeger_like.metrics import LegacyMetricsFactory, Metrics, MetricsFactory
from jaeger_like.reporter import NullReporter

from .support import RecordingMetrics, RecordingSampler, Throttler, new_tracer

SERVER = {ext_tags.SPAN_KIND: ext_tags.SPAN_KIND_RPC_SERVER}


# -- the process -----------------------------------------------------------------------------------


def test_process_tags():
    tags = new_tracer(tags={"a": 1}).tags
    assert list(tags) == ["jaeger.version", "a", "ip", "hostname", "client-uuid"]
    assert tags["jaeger.version"] == JAEGER_CLIENT_VERSION == f"Python-{jaeger_like.__version__}"
    assert tags["hostname"] == socket.gethostname()
    assert isinstance(tags["ip"], str)


def test_the_client_uuid_is_text_and_its_own():
    first, second = (new_tracer().tags["client-uuid"] for _ in range(2))
    assert first != second
    assert isinstance(first, str)
    assert len(first) == 16
    int(first, 16)


def test_the_programs_own_process_tags_win():
    own = {"ip": "1.2.3.4", "hostname": "h", "jaeger.version": "mine", "client-uuid": "u"}
    tags = dict(own)
    assert new_tracer(tags=tags).tags == own
    assert tags == own


def test_process_tags_of_none_are_found_out():
    tags = new_tracer(tags={"hostname": None, "ip": None, "x": None}).tags
    assert tags["hostname"] == socket.gethostname()
    assert "x" not in tags


def test_without_an_address_there_is_no_tag(monkeypatch, caplog):
    def fail():
        raise OSError("no name")

    monkeypatch.setattr("jaeger_like._process.local_ip", lambda: None)
    monkeypatch.setattr("_socket.gethostname", fail)
    tags = new_tracer().tags
    assert "ip" not in tags
    assert "hostname" not in tags
    assert "Unable to determine host name" in caplog.text
    assert "OSError: no name" in caplog.text


def test_the_reporter_gets_the_process():
    class Reporter(NullReporter):
        def set_process(self, **process):
            self.process = process

    tracer = new_tracer(reporter=Reporter(), max_tag_value_length=7)
    assert tracer.reporter.process == {"service_name": "svc", "tags": tracer.tags, "max_length": 7}


def test_the_throttler_gets_the_client_id():
    throttler = Throttler(True)
    assert new_tracer(throttler=throttler).tags["client-uuid"] == throttler.client_id


def test_a_child_process_is_another_one():
    throttler = Throttler(True)
    tracer = new_tracer(throttler=throttler)
    tracer.random = random.Random(5)
    before, state = tracer.tags, tracer.random.getstate()
    tracer._after_fork()
    assert tracer.tags["client-uuid"] == throttler.client_id != before["client-uuid"]
    assert {**tracer.tags, "client-uuid": 0} == {**before, "client-uuid": 0}
    assert tracer.random.getstate() != state


def test_a_source_of_ids_without_seed_survives_a_fork():
    class Source:
        def getrandbits(self, bits):
            return 1

    tracer = new_tracer()
    tracer.random = Source()
    tracer._after_fork()
    assert tracer.start_span("op").span_id == 1


# -- settings --------------------------------------------------------------------------------------


def test_all_settings_are_positional():
    manager = opentracing.ScopeManager()
    codec, reporter, sampler = B3Codec(), NullReporter(), RecordingSampler()
    throttler = Throttler(True)
    tracer = Tracer(
        "svc", reporter, sampler, None, None, "trace-id", True, "prefix-", "debug-id", True,
        {"f": codec}, {"t": 1}, 5, 6, throttler, manager,
    )  # fmt: skip
    assert (tracer.service_name, tracer.reporter, tracer.sampler) == ("svc", reporter, sampler)
    assert tracer.codecs["f"] is codec
    assert (tracer.max_tag_value_length, tracer.max_traceback_length) == (5, 6)
    assert (tracer.debug_id_header, tracer.one_span_per_rpc) == ("debug-id", True)
    assert (tracer.throttler, tracer.scope_manager) == (throttler, manager)
    assert tracer.max_trace_id_bits == 128
    carrier = {}
    tracer.inject(SpanContext(1, 2, None, 1, {"k": "v"}), Format.TEXT_MAP, carrier)
    assert carrier == {"trace-id": "1:2:0:1", "prefix-k": "v"}


def test_codecs_by_format():
    assert set(new_tracer().codecs) == {
        Format.TEXT_MAP,
        Format.HTTP_HEADERS,
        Format.BINARY,
        ZipkinSpanFormat,
    }
    b3 = B3Codec()
    assert new_tracer(extra_codecs={Format.HTTP_HEADERS: b3}).codecs[Format.HTTP_HEADERS] is b3


def test_random_ids():
    tracer = new_tracer()
    assert 0 <= tracer.random_id() < 2**64
    assert tracer._random_id(128).bit_length() <= 128


def test_debugging_is_allowed_without_a_throttler():
    assert new_tracer().is_debug_allowed()
    assert new_tracer().is_debug_allowed("op")
    assert not new_tracer(throttler=Throttler(False)).is_debug_allowed("op")


# -- borders ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", [Format.TEXT_MAP, Format.HTTP_HEADERS, Format.BINARY])
def test_what_is_injected_is_extracted(format):
    tracer = new_tracer(generate_128bit_trace_id=True)
    root = tracer.start_span("root").set_baggage_item("k", "v ä")
    span = tracer.start_span("child", child_of=root)
    for source in (span, span.context):
        carrier = bytearray() if format == Format.BINARY else {}
        tracer.inject(source, format, carrier)
        found = tracer.extract(format, carrier)
        assert (found.trace_id, found.span_id, found.flags) == (span.trace_id, span.span_id, 1)
        assert found.baggage == {"k": "v ä"}


@pytest.mark.parametrize("format", [Format.TEXT_MAP, Format.HTTP_HEADERS])
def test_nothing_is_extracted_from_nothing(format):
    assert new_tracer().extract(format, {"other": "header"}) is None


def test_a_debug_id_is_extracted():
    tracer = new_tracer(False)
    context = tracer.extract(Format.TEXT_MAP, {"jaeger-debug-id": "coraline"})
    assert context.debug_id == "coraline"
    assert context.is_debug_id_container_only
    assert tracer.start_span("op", child_of=context).flags == 3


def test_an_unknown_format():
    tracer = new_tracer()
    span = tracer.start_span("op")
    with pytest.raises(UnsupportedFormatException):
        tracer.inject(span, "unknown", {})
    with pytest.raises(UnsupportedFormatException):
        tracer.extract("unknown", {})


@pytest.mark.parametrize("context", [None, "text", opentracing.SpanContext(), opentracing.Tracer().start_span()])  # fmt: skip  # noqa: E501  a line for each
def test_a_context_that_is_not_ours_is_not_injected(context):
    with pytest.raises(ValueError, match="Expecting Jaeger SpanContext") as raised:
        new_tracer().inject(context, Format.TEXT_MAP, {})
    assert raised.value.args == ("Expecting Jaeger SpanContext, not %s", type(context))


def test_a_carrier_of_the_wrong_kind():
    tracer = new_tracer()
    with pytest.raises(InvalidCarrierException):
        tracer.inject(tracer.start_span("op"), Format.TEXT_MAP, [])
    with pytest.raises(InvalidCarrierException):
        tracer.extract(Format.TEXT_MAP, [])


def test_rubbish_in_a_carrier_is_counted():
    metrics = RecordingMetrics()
    tracer = new_tracer(metrics_factory=metrics)
    for _ in range(2):
        with pytest.raises(opentracing.SpanContextCorruptedException):
            tracer.extract(Format.TEXT_MAP, {"uber-trace-id": "rubbish"})
    assert metrics.counts == {"jaeger:span_context_decoding_errors": 2}


# -- metrics ---------------------------------------------------------------------------------------


def counted(sampler, **start):
    metrics = RecordingMetrics()
    new_tracer(sampler, metrics_factory=metrics).start_span("op", **start)
    return metrics.counts


@pytest.mark.parametrize(("decision", "letter"), [(True, "y"), (False, "n")])
def test_what_counts_as_started_and_what_as_joined(decision, letter):
    started = {f"jaeger:traces{{sampled={letter},state=started}}": 1}
    joined = {f"jaeger:traces{{sampled={letter},state=joined}}": 1}
    span = {f"jaeger:started_spans{{sampled={letter}}}": 1}
    remote = SpanContext(1, 2, None, int(decision))
    assert counted(decision) == {**started, **span}
    assert counted(decision, tags=SERVER) == {**started, **span}
    assert counted(decision, child_of=remote, tags=SERVER) == {**joined, **span}
    assert counted(decision, child_of=remote) == span
    assert counted(decision, child_of=remote, tags={ext_tags.SPAN_KIND: "client"}) == span


def test_a_local_child_is_no_trace():
    metrics = RecordingMetrics()
    tracer = new_tracer(metrics_factory=metrics)
    with tracer.start_active_span("root"):
        tracer.start_span("child").finish()
    assert metrics.counts == {
        "jaeger:traces{sampled=y,state=started}": 1,
        "jaeger:started_spans{sampled=y}": 2,
        "jaeger:finished_spans": 2,
    }


def test_a_span_per_rpc_joins():
    metrics = RecordingMetrics()
    tracer = new_tracer(metrics_factory=metrics, one_span_per_rpc=True)
    tracer.start_span("op", child_of=SpanContext(1, 2, None, 1), tags=SERVER)
    assert metrics.counts["jaeger:traces{sampled=y,state=joined}"] == 1


def test_a_priority_among_start_tags_counts():
    assert counted(False, tags={"sampling.priority": 1}) == {
        "jaeger:traces{sampled=y,state=started}": 1,
        "jaeger:started_spans{sampled=y}": 1,
    }


@pytest.mark.parametrize("decision", [True, False])
def test_every_span_that_finishes_is_counted_once(decision):
    metrics = RecordingMetrics()
    span = new_tracer(decision, metrics_factory=metrics).start_span("op")
    span.finish()
    span.finish()
    assert metrics.counts["jaeger:finished_spans"] == 1


def test_deprecated_metrics():
    counts = {}
    metrics = Metrics(count=lambda key, value: counts.update({key: counts.get(key, 0) + value}))
    tracer = new_tracer(metrics=metrics)
    assert isinstance(tracer.metrics_factory, LegacyMetricsFactory)
    tracer.start_span("op").finish()
    assert counts == {
        "jaeger:traces.sampled_y.state_started": 1,
        "jaeger:started_spans.sampled_y": 1,
        "jaeger:finished_spans": 1,
    }
    factory = MetricsFactory()
    assert new_tracer(metrics=metrics, metrics_factory=factory).metrics_factory is factory


# -- the end ---------------------------------------------------------------------------------------


def test_close_closes_all_parts_and_may_be_called_again():
    sampler, throttler = RecordingSampler(), Throttler(True)
    tracer = new_tracer(sampler, throttler=throttler)
    assert tracer.close().result(1) is True
    assert tracer.close().result(1) is True
    assert (sampler.closed, throttler.closed) == (2, 2)


def test_spans_may_be_started_and_finished_on_many_threads():
    tracer = new_tracer()
    root = tracer.start_span("root")
    barrier = threading.Barrier(8)

    def work():
        barrier.wait()
        for _ in range(500):
            with tracer.start_active_span("child", child_of=root, tags={"k": 1}) as scope:
                scope.span.set_tag("l", 2)
                root.set_tag("shared", 3)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spans = tracer.reporter.get_spans()
    assert len({span.span_id for span in spans}) == len(spans) == 4000
    assert {span.parent_id for span in spans} == {root.span_id}


@pytest.mark.parametrize("name", ["max_tag_value_length", "max_traceback_length"])
@pytest.mark.parametrize("length", [-1, 1.5, "x", None])
def test_a_length_that_cannot_be_is_an_error(name, length):
    """The encoder in C lost every span with a text, the one in Python cut from the wrong end."""
    with pytest.raises(ConfigError, match=name):
        new_tracer(**{name: length})
