"""Config: properties, precedence, validation, samplers, propagation, metrics."""

import json
import logging

import pytest
from opentracing import Format

from jaeger_like.codecs import B3Codec
from jaeger_like.config import Config
from jaeger_like.errors import ConfigError
from jaeger_like.metrics import LegacyMetricsFactory, Metrics, MetricsFactory
from jaeger_like.noop import NoopTracer
from jaeger_like.reporter import (
    InMemoryReporter,
)
from jaeger_like.sampler import (
    ConstSampler,
    ProbabilisticSampler,
    RateLimitingSampler,
)

from .support import config

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
