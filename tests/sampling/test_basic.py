"""Const, probabilistic and rate limiting samplers."""

import pickle
import random
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like.errors import ConfigError
from jaeger_like.sampler import ConstSampler, ProbabilisticSampler, RateLimitingSampler, Sampler
from jaeger_like.sampler.base import checked_count, checked_interval

from .fakes import Clock

MAX_ID = 2**64 - 1


def tags(kind, param):
    return {"sampler.type": kind, "sampler.param": param}


def decisions(sampler, number):
    return sum(sampler.is_sampled(1)[0] for _ in range(number))


@pytest.mark.parametrize(
    ("param", "expected"), [(True, True), (False, False), (1, True), (0, False), ("x", True)]
)
def test_const_always_decides_the_same(param, expected):
    sampler = ConstSampler(param)
    for trace_id in (0, 1, MAX_ID, 2**128 - 1):
        decision, found = sampler.is_sampled(trace_id, "op")
        assert decision is expected
        assert found == tags("const", param)
        assert found["sampler.param"] is param
    sampler.close()
    assert str(sampler) == f"ConstSampler({param})"


@pytest.mark.parametrize(
    ("rate", "trace_id", "expected"),
    [
        (0.5, 2**63 - 1, True),
        (0.5, 2**63, False),
        (0.5, (5 << 64) | 1, True),
        (0.5, (1 << 64) | 2**63, False),
        (0, 0, False),
        (0, MAX_ID, False),
        (1, 0, True),
        (1, MAX_ID, True),
        (1.0, 2**128 - 1, True),
        (0.25, 2**62 - 1, True),
        (0.25, 2**62, False),
        (True, MAX_ID, True),
    ],
)
def test_probabilistic_compares_the_low_64_bits(rate, trace_id, expected):
    assert ProbabilisticSampler(rate).is_sampled(trace_id, "op") == (
        expected,
        tags("probabilistic", rate),
    )


@given(st.floats(0, 1), st.integers(0, 2**128 - 1))
def test_probabilistic_is_exact_for_all_rates_and_ids(rate, trace_id):
    expected = trace_id % 2**64 < Fraction(rate) * 2**64
    assert ProbabilisticSampler(rate).is_sampled(trace_id)[0] is expected


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.9])
def test_probabilistic_samples_its_share_of_random_ids(rate):
    ids = random.Random(1)
    sampler = ProbabilisticSampler(rate)
    number = 50_000
    share = sum(sampler.is_sampled(ids.getrandbits(64))[0] for _ in range(number)) / number
    assert abs(share - rate) < 4 * (rate * (1 - rate) / number) ** 0.5


NO_NUMBERS = [None, "0.5", b"1", [], {}, "x", float("nan"), float("inf"), -1, -1e-9, object()]


@pytest.mark.parametrize("rate", [*NO_NUMBERS, 1.1, 2, 10**400])
def test_probabilistic_refuses_what_is_no_share(rate):
    with pytest.raises(ConfigError, match="expected a number between 0 and 1") as caught:
        ProbabilisticSampler(rate)
    assert caught.value.value is rate
    assert "sampler.param" in str(caught.value)


@pytest.mark.parametrize("limit", [*NO_NUMBERS, 10**400])
def test_rate_limiting_refuses_what_is_no_limit(limit):
    with pytest.raises(ConfigError, match="expected a number of 0 or more"):
        RateLimitingSampler(limit)


@pytest.mark.parametrize("limit", [0.5, Fraction(1, 2), Decimal("0.5")])
def test_numbers_of_all_kinds_are_taken(limit):
    assert decisions(RateLimitingSampler(limit, clock=Clock()), 5) == 1
    assert ProbabilisticSampler(limit).is_sampled(2**63 - 1)[0]
    assert not ProbabilisticSampler(limit).is_sampled(2**63)[0]


@pytest.mark.parametrize(
    ("limit", "burst"), [(10, 10), (2, 2), (2.5, 2), (1, 1), (0.5, 1), (1 / 600, 1), (0, 0)]
)
def test_rate_limiting_lets_a_burst_through_and_then_its_rate(limit, burst):
    clock = Clock()
    sampler = RateLimitingSampler(limit, clock=clock)
    assert decisions(sampler, 100) == burst
    if limit:
        clock.walk(1 / limit * 1.001)
        assert decisions(sampler, 100) == 1
    else:
        clock.walk(1e9)
        assert decisions(sampler, 100) == 0


def test_rate_limiting_allows_ten_per_second_by_default():
    sampler = RateLimitingSampler()
    assert sampler.traces_per_second == 10
    assert sampler.is_sampled(1) == (True, tags("ratelimiting", 10))


@pytest.mark.parametrize("limit", [1, 0.5, 1 / 600])
def test_defect_random_start_the_first_trace_is_always_sampled(limit):
    assert all(RateLimitingSampler(limit).is_sampled(1)[0] for _ in range(100))


def test_rate_limiting_gives_its_tags_with_a_refusal_too():
    sampler = RateLimitingSampler(1, clock=Clock())
    sampler.is_sampled(1)
    assert sampler.is_sampled(1) == (False, tags("ratelimiting", 1))


def test_rate_limiting_keeps_its_rate_over_an_hour():
    clock = Clock()
    sampler = RateLimitingSampler(2, clock=clock)
    sampled = 0
    for _ in range(36_000):
        clock.walk(0.1)
        sampled += sampler.is_sampled(1)[0]
    assert 7200 <= sampled <= 7202


def test_update_of_the_rate_carries_the_balance():
    clock = Clock()
    sampler = RateLimitingSampler(4, clock=clock)
    assert decisions(sampler, 2) == 2
    assert sampler.update(8)
    assert decisions(sampler, 100) == 4
    assert not sampler.update(8)
    assert sampler.is_sampled(1) == (False, tags("ratelimiting", 8))
    assert str(sampler) == "RateLimitingSampler(8)"


def test_update_to_and_from_zero():
    sampler = RateLimitingSampler(4, clock=Clock())
    assert sampler.update(0)
    assert decisions(sampler, 10) == 0
    assert sampler.update(3)
    assert decisions(sampler, 10) == 3


def test_an_update_that_makes_no_sense_changes_nothing():
    sampler = RateLimitingSampler(4, clock=Clock())
    with pytest.raises(ConfigError):
        sampler.update(-1)
    assert sampler.is_sampled(1) == (True, tags("ratelimiting", 4))


@pytest.mark.parametrize(
    ("sampler", "text"),
    [
        (ConstSampler(True), "ConstSampler(True)"),
        (ProbabilisticSampler(0.5), "ProbabilisticSampler(0.5)"),
        (ProbabilisticSampler(1), "ProbabilisticSampler(1)"),
        (RateLimitingSampler(2), "RateLimitingSampler(2)"),
    ],
)
def test_texts(sampler, text):
    assert str(sampler) == text
    sampler.close()


def test_equal_are_samplers_of_one_class_with_equal_settings():
    assert ConstSampler(True) == ConstSampler(True)
    assert ConstSampler(True) != ConstSampler(False)
    assert ProbabilisticSampler(0.5) == ProbabilisticSampler(0.5)
    assert ProbabilisticSampler(0.5) != ProbabilisticSampler(0.6)
    assert ProbabilisticSampler(1) != ConstSampler(1)
    assert ProbabilisticSampler(1) != 1
    assert RateLimitingSampler(2) != RateLimitingSampler(3)


def test_rate_limiting_samplers_are_equal_whatever_was_spent():
    used, fresh = RateLimitingSampler(2), RateLimitingSampler(2)
    used.is_sampled(1)
    assert used == fresh


def test_samplers_cannot_be_hashed():
    with pytest.raises(TypeError):
        hash(ConstSampler(True))


def test_no_new_tags_for_each_decision():
    for sampler in (ConstSampler(1), ProbabilisticSampler(1), RateLimitingSampler(9)):
        assert sampler.is_sampled(1)[1] is sampler.is_sampled(2)[1]


def test_samplers_can_be_pickled():
    for sampler in (ConstSampler(1), ProbabilisticSampler(1), RateLimitingSampler(9)):
        assert pickle.loads(pickle.dumps(sampler)) == sampler


def test_the_base_class_decides_nothing():
    with pytest.raises(NotImplementedError):
        Sampler().is_sampled(1)
    with pytest.raises(NotImplementedError):
        Sampler().close()


def test_a_users_sampler_may_use_the_tags_of_the_base_class():
    class Mine(Sampler):
        def is_sampled(self, trace_id, operation=""):
            return operation == "login", self._tags

    assert Mine(tags={"a": 1}).is_sampled(1, "login") == (True, {"a": 1})
    assert Mine().is_sampled(1) == (False, {})
    assert Mine(tags={"a": 1}) == Mine(tags={"a": 1})
    assert Mine(tags={"a": 1}) != Mine(tags={"a": 2})


@pytest.mark.parametrize("value", [0, -1, None, "60", float("nan"), float("inf")])
def test_an_interval_is_a_number_above_zero(value):
    with pytest.raises(ConfigError):
        checked_interval("interval", value)


@pytest.mark.parametrize("value", [-1, 1.5, None, "5"])
def test_a_count_is_an_integer_of_zero_or_more(value):
    with pytest.raises(ConfigError):
        checked_count("count", value)
    assert checked_count("count", 0) == 0
