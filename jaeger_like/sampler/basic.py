"""Samplers that know one rule for all operations."""

# ruff: noqa: ARG002  a sampler is asked with all there is, and each rule needs a part of it

from __future__ import annotations

from ..constants import (
    SAMPLER_TYPE_CONST,
    SAMPLER_TYPE_PROBABILISTIC,
    SAMPLER_TYPE_RATE_LIMITING,
)
from ..rate_limiter import RateLimiter
from .base import Sampler, checked_number, sampler_tags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_LOW_64_BITS = (1 << 64) - 1


class ConstSampler(Sampler):
    """Samples all traces, or none.

    :param decision: anything; what it is as a bool decides
    """

    def __init__(self, decision: Any) -> None:
        super().__init__(tags=sampler_tags(SAMPLER_TYPE_CONST, decision))
        self.decision = decision

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Return the constant decision."""
        return bool(self.decision), self._tags

    def close(self) -> None:
        """Do nothing."""

    def __str__(self) -> str:
        return f"ConstSampler({self.decision})"


class ProbabilisticSampler(Sampler):
    """Samples a share of all traces, and always the same ones: the trace id decides.

    Only the low 64 bits count, so that services with 64 and with 128 bits agree.

    :param rate: share of the traces, 0 to 1
    :raises ConfigError: the rate is no such number
    """

    def __init__(self, rate: float) -> None:
        super().__init__(tags=sampler_tags(SAMPLER_TYPE_PROBABILISTIC, rate))
        self.rate = rate
        # Exact: a product with a power of two. At rate 1 it is above every id.
        self.boundary = checked_number("sampler.param", rate, high=1) * 2.0**64

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Sample if the low 64 bits of the trace id are below ``rate * 2**64``."""
        return (trace_id & _LOW_64_BITS) < self.boundary, self._tags

    def close(self) -> None:
        """Do nothing."""

    def __str__(self) -> str:
        return f"ProbabilisticSampler({self.rate})"


class RateLimitingSampler(Sampler):
    """Samples a number of traces per second, whatever the traffic is.

    Bursts of ``max(1, max_traces_per_second)`` are let through; the first trace always is.

    :param max_traces_per_second: 0 or more; fractions are useful, 0 samples nothing
    :param clock: monotonic seconds, for tests
    :raises ConfigError: the limit is no such number

    :ivar traces_per_second: the limit as it was given
    """

    def __init__(
        self, max_traces_per_second: float = 10, *, clock: Callable[[], float] | None = None
    ) -> None:
        super().__init__(tags=sampler_tags(SAMPLER_TYPE_RATE_LIMITING, max_traces_per_second))
        self.traces_per_second = max_traces_per_second
        self.rate_limiter = RateLimiter(*_bucket(max_traces_per_second), clock=clock)

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Sample if the limiter has a credit, and take it."""
        return self.rate_limiter.check_credit(1.0), self._tags

    def update(self, max_traces_per_second: float) -> bool:
        """Change the limit and keep what was saved up, in proportion.

        :return: whether the limit is another one than before
        :raises ConfigError: as at construction
        """
        if max_traces_per_second == self.traces_per_second:
            return False
        self.rate_limiter.update(*_bucket(max_traces_per_second))
        self.traces_per_second = max_traces_per_second
        self._tags = sampler_tags(SAMPLER_TYPE_RATE_LIMITING, max_traces_per_second)
        return True

    def close(self) -> None:
        """Do nothing."""

    def _compared(self) -> dict[str, Any]:
        # What happens to be in the bucket is no setting.
        return self._tags

    def __str__(self) -> str:
        return f"RateLimitingSampler({self.traces_per_second})"


def _bucket(max_traces_per_second: float) -> tuple[float, float]:
    rate = checked_number("sampler.param", max_traces_per_second)
    # Less than one credit could never be spent; at 0 not even the first trace may pass.
    return rate, max(rate, 1.0) if rate else 0.0
