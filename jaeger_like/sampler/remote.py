"""A sampler that does what the backend says, and asks it again every minute."""

from __future__ import annotations

import logging
from typing import Any, Callable

from .. import _fork, _native
from .._log import logger as default_logger
from ..constants import DEFAULT_SAMPLING_INTERVAL
from ..metrics import LegacyMetricsFactory, Metrics, MetricsFactory
from ..utils import ErrorReporter
from .base import (
    DEFAULT_MAX_OPERATIONS,
    DEFAULT_SAMPLING_PROBABILITY,
    Sampler,
    checked_count,
    checked_interval,
)
from .basic import ProbabilisticSampler, RateLimitingSampler
from .per_operation import AdaptiveSampler
from .polling import Polling, answer, count, excerpt, report_error, report_recovery
from .strategy import (
    PerOperationStrategy,
    ProbabilisticStrategy,
    Strategy,
    StrategyError,
    load,
    parse,
)


class SamplerMetrics:
    """Counters of the remote sampler; each attribute is a function of an increment.

    :ivar sampler_retrieved: answers that were JSON
    :ivar sampler_query_failure: no answer, or none in JSON
    :ivar sampler_updated: changes of the sampler
    :ivar sampler_update_failure: answers that cannot be followed
    """

    def __init__(self, metrics_factory: MetricsFactory) -> None:
        def counter(name: str, result: str) -> Callable[[float], object]:
            return metrics_factory.create_counter(name=name, tags={"result": result})

        self.sampler_retrieved = counter("jaeger:sampler_queries", "ok")
        self.sampler_query_failure = counter("jaeger:sampler_queries", "err")
        self.sampler_updated = counter("jaeger:sampler_updates", "ok")
        self.sampler_update_failure = counter("jaeger:sampler_updates", "err")


class RemoteControlledSampler(Sampler):
    """Asks the agent how to sample, soon after the first trace and then at an interval.

    Until there is an answer, and whenever one is missing or makes no sense, the sampler at hand
    goes on. All methods may be called on any thread and raise nothing after construction.

    :param channel: has ``io_loop`` (a tornado loop or None) and ``request_sampling_strategy(
        service_name)``, which returns a future of something with a ``body``, JSON text
    :param service_name: whose strategy is asked for
    :param init_sampler: used until the first answer; by default probabilistic with 0.001. It is
        never changed, and closing it is left to who made it
    :param sampling_refresh_interval: seconds between two questions, above 0
    :param logger: by default ``jaeger_tracing``
    :param metrics: deprecated form of *metrics_factory*
    :param metrics_factory: makes the counters of :class:`SamplerMetrics`
    :param error_reporter: has ``error(fmt, *args)``; by default repeated errors are logged rarely
    :param max_operations: how many operations are told apart at most
    :param clock: monotonic seconds, for tests
    :param random: a number in [0, 1), for tests
    :raises ConfigError: the interval or the number of operations makes no sense

    :ivar sampler: the one that decides now
    :ivar service_name: as given
    :ivar lock: held while the sampler changes
    """

    def __init__(
        self,
        channel: Any,
        service_name: str,
        *,
        init_sampler: Any = None,
        sampling_refresh_interval: float | None = None,
        logger: logging.Logger | None = None,
        metrics: Metrics | None = None,
        metrics_factory: MetricsFactory | None = None,
        error_reporter: Any = None,
        max_operations: int | None = None,
        clock: Callable[[], float] | None = None,
        random: Callable[[], float] | None = None,
    ) -> None:
        super().__init__()
        self._channel = channel
        self.service_name = service_name
        self.logger = logger if logger is not None else default_logger
        self.max_operations = checked_count(
            "max_operations", DEFAULT_MAX_OPERATIONS if max_operations is None else max_operations
        )
        self.sampling_refresh_interval = checked_interval(
            "sampling_refresh_interval",
            DEFAULT_SAMPLING_INTERVAL
            if sampling_refresh_interval is None
            else sampling_refresh_interval,
        )
        if metrics_factory is None:
            metrics_factory = LegacyMetricsFactory(metrics if metrics is not None else Metrics())
        self.metrics = SamplerMetrics(metrics_factory)
        if error_reporter is None:
            error_reporter = ErrorReporter(None, logger=self.logger, log_interval_minutes=1)
        self.error_reporter = error_reporter
        self._clock = clock
        if init_sampler is None:
            init_sampler = ProbabilisticSampler(DEFAULT_SAMPLING_PROBABILITY)
        self.sampler: Any = init_sampler
        self._init_sampler = init_sampler
        self._skipped = 0
        self.lock = _native.allocate_lock()
        _fork.register(self)
        self._polling = Polling(
            self._poll,
            channel,
            self.sampling_refresh_interval,
            random,
            self.logger,
            starting="Delaying sampling strategy polling by %d sec",
            started="Tracing sampler started with sampling refresh interval %d sec",
            failed="Cannot acquire IOLoop, sampler will not be updated",
        )

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Decide as the current sampler does; the first call in a process starts the polling."""
        if self._polling.idle:
            self._polling.start()
        result: tuple[bool, dict[str, Any]] = self.sampler.is_sampled(trace_id, operation)
        return result

    def close(self) -> None:
        """Stop polling; the current sampler goes on deciding."""
        self._polling.close()

    @property
    def running(self) -> bool:
        """Whether the sampler was not closed."""
        return not self._polling.closed

    @property
    def periodic(self) -> Any:
        """The job on the loop, or None as long as nothing was sampled in this process."""
        return self._polling.poll

    def _after_fork(self) -> None:
        self.lock = _native.allocate_lock()

    def _init_polling(self) -> None:
        """Begin to ask: jaeger_client's name, for tests."""
        self._polling.start()

    async def _poll(self) -> None:
        self.logger.debug("Requesting tracing sampler refresh")
        try:
            response = await answer(self._channel.request_sampling_strategy(self.service_name))
        except Exception as error:
            self._query_failed(error)
        else:
            self._received(response)

    def _sampling_request_callback(self, future: Any) -> None:
        """Take the answer out of a future that is done: jaeger_client's name, for tests."""
        try:
            response = future.result()
        except Exception as error:
            self._query_failed(error)
        else:
            self._received(response)

    def _query_failed(self, error: Exception) -> None:
        count(self.metrics.sampler_query_failure)
        report_error(
            self.error_reporter, "Fail to get sampling strategy from jaeger-agent: %s", error
        )

    def _received(self, response: Any) -> None:
        body = getattr(response, "body", None)
        try:
            content = load(body)  # type: ignore[arg-type]  # whatever it is, it raises nothing else
        except StrategyError as error:
            count(self.metrics.sampler_query_failure)
            report_error(
                self.error_reporter,
                "Fail to parse sampling strategy from jaeger-agent: %s [%s]",
                error,
                excerpt(body),
            )
            return
        count(self.metrics.sampler_retrieved)
        try:
            strategy = parse(content)
            with self.lock:
                changed = self._follow(strategy)
        except Exception as error:
            count(self.metrics.sampler_update_failure)
            # The missing blank is what programs look for that watch the log.
            report_error(
                self.error_reporter,
                "Fail to update samplerfrom jaeger-agent: %s [%s]",
                error,
                excerpt(body),
            )
            return
        if changed:
            count(self.metrics.sampler_updated)
            self.logger.debug("Tracing sampler set to %s", self.sampler)
        self._tell_skipped(strategy)
        report_recovery(self.error_reporter, "Sampling strategies come from jaeger-agent again")

    def _follow(self, strategy: Strategy) -> bool:
        """Put the strategy into force, and keep all state that it leaves valid.

        :return: whether the sampler is another one; always true for strategies per operation,
            whose numbers a backend computes anew each time
        """
        current = self.sampler
        # Only what was made here may be changed in place; others may use the initial one.
        mine = current if current is not self._init_sampler else None
        if isinstance(strategy, PerOperationStrategy):
            if isinstance(mine, AdaptiveSampler):
                mine.update(strategy)
            else:
                self.sampler = AdaptiveSampler(strategy, self.max_operations, clock=self._clock)
            return True
        if isinstance(strategy, ProbabilisticStrategy):
            sampler: Sampler = ProbabilisticSampler(strategy.rate)
        elif isinstance(mine, RateLimitingSampler):
            return mine.update(strategy.max_traces_per_second)
        else:
            sampler = RateLimitingSampler(strategy.max_traces_per_second, clock=self._clock)
        if sampler == current:
            return False
        self.sampler = sampler
        return True

    def _tell_skipped(self, strategy: Strategy) -> None:
        skipped = strategy.skipped if isinstance(strategy, PerOperationStrategy) else 0
        if skipped and skipped != self._skipped:
            self.logger.warning(
                "Ignoring %d malformed operations in sampling strategy from jaeger-agent", skipped
            )
        self._skipped = skipped
