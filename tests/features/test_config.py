"""The features are settings like others."""

from __future__ import annotations

import pytest

from jaeger_like import Config, ConstSampler
from jaeger_like.baggage_limits import Restriction
from jaeger_like.errors import ConfigError
from jaeger_like.late_samplers import TagMatchingSampler
from jaeger_like.reporter import InMemoryReporter

from ..core.support import RecordingMetrics


@pytest.fixture(autouse=True)
def _nothing_from_outside(monkeypatch):
    monkeypatch.delenv("JAEGER_RPC_METRICS", raising=False)
    monkeypatch.setattr("jaeger_like._config_properties._warned", set())


def new_tracer(settings, **arguments):
    config = Config(settings, service_name="svc", validate=True, **arguments)
    return config.create_tracer(InMemoryReporter(), ConstSampler(True))


def test_by_default_nothing_is_in_use():
    tracer = new_tracer({})
    assert tracer._extras is None
    assert (tracer.max_logs_per_span, tracer.baggage_restrictions) == (0, None)


def test_logs_of_a_span_are_limited():
    span = new_tracer({"max_logs_per_span": 2}).start_span("op")
    for _ in range(5):
        span.log_kv({"a": 1})
    assert len(span.logs) == 2


@pytest.mark.parametrize(
    ("settings", "allowed", "other"),
    [
        ({"allowed_keys": ["k", "l"]}, Restriction(True), Restriction(False)),
        ({"allowed_keys": " k , l "}, Restriction(True), Restriction(False)),
        ({"max_value_length": 5}, Restriction(True, 5), Restriction(True, 5)),
        (
            {"allowed_keys": ["k"], "max_value_length": "5"},
            Restriction(True, 5),
            Restriction(False, 5),
        ),
    ],
)
def test_baggage_is_limited(settings, allowed, other):
    restrictions = new_tracer({"baggage": settings}).baggage_restrictions
    assert restrictions.restriction("svc", "k") == allowed
    assert restrictions.restriction("svc", "x") == other


@pytest.mark.parametrize(
    "settings",
    [
        {"max_logs_per_span": -1},
        {"baggage": {"allowed_keys": 5}},
        {"baggage": {"allowed_keys": [1]}},
        {"baggage": {"max_value_length": -1}},
        {"baggage": {"refresh_interval": 0}},
        {"baggage": 5},
        {"baggage": {"nonsense": 1}},
    ],
)
def test_what_cannot_be_is_an_error(settings):
    with pytest.raises(ValueError, match=r"max_logs_per_span|baggage"):
        Config(settings, service_name="svc", validate=True).new_tracer()


def test_an_error_names_the_key():
    with pytest.raises(ConfigError, match=r"baggage\.max_value_length"):
        new_tracer({"baggage": {"max_value_length": "x"}})


def test_late_binding():
    tracer = new_tracer({"operation_name_late_binding": True})
    assert tracer._extras._late


def test_a_sampler_that_decides_late_does_so_by_itself():
    sampler = TagMatchingSampler("k", ["v"])
    config = Config({"sampler": sampler, "local_agent": {"enabled": False}}, service_name="svc")
    tracer = config.new_tracer()
    span = tracer.start_span("op")
    assert not span.is_sampled()
    assert span.set_tag("k", "v").is_sampled()


@pytest.mark.parametrize("by_variable", [True, False])
def test_rpc_metrics(by_variable, monkeypatch):
    metrics = RecordingMetrics()
    if by_variable:
        monkeypatch.setenv("JAEGER_RPC_METRICS", "true")
    tracer = new_tracer({} if by_variable else {"rpc_metrics": True}, metrics_factory=metrics)
    tracer.start_span("op", tags={"span.kind": "server"}).finish()
    assert metrics.counts["jaeger-rpc:requests{component=jaeger,endpoint=op,error=false}"] == 1


def test_the_configuration_beats_the_variable(monkeypatch):
    monkeypatch.setenv("JAEGER_RPC_METRICS", "true")
    assert Config({"rpc_metrics": False}, service_name="svc").rpc_metrics is False


def test_rpc_metrics_without_metrics_are_mentioned(caplog):
    tracer = new_tracer({"rpc_metrics": True})
    assert tracer._extras is None
    assert "rpc_metrics has no effect" in caplog.text


def test_remote_limits_need_an_agent():
    settings = {"baggage": {"remote": True}, "local_agent": {"enabled": False}}
    assert Config(settings, service_name="svc").new_tracer().baggage_restrictions is None
