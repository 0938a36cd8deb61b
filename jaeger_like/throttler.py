"""Throttlers limit how many traces users may force with debug ids and ``sampling.priority``."""

from __future__ import annotations

import logging
from typing import Any, Callable

from . import _fork
from ._guard import PATIENCE, guard
from ._held_off import held_off
from ._log import logger as default_logger
from .constants import DEFAULT_THROTTLER_REFRESH_INTERVAL
from .metrics import MetricsFactory
from .sampler.base import DEFAULT_MAX_OPERATIONS, checked_count, checked_interval
from .sampler.polling import Polling, answer, count, excerpt, report_error, report_recovery
from .utils import ErrorReporter

MINIMUM_CREDITS = 1.0
"""What one forced trace costs."""

MAX_BALANCE = 1e15
"""A grant must be below it: to a float much larger, one credit more or less is no change."""


class Throttler:
    """Says whether a trace may be forced."""

    def set_client_id(self, client_id: Any) -> None:
        """Learn the id by which the backend tells this process from others."""

    def is_allowed(self, operation: str) -> bool:
        """Return whether a trace of *operation* may be forced now. Any thread; must be quick."""
        raise NotImplementedError

    def close(self) -> None:
        """Release what the throttler holds."""


class ThrottlerMetrics:
    """Counters of the remote throttler; each attribute is a function of an increment.

    :ivar throttled_debug_spans: traces that were not allowed to be forced
    :ivar throttler_update_success: answers with credits; under two names, ``throttler_update`` as
        Python programs know it and ``throttler_updates`` as the other Jaeger clients have it
    :ivar throttler_update_failure: missing answers and those that make no sense, likewise
    """

    def __init__(self, metrics_factory: MetricsFactory) -> None:
        def updates(result: str) -> Callable[[float], object]:
            counters = [
                metrics_factory.create_counter(name=name, tags={"result": result})
                for name in ("jaeger:throttler_update", "jaeger:throttler_updates")
            ]

            def count(value: float) -> None:
                for counter in counters:
                    counter(value)

            return count

        self.throttled_debug_spans: Callable[[float], object] = metrics_factory.create_counter(
            name="jaeger:throttled_debug_spans"
        )
        self.throttler_update_success = updates("ok")
        self.throttler_update_failure = updates("err")


class CreditsError(ValueError):
    """A backend sent credits that cannot be understood."""


class RemoteThrottler(Throttler):
    """Spends credits that the agent grants to each operation of this process.

    An operation seen for the first time has none; the next poll asks for them. Polling starts with
    the first question in a process. All methods may be called on any thread and raise nothing
    after construction. A forked child starts without credits and wants a client id of its own.

    :param channel: has ``io_loop`` (a tornado loop or None) and ``request_throttling_credits(
        service_name, client_id, operations)``, which returns a future of something with a
        ``body``, ``{"balances": [{"operation": "o", "balance": 1.0}]}``
    :param service_name: whose credits are asked for
    :param refresh_interval: seconds between two polls, above 0
    :param logger: by default ``jaeger_tracing``
    :param metrics_factory: makes the counters of :class:`ThrottlerMetrics`
    :param error_reporter: has ``error(fmt, *args)``; by default repeated errors are logged rarely
    :param max_operations: how many operations can have credits; others are never allowed
    :param random: a number in [0, 1), for tests
    :raises ConfigError: the interval or the number of operations makes no sense

    :ivar credits: by operation name
    :ivar client_id: text, or None as long as nobody has set it; nothing is asked before
    """

    def __init__(
        self,
        channel: Any,
        service_name: str,
        *,
        refresh_interval: float | None = None,
        logger: logging.Logger | None = None,
        metrics_factory: MetricsFactory | None = None,
        error_reporter: Any = None,
        max_operations: int | None = None,
        random: Callable[[], float] | None = None,
    ) -> None:
        self.channel = channel
        self.service_name = service_name
        self.client_id: str | None = None
        self.credits: dict[str, float] = {}
        self.refresh_interval = checked_interval(
            "refresh_interval",
            DEFAULT_THROTTLER_REFRESH_INTERVAL if refresh_interval is None else refresh_interval,
        )
        self.max_operations = checked_count(
            "max_operations", DEFAULT_MAX_OPERATIONS if max_operations is None else max_operations
        )
        self.logger = logger if logger is not None else default_logger
        self.metrics = ThrottlerMetrics(
            metrics_factory if metrics_factory is not None else MetricsFactory()
        )
        if error_reporter is None:
            error_reporter = ErrorReporter(None, logger=self.logger, log_interval_minutes=1)
        self.error_reporter = error_reporter
        self._polling = Polling(
            self._poll,
            channel,
            self.refresh_interval,
            random,
            self.logger,
            starting="Delaying throttling credit polling by %d sec",
            started="Throttling client started with refresh interval %d sec",
            failed="Cannot acquire IOLoop, throttler will not be updated",
        )
        _fork.register(self)

    def set_client_id(self, client_id: Any) -> None:
        """Set the id, as text, unless it is set already."""
        if self.client_id is None:
            self.client_id = str(client_id)

    def is_allowed(self, operation: str) -> bool:
        """Spend a credit of *operation*, if it has one, and return whether it had."""
        allowed = self._spend(operation)
        if self._polling.idle:  # only now, so that the first poll finds the operation
            self._polling.start()
        if not allowed:
            count(self.metrics.throttled_debug_spans)
        return allowed

    def close(self) -> None:
        """Stop polling; what credits there are can still be spent."""
        self._polling.close()

    def _spend(self, operation: str) -> bool:
        lock = guard.lock
        if not lock.acquire(timeout=PATIENCE):
            return False
        try:
            balance = self.credits.get(operation)
            if balance is None:
                if len(self.credits) < self.max_operations:
                    operation.encode()  # one that cannot be asked for would spoil every poll
                    self.credits[operation] = 0.0
                return False
            if balance < MINIMUM_CREDITS:
                return False
            self.credits[operation] = balance - MINIMUM_CREDITS
            return True
        except (TypeError, AttributeError, UnicodeError):  # is no name
            return False
        finally:
            lock.release()

    def _init_polling(self) -> None:
        """Begin to ask: jaeger_client's name, for tests."""
        self._polling.start()

    async def _poll(self) -> None:
        operations = list(self.credits)
        if not operations or self.client_id is None:
            return
        self.logger.debug("Requesting throttling credits")
        try:
            response = await answer(
                self.channel.request_throttling_credits(
                    self.service_name, self.client_id, operations
                )
            )
        except Exception as error:
            self._request_failed(error)
        else:
            self._received(response)

    def _request_callback(self, future: Any) -> None:
        """Take the answer out of a future that is done: jaeger_client's name, for tests."""
        try:
            response = future.result()
        except Exception as error:
            self._request_failed(error)
        else:
            self._received(response)

    def _request_failed(self, error: Exception) -> None:
        count(self.metrics.throttler_update_failure)
        report_error(
            self.error_reporter, "Failed to get throttling credits from jaeger-agent: %s", error
        )

    def _received(self, response: Any) -> None:
        body = getattr(response, "body", None)
        self.logger.debug("Received throttling response: %s", excerpt(body))
        try:
            balances = parse_balances(body)
        except CreditsError as error:
            count(self.metrics.throttler_update_failure)
            report_error(
                self.error_reporter,
                "Failed to parse throttling credits response from jaeger-agent: %s [%s]",
                error,
                excerpt(body),
            )
            return
        lock = guard.lock
        held = lock.acquire(timeout=PATIENCE)
        try:
            for operation, balance in balances:
                if operation in self.credits or len(self.credits) < self.max_operations:
                    self.credits[operation] = self.credits.get(operation, 0.0) + balance
        finally:
            if held:
                lock.release()
        self.logger.debug("credits = %s", dict(self.credits))
        count(self.metrics.throttler_update_success)
        report_recovery(self.error_reporter, "Throttling credits come from jaeger-agent again")

    def _after_fork(self) -> None:
        # The credits are the parent's, and so is the name they were granted to.
        self.client_id = None
        self.credits = dict.fromkeys(self.credits, 0.0)


def parse_balances(body: bytes | str | None) -> list[tuple[str, float]]:
    """Read the answer to a request for credits: what is to be added, by operation.

    An entry that makes no sense costs only itself.

    :raises CreditsError: it is no JSON object with a list of balances
    """
    with held_off:
        import json
    try:
        content = json.loads(body)  # type: ignore[arg-type]  # None is a TypeError
    except (ValueError, RecursionError, TypeError) as error:
        raise CreditsError(f"expected JSON: {error}") from error
    if not isinstance(content, dict):
        raise CreditsError("expected a JSON object")
    balances = content.get("balances") or []  # null is how Go writes an empty list
    if not isinstance(balances, list):
        raise CreditsError("expected balances to be a list")
    return [
        (entry["operation"], entry["balance"])
        for entry in balances
        if isinstance(entry, dict)
        and isinstance(entry.get("operation"), str)
        and type(entry.get("balance")) in (int, float)
        and 0 <= entry["balance"] < MAX_BALANCE
    ]
