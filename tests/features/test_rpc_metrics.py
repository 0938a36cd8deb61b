"""Requests that a service answers are counted and timed."""

from __future__ import annotations

import threading

import pytest
from prometheus_client import CollectorRegistry

from jaeger_like import Config, ConstSampler
from jaeger_like.metrics import MetricsFactory
from jaeger_like.metrics.prometheus import PrometheusMetricsFactory
from jaeger_like.reporter import InMemoryReporter
from jaeger_like.rpc_metrics import RPCMetrics

from ..core.support import new_tracer

SERVER = {"span.kind": "server"}


class Instruments(MetricsFactory):
    """Keeps what the counters and timers got, by name and tags."""

    def __init__(self):
        self.counts = {}
        self.times = {}

    def create_counter(self, name, tags=None):
        key = self.key(name, tags)

        def count(value):
            self.counts[key] = self.counts.get(key, 0) + value

        return count

    def create_timer(self, name, tags=None):
        return self.times.setdefault(self.key(name, tags), []).append

    @staticmethod
    def key(name, tags):
        if name.startswith("jaeger-rpc:"):
            assert tags["component"] == "jaeger"
        return (
            name,
            *(f"{k}={v}" for k, v in sorted((tags or {}).items()) if k != "component"),
        )

    def requests(self):
        return {key[1:]: n for key, n in self.counts.items() if key[0] == "jaeger-rpc:requests"}

    def codes(self):
        return {key[2]: n for key, n in self.counts.items() if key[0] == "jaeger-rpc:http_requests"}


def finished(sampled=True, tags=SERVER, name="op", **later):
    """Return the instruments after one span that took 1.5 s."""
    instruments = Instruments()
    tracer = new_tracer(sampled, observers=[RPCMetrics(instruments)])
    span = tracer.start_span(name, tags=tags, start_time=100.0)
    for key, value in later.items():
        span.set_tag(key.replace("_", "."), value)
    span.finish(101.5)
    return instruments


@pytest.mark.parametrize("sampled", [True, False])
def test_server_spans_are_counted_and_timed_be_they_sampled_or_not(sampled):
    instruments = finished(sampled)
    assert instruments.requests() == {("endpoint=op", "error=false"): 1}
    assert instruments.times == {
        ("jaeger-rpc:request_latency", "endpoint=op", "error=false"): [1_500_000]
    }


@pytest.mark.parametrize("tags", [None, {"span.kind": "client"}, {"span.kind": ["server"]}])
def test_other_spans_are_not(tags):
    instruments = finished(tags=tags)
    assert (instruments.counts, instruments.times) == ({}, {})


@pytest.mark.parametrize("name", ["", None])
def test_a_request_without_a_name_is_not(name):
    assert finished(name=name).counts == {}


def test_a_span_may_turn_out_to_be_a_servers_and_be_renamed():
    instruments = Instruments()
    span = new_tracer(observers=[RPCMetrics(instruments)]).start_span("GET")
    span.set_tag("span.kind", "server").set_tag("peer", "x")
    span.set_operation_name("/users").finish()
    assert instruments.requests() == {("endpoint=/users", "error=false"): 1}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(True, "true"), ("true", "true"), ("True", "true"), (False, "false"), ("no", "false")],
)
def test_errors_are_counted_apart(value, expected):
    assert finished(error=value).requests() == {("endpoint=op", f"error={expected}"): 1}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, "2xx"),
        ("204", "2xx"),
        (302, "3xx"),
        (404, "4xx"),
        (599, "5xx"),
        (199, None),
        (600, None),
        ("x", None),
        (None, None),
        (float("inf"), None),
    ],
)
def test_status_codes_are_counted_by_their_first_digit(status, expected):
    found = finished(tags={**SERVER, "http.status_code": status}).codes()
    assert found == ({f"status_code={expected}": 1} if expected else {})


@pytest.mark.parametrize(
    ("name", "endpoint"),
    [("GET /a/{id}?b", "GET-/a/-id--b"), ("a-b_c.d/9", "a-b_c.d/9"), ("é", "-")],
)
def test_endpoints_have_plain_names(name, endpoint):
    assert list(finished(name=name).requests()) == [(f"endpoint={endpoint}", "error=false")]


def test_beyond_200_endpoints_all_are_one():
    instruments = Instruments()
    tracer = new_tracer(observers=[RPCMetrics(instruments)])
    for number in range(250):
        tracer.start_span(f"op{number}", tags=SERVER).finish()
    tracer.start_span("op7", tags=SERVER).finish()
    counts = {key[0]: count for key, count in instruments.requests().items()}
    assert len(counts) == 201
    assert counts["endpoint=other"] == 50
    assert counts["endpoint=op7"] == 2


def test_a_lock_that_cannot_be_had_costs_the_name_only():
    from jaeger_like._guard import guard

    taken, done = threading.Event(), threading.Event()

    def hold():
        with guard.lock:
            taken.set()
            done.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert taken.wait(30)
        assert list(finished().requests()) == [("endpoint=other", "error=false")]
    finally:
        done.set()
        holder.join()


def test_prometheus_shows_them():
    registry = CollectorRegistry()
    config = Config(
        {"rpc_metrics": True},
        service_name="svc",
        metrics_factory=PrometheusMetricsFactory(registry=registry),
    )
    tracer = config.create_tracer(InMemoryReporter(), ConstSampler(False))
    tracer.start_span("GET /a", tags={**SERVER, "http.status_code": 503}).finish()
    labels = {"component": "jaeger", "endpoint": "GET-/a"}
    assert registry.get_sample_value("jaeger_rpc:requests_total", {**labels, "error": "false"}) == 1
    assert (
        registry.get_sample_value(
            "jaeger_rpc:http_requests_total", {**labels, "status_code": "5xx"}
        )
        == 1
    )
