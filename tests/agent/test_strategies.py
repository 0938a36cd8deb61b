"""Strategies files."""

import json

import pytest

from jaeger_like.all_in_one.strategies import Strategies
from jaeger_like.errors import ConfigError

DOCUMENT = {
    "service_strategies": [
        {
            "service": "foo",
            "type": "probabilistic",
            "param": 0.8,
            "operation_strategies": [
                {"operation": "op1", "type": "probabilistic", "param": 0.2},
                {"operation": "/health", "type": "probabilistic", "param": 0.5},
            ],
        },
        {"service": "bar", "type": "ratelimiting", "param": 5},
        {"service": "plain", "type": "probabilistic", "param": 1},
        {
            "service": "both",
            "type": "ratelimiting",
            "param": 7,
            "operation_strategies": [{"operation": "op", "type": "probabilistic", "param": 1}],
        },
    ],
    "default_strategy": {
        "type": "probabilistic",
        "param": 0.5,
        "operation_strategies": [{"operation": "/health", "type": "probabilistic", "param": 0}],
    },
}


def operations(response):
    entries = response["operationSampling"]["perOperationStrategies"]
    return {e["operation"]: e["probabilisticSampling"]["samplingRate"] for e in entries}


def test_without_a_file_everything_is_sampled():
    assert Strategies().response("any") == {
        "strategyType": "PROBABILISTIC",
        "probabilisticSampling": {"samplingRate": 1.0},
    }


def test_a_file(tmp_path):
    path = tmp_path / "strategies.json"
    path.write_text(json.dumps(DOCUMENT))
    strategies = Strategies.load(str(path))
    foo = strategies.response("foo")
    assert foo["strategyType"] == "PROBABILISTIC"
    assert foo["probabilisticSampling"] == {"samplingRate": 0.8}
    assert foo["operationSampling"]["defaultSamplingProbability"] == 0.8
    assert foo["operationSampling"]["defaultLowerBoundTracesPerSecond"] == 0.0
    assert operations(foo) == {"/health": 0.5, "op1": 0.2}
    assert strategies.response("bar") == {
        "strategyType": "RATE_LIMITING",
        "rateLimitingSampling": {"maxTracesPerSecond": 5},
    }
    assert operations(strategies.response("plain")) == {"/health": 0.0}
    assert operations(strategies.response("both")) == {"/health": 0.0, "op": 1.0}
    assert operations(strategies.response("unknown")) == {"/health": 0.0}


def test_a_file_without_a_default():
    response = Strategies({}).response("any")
    assert response["probabilisticSampling"] == {"samplingRate": 0.001}


P = {"type": "probabilistic", "param": 1}


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ([], "strategies"),
        ({"service_strategies": 1}, "service_strategies"),
        ({"service_strategies": ["x"]}, r"service_strategies\[0\]"),
        ({"service_strategies": [P]}, r"service_strategies\[0\].service"),
        ({"default_strategy": 1}, "default_strategy"),
        ({"default_strategy": {"type": "const"}}, "default_strategy.type"),
        ({"default_strategy": {**P, "param": 1.5}}, "default_strategy.param"),
        ({"default_strategy": {**P, "param": "1"}}, "default_strategy.param"),
        ({"default_strategy": {**P, "param": True}}, "default_strategy.param"),
        ({"default_strategy": {**P, "param": float("nan")}}, "default_strategy.param"),
        ({"default_strategy": {"type": "ratelimiting", "param": -1}}, "default_strategy.param"),
        ({"default_strategy": {**P, "operation_strategies": {"a": 1}}}, "operation_strategies"),
        ({"default_strategy": {**P, "operation_strategies": [1]}}, r"operation_strategies\[0\]"),
        ({"default_strategy": {**P, "operation_strategies": [P]}}, "operation"),
        (
            {
                "default_strategy": {
                    **P,
                    "operation_strategies": [{"operation": "o", "type": "ratelimiting"}],
                }
            },
            r"operation_strategies\[0\].type",
        ),
    ],
)
def test_a_mistake_is_named(document, key):
    with pytest.raises(ConfigError, match=key):
        Strategies(document)


@pytest.mark.parametrize("content", [None, "{", "null", "[" * 100_000])
def test_a_file_that_is_none(tmp_path, content):
    path = tmp_path / "strategies.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match="sampling-strategies"):
        Strategies.load(str(path))
