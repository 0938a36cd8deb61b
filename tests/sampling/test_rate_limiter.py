"""A leaky bucket of credits."""

import copy
import threading
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like._guard import guard
from jaeger_like.rate_limiter import RateLimiter

from .fakes import SOON, Clock, in_child


def granted(limiter, cost=1.0):
    """Ask until it says no."""
    number = 0
    while limiter.check_credit(cost):
        number += 1
    return number


def test_starts_with_a_full_balance():
    assert granted(RateLimiter(5, 5, clock=Clock())) == 5


@pytest.mark.parametrize(
    ("rate", "seconds", "expected"),
    [(2, 0.25, 0), (2, 0.5, 1), (2, 1, 2), (2, 1.25, 2), (2, 1000, 5), (0, 1000, 0)],
)
def test_is_refilled_at_its_rate_up_to_the_maximum(rate, seconds, expected):
    clock = Clock()
    limiter = RateLimiter(rate, 5, clock=clock)
    granted(limiter)
    clock.walk(seconds)
    assert granted(limiter) == expected


def test_fractions_of_a_credit_add_up():
    clock = Clock()
    limiter = RateLimiter(0.5, 1, clock=clock)
    assert limiter.check_credit(1)
    answers = []
    for _ in range(8):
        clock.walk(0.5)
        answers.append(limiter.check_credit(1))
    assert answers == [False, False, False, True] * 2


def test_a_clock_that_goes_back_neither_grants_nor_takes():
    clock = Clock()
    limiter = RateLimiter(1, 2, clock=clock)
    assert limiter.check_credit(1)
    clock.walk(-100)
    assert limiter.check_credit(1)
    assert not limiter.check_credit(1)
    clock.walk(100)
    assert not limiter.check_credit(1)


def test_defect_wall_clock_setting_the_machines_clock_changes_nothing():
    limiter = RateLimiter(1, 1)
    assert limiter.check_credit(1)
    with mock.patch("time.time", return_value=9e9):
        assert not limiter.check_credit(1)


def test_timestamp_can_be_replaced_in_tests_of_programs():
    limiter = RateLimiter(2, 2)
    limiter.balance = 2.0
    with mock.patch("jaeger_like.rate_limiter.RateLimiter.timestamp", return_value=50.0):
        assert limiter.timestamp() == 50.0
        limiter.last_tick = 50.0
        assert granted(limiter) == 2


@pytest.mark.parametrize(
    ("used", "rate", "maximum", "expected"),
    [(0, 4, 4, 4), (1, 4, 4, 2), (2, 10, 10, 0), (1, 0, 0, 0), (0, 1, 1, 1)],
)
def test_update_keeps_the_full_share_of_the_bucket(used, rate, maximum, expected):
    limiter = RateLimiter(2, 2, clock=Clock())
    for _ in range(used):
        assert limiter.check_credit(1)
    limiter.update(rate, maximum)
    assert (limiter.credits_per_second, limiter.max_balance) == (rate, maximum)
    assert granted(limiter) == expected


def test_update_counts_the_time_before_it_at_the_old_rate():
    clock = Clock()
    limiter = RateLimiter(1, 10, clock=clock)
    granted(limiter)
    clock.walk(3)
    limiter.update(100, 10)
    assert granted(limiter) == 3


def test_update_from_nothing_starts_full():
    limiter = RateLimiter(0, 0, clock=Clock())
    assert not limiter.check_credit(1)
    limiter.update(2, 2)
    assert granted(limiter) == 2


@given(
    rate=st.floats(0, 1000),
    maximum=st.floats(1, 1000),
    steps=st.lists(st.tuples(st.floats(0, 100), st.floats(0.1, 10)), max_size=50),
)
def test_never_grants_more_than_a_full_bucket_and_the_rate(rate, maximum, steps):
    clock = Clock(0.0)
    limiter = RateLimiter(rate, maximum, clock=clock)
    spent = 0.0
    for seconds, cost in steps:
        clock.walk(seconds)
        spent += cost if limiter.check_credit(cost) else 0
        assert spent <= (maximum + rate * clock.now) * (1 + 1e-9)
        assert 0 <= limiter.balance <= maximum


def test_threads_get_no_credit_twice():
    limiter = RateLimiter(0, 2000, clock=Clock())
    totals = []
    start = threading.Barrier(8)

    def spend():
        start.wait(SOON)
        totals.append(granted(limiter))

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SOON)
    assert sum(totals) == 2000


def test_a_signal_handler_that_interrupts_a_holder_does_not_wait_for_ever():
    limiter = RateLimiter(1, 1, clock=Clock())
    with guard.lock:
        assert not limiter.check_credit(1)
        limiter.update(3, 3)
    assert granted(limiter) == 3


def test_a_forked_child_goes_on_by_itself_even_if_the_lock_was_held():
    limiter = RateLimiter(0, 3, clock=Clock())
    assert limiter.check_credit(1)
    with guard.lock:
        assert in_child(lambda: str(granted(limiter))) == "2"
    assert granted(limiter) == 2


def test_the_lock_is_another_one_after_a_fork():
    before = guard.lock
    guard._after_fork()
    assert guard.lock is not before


def test_can_be_copied():
    assert granted(copy.deepcopy(RateLimiter(3, 3))) == 3
