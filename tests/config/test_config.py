"""Config: properties, precedence, validation, and the tracers it makes."""

import _socket
import json
import logging
import math
import socket
import subprocess
import sys
import threading

import opentracing
import pytest
from opentracing import Format
from opentracing.scope_managers import ThreadLocalScopeManager

from jaeger_like import config as config_module
from jaeger_like.codecs import B3Codec
from jaeger_like.config import Config
from jaeger_like.errors import ConfigError
from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.metrics import LegacyMetricsFactory, Metrics, MetricsFactory
from jaeger_like.noop import NoopTracer
from jaeger_like.reporter import (
    CompositeReporter,
    InMemoryReporter,
    LoggingReporter,
    NullReporter,
    Reporter,
)
from jaeger_like.sampler import (
    ConstSampler,
    ProbabilisticSampler,
    RateLimitingSampler,
    RemoteControlledSampler,
)
from jaeger_like.throttler import RemoteThrottler
from jaeger_like.tracer import Tracer
from tests.test_http_sender import Server, run


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    """No JAEGER_ variable, no warning said before, no tracer initialized."""
    import os

    for name in list(os.environ):
        if name.startswith("JAEGER_"):
            monkeypatch.delenv(name)
    monkeypatch.setattr("jaeger_like._config_properties._warned", set())
    monkeypatch.setattr(Config, "_initialized", False)


@pytest.fixture
def _global_tracer(monkeypatch):
    monkeypatch.setattr(opentracing, "tracer", opentracing.tracer)
    before = opentracing.global_tracer()
    yield
    opentracing.set_global_tracer(before)


@pytest.fixture
def new_tracer():
    """Make tracers that are closed after the test."""
    made = []

    def make(config=None, **arguments):
        arguments.setdefault("service_name", "svc")
        made.append(Config(config, **arguments).new_tracer())
        return made[-1]

    yield make
    for tracer in made:
        tracer.close().result(5)


def config(settings=None, **arguments):
    arguments.setdefault("service_name", "svc")
    return Config(settings, **arguments)


# -- properties ----------------------------------------------------------------------------------

DEFAULTS = {
    "service_name": "svc",
    "metrics": None,
    "enabled": True,
    "logging": False,
    "reporter_batch_size": 10,
    "reporter_queue_size": 100,
    "reporter_flush_interval": 1,
    "sampling_refresh_interval": 60,
    "max_operations": None,
    "max_tag_value_length": 1024,
    "max_traceback_length": 4096,
    "tags": {},
    "trace_id_header": "uber-trace-id",
    "baggage_header_prefix": "uberctx-",
    "debug_id_header": "jaeger-debug-id",
    "generate_128bit_trace_id": False,
    "propagation": {},
    "sampler": None,
    "local_agent_enabled": True,
    "local_agent_reporting_host": "localhost",
    "local_agent_reporting_port": 6831,
    "local_agent_sampling_port": 5778,
    "throttler_port": None,
    "throttler_refresh_interval": None,
}


@pytest.mark.parametrize("settings", [{}, None, {"sampler": None, "local_agent": None}])
@pytest.mark.parametrize(("name", "default"), DEFAULTS.items())
def test_defaults(settings, name, default):
    """Defects of the old client: None as configuration or sampler was an AttributeError."""
    assert getattr(config(settings), name) == default


@pytest.mark.parametrize(
    ("settings", "name", "value"),
    [
        ({"enabled": "false"}, "enabled", False),
        ({"enabled": "off"}, "enabled", True),
        ({"logging": 1}, "logging", True),
        ({"reporter_batch_size": "12"}, "reporter_batch_size", 12),
        ({"reporter_queue_size": 500}, "reporter_queue_size", 500),
        ({"reporter_flush_interval": None}, "reporter_flush_interval", None),
        ({"reporter_flush_interval": 0}, "reporter_flush_interval", 0),
        ({"sampling_refresh_interval": 2.5}, "sampling_refresh_interval", 2.5),
        ({"max_operations": 3}, "max_operations", 3),
        ({"max_tag_value_length": 5}, "max_tag_value_length", 5),
        ({"max_traceback_length": 6}, "max_traceback_length", 6),
        ({"trace_id_header": "x-id"}, "trace_id_header", "x-id"),
        ({"baggage_header_prefix": "x-"}, "baggage_header_prefix", "x-"),
        ({"debug_id_header": "x-debug"}, "debug_id_header", "x-debug"),
        ({"generate_128bit_trace_id": "1"}, "generate_128bit_trace_id", True),
        ({"local_agent": {"enabled": 0}}, "local_agent_enabled", False),
        ({"local_agent": {"reporting_host": "h"}}, "local_agent_reporting_host", "h"),
        ({"local_agent": {"reporting_port": "7"}}, "local_agent_reporting_port", 7),
        ({"local_agent": {"sampling_port": 8}}, "local_agent_sampling_port", 8),
        ({"throttler": {}}, "throttler_port", 5778),
        ({"throttler": {}}, "throttler_refresh_interval", 5),
        ({"throttler": {"port": "9"}}, "throttler_port", 9),
        ({"throttler": {"refresh_interval": "4"}}, "throttler_refresh_interval", 4),
    ],
)
def test_values(settings, name, value):
    assert getattr(config(settings), name) == value


@pytest.mark.parametrize(
    ("variable", "text", "settings", "name", "from_environment", "from_config"),
    [
        ("JAEGER_AGENT_HOST", "e", {"local_agent": {"reporting_host": "c"}},
         "local_agent_reporting_host", "e", "c"),
        ("JAEGER_AGENT_PORT", "1", {"local_agent": {"reporting_port": 2}},
         "local_agent_reporting_port", 1, 2),
        ("JAEGER_TRACEID_128BIT", "true", {"generate_128bit_trace_id": False},
         "generate_128bit_trace_id", True, False),
        ("JAEGER_DISABLED", "true", {"enabled": True}, "enabled", False, True),
        ("JAEGER_SERVICE_NAME", "e", {"service_name": "c"}, "service_name", "e", "c"),
    ],
)  # fmt: skip
def test_configuration_beats_environment(
    monkeypatch, variable, text, settings, name, from_environment, from_config
):
    monkeypatch.setenv(variable, text)
    assert getattr(Config({}, service_name=None if name == "service_name" else "svc"), name) == (
        from_environment
    )
    assert getattr(Config(settings, service_name="svc"), name) == from_config


@pytest.mark.parametrize("group", ["local_agent", "throttler"])
def test_groups_as_they_stand(group):
    assert getattr(config({group: {"a": 1}}), f"{group}_group")() == {"a": 1}
    assert getattr(config(), f"{group}_group")() is None


def test_values_are_read_when_asked_for():
    settings = {"tags": {"a": 1}}
    made = config(settings)
    settings["tags"] = {"b": 2}
    settings["max_tag_value_length"] = 7
    assert made.tags == {"b": 2}
    tracer = made.create_tracer(InMemoryReporter(), ConstSampler(True))
    assert tracer.max_tag_value_length == 7


def test_the_users_dict_is_not_changed(monkeypatch):
    """Defect of the old client: JAEGER_TAGS were written into it."""
    monkeypatch.setenv("JAEGER_TAGS", "a=env,b=env")
    settings = {"tags": {"a": 1}, "local_agent": {}, "sampler": {"type": "const", "param": 1}}
    before = json.dumps(settings)
    made = config(settings)
    assert made.tags == {"a": "env", "b": "env"}
    made.tags["c"] = 1
    made.create_tracer(InMemoryReporter(), made.sampler).start_span("x").finish()
    assert json.dumps(settings) == before


def test_a_bad_variable_warns_once(monkeypatch, caplog):
    """Defects of the old client: tags raised ValueError, a bad port was silent."""
    monkeypatch.setenv("JAEGER_TAGS", "abc")
    monkeypatch.setenv("JAEGER_AGENT_PORT", "x")
    for _ in range(3):
        assert config().tags == {}
        assert config().local_agent_reporting_port == 6831
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert caplog.records[0].name == "jaeger_tracing"
    assert "JAEGER_TAGS" in caplog.text
    assert "JAEGER_AGENT_PORT" in caplog.text


def test_a_configuration_that_is_no_mapping():
    with pytest.raises(ConfigError, match="config: expected a mapping"):
        Config("x", service_name="svc")


# -- service name --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "argument", "variable", "name"),
    [
        ({"service_name": "c"}, "a", "e", "c"),
        ({}, "a", "e", "a"),
        ({}, None, "e", "e"),
        ({}, "", "e", "e"),
    ],
)
def test_service_name_by_precedence(monkeypatch, settings, argument, variable, name):
    monkeypatch.setenv("JAEGER_SERVICE_NAME", variable)
    assert Config(settings, service_name=argument).service_name == name


@pytest.mark.parametrize(
    ("settings", "argument"),
    [({}, None), ({}, ""), ({"service_name": ""}, "a"), ({"service_name": None}, "a")],
)
def test_no_service_name_is_an_error(settings, argument):
    with pytest.raises(ConfigError, match="service_name required in the config or param"):
        Config(settings, service_name=argument)


def test_a_key_without_a_name_beats_even_the_environment(monkeypatch):
    monkeypatch.setenv("JAEGER_SERVICE_NAME", "e")
    with pytest.raises(ConfigError, match="service_name"):
        Config({"service_name": ""})


def test_a_service_name_must_be_a_text():
    with pytest.raises(ConfigError, match="service_name: expected text"):
        Config({"service_name": 5})


def test_who_disables_tracing_needs_no_service_name(monkeypatch):
    monkeypatch.setenv("JAEGER_DISABLED", "true")
    assert isinstance(Config({}).new_tracer(), NoopTracer)


def test_from_env(monkeypatch):
    monkeypatch.setenv("JAEGER_SERVICE_NAME", "e")
    monkeypatch.setenv("JAEGER_AGENT_PORT", "1")
    assert Config.from_env().service_name == "e"
    made = Config.from_env("a", local_agent={"reporting_port": 2})
    assert (made.service_name, made.local_agent_reporting_port) == ("a", 2)


# -- validation ----------------------------------------------------------------------------------


def test_unknown_keys_are_named_in_order_nested_ones_dotted():
    settings = {
        "unexpected": 1,
        "local_agent": {"foo": 1, "enabled": True},
        "sampler": {"bar": 1},
        "sampled": 1,
    }
    with pytest.raises(ValueError, match="Unexpected keys found in config:") as caught:
        config(settings, validate=True)
    assert str(caught.value) == (
        "Unexpected keys found in config:unexpected,local_agent.foo,sampler.bar,sampled"
    )
    config(settings)  # without validation nobody minds


def test_every_known_key_is_accepted():
    """Defect of the old client: metrics, max_operations and debug_id_header were rejected."""
    known = (
        "logging local_agent sampler tags enabled reporter_batch_size reporter_queue_size "
        "propagation max_tag_value_length max_traceback_length reporter_flush_interval "
        "sampling_refresh_interval trace_id_header generate_128bit_trace_id "
        "baggage_header_prefix service_name throttler metrics max_operations debug_id_header"
    )
    settings = dict.fromkeys(known.split())
    settings["service_name"] = "svc"
    settings["local_agent"] = dict.fromkeys(
        ("enabled", "reporting_host", "reporting_port", "sampling_port")
    )
    settings["sampler"] = ConstSampler(True)
    settings["throttler"] = {"port": 1, "refresh_interval": 1}
    Config(settings, validate=True)


# -- samplers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "sampler"),
    [
        ({"type": "const", "param": True}, ConstSampler(True)),
        ({"type": "const"}, ConstSampler(False)),
        ({"type": "const", "param": "yes"}, ConstSampler(False)),
        ({"type": "probabilistic", "param": 0.5}, ProbabilisticSampler(0.5)),
        ({}, None),
        ({"type": "remote"}, None),
    ],
)
def test_sampler(value, sampler):
    assert config({"sampler": value}).sampler == sampler


@pytest.mark.parametrize("spelling", ["ratelimiting", "rate_limiting"])
def test_rate_limiting_sampler(spelling):
    sampler = config({"sampler": {"type": spelling, "param": 3}}).sampler
    assert isinstance(sampler, RateLimitingSampler)
    assert sampler.traces_per_second == 3


def test_a_sampler_object_is_used_as_it_is():
    class Mine:
        def is_sampled(self, trace_id, operation=""):
            return True, {}

    for mine in (ConstSampler(True), Mine()):
        assert config({"sampler": mine}).sampler is mine


def test_the_old_queue_check_still_raises():
    with pytest.raises(ValueError, match="Queue capacity cannot be less than batch size"):
        config({"reporter_batch_size": 100, "reporter_queue_size": 10}).new_tracer()


# -- propagation ---------------------------------------------------------------------------------


def test_b3_alone_replaces_http_headers_only():
    codecs = config({"propagation": "b3", "generate_128bit_trace_id": True}).propagation
    assert list(codecs) == [Format.HTTP_HEADERS]
    assert isinstance(codecs[Format.HTTP_HEADERS], B3Codec)


@pytest.mark.parametrize("names", ["w3c,jaeger", ["w3c", "jaeger"]])
def test_several_formats_are_all_written_in_both_text_carriers(names):
    made = config({"propagation": names, "trace_id_header": "x-id"})
    tracer = made.create_tracer(InMemoryReporter(), ConstSampler(True))
    for carrier_format in (Format.HTTP_HEADERS, Format.TEXT_MAP):
        carrier = {}
        with tracer.start_span("x") as span:
            tracer.inject(span, carrier_format, carrier)
        assert {"traceparent", "x-id"} <= set(carrier)
        assert tracer.extract(carrier_format, carrier).trace_id == span.trace_id
        assert tracer.extract(carrier_format, {"x-id": "1:2:0:1"}).trace_id == 1


@pytest.mark.parametrize("names", ["jaeger", "", None, " Jaeger "])
def test_the_default_format_needs_no_codec(names):
    assert config({"propagation": names}).propagation == {}


def test_an_unknown_format_is_an_error_in_the_configuration(monkeypatch, caplog):
    """Defect of the old client: silently ignored."""
    with pytest.raises(ConfigError, match=r"propagation: expected .* got 'zipkin'"):
        _ = config({"propagation": "zipkin"}).propagation
    monkeypatch.setenv("JAEGER_PROPAGATION", "zipkin, w3c")
    assert set(config().propagation) == {Format.HTTP_HEADERS, Format.TEXT_MAP}
    assert "ignored 'zipkin'" in caplog.text


# -- metrics -------------------------------------------------------------------------------------


def test_metrics_factories_by_precedence():
    factory = MetricsFactory()
    assert config(metrics_factory=factory, metrics=Metrics())._metrics_factory is factory
    assert type(config(metrics=Metrics())._metrics_factory) is LegacyMetricsFactory
    assert type(config()._metrics_factory) is LegacyMetricsFactory
    switched_off = config({"metrics": False}, metrics_factory=LegacyMetricsFactory())
    assert type(switched_off._metrics_factory) is MetricsFactory


def test_metrics_reach_the_tracer():
    counted = []
    made = config(metrics=Metrics(count=lambda key, value: counted.append(key)))
    made.create_tracer(InMemoryReporter(), ConstSampler(True)).start_span("x").finish()
    assert "jaeger:started_spans.sampled_y" in counted


# -- tracers -------------------------------------------------------------------------------------


def test_create_tracer_hands_everything_on():
    scope_manager = ThreadLocalScopeManager()
    made = config(
        {
            "tags": {"a": "b"},
            "max_tag_value_length": 5,
            "max_traceback_length": 6,
            "trace_id_header": "x-id",
            "baggage_header_prefix": "x-bag-",
            "debug_id_header": "x-debug",
            "generate_128bit_trace_id": True,
        },
        scope_manager=scope_manager,
    )
    reporter, sampler = InMemoryReporter(), ConstSampler(True)
    tracer = made.create_tracer(reporter, sampler)
    assert (tracer.service_name, tracer.reporter, tracer.sampler) == ("svc", reporter, sampler)
    assert tracer.scope_manager is scope_manager
    assert tracer.tags["a"] == "b"
    assert (tracer.max_tag_value_length, tracer.max_traceback_length) == (5, 6)
    assert tracer.max_trace_id_bits == 128
    assert tracer.throttler is None
    carrier = {}
    with tracer.start_span("x") as span:
        span.set_baggage_item("k", "v")
        tracer.inject(span, Format.TEXT_MAP, carrier)
    assert set(carrier) == {"x-id", "x-bag-k"}
    tracer.start_span("y", child_of=tracer.extract(Format.TEXT_MAP, {"x-debug": "id"})).finish()
    tags = {tag.key: tag.vStr for tag in reporter.get_spans()[1].tags}
    assert tags["x-debug"] == "id"


def test_a_new_tracer_talks_to_the_agent(new_tracer, caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")
    tracer = new_tracer()
    assert type(tracer) is Tracer
    assert type(tracer.reporter) is Reporter
    assert type(tracer.sampler) is RemoteControlledSampler
    assert tracer.throttler is None
    assert "Initializing Jaeger Tracer with UDP reporter" in caplog.messages
    assert any(message.startswith("Using sampler ") for message in caplog.messages)


def test_spans_arrive_at_the_configured_port(new_tracer):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        agent.settimeout(10)
        tracer = new_tracer(
            {
                "sampler": {"type": "const", "param": 1},
                "local_agent": {
                    "reporting_host": "127.0.0.1",
                    "reporting_port": agent.getsockname()[1],
                },
                "reporter_flush_interval": 0.01,
            }
        )
        tracer.start_span("hello-operation").finish()
        assert b"hello-operation" in agent.recv(65536)


@pytest.mark.parametrize(
    ("settings", "capacity", "batch", "interval"),
    [
        ({}, None, None, 1),
        ({"reporter_batch_size": 5, "reporter_queue_size": 50}, 50, 5, 1),
        ({"reporter_flush_interval": 0}, None, None, 0),
        ({"reporter_flush_interval": None}, None, None, None),
    ],
)
def test_an_unset_size_is_the_reporters_own_default(
    new_tracer, settings, capacity, batch, interval
):
    default = Reporter(NoopChannel()).queue_capacity
    reporter = new_tracer(settings).reporter
    assert reporter.queue_capacity == (capacity or default)
    assert reporter.batch_size == batch
    assert reporter.flush_interval == interval


class NoopChannel:
    io_loop = None

    def write(self, _):
        pass

    flush = write


def test_logging_adds_a_reporter(new_tracer, caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
        agent.bind(("127.0.0.1", 0))
        address = {"reporting_host": "127.0.0.1", "reporting_port": agent.getsockname()[1]}
        tracer = new_tracer(
            {"logging": True, "sampler": ConstSampler(True), "local_agent": address}
        )
        assert type(tracer.reporter) is CompositeReporter
        tracer.start_span("x").finish()
        tracer.close().result(5)
    assert any(message.startswith("Reporting span ") for message in caplog.messages)


def test_a_throttler_is_made_when_there_is_a_group(new_tracer):
    throttler = new_tracer({"throttler": {"refresh_interval": 3}}).throttler
    assert type(throttler) is RemoteThrottler
    assert throttler.refresh_interval == 3


def test_remote_sampler_gets_its_settings(new_tracer):
    sampler = new_tracer(
        {
            "sampler": {"type": "remote", "param": 0.25},
            "sampling_refresh_interval": 7,
            "max_operations": 8,
        }
    ).sampler
    assert sampler.sampler == ProbabilisticSampler(0.25)
    assert sampler.sampling_refresh_interval == 7
    assert sampler.max_operations == 8


@pytest.mark.parametrize("interval", [0, None])
def test_a_sampling_interval_of_nothing_is_the_default(new_tracer, interval):
    sampler = new_tracer({"sampling_refresh_interval": interval}).sampler
    assert sampler.sampling_refresh_interval == 60


def test_without_an_agent_spans_are_dropped_and_sampling_is_local(new_tracer):
    """Defect of the old client: local_agent.enabled was ignored."""
    tracer = new_tracer({"local_agent": {"enabled": False}, "throttler": {}})
    assert type(tracer.reporter) is NullReporter
    assert tracer.sampler == ProbabilisticSampler(0.001)
    assert tracer.throttler is None


def test_without_an_agent_spans_may_still_be_logged(new_tracer):
    tracer = new_tracer({"local_agent": {"enabled": False}, "logging": True})
    assert [type(part) for part in tracer.reporter.reporters] == [NullReporter, LoggingReporter]


def test_the_agents_socket_and_how_often_it_is_looked_for(new_tracer, monkeypatch):
    def sender(settings=None):
        found = new_tracer(settings).reporter.agent.sender
        return found._family, found._resolve_interval

    assert sender() == (_socket.AF_UNSPEC, 30.0)
    monkeypatch.setenv("JAEGER_AGENT_SOCKET_TYPE", "udp6")
    monkeypatch.setenv("JAEGER_REPORTER_ATTEMPT_RECONNECT_INTERVAL", "1m")
    assert sender() == (_socket.AF_INET6, 60.0)
    own = {"local_agent": {"socket_type": "udp4", "reconnect_interval": 5}}
    assert sender(own) == (_socket.AF_INET, 5.0)
    monkeypatch.setenv("JAEGER_REPORTER_ATTEMPT_RECONNECTING_DISABLED", "true")
    assert sender(own) == (_socket.AF_INET, math.inf)
    own["local_agent"]["reconnect"] = True
    assert sender(own) == (_socket.AF_INET, 5.0)


def test_an_endpoint_that_nothing_here_can_speak_to(new_tracer, monkeypatch, caplog):
    """By the configuration it is an error, by the environment a warning, and the agent's turn."""
    needed = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
    monkeypatch.setitem(sys.modules, needed, None)
    url = "http://u:s3cr3t@h:4318/v1/traces?key=s3cr3t"
    with pytest.raises(ConfigError, match=r"endpoint: .*jaeger-like\[otlp\]") as caught:
        new_tracer({"endpoint": url})
    monkeypatch.setenv("JAEGER_ENDPOINT", url)
    tracer = new_tracer()
    assert type(tracer.reporter.agent) is LocalAgentSender
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warning.startswith("JAEGER_ENDPOINT: ")
    assert "jaeger-like[otlp]" in warning
    assert "s3cr3t" not in warning + str(caught.value)


def test_an_endpoint_takes_the_place_of_udp(caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")

    async def main():
        server = Server(202)
        try:
            tracer = config(
                {
                    "sampler": ConstSampler(True),
                    "endpoint": server.url + "/api/traces",
                    "user": "u",
                    "password": "p",
                    "headers": {"X-Tenant": "t"},
                }
            ).new_tracer()
            tracer.start_span("hello-operation").finish()
            await tracer.close()
            return server.requests
        finally:
            await server.stop()

    (posted,) = run(main())
    assert b"hello-operation" in posted.body
    assert posted.headers["Authorization"].startswith("Basic ")
    assert posted.headers["X-Tenant"] == "t"
    assert "Initializing Jaeger Tracer with HTTP reporter" in caplog.messages


def test_a_sampling_endpoint_is_asked_even_without_an_agent():
    strategy = {"strategyType": "PROBABILISTIC", "probabilisticSampling": {"samplingRate": 0.75}}
    asked = threading.Event()

    async def main():
        def answer(handler):
            handler.finish(json.dumps(strategy))
            asked.set()

        server = Server(answer)
        import asyncio

        try:
            tracer = config(
                {
                    "local_agent": {"enabled": False},
                    "sampling_endpoint": server.url + "/s",
                    "sampling_refresh_interval": 0.01,
                }
            ).new_tracer()
            tracer.start_span("x").finish()
            while tracer.sampler.sampler != ProbabilisticSampler(0.75):
                await asyncio.get_running_loop().run_in_executor(None, asked.wait, 1)
                await asyncio.sleep(0)
            await tracer.close()
            return server.requests[0].uri
        finally:
            await server.stop()

    assert run(main()) == "/s?service=svc"


@pytest.mark.parametrize("settings", [{"enabled": False}, {"enabled": "0"}])
def test_disabled_tracing_makes_a_tracer_that_does_nothing(settings):
    """Defect of the old client: enabled was ignored."""
    assert isinstance(config(settings).new_tracer(), NoopTracer)


# -- the global tracer ----------------------------------------------------------------------------


@pytest.mark.usefixtures("_global_tracer")
def test_initialize_tracer_sets_the_global_tracer_once(caplog):
    caplog.set_level(logging.INFO, "jaeger_tracing")
    assert not Config.initialized()
    tracer = config({"local_agent": {"enabled": False}}).initialize_tracer()
    assert opentracing.tracer is tracer
    assert opentracing.global_tracer() is tracer
    assert Config.initialized()
    assert f"opentracing.tracer initialized to {tracer}[app_name=svc]" in caplog.messages
    assert config().initialize_tracer() is None
    assert caplog.messages[-1] == "Jaeger tracer already initialized, skipping"
    assert opentracing.tracer is tracer
    tracer.close().result(5)


@pytest.mark.usefixtures("_global_tracer")
def test_a_failing_first_call_does_not_count():
    """Defect of the old client: later calls said that it was initialized."""
    with pytest.raises(ConfigError):
        config({"sampler": {"type": "nonsense"}}).initialize_tracer()
    assert not Config.initialized()
    assert config({"enabled": False}).initialize_tracer() is not None


@pytest.mark.usefixtures("_global_tracer")
def test_of_many_threads_one_initializes():
    barrier = threading.Barrier(8)
    made = []

    def initialize():
        barrier.wait(10)
        made.append(config({"enabled": False}).initialize_tracer())

    threads = [threading.Thread(target=initialize) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len([tracer for tracer in made if tracer is not None]) == 1


# -- processes ------------------------------------------------------------------------------------


def in_a_process(code):
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_config_imports_nothing_heavy():
    code = (
        "import sys, threading, jaeger_like.config\n"
        "heavy = {'tornado', 'thrift', 'threadloop', 'asyncio', 'ssl', 'http.client', 'email'}\n"
        "print(heavy & set(sys.modules), threading.active_count())"
    )
    assert in_a_process(code) == "set() 1\n"


def test_a_lock_held_at_a_fork_is_free_in_the_child():
    code = (
        "import os\n"
        "from jaeger_like.config import Config\n"
        "with Config._initialized_lock:\n"
        "    child = os.fork()\n"
        "    if not child:\n"
        "        import signal; signal.alarm(10)\n"
        "        import threading\n"
        "        def other():\n"
        "            with Config._initialized_lock: os._exit(0)\n"
        "        threading.Thread(target=other).start()\n"
        "        signal.pause()\n"
        "assert os.waitpid(child, 0)[1] == 0\n"
    )
    in_a_process(code)


def test_the_lock_is_made_late_and_is_reentrant():
    lock = config_module.LateLock()
    assert lock._made == {}
    with lock, lock:
        lock._after_fork()  # as in a child that was forked inside of it
