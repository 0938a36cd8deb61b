"""Samplers that treat each operation by itself: a rate for many, a lower bound for the rare."""

from __future__ import annotations

from typing import Any, Callable

from .._guard import PATIENCE, guard
from ..constants import SAMPLER_TYPE_LOWER_BOUND
from ..errors import ConfigError
from .base import DEFAULT_MAX_OPERATIONS, Sampler, checked_count, sampler_tags
from .basic import ProbabilisticSampler, RateLimitingSampler
from .strategy import PerOperationStrategy, StrategyError, parse_operations


class GuaranteedThroughputProbabilisticSampler(Sampler):
    """Samples a share of one operation's traces, and so many per second at the least.

    :param operation: operation name
    :param lower_bound: traces per second that are sampled at least, if there are so many
    :param rate: share of the traces, 0 to 1
    :param clock: monotonic seconds, for tests
    :raises ConfigError: a number is out of range
    """

    def __init__(
        self,
        operation: str,
        lower_bound: float,
        rate: float,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__(tags=sampler_tags(SAMPLER_TYPE_LOWER_BOUND, rate))
        self.operation = operation
        self.probabilistic_sampler = ProbabilisticSampler(rate)
        self.lower_bound_sampler = RateLimitingSampler(lower_bound, clock=clock)

    @property
    def rate(self) -> float:
        """Share of the traces."""
        return self.probabilistic_sampler.rate

    @property
    def lower_bound(self) -> float:
        """Traces per second."""
        return self.lower_bound_sampler.traces_per_second

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Sample if the rate says so; if it does not, if the lower bound is not reached yet.

        A trace that the rate chose counts for the bound. The tags tell which of the two it was.
        """
        by_rate, tags = self.probabilistic_sampler.is_sampled(trace_id, operation)
        by_bound, _ = self.lower_bound_sampler.is_sampled(trace_id, operation)
        return (True, tags) if by_rate else (by_bound, self._tags)

    def update(self, lower_bound: float, rate: float) -> bool:
        """Change both numbers and keep what the lower bound has saved up.

        :return: whether one of them is another than before
        :raises ConfigError: a number is out of range; then nothing has changed
        """
        new_rate = rate != self.rate
        if new_rate:
            probabilistic_sampler = ProbabilisticSampler(rate)
        new_bound = self.lower_bound_sampler.update(lower_bound)
        if new_rate:
            self.probabilistic_sampler = probabilistic_sampler
            self._tags = sampler_tags(SAMPLER_TYPE_LOWER_BOUND, rate)
        return new_rate or new_bound

    def close(self) -> None:
        """Do nothing."""

    def __str__(self) -> str:
        return (
            f"GuaranteedThroughputProbabilisticSampler("
            f"{self.operation}, {self.rate:f}, {self.lower_bound:f})"
        )


class AdaptiveSampler(Sampler):
    """Samples each operation at the rate that a backend has given it.

    An operation that the backend did not list gets the default rate and the same lower bound, as
    long as not more than *max_operations* are known; the rest share the default rate and have no
    bound. Any thread may ask while another updates.

    :param strategies: the JSON object ``operationSampling``, or what :func:`.strategy.parse` made
        of it
    :param max_operations: how many operations are told apart at most, listed ones included
    :param clock: monotonic seconds, for tests
    :raises ConfigError: the strategies or the number make no sense

    :ivar samplers: by operation name
    :ivar default_sampler: for operations beyond the maximum
    """

    def __init__(
        self,
        strategies: dict[str, Any] | PerOperationStrategy,
        max_operations: int = DEFAULT_MAX_OPERATIONS,
        *,
        clock: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self.max_operations = checked_count("max_operations", max_operations)
        self._clock = clock
        self.samplers: dict[str, GuaranteedThroughputProbabilisticSampler] = {}
        # Those that updates left out and whose limiters are not full again. One that is asked again
        # goes on with its limiter; with a new, full one polls would let more through than the
        # bound says.
        self._left_out: dict[str, GuaranteedThroughputProbabilisticSampler] = {}
        self.update(strategies)

    @property
    def default_sampling_probability(self) -> float:
        """Rate of operations that are not listed."""
        return self.default_sampler.rate

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Decide as the operation's own sampler does."""
        try:
            sampler = self.samplers.get(operation)
        except TypeError:  # cannot be hashed, hence is no name
            return self.default_sampler.is_sampled(trace_id, operation)
        if sampler is None:
            sampler = self._add(operation)
            if sampler is None:
                return self.default_sampler.is_sampled(trace_id, operation)
        return sampler.is_sampled(trace_id, operation)

    def update(self, strategies: dict[str, Any] | PerOperationStrategy) -> None:
        """Follow a new answer of the backend: from now on only what it lists is known.

        Listed operations keep what their lower bounds have saved up.

        :raises ConfigError: the strategies make no sense; then nothing has changed
        """
        if not isinstance(strategies, PerOperationStrategy):
            try:
                strategies = parse_operations(strategies)
            except StrategyError as error:
                raise ConfigError(
                    "strategies", strategies, f"an operationSampling object ({error})"
                ) from error
        bound = strategies.lower_bound
        known = self.samplers
        samplers: dict[str, GuaranteedThroughputProbabilisticSampler] = {}
        for operation, rate in strategies.rates.items():
            if len(samplers) == self.max_operations:
                break
            sampler = known.get(operation) or self._left_out.get(operation)
            if sampler is None:
                sampler = self._new(operation, bound, rate)
            else:
                sampler.update(bound, rate)
            samplers[operation] = sampler
        default_sampler = ProbabilisticSampler(strategies.default_rate)
        lock = guard.lock
        held = lock.acquire(timeout=PATIENCE)
        try:
            self.lower_bound = bound
            self.default_sampler = default_sampler
            left_out = [
                (operation, sampler)
                for operation, sampler in {**self._left_out, **known}.items()
                if operation not in samplers
                and not sampler.lower_bound_sampler.rate_limiter.is_full()
            ]
            self._left_out = dict(left_out[-self.max_operations :])
            self.samplers = samplers
        finally:
            if held:
                lock.release()

    def close(self) -> None:
        """Do nothing."""

    def _add(self, operation: str) -> GuaranteedThroughputProbabilisticSampler | None:
        """Make a sampler for an unknown operation, or return None if there are enough."""
        if len(self.samplers) >= self.max_operations:
            return None
        bound, rate = self.lower_bound, self.default_sampler.rate
        sampler = self._left_out.get(operation)
        if sampler is None:
            sampler = self._new(operation, bound, rate)
        else:
            sampler.update(bound, rate)
        lock = guard.lock
        if not lock.acquire(timeout=PATIENCE):
            return None
        try:
            samplers = self.samplers
            if len(samplers) < self.max_operations:
                return samplers.setdefault(operation, sampler)
            return samplers.get(operation)
        finally:
            lock.release()

    def _new(
        self, operation: str, lower_bound: float, rate: float
    ) -> GuaranteedThroughputProbabilisticSampler:
        return GuaranteedThroughputProbabilisticSampler(
            operation, lower_bound, rate, clock=self._clock
        )

    def _compared(self) -> dict[str, Any]:
        return {
            name: value
            for name, value in self.__dict__.items()
            if name not in ("_left_out", "_clock")
        }

    def __str__(self) -> str:
        return (
            f"AdaptiveSampler({self.default_sampling_probability:f}, "
            f"{self.lower_bound:f}, {self.max_operations:d})"
        )
