"""What backends say about sampling."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like.sampler import get_rate_limit, get_sampling_probability
from jaeger_like.sampler.strategy import (
    PerOperationStrategy,
    ProbabilisticStrategy,
    RateLimitingStrategy,
    StrategyError,
    load,
    parse,
)

HALF = {"probabilisticSampling": {"samplingRate": 0.5}}
NOTHING = {"probabilisticSampling": None}
FORTY_TWO = {"rateLimitingSampling": {"maxTracesPerSecond": 42}}
ENTRY = {"operation": "op", "probabilisticSampling": {"samplingRate": 0.25}}
OPERATIONS = {
    "defaultSamplingProbability": 0.1,
    "defaultLowerBoundTracesPerSecond": 2,
    "perOperationStrategies": [ENTRY],
}

P, R = ProbabilisticStrategy, RateLimitingStrategy


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"strategyType": "PROBABILISTIC", **HALF}, P(0.5)),
        ({"strategyType": "RATE_LIMITING", **FORTY_TWO}, R(42)),
        # Servers that write the type in other ways.
        ({"strategyType": 0, **HALF}, P(0.5)),
        ({"strategyType": 1, **FORTY_TWO}, R(42)),
        ({"strategyType": "0", **HALF}, P(0.5)),
        ({"strategyType": "1", **FORTY_TWO}, R(42)),
        ({"strategyType": "probabilistic", **HALF}, P(0.5)),
        # No type, or one from the future: what is there decides, as in Go and Java.
        (HALF, P(0.5)),
        (FORTY_TWO, R(42)),
        ({**FORTY_TWO, **HALF}, P(0.5)),
        ({"strategyType": None, **FORTY_TWO}, R(42)),
        ({"strategyType": 7, **FORTY_TWO}, R(42)),
        ({"strategyType": "NEW", **HALF}, P(0.5)),
        ({"strategyType": True, **HALF}, P(0.5)),
        ({"strategyType": [], **HALF}, P(0.5)),
        ({"strategyType": 2, "probabilisticSampling": None, **FORTY_TWO}, R(42)),
        # The type decides if it is known.
        ({"strategyType": "RATE_LIMITING", **HALF, **FORTY_TWO}, R(42)),
        ({"strategyType": "PROBABILISTIC", **HALF, **FORTY_TWO}, P(0.5)),
        # Missing numbers.
        ({"strategyType": "PROBABILISTIC"}, P(0.001)),
        ({"strategyType": "PROBABILISTIC", "probabilisticSampling": None}, P(0.001)),
        ({"strategyType": "PROBABILISTIC", "probabilisticSampling": {}}, P(0.001)),
        ({"probabilisticSampling": {"samplingRate": None}}, P(0.001)),
        ({"strategyType": "RATE_LIMITING"}, R(1 / 600)),
        ({"rateLimitingSampling": {}}, R(1 / 600)),
        # Ends of the ranges.
        ({"probabilisticSampling": {"samplingRate": 0}}, P(0)),
        ({"probabilisticSampling": {"samplingRate": 1}}, P(1)),
        ({"rateLimitingSampling": {"maxTracesPerSecond": 0}}, R(0)),
        ({"rateLimitingSampling": {"maxTracesPerSecond": 499.9}}, R(499.9)),
        # Nothing per operation.
        ({"operationSampling": None, **HALF}, P(0.5)),
        ({"operationSampling": {}, **HALF}, P(0.5)),
    ],
)
def test_one_rule_for_all_operations(answer, expected):
    for form in (answer, json.dumps(answer), json.dumps(answer).encode()):
        found = parse(form)
        assert type(found) is type(expected)
        assert found == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (0.1, 2, {"op": 0.25}, 0)),
        ({"perOperationStrategies": []}, (0.1, 2, {}, 0)),
        ({"perOperationStrategies": None}, (0.1, 2, {}, 0)),
        ({"defaultSamplingProbability": None}, (0.001, 2, {"op": 0.25}, 0)),
        ({"defaultSamplingProbability": 0}, (0, 2, {"op": 0.25}, 0)),
        ({"defaultLowerBoundTracesPerSecond": None}, (0.1, 1 / 600, {"op": 0.25}, 0)),
        ({"defaultUpperBoundTracesPerSecond": 0}, (0.1, 2, {"op": 0.25}, 0)),
        ({"perOperationStrategies": [{"operation": "o"}]}, (0.1, 2, {"o": 0.001}, 0)),
        ({"perOperationStrategies": [{**ENTRY, **NOTHING}]}, (0.1, 2, {"op": 0.001}, 0)),
    ],
)
def test_rules_by_operation(changes, expected):
    found = parse({"operationSampling": {**OPERATIONS, **changes}})
    assert found == PerOperationStrategy(*expected)


def test_defect_null_list_of_operations_is_a_list_of_none():
    body = b'{"strategyType":"PROBABILISTIC","operationSampling":{"perOperationStrategies":null,'
    body += b'"defaultSamplingProbability":0.5,"defaultLowerBoundTracesPerSecond":1}}'
    assert parse(body) == PerOperationStrategy(0.5, 1, {})


def test_missing_keys_get_defaults():
    assert parse({"operationSampling": {"x": 1}}) == PerOperationStrategy(0.001, 1 / 600, {})


@pytest.mark.parametrize("kind", ["PROBABILISTIC", "RATE_LIMITING", 0, 1, None])
def test_rules_by_operation_win(kind):
    answer = {"strategyType": kind, **HALF, **FORTY_TWO, "operationSampling": OPERATIONS}
    assert isinstance(parse(answer), PerOperationStrategy)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        5,
        "op",
        [],
        {},
        {"operation": 5, **HALF},
        {"operation": None, **HALF},
        {"operation": "bad", "probabilisticSampling": 5},
        {"operation": "bad", "probabilisticSampling": {"samplingRate": 1.5}},
        {"operation": "bad", "probabilisticSampling": {"samplingRate": -0.1}},
        {"operation": "bad", "probabilisticSampling": {"samplingRate": "0.5"}},
    ],
)
def test_a_malformed_entry_costs_only_itself(entry):
    found = parse({"operationSampling": {**OPERATIONS, "perOperationStrategies": [entry, ENTRY]}})
    assert found.rates == {"op": 0.25}
    assert found.skipped == 1


def test_the_last_entry_of_an_operation_counts():
    entries = [{"operation": "op", **HALF}, ENTRY]
    found = parse({"operationSampling": {"perOperationStrategies": entries}})
    assert found.rates == {"op": 0.25}


@pytest.mark.parametrize(
    "body",
    [
        b"", "", b"not json", b"{", b"\xff\xfe", b"[" * 100_000,
        b"[]", b"{}", b"null", b"5", b'"x"',
        None, [], 5, {},
        {"strategyType": "NEW"},
        {"strategyType": 2},
        {"strategyType": 0, "probabilisticSampling": {"samplingRate": 1.5}},
        {"strategyType": 0, "probabilisticSampling": {"samplingRate": -0.5}},
        {"strategyType": 0, "probabilisticSampling": {"samplingRate": "0.5"}},
        {"strategyType": 0, "probabilisticSampling": {"samplingRate": True}},
        {"strategyType": 0, "probabilisticSampling": {"samplingRate": []}},
        {"strategyType": 0, "probabilisticSampling": [1]},
        {"strategyType": 0, "probabilisticSampling": 0.5},
        b'{"probabilisticSampling":{"samplingRate":NaN}}',
        b'{"rateLimitingSampling":{"maxTracesPerSecond":1e999}}',
        {"strategyType": 1, "rateLimitingSampling": {"maxTracesPerSecond": 500}},
        {"strategyType": 1, "rateLimitingSampling": {"maxTracesPerSecond": -1}},
        {"strategyType": 1, "rateLimitingSampling": {"maxTracesPerSecond": 10**400}},
        {"operationSampling": 5},
        {"operationSampling": [ENTRY]},
        {"operationSampling": {**OPERATIONS, "perOperationStrategies": {"op": 0.5}}},
        {"operationSampling": {**OPERATIONS, "defaultSamplingProbability": 1.5}},
        {"operationSampling": {**OPERATIONS, "defaultSamplingProbability": "1"}},
        {"operationSampling": {**OPERATIONS, "defaultLowerBoundTracesPerSecond": -1}},
        {"operationSampling": {**OPERATIONS, "defaultLowerBoundTracesPerSecond": 10**400}},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_an_error(body):
    with pytest.raises(StrategyError):
        parse(body)


def test_an_error_says_what_was_found_and_is_short():
    with pytest.raises(StrategyError, match=r"samplingRate: expected .* got 1\.5"):
        parse({"probabilisticSampling": {"samplingRate": 1.5}})
    with pytest.raises(StrategyError) as caught:
        parse({"strategyType": "x" * 10_000})
    assert len(str(caught.value)) < 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def one_of_keys(*keys, values=JSON):
    return st.dictionaries(st.sampled_from(keys), values, max_size=len(keys))


NUMBER = st.sampled_from([0, 0.5, 1, 2, 499, 500, -1]) | st.floats() | JSON
RATE = one_of_keys("samplingRate", values=NUMBER) | JSON
ENTRIES = st.lists(
    st.fixed_dictionaries({}, optional={"operation": JSON, "probabilisticSampling": RATE}),
    max_size=4,
)
ANSWER = st.fixed_dictionaries(
    {},
    optional={
        "strategyType": st.sampled_from(["PROBABILISTIC", "RATE_LIMITING", 0, 1]) | JSON,
        "probabilisticSampling": RATE,
        "rateLimitingSampling": one_of_keys("maxTracesPerSecond", values=NUMBER) | JSON,
        "operationSampling": JSON
        | st.fixed_dictionaries(
            {},
            optional={
                "defaultSamplingProbability": NUMBER,
                "defaultLowerBoundTracesPerSecond": NUMBER,
                "perOperationStrategies": ENTRIES | JSON,
            },
        ),
    },
)


@given(ANSWER | JSON)
def test_whatever_is_sent_the_result_is_in_range_or_the_one_error(answer):
    try:
        found = parse(answer if isinstance(answer, dict) else json.dumps(answer))
    except StrategyError:
        return
    if isinstance(found, ProbabilisticStrategy):
        assert 0 <= found.rate <= 1
    elif isinstance(found, RateLimitingStrategy):
        assert 0 <= found.max_traces_per_second < 500
    else:
        assert 0 <= found.default_rate <= 1
        assert 0 <= found.lower_bound < float("inf")
        assert all(isinstance(k, str) and 0 <= v <= 1 for k, v in found.rates.items())


@given(st.binary() | st.text())
def test_load_raises_only_the_one_error(body):
    try:
        load(body)
    except StrategyError:
        pass


def test_helpers_for_raw_answers():
    assert get_sampling_probability() == 0.001
    assert get_sampling_probability({}) == 0.001
    assert get_sampling_probability({"probabilisticSampling": {}}) == 0.001
    assert get_sampling_probability(HALF) == 0.5
    assert get_rate_limit() == 1 / 600
    assert get_rate_limit({}) == 1 / 600
    assert get_rate_limit({"rateLimitingSampling": None}) == 1 / 600
    assert get_rate_limit(FORTY_TWO) == 42
