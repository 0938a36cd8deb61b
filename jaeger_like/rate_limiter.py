"""A leaky bucket of credits, refilled at a constant rate."""

from __future__ import annotations

import time

from ._guard import PATIENCE, guard

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


class RateLimiter:
    """Allows bursts up to a balance and a constant rate in the long run.

    It starts with a full balance, so that a slow limiter lets the first one through. All methods
    may be called on any thread; a forked child goes on with a balance of its own.

    :param credits_per_second: what is added each second; 0 or more
    :param max_balance: the most that can be saved up; with 0 nothing ever passes
    :param clock: seconds, for tests; by default :meth:`timestamp`

    :ivar balance: credits at the time :attr:`last_tick`
    :ivar last_tick: when the balance was last brought up to date, in seconds of the clock
    """

    def __init__(
        self,
        credits_per_second: float,
        max_balance: float,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.credits_per_second = credits_per_second
        self.max_balance = max_balance
        self.balance: float = max_balance
        self._clock = clock
        self.last_tick = self._now()

    @staticmethod
    def timestamp() -> float:
        """Return monotonic seconds: setting the machine's clock neither grants nor takes credit."""
        return time.monotonic()

    def check_credit(self, cost: float) -> bool:
        """Take *cost* credits if they are there, and return whether they were."""
        now = self._now()
        lock = guard.lock
        if not lock.acquire(True, PATIENCE):  # as keywords they would double the cost
            return False
        try:
            # The same as _refill, on the way of every root span.
            balance = self.balance
            elapsed = now - self.last_tick
            if elapsed > 0:
                self.last_tick = now
                balance += elapsed * self.credits_per_second
                if balance > self.max_balance:  # noqa: PLR1730  min() is a call
                    balance = self.max_balance
            allowed = balance >= cost
            self.balance = balance - cost if allowed else balance
            return allowed
        finally:
            lock.release()

    def is_full(self) -> bool:
        """Return whether the balance is at its most, so that a new limiter would do the same."""
        elapsed = max(0.0, self._now() - self.last_tick)
        return self.balance + elapsed * self.credits_per_second >= self.max_balance

    def update(self, credits_per_second: float, max_balance: float) -> None:
        """Change both settings; the share of the bucket that is full stays what it was."""
        now = self._now()
        lock = guard.lock
        held = lock.acquire(timeout=PATIENCE)
        try:
            self._refill(now)
            if self.max_balance > 0:
                self.balance *= max_balance / self.max_balance
            else:
                self.balance = max_balance
            self.credits_per_second = credits_per_second
            self.max_balance = max_balance
        finally:
            if held:
                lock.release()

    def _now(self) -> float:
        clock = self._clock
        return self.timestamp() if clock is None else clock()

    def _refill(self, now: float) -> None:
        # Two threads may read the clock in one order and get the lock in the other.
        elapsed = now - self.last_tick
        if elapsed > 0:
            self.balance = min(self.max_balance, self.balance + elapsed * self.credits_per_second)
            self.last_tick = now
