"""Guaranteed throughput and adaptive samplers."""

import random
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like._guard import guard
from jaeger_like.errors import ConfigError
from jaeger_like.sampler import AdaptiveSampler, GuaranteedThroughputProbabilisticSampler
from jaeger_like.sampler.strategy import PerOperationStrategy

from .fakes import SOON, Clock

LOW, HIGH = 1, 2**64 - 1  # ids that every rate above 0, and none below 1, samples


def tags(kind, param):
    return {"sampler.type": kind, "sampler.param": param}


def strategies(rates, default=0.5, bound=2):
    return {
        "defaultSamplingProbability": default,
        "defaultLowerBoundTracesPerSecond": bound,
        "perOperationStrategies": [
            {"operation": name, "probabilisticSampling": {"samplingRate": rate}}
            for name, rate in rates.items()
        ],
    }


def sampled(sampler, number, operation="op", trace_id=HIGH):
    return sum(sampler.is_sampled(trace_id, operation)[0] for _ in range(number))


class TestGuaranteedThroughput:
    def test_the_rate_decides_first_and_gives_its_tags(self):
        sampler = GuaranteedThroughputProbabilisticSampler("op", 2, 0.5, clock=Clock())
        assert sampler.is_sampled(LOW, "op") == (True, tags("probabilistic", 0.5))

    def test_then_the_lower_bound_with_the_rate_in_its_tags(self):
        sampler = GuaranteedThroughputProbabilisticSampler("op", 2, 0.5, clock=Clock())
        assert sampler.is_sampled(HIGH) == (True, tags("lowerbound", 0.5))
        assert sampler.is_sampled(HIGH) == (True, tags("lowerbound", 0.5))
        assert sampler.is_sampled(HIGH) == (False, tags("lowerbound", 0.5))

    def test_traces_that_the_rate_chose_count_for_the_bound(self):
        sampler = GuaranteedThroughputProbabilisticSampler("op", 2, 0.5, clock=Clock())
        assert sampled(sampler, 2, trace_id=LOW) == 2
        assert sampled(sampler, 1, trace_id=HIGH) == 0
        assert sampled(sampler, 1, trace_id=LOW) == 1

    def test_the_bound_is_kept_over_half_a_day(self):
        clock = Clock()
        sampler = GuaranteedThroughputProbabilisticSampler("op", 1 / 600, 0, clock=clock)
        number = 0
        for _ in range(12 * 60 * 60):
            clock.walk(1)
            number += sampled(sampler, 1)
        assert 71 <= number <= 73

    def test_the_bound_adds_little_to_a_busy_operation(self):
        clock = Clock()
        ids = random.Random(3)
        sampler = GuaranteedThroughputProbabilisticSampler("op", 0.1, 0.2, clock=clock)
        number = 0
        for _ in range(20_000):
            clock.walk(0.01)
            number += sampler.is_sampled(ids.getrandbits(64))[0]
        assert abs(number - 4000) < 4 * (20_000 * 0.2 * 0.8) ** 0.5

    def test_update_changes_both_numbers_and_keeps_the_balance(self):
        sampler = GuaranteedThroughputProbabilisticSampler("op", 2, 0.5, clock=Clock())
        limiter = sampler.lower_bound_sampler
        assert sampled(sampler, 1) == 1
        assert sampler.update(4, 0.25)
        assert (sampler.lower_bound, sampler.rate) == (4, 0.25)
        assert sampler.lower_bound_sampler is limiter
        assert sampler.is_sampled(HIGH) == (True, tags("lowerbound", 0.25))
        assert sampled(sampler, 10) == 1
        assert sampler.is_sampled(LOW) == (True, tags("probabilistic", 0.25))

    def test_update_tells_whether_there_was_anything_new(self):
        sampler = GuaranteedThroughputProbabilisticSampler("op", 2, 0.5)
        rule = sampler.probabilistic_sampler
        assert not sampler.update(2, 0.5)
        assert sampler.update(3, 0.5)
        assert sampler.probabilistic_sampler is rule
        assert sampler.update(3, 0.6)

    @pytest.mark.parametrize(("bound", "rate"), [(-1, 0.5), (2, 1.5), (None, 0.5), (2, "1")])
    def test_numbers_out_of_range_are_refused(self, bound, rate):
        with pytest.raises(ConfigError):
            GuaranteedThroughputProbabilisticSampler("op", bound, rate)
        sampler = GuaranteedThroughputProbabilisticSampler("op", 2, 0.5)
        with pytest.raises(ConfigError):
            sampler.update(bound, rate)
        assert sampler == GuaranteedThroughputProbabilisticSampler("op", 2, 0.5)

    def test_text_and_equality(self):
        sampler = GuaranteedThroughputProbabilisticSampler("op", 2, 0.5)
        assert str(sampler) == "GuaranteedThroughputProbabilisticSampler(op, 0.500000, 2.000000)"
        sampler.is_sampled(HIGH)
        assert sampler == GuaranteedThroughputProbabilisticSampler("op", 2, 0.5)
        assert sampler != GuaranteedThroughputProbabilisticSampler("op", 3, 0.5)
        assert sampler != GuaranteedThroughputProbabilisticSampler("op", 2, 0.6)
        assert sampler != GuaranteedThroughputProbabilisticSampler("po", 2, 0.5)
        sampler.close()


class TestAdaptive:
    def test_listed_operations_have_rates_of_their_own(self):
        sampler = AdaptiveSampler(strategies({"a": 0.25, "b": 1}), 10, clock=Clock())
        assert sampler.is_sampled(LOW, "a") == (True, tags("probabilistic", 0.25))
        assert sampler.is_sampled(HIGH, "b") == (True, tags("probabilistic", 1))
        assert sampler.is_sampled(HIGH, "a") == (True, tags("lowerbound", 0.25))
        assert sampler.is_sampled(HIGH, "a") == (False, tags("lowerbound", 0.25))

    def test_others_get_the_defaults_and_a_bound_each(self):
        sampler = AdaptiveSampler(strategies({"a": 0.25}), 10, clock=Clock())
        for operation in ("x", "y", ""):
            assert sampler.is_sampled(LOW, operation) == (True, tags("probabilistic", 0.5))
            assert sampler.is_sampled(HIGH, operation) == (True, tags("lowerbound", 0.5))
            assert not sampler.is_sampled(HIGH, operation)[0]

    def test_beyond_the_maximum_the_default_rate_decides_without_a_bound(self):
        sampler = AdaptiveSampler(strategies({"a": 0.25}), 2, clock=Clock())
        sampler.is_sampled(HIGH, "second")
        assert sampler.is_sampled(HIGH, "third") == (False, tags("probabilistic", 0.5))
        assert sampler.is_sampled(LOW, "third") == (True, tags("probabilistic", 0.5))
        assert set(sampler.samplers) == {"a", "second"}

    def test_defect_unbounded_map_listed_operations_are_bounded_too(self):
        sampler = AdaptiveSampler(strategies({str(i): 1 for i in range(50)}), 10, clock=Clock())
        assert len(sampler.samplers) == 10
        assert sampler.is_sampled(HIGH, "49") == (False, tags("probabilistic", 0.5))

    def test_two_thousand_operations_are_told_apart_by_default(self):
        sampler = AdaptiveSampler(strategies({}))
        for i in range(2010):
            sampler.is_sampled(HIGH, str(i))
        assert len(sampler.samplers) == sampler.max_operations == 2000

    def test_an_update_keeps_samplers_and_balances_of_listed_operations(self):
        sampler = AdaptiveSampler(strategies({"a": 0.25}), 10, clock=Clock())
        kept = sampler.samplers["a"]
        assert sampled(sampler, 10, "a") == 2
        sampler.update(strategies({"a": 0.75}))
        assert sampler.samplers["a"] is kept
        assert sampler.is_sampled(HIGH, "a") == (False, tags("lowerbound", 0.75))

    def test_defect_update_never_removes_operations(self):
        sampler = AdaptiveSampler(strategies({"a": 0.25, "b": 1}), 10, clock=Clock())
        sampler.is_sampled(HIGH, "added")
        sampler.update(strategies({"b": 1}))
        assert set(sampler.samplers) == {"b"}
        for i in range(9):
            sampler.is_sampled(LOW, str(i))
        assert "8" in sampler.samplers

    def test_defect_update_leaves_added_operations_at_the_old_defaults(self):
        sampler = AdaptiveSampler(strategies({}), 10, clock=Clock())
        assert sampled(sampler, 10, "added") == 2
        sampler.update(strategies({}, default=0.75, bound=4))
        assert sampler.is_sampled(LOW, "added") == (True, tags("probabilistic", 0.75))
        assert sampler.samplers["added"].lower_bound == 4

    def test_polls_do_not_let_more_through_than_the_lower_bound(self):
        clock = Clock()
        sampler = AdaptiveSampler(strategies({}, default=0, bound=1 / 600), 10, clock=clock)
        number = 0
        for minute in range(60):
            clock.walk(60)
            number += sampled(sampler, 5, "added")
            sampler.update(strategies({}, default=1e-18 * minute, bound=1 / 600))
        assert 6 <= number <= 7

    def test_an_operation_that_becomes_listed_keeps_its_balance(self):
        sampler = AdaptiveSampler(strategies({}), 10, clock=Clock())
        assert sampled(sampler, 10, "a") == 2
        sampler.update(strategies({"a": 0.25}))
        assert sampler.is_sampled(HIGH, "a") == (False, tags("lowerbound", 0.25))

    def test_an_operation_dropped_and_listed_again_keeps_its_balance(self):
        sampler = AdaptiveSampler(strategies({"a": 0.25}), 10, clock=Clock())
        assert sampled(sampler, 10, "a") == 2
        sampler.update(strategies({}))
        sampler.update(strategies({"a": 0.25}))
        assert not sampler.is_sampled(HIGH, "a")[0]

    @pytest.mark.parametrize(("minutes", "between"), [(2, 10), (5, 10), (9, 18), (11, 11)])
    def test_a_rare_operation_is_sampled_as_often_as_its_bound_says(self, minutes, between):
        clock = Clock()
        sampler = AdaptiveSampler(strategies({}, default=0, bound=1 / 600), 10, clock=clock)
        number = 0
        for minute in range(1, 60 * 24 + 1):
            clock.walk(60)
            if minute % minutes == 0:
                number += sampled(sampler, 1, "rare")
            sampler.update(strategies({}, default=1e-18 * minute, bound=1 / 600))
        assert number == pytest.approx(24 * 60 / between, abs=2)

    def test_what_was_left_out_is_forgotten_once_its_bound_is_saved_up_again(self):
        clock = Clock()
        sampler = AdaptiveSampler(strategies({"a": 0.25}, bound=0.1), 10, clock=clock)
        kept = sampler.samplers["a"]
        assert sampled(sampler, 10, "a") == 1
        for _ in range(3):
            clock.walk(3)
            sampler.update(strategies({}, bound=0.1))
        sampler.is_sampled(HIGH, "a")
        assert sampler.samplers["a"] is kept
        for _ in range(2):
            clock.walk(6)
            sampler.update(strategies({}, bound=0.1))
        sampler.is_sampled(HIGH, "a")
        assert sampler.samplers["a"] is not kept

    def test_of_what_was_left_out_no_more_is_kept_than_is_told_apart(self):
        clock = Clock()
        sampler = AdaptiveSampler(strategies({}, bound=0.1), 3, clock=clock)
        kept = []
        for number in range(5):
            assert sampled(sampler, 10, str(number)) == 1
            kept.append(sampler.samplers[str(number)])
            sampler.update(strategies({}, bound=0.1))
        assert not sampled(sampler, 10, "4")
        assert sampler.samplers["4"] is kept[4]
        assert sampled(sampler, 10, "1") == 1

    def test_defect_null_list_of_operations(self):
        sampler = AdaptiveSampler({"perOperationStrategies": None}, 10)
        assert sampler.is_sampled(0, "x")[1] == tags("probabilistic", 0.001)

    def test_missing_keys_mean_defaults(self):
        sampler = AdaptiveSampler({}, 2000)
        assert str(sampler) == "AdaptiveSampler(0.001000, 0.001667, 2000)"

    def test_a_parsed_strategy_is_taken_as_well(self):
        assert AdaptiveSampler(PerOperationStrategy(0.5, 2, {"a": 1}), 5) == AdaptiveSampler(
            strategies({"a": 1}), 5
        )

    @pytest.mark.parametrize(
        ("given", "number"),
        [
            (None, 10),
            ([], 10),
            ({"defaultSamplingProbability": 2}, 10),
            ({"perOperationStrategies": 5}, 10),
            ({}, -1),
            ({}, "10"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, given, number):
        with pytest.raises(ConfigError):
            AdaptiveSampler(given, number)

    def test_an_update_that_makes_no_sense_changes_nothing(self):
        sampler = AdaptiveSampler(strategies({"a": 1}), 10)
        with pytest.raises(ConfigError, match="defaultSamplingProbability"):
            sampler.update(strategies({}, default=2))
        assert sampler == AdaptiveSampler(strategies({"a": 1}), 10)

    def test_text_and_equality(self):
        sampler = AdaptiveSampler(strategies({"a": 1}, default=0.51, bound=3), 2)
        assert str(sampler) == "AdaptiveSampler(0.510000, 3.000000, 2)"
        assert sampler == AdaptiveSampler(strategies({"a": 1}, default=0.51, bound=3), 2)
        assert sampler != AdaptiveSampler(strategies({"a": 1}, default=0.51, bound=4), 2)
        assert sampler != AdaptiveSampler(strategies({"b": 1}, default=0.51, bound=3), 2)
        assert sampler != AdaptiveSampler(strategies({"a": 1}, default=0.51, bound=3), 3)
        sampler.close()

    @pytest.mark.parametrize("operation", [[], {}, None, 5])
    def test_odd_operation_names_raise_nothing(self, operation):
        sampler = AdaptiveSampler(strategies({}), 10)
        assert sampler.is_sampled(LOW, operation) == (True, tags("probabilistic", 0.5))

    def test_a_signal_handler_that_interrupts_an_addition_does_not_wait_for_ever(self):
        sampler = AdaptiveSampler(strategies({}), 10, clock=Clock())
        with guard.lock:
            assert sampler.is_sampled(HIGH, "x") == (False, tags("probabilistic", 0.5))
            sampler.update(strategies({"a": 1}))
        assert set(sampler.samplers) == {"a"}

    def test_threads_never_exceed_the_maximum_nor_lose_an_update(self):
        sampler = AdaptiveSampler(strategies({}), 50)
        start = threading.Barrier(5)
        most = []

        def ask(number):
            start.wait(SOON)
            for i in range(2000):
                sampler.is_sampled(LOW, f"{number}-{i}")
                most.append(len(sampler.samplers))

        threads = [threading.Thread(target=ask, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        start.wait(SOON)
        for i in range(200):
            sampler.update(strategies({"a": i / 200}))
        for thread in threads:
            thread.join(SOON)
        assert max(most) <= 50
        assert sampler.samplers["a"].rate == 199 / 200

    def test_threads_that_meet_at_a_new_operation_share_one_sampler(self, monkeypatch):
        sampler = AdaptiveSampler(strategies({}, bound=1), 1, clock=Clock())
        make = sampler._new

        def made_by_another_thread_meanwhile(*args):
            monkeypatch.undo()
            sampler.is_sampled(HIGH, "x")
            return make(*args)

        monkeypatch.setattr(sampler, "_new", made_by_another_thread_meanwhile)
        assert sampler.is_sampled(HIGH, "x") == (False, tags("lowerbound", 0.5))

    @given(
        st.lists(
            st.one_of(
                st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), max_size=6),
                st.sampled_from("abcdefgh"),
            ),
            max_size=30,
        )
    )
    def test_after_any_history_listed_ones_have_their_rates_and_the_maximum_holds(self, history):
        sampler = AdaptiveSampler(strategies({}), 4)
        listed = {}
        for event in history:
            if isinstance(event, dict):
                listed = dict(list(event.items())[:4])
                sampler.update(strategies(event))
                assert set(sampler.samplers) == set(listed)
            else:
                sampler.is_sampled(HIGH, event)
            assert len(sampler.samplers) <= 4
            for name, found in sampler.samplers.items():
                assert found.rate == listed.get(name, 0.5)
