"""The Prometheus factory, against real registries."""

import builtins
import subprocess
import sys

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from jaeger_like.errors import ConfigError
from jaeger_like.metrics.prometheus import PrometheusMetricsFactory
from jaeger_like.metrics.table import COUNTER, INSTRUMENTS, TIMER


@pytest.fixture
def registry():
    return CollectorRegistry()


def test_a_counter_counts_with_name_and_labels(registry):
    factory = PrometheusMetricsFactory("app_x", "svc", registry=registry)
    factory.create_counter("jaeger:traces", {"state": "started", "sampled": "y"})(2)
    labels = {"sampled": "y", "service": "svc", "state": "started"}
    assert registry.get_sample_value("app_x_jaeger:traces_total", labels) == 2


def test_without_namespace_or_labels_the_name_stands_alone(registry):
    PrometheusMetricsFactory(registry=registry).create_counter("jaeger:finished_spans")(1)
    assert registry.get_sample_value("jaeger:finished_spans_total") == 1


def test_a_gauge_is_set_and_has_no_suffix(registry):
    gauge = PrometheusMetricsFactory("app", registry=registry).create_gauge(
        "jaeger:reporter_queue_length"
    )
    gauge(7)
    gauge(3)
    assert registry.get_sample_value("app_jaeger:reporter_queue_length") == 3


def test_series_exist_with_zero_from_the_start(registry):
    PrometheusMetricsFactory(registry=registry).create_counter("c", {"result": "ok"})
    assert registry.get_sample_value("c_total", {"result": "ok"}) == 0


def test_a_timer_does_nothing(registry):
    PrometheusMetricsFactory(registry=registry).create_timer("t")(5)
    assert generate_latest(registry) == b""


def test_the_callers_tags_are_not_changed(registry):
    """Defect of the old client: it added the label ``service`` to the caller's dict."""
    tags = {"result": "ok"}
    PrometheusMetricsFactory(service_name_label="svc", registry=registry).create_counter("c", tags)
    assert tags == {"result": "ok"}


def test_two_factories_share_a_registry(registry):
    """Defect of the old client: a second tracer raised "Duplicated timeseries"."""
    for _ in range(2):
        factory = PrometheusMetricsFactory("ns", "svc", registry=registry)
        factory.create_counter("c", {"result": "ok"})(1)
        factory.create_gauge("g")(1)
    labels = {"result": "ok", "service": "svc"}
    assert registry.get_sample_value("ns_c_total", labels) == 2


def test_the_default_registry_is_the_default_and_may_be_used_twice():
    from prometheus_client import REGISTRY

    for _ in range(2):
        PrometheusMetricsFactory("test_default").create_counter("c")(1)
    assert REGISTRY.get_sample_value("test_default_c_total") == 2


def test_every_instrument_of_the_table_is_exposed_with_its_help(registry):
    factory = PrometheusMetricsFactory(registry=registry)
    for instrument in INSTRUMENTS:
        if instrument.type == TIMER:  # not exposed
            continue
        name = instrument.name.replace("-", "_")
        create = factory.create_counter if instrument.type == COUNTER else factory.create_gauge
        for tags in instrument.tags:
            create(name=instrument.name, tags=tags or None)(1)
            suffix = "_total" if instrument.type == COUNTER else ""
            assert registry.get_sample_value(name + suffix, tags) == 1
    assert b"Spans waiting to be sent." in generate_latest(registry)


@pytest.mark.parametrize(
    ("taken", "why"),
    [
        (lambda registry: Gauge("c", "", registry=registry), "another kind"),
        (lambda registry: Counter("c", "", ["x"], registry=registry), "other labels"),
    ],
)
def test_a_name_taken_by_something_else_costs_that_metric_and_a_warning(
    registry, caplog, taken, why
):
    taken(registry)
    PrometheusMetricsFactory(registry=registry).create_counter("c")(1)
    assert "Metric c is not exposed" in caplog.text, why
    taken_gauge = PrometheusMetricsFactory(registry=registry).create_gauge(
        "c", {"x": "1", "y": "2"}
    )
    taken_gauge(1)


@pytest.mark.parametrize(
    ("namespace", "shown"), [("my-app", "my_app_c"), ("9 lives", "_9_lives_c"), ("a:b", "a:b_c")]
)
def test_characters_that_prometheus_forbids_become_underscores(registry, namespace, shown):
    PrometheusMetricsFactory(namespace, registry=registry).create_counter("c")(1)
    assert registry.get_sample_value(shown + "_total") == 1


@pytest.mark.parametrize("arguments", [{"namespace": 5}, {"service_name_label": 5}])
def test_what_is_no_text_is_a_config_error_that_names_it(registry, arguments):
    with pytest.raises(ConfigError, match=next(iter(arguments))):
        PrometheusMetricsFactory(**arguments, registry=registry)


def test_a_missing_prometheus_client_is_said_plainly(monkeypatch):
    real_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "prometheus_client":
            raise ImportError(name)
        return real_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install 'jaeger-like\[prometheus\]'"):
        PrometheusMetricsFactory()


def test_importing_metrics_does_not_import_prometheus_client():
    code = (
        "import sys, jaeger_like.metrics, jaeger_like.metrics.prometheus; "
        "sys.exit('prometheus_client' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
