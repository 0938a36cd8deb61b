"""What programs written for ``jaeger_client`` 4.8 use: every name, parameter and value.

The interface is data here. Ours may have more: parameters by keyword or at the end, more names.
"""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys

import opentracing
import pytest

import jaeger_like
from jaeger_like import Config, ConstSampler, Span, SpanContext, Tracer
from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.reporter import InMemoryReporter, Reporter

# Module: names that programs import from it.
NAMES = {
    "": "__version__ Tracer Config Span SpanContext ConstSampler ProbabilisticSampler "
    "RateLimitingSampler RemoteControlledSampler",
    "config": "Config DEFAULT_REPORTING_HOST DEFAULT_REPORTING_PORT DEFAULT_SAMPLING_PORT "
    "DEFAULT_THROTTLER_PORT LOCAL_AGENT_DEFAULT_ENABLED logger ConstSampler ProbabilisticSampler "
    "RateLimitingSampler RemoteControlledSampler Sampler Reporter CompositeReporter "
    "LoggingReporter LocalAgentSender Metrics MetricsFactory LegacyMetricsFactory get_boolean "
    "ErrorReporter B3Codec",
    "tracer": "Tracer TracerMetrics Reference logger ZipkinSpanFormat TextCodec BinaryCodec "
    "ZipkinCodec Span SpanContext SAMPLED_FLAG DEBUG_FLAG",
    "span": "Span SAMPLED_FLAG DEBUG_FLAG",
    "span_context": "SpanContext",
    "reporter": "BaseReporter NullReporter InMemoryReporter LoggingReporter Reporter "
    "CompositeReporter ReporterMetrics default_logger DEFAULT_FLUSH_INTERVAL Metrics "
    "LegacyMetricsFactory ErrorReporter",
    "sampler": "Sampler ConstSampler ProbabilisticSampler RateLimitingSampler "
    "GuaranteedThroughputProbabilisticSampler AdaptiveSampler RemoteControlledSampler "
    "SamplerMetrics get_sampling_probability get_rate_limit SAMPLER_TYPE_TAG_KEY "
    "SAMPLER_PARAM_TAG_KEY DEFAULT_SAMPLING_PROBABILITY DEFAULT_LOWER_BOUND "
    "DEFAULT_MAX_OPERATIONS STRATEGIES_STR OPERATION_STR DEFAULT_LOWER_BOUND_STR "
    "PROBABILISTIC_SAMPLING_STR SAMPLING_RATE_STR DEFAULT_SAMPLING_PROBABILITY_STR "
    "OPERATION_SAMPLING_STR MAX_TRACES_PER_SECOND_STR RATE_LIMITING_SAMPLING_STR "
    "STRATEGY_TYPE_STR PROBABILISTIC_SAMPLING_STRATEGY RATE_LIMITING_SAMPLING_STRATEGY "
    "default_logger",
    "throttler": "Throttler RemoteThrottler ThrottlerMetrics MINIMUM_CREDITS default_logger",
    "codecs": "Codec TextCodec BinaryCodec ZipkinCodec ZipkinSpanFormat B3Codec "
    "span_context_to_string span_context_from_string header_to_hex",
    "metrics": "MetricsFactory LegacyMetricsFactory Metrics",
    "metrics.metrics": "MetricsFactory LegacyMetricsFactory Metrics",
    "metrics.prometheus": "PrometheusMetricsFactory",
    "utils": "get_boolean ErrorReporter local_ip get_local_ip_by_socket "
    "get_local_ip_by_interfaces interface_ip",
    "rate_limiter": "RateLimiter",
    "local_agent_net": "LocalAgentSender LocalAgentHTTP",
    "TUDPTransport": "TUDPTransport",
    "ioloop_util": "submit future_result future_exception",
    "thrift": "make_tag make_tags make_log make_process make_ref_type make_references "
    "make_jaeger_batch timestamp_micros id_to_int _id_to_low _id_to_high parse_sampling_strategy",
    "thrift_gen.agent": "Agent",
    "thrift_gen.agent.Agent": "Client Processor Iface emitBatch_args",
    "thrift_gen.jaeger": "Collector ttypes",
    "thrift_gen.jaeger.ttypes": "Tag TagType Log Span SpanRef SpanRefType Process Batch "
    "BatchSubmitResponse",
    "thrift_gen.sampling": "SamplingManager ttypes",
    "thrift_gen.zipkincore": "ZipkinCollector ttypes constants",
}

# Submodules that are attributes of the package once it is imported.
SUBMODULES = [
    "config", "tracer", "span", "span_context", "reporter", "sampler", "throttler", "codecs",
    "constants", "metrics", "utils", "rate_limiter", "local_agent_net",
]  # fmt: skip

CONSTANTS = {
    "constants": {
        "TRACE_ID_HEADER": "uber-trace-id",
        "BAGGAGE_HEADER_PREFIX": "uberctx-",
        "DEBUG_ID_HEADER_KEY": "jaeger-debug-id",
        "BAGGAGE_HEADER_KEY": "jaeger-baggage",
        "JAEGER_CLIENT_VERSION": f"Python-{jaeger_like.__version__}",
        "JAEGER_VERSION_TAG_KEY": "jaeger.version",
        "JAEGER_HOSTNAME_TAG_KEY": "hostname",
        "JAEGER_IP_TAG_KEY": "ip",
        "CLIENT_UUID_TAG_KEY": "client-uuid",
        "SAMPLER_TYPE_CONST": "const",
        "SAMPLER_TYPE_PROBABILISTIC": "probabilistic",
        "SAMPLER_TYPE_RATE_LIMITING": "ratelimiting",
        "SAMPLER_TYPE_LOWER_BOUND": "lowerbound",
        "SAMPLER_TYPE_REMOTE": "remote",
        "MAX_TAG_VALUE_LENGTH": 1024,
        "MAX_TRACEBACK_LENGTH": 4096,
        "SAMPLED_FLAG": 1,
        "DEBUG_FLAG": 2,
        "DEFAULT_SAMPLING_INTERVAL": 60,
        "DEFAULT_FLUSH_INTERVAL": 1,
        "DEFAULT_THROTTLER_REFRESH_INTERVAL": 5,
        "MAX_ID_BITS": 64,
        "_max_id_bits": 64,
        "_max_trace_id_bits": 128,
    },
    "config": {
        "DEFAULT_REPORTING_HOST": "localhost",
        "DEFAULT_REPORTING_PORT": 6831,
        "DEFAULT_SAMPLING_PORT": 5778,
        "DEFAULT_THROTTLER_PORT": 5778,
        "LOCAL_AGENT_DEFAULT_ENABLED": True,
    },
    "span": {"SAMPLED_FLAG": 1, "DEBUG_FLAG": 2},
    "sampler": {
        "SAMPLER_TYPE_TAG_KEY": "sampler.type",
        "SAMPLER_PARAM_TAG_KEY": "sampler.param",
        "DEFAULT_SAMPLING_PROBABILITY": 0.001,
        "DEFAULT_LOWER_BOUND": 1 / 600,
        "DEFAULT_MAX_OPERATIONS": 2000,
        "STRATEGIES_STR": "perOperationStrategies",
        "OPERATION_STR": "operation",
        "DEFAULT_LOWER_BOUND_STR": "defaultLowerBoundTracesPerSecond",
        "PROBABILISTIC_SAMPLING_STRATEGY": "PROBABILISTIC",
        "RATE_LIMITING_SAMPLING_STRATEGY": "RATE_LIMITING",
    },
    "throttler": {"MINIMUM_CREDITS": 1.0},
    "codecs": {"ZipkinSpanFormat": "zipkin-span-format"},
    "local_agent_net": {},
}

# Callable: parameters in order, with their default where it matters; "*" begins those that are only
# given by keyword.
SIGNATURES = {
    "config.Config": "config metrics=None service_name=None metrics_factory=None validate=False "
    "scope_manager=None",
    "config.Config.initialized": "",
    "config.Config.initialize_tracer": "self io_loop=None",
    "config.Config.new_tracer": "self io_loop=None",
    "config.Config.create_tracer": "self reporter sampler throttler=None",
    "tracer.Tracer": "service_name reporter sampler metrics=None metrics_factory=None "
    "trace_id_header='uber-trace-id' generate_128bit_trace_id=False "
    "baggage_header_prefix='uberctx-' debug_id_header='jaeger-debug-id' one_span_per_rpc=False "
    "extra_codecs=None tags=None max_tag_value_length=1024 max_traceback_length=4096 "
    "throttler=None scope_manager=None",
    "tracer.Tracer.start_span": "self operation_name=None child_of=None references=None tags=None "
    "start_time=None ignore_active_span=False",
    "tracer.Tracer.start_active_span": "self operation_name=None child_of=None references=None "
    "tags=None start_time=None ignore_active_span=False finish_on_close=True",
    "tracer.Tracer.inject": "self span_context format carrier",
    "tracer.Tracer.extract": "self format carrier",
    "tracer.Tracer.close": "self",
    "tracer.Tracer.report_span": "self span",
    "tracer.Tracer.is_debug_allowed": "self operation_name",
    "tracer.Tracer.random_id": "self",
    "tracer.Tracer._random_id": "self bits",
    "tracer.TracerMetrics": "metrics_factory",
    "span.Span": "context tracer operation_name tags=None start_time=None references=None",
    "span.Span.set_operation_name": "self operation_name",
    "span.Span.set_tag": "self key value",
    "span.Span.log_kv": "self key_values timestamp=None",
    "span.Span.info": "self message payload=None",
    "span.Span.error": "self message payload=None",
    "span.Span.set_baggage_item": "self key value",
    "span.Span.get_baggage_item": "self key",
    "span.Span.finish": "self finish_time=None",
    "span.Span.is_sampled": "self",
    "span.Span.is_debug": "self",
    "span.Span.is_rpc": "self",
    "span.Span.is_rpc_client": "self",
    "span.Span.log_event": "self event payload=None",
    "span.Span._on_error": "span exc_type exc_val exc_tb",
    "span_context.SpanContext": "trace_id span_id parent_id flags baggage=None debug_id=None",
    "span_context.SpanContext.with_baggage_item": "self key value",
    "span_context.SpanContext.with_debug_id": "debug_id",
    "reporter.BaseReporter.report_span": "self span",
    "reporter.BaseReporter.set_process": "self service_name tags max_length",
    "reporter.BaseReporter.close": "self",
    "reporter.NullReporter": "",
    "reporter.InMemoryReporter": "",
    "reporter.InMemoryReporter.get_spans": "self",
    "reporter.LoggingReporter": "logger=None",
    "reporter.CompositeReporter": "*reporters",
    "reporter.Reporter": "channel queue_capacity batch_size flush_interval=1 io_loop=None "
    "error_reporter=None metrics=None metrics_factory=None * logger",
    "reporter.Reporter.set_process": "self service_name tags max_length",
    "reporter.Reporter.report_span": "self span",
    "reporter.Reporter.close": "self",
    "reporter.ReporterMetrics": "metrics_factory",
    "utils.ErrorReporter": "metrics logger=None log_interval_minutes=15",
    "utils.ErrorReporter.error": "self fmt *args",
    "utils.get_boolean": "value default",
    "utils.local_ip": "",
    "utils.interface_ip": "interface",
    "sampler.Sampler": "tags=None",
    "sampler.Sampler.is_sampled": "self trace_id operation=''",
    "sampler.Sampler.close": "self",
    "sampler.ConstSampler": "decision",
    "sampler.ProbabilisticSampler": "rate",
    "sampler.RateLimitingSampler": "max_traces_per_second=10",
    "sampler.GuaranteedThroughputProbabilisticSampler": "operation lower_bound rate",
    "sampler.AdaptiveSampler": "strategies max_operations",
    "sampler.RemoteControlledSampler": "channel service_name * init_sampler "
    "sampling_refresh_interval logger metrics metrics_factory error_reporter max_operations",
    "sampler.SamplerMetrics": "metrics_factory",
    "sampler.get_sampling_probability": "strategy=None",
    "sampler.get_rate_limit": "strategy=None",
    "throttler.Throttler.set_client_id": "self client_id",
    "throttler.Throttler.is_allowed": "self operation",
    "throttler.Throttler.close": "self",
    "throttler.RemoteThrottler": "channel service_name * refresh_interval logger metrics_factory "
    "error_reporter",
    "throttler.ThrottlerMetrics": "metrics_factory",
    "rate_limiter.RateLimiter": "credits_per_second max_balance",
    "rate_limiter.RateLimiter.check_credit": "self item_cost",
    "rate_limiter.RateLimiter.update": "self credits_per_second max_balance",
    "rate_limiter.RateLimiter.timestamp": "",
    "local_agent_net.LocalAgentSender": "host sampling_port reporting_port io_loop=None "
    "throttling_port=None",
    "local_agent_net.LocalAgentSender.request_sampling_strategy": "self service_name timeout=15",
    "local_agent_net.LocalAgentSender.request_throttling_credits": "self service_name client_id "
    "operations timeout=15",
    "local_agent_net.LocalAgentSender.readFrame": "self",
    "local_agent_net.LocalAgentHTTP": "host port",
    "TUDPTransport.TUDPTransport": "host port blocking=False",
    "TUDPTransport.TUDPTransport.write": "self buf",
    "TUDPTransport.TUDPTransport.isOpen": "self",
    "TUDPTransport.TUDPTransport.close": "self",
    "ioloop_util.submit": "fn io_loop *args **kwargs",
    "ioloop_util.future_result": "result",
    "ioloop_util.future_exception": "exception",
    "metrics.MetricsFactory.create_counter": "self name tags=None",
    "metrics.MetricsFactory.create_timer": "self name tags=None",
    "metrics.MetricsFactory.create_gauge": "self name tags=None",
    "metrics.Metrics": "count=None gauge=None timing=None",
    "metrics.LegacyMetricsFactory": "metrics",
    "metrics.prometheus.PrometheusMetricsFactory": "namespace='' service_name_label=None",
    "codecs.Codec.inject": "self span_context carrier",
    "codecs.Codec.extract": "self carrier",
    "codecs.TextCodec": "url_encoding=False trace_id_header='uber-trace-id' "
    "baggage_header_prefix='uberctx-' debug_id_header='jaeger-debug-id' "
    "baggage_header='jaeger-baggage'",
    "codecs.B3Codec": "generate_128bit_trace_id=False",
    "codecs.BinaryCodec": "",
    "codecs.ZipkinCodec": "",
    "codecs.span_context_to_string": "trace_id span_id parent_id flags",
    "codecs.span_context_from_string": "value",
    "codecs.header_to_hex": "header",
    "thrift.make_tag": "key value max_length max_traceback_length",
    "thrift.make_tags": "tags max_length max_traceback_length",
    "thrift.make_log": "timestamp fields max_length max_traceback_length",
    "thrift.make_process": "service_name tags max_length",
    "thrift.make_references": "references",
    "thrift.make_ref_type": "span_ref_type",
    "thrift.make_jaeger_batch": "spans process",
    "thrift.timestamp_micros": "ts",
    "thrift.id_to_int": "big_id",
    "thrift._id_to_low": "big_id",
    "thrift._id_to_high": "big_id",
    "thrift.parse_sampling_strategy": "response",
}

# These are given by position everywhere, so their names are ours.
POSITIONAL = {
    "rate_limiter.RateLimiter.check_credit",
    "thrift.timestamp_micros",
    "tracer.Tracer.is_debug_allowed",
}

# Class: what programs and their tests read on its objects.
ATTRIBUTES = {
    "tracer": "service_name reporter sampler metrics metrics_factory random debug_id_header "
    "one_span_per_rpc max_tag_value_length max_traceback_length max_trace_id_bits codecs tags "
    "throttler scope_manager active_span",
    "span": "operation_name start_time end_time finished tags logs references update_lock context "
    "tracer trace_id span_id parent_id flags",
    "context": "trace_id span_id parent_id flags baggage debug_id has_trace "
    "is_debug_id_container_only",
    "reporter": "queue_capacity batch_size flush_interval metrics metrics_factory error_reporter "
    "logger io_loop queue stopped agent",
    "memory": "spans lock",
    "channel": "io_loop local_agent_http throttling_http",
    "http": "agent_http_host agent_http_port DEFAULT_TIMEOUT",
    "limiter": "balance last_tick max_balance credits_per_second",
    "remote sampler": "sampler service_name lock running periodic",
    "remote throttler": "credits client_id",
    "config": "service_name enabled logging sampler sampling_refresh_interval max_operations tags "
    "reporter_batch_size reporter_queue_size reporter_flush_interval max_tag_value_length "
    "max_traceback_length trace_id_header baggage_header_prefix debug_id_header "
    "generate_128bit_trace_id propagation local_agent_group local_agent_enabled "
    "local_agent_reporting_host local_agent_reporting_port local_agent_sampling_port "
    "throttler_group throttler_port throttler_refresh_interval error_reporter metrics initialized "
    "_initialized _initialized_lock _metrics_factory",
    "tracer metrics": "traces_started_sampled traces_started_not_sampled traces_joined_sampled "
    "traces_joined_not_sampled spans_started_sampled spans_started_not_sampled spans_finished",
    "reporter metrics": "reporter_success reporter_failure reporter_dropped reporter_queue_length",
    "sampler metrics": "sampler_retrieved sampler_query_failure sampler_updated "
    "sampler_update_failure",
    "throttler metrics": "throttled_debug_spans throttler_update_success throttler_update_failure",
    "b3": "trace_header span_header parent_span_header sampled_header flags_header",
}


def module(name):
    return importlib.import_module(f"jaeger_like.{name}" if name else "jaeger_like")


def resolve(dotted):
    parts = dotted.split(".")
    for size in range(len(parts), 0, -1):
        try:
            found = module(".".join(parts[:size]))
        except ImportError:
            continue
        for part in parts[size:]:
            found = getattr(found, part)
        return found
    raise LookupError(dotted)


def can_be_imported(base, name):
    """Whether ``from base import name`` works."""
    if hasattr(module(base), name):
        return True
    try:
        module(f"{base}.{name}")
    except ImportError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_names(name):
    assert [n for n in NAMES[name].split() if not can_be_imported(name, n)] == []


# What jaeger_client's modules import for themselves, and programs have imported from there.
INCIDENTAL = {
    "codecs": "BAGGAGE_HEADER_KEY BAGGAGE_HEADER_PREFIX DEBUG_FLAG DEBUG_ID_HEADER_KEY "
    "InvalidCarrierException SAMPLED_FLAG SpanContext SpanContextCorruptedException "
    "TRACE_ID_HEADER",
    "config": "BAGGAGE_HEADER_PREFIX BaseReporter DEBUG_ID_HEADER_KEY TRACE_ID_HEADER Throttler",
    "reporter": "Span",
    "sampler": "DEFAULT_SAMPLING_INTERVAL ErrorReporter LegacyMetricsFactory Metrics "
    "MetricsFactory RateLimiter SAMPLER_TYPE_CONST SAMPLER_TYPE_LOWER_BOUND "
    "SAMPLER_TYPE_PROBABILISTIC SAMPLER_TYPE_RATE_LIMITING",
    "span": "logger",
    "tracer": "BaseReporter Codec LegacyMetricsFactory Metrics MetricsFactory Sampler Throttler "
    "UnsupportedFormatException local_ip",
}


@pytest.mark.parametrize("name", INCIDENTAL)
def test_names_that_are_there_by_the_way(name):
    assert [n for n in INCIDENTAL[name].split() if not can_be_imported(name, n)] == []


def test_submodules_are_there_once_the_package_is_imported():
    assert [name for name in SUBMODULES if not hasattr(jaeger_like, name)] == []


def test_all_submodules_are_there_in_a_fresh_process():
    names = ["TUDPTransport", "ioloop_util", "thrift", "thrift_gen", "throttler", *SUBMODULES]
    code = f"import jaeger_like\nfor name in {names}: getattr(jaeger_like, name).__name__"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_package_is_a_list_of_names():
    assert set(NAMES[""].split()) <= set(jaeger_like.__all__)
    assert all(hasattr(jaeger_like, name) for name in jaeger_like.__all__)


@pytest.mark.parametrize(
    ("name", "constant"), [(m, c) for m, constants in CONSTANTS.items() for c in constants]
)
def test_constants(name, constant):
    assert getattr(module(name), constant) == CONSTANTS[name][constant]


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    parameters = inspect.signature(resolve(name)).parameters
    positional, _, keywords = SIGNATURES[name].partition(" * ")
    expected = positional.split()
    names = list(parameters)
    for place, item in enumerate(expected):
        wanted, _, default = item.partition("=")
        if wanted.startswith("*"):
            kinds = {1: inspect.Parameter.VAR_POSITIONAL, 2: inspect.Parameter.VAR_KEYWORD}
            assert parameters[names[place]].kind == kinds[wanted.count("*")]
            continue
        found = parameters[names[place]]
        if name not in POSITIONAL:
            assert found.name == wanted
        assert found.kind == inspect.Parameter.POSITIONAL_OR_KEYWORD
        if default:
            assert repr(found.default) in (default, f"{default}.0")
    for keyword in keywords.split():
        kind = inspect.Parameter.VAR_KEYWORD
        assert keyword in parameters or any(p.kind == kind for p in parameters.values())
    for extra in names[len(expected) :]:
        found = parameters[extra]
        empty = found.default is inspect.Parameter.empty
        assert not empty or found.kind in (
            inspect.Parameter.VAR_POSITIONAL,
            inspect.Parameter.VAR_KEYWORD,
        )


@pytest.fixture(scope="module")
def objects():
    from jaeger_like.codecs import B3Codec
    from jaeger_like.metrics import MetricsFactory
    from jaeger_like.rate_limiter import RateLimiter
    from jaeger_like.sampler import RemoteControlledSampler, SamplerMetrics
    from jaeger_like.throttler import RemoteThrottler, ThrottlerMetrics

    channel = LocalAgentSender("localhost", 1, 2)
    memory, reporter = InMemoryReporter(), Reporter(channel)
    tracer = Tracer("svc", memory, ConstSampler(True))
    span = tracer.start_span("op")
    sampler, throttler = RemoteControlledSampler(channel, "svc"), RemoteThrottler(channel, "svc")
    yield {
        "tracer": tracer,
        "span": span,
        "context": span.context,
        "reporter": reporter,
        "memory": memory,
        "channel": channel,
        "http": channel.local_agent_http,
        "limiter": RateLimiter(1, 1),
        "remote sampler": sampler,
        "remote throttler": throttler,
        "config": Config({"service_name": "svc"}),
        "tracer metrics": tracer.metrics,
        "reporter metrics": reporter.metrics,
        "sampler metrics": SamplerMetrics(MetricsFactory()),
        "throttler metrics": ThrottlerMetrics(MetricsFactory()),
        "b3": B3Codec(),
    }
    sampler.close()
    throttler.close()
    reporter.close().result(10)


@pytest.mark.parametrize("kind", ATTRIBUTES)
def test_attributes(objects, kind):
    missing = [name for name in ATTRIBUTES[kind].split() if not hasattr(objects[kind], name)]
    assert missing == []


def test_what_opentracing_asks_isinstance_for():
    assert issubclass(Tracer, opentracing.Tracer)
    assert issubclass(Span, opentracing.Span)
    assert issubclass(SpanContext, opentracing.SpanContext)


def test_generated_enumerations():
    from jaeger_like.thrift_gen.jaeger.ttypes import SpanRefType, TagType

    names = {"STRING": 0, "DOUBLE": 1, "BOOL": 2, "LONG": 3, "BINARY": 4}
    assert names == TagType._NAMES_TO_VALUES
    assert {v: k for k, v in names.items()} == TagType._VALUES_TO_NAMES
    assert SpanRefType._NAMES_TO_VALUES == {"CHILD_OF": 0, "FOLLOWS_FROM": 1}


def test_the_package_is_typed():
    from pathlib import Path

    assert Path(jaeger_like.__file__).with_name("py.typed").exists()
