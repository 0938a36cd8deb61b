"""Factories for user-made metrics: no-op, legacy functions, and the table."""

import pytest

from jaeger_like.metrics import LegacyMetricsFactory, Metrics, MetricsFactory, does_nothing
from jaeger_like.metrics.table import COUNTER, GAUGE, HELP, INSTRUMENTS, TIMER


@pytest.mark.parametrize("create", ["create_counter", "create_timer", "create_gauge"])
def test_the_base_factory_makes_no_ops_that_take_one_number(create):
    assert getattr(MetricsFactory(), create)(name="x", tags={"a": "b"})(1) is None
    assert getattr(MetricsFactory(), create)("x")(1) is None


@pytest.mark.parametrize(
    ("create", "function", "given", "received"),
    [
        ("create_counter", "count", 3, 3),
        ("create_gauge", "gauge", 0, 0),
        ("create_timer", "timing", 1500, 1.5),  # microseconds become milliseconds
    ],
)
@pytest.mark.parametrize(
    ("name", "tags", "key"),
    [
        ("plain", None, "plain"),
        ("plain", {}, "plain"),
        ("g", {"b": "1", "a": "2"}, "g.a_2.b_1"),
        ("jaeger:reporter_spans", {"result": "ok"}, "jaeger:reporter_spans.result_ok"),
        (
            "jaeger:traces",
            {"state": "started", "sampled": "y"},
            "jaeger:traces.sampled_y.state_started",
        ),
    ],
)
def test_legacy_keys_are_the_name_and_the_sorted_tags(
    create, function, given, received, name, tags, key
):
    calls = []
    metrics = Metrics(**{function: lambda *args: calls.append(args)})
    before = None if tags is None else dict(tags)
    getattr(LegacyMetricsFactory(metrics), create)(name=name, tags=tags)(given)
    assert calls == [(key, received)]
    assert tags == before


def test_metrics_ignores_what_is_no_function():
    metrics = Metrics(count=1, gauge="x", timing=None)
    metrics.count("k", 1)
    metrics.gauge("k", 1)
    metrics.timing("k", 1)


def test_metrics_passes_key_and_value():
    calls = []
    metrics = Metrics(
        count=lambda *a: calls.append(("count", *a)),
        gauge=lambda *a: calls.append(("gauge", *a)),
        timing=lambda *a: calls.append(("timing", *a)),
    )
    metrics.count("a", 1)
    metrics.gauge("b", 2)
    metrics.timing("c", 3)
    assert calls == [("count", "a", 1), ("gauge", "b", 2), ("timing", "c", 3)]


def test_the_table_has_each_name_once_with_help_and_one_set_of_tag_names():
    assert len(HELP) == len(INSTRUMENTS)
    for instrument in INSTRUMENTS:
        assert instrument.type in (COUNTER, GAUGE, TIMER)
        assert instrument.help.endswith(".")
        assert len({tuple(sorted(tags)) for tags in instrument.tags}) == 1
        assert len({tuple(sorted(tags.items())) for tags in instrument.tags}) == len(
            instrument.tags
        )


def test_the_table_has_the_names_that_dashboards_know():
    assert {
        "jaeger:traces",
        "jaeger:started_spans",
        "jaeger:finished_spans",
        "jaeger:reporter_spans",
        "jaeger:reporter_queue_length",
        "jaeger:sampler_queries",
        "jaeger:sampler_updates",
        "jaeger:throttled_debug_spans",
        "jaeger:throttler_update",
    } <= set(HELP)


class _OwnMetrics(Metrics):
    pass


@pytest.mark.parametrize(
    ("factory", "idle"),
    [
        (MetricsFactory(), True),
        (LegacyMetricsFactory(Metrics()), True),
        (LegacyMetricsFactory(), True),
        (LegacyMetricsFactory(Metrics(count=print)), False),
        (LegacyMetricsFactory(Metrics(gauge=print)), False),
        (LegacyMetricsFactory(Metrics(timing=print)), False),
        (LegacyMetricsFactory(_OwnMetrics()), False),
        (object(), False),
    ],
)
def test_factories_known_to_do_nothing(factory, idle):
    assert does_nothing(factory) is idle
