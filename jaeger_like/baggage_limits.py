"""Limits of what a service may set as baggage: which keys, and how much of a value.

Baggage travels with every call that follows, so one careless service burdens many. The limits hold
for ``span.set_baggage_item``; what arrives from elsewhere is passed on as it came.

An item under a key that is not allowed is not set; a value that is too long is cut. A sampled span
logs either, with the field ``invalid`` or ``truncated``.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from ._held_off import held_off
from ._log import logger as default_logger
from .encoding.values import text
from .errors import ConfigError
from .metrics import MetricsFactory
from .sampler.base import checked_count, checked_interval
from .sampler.polling import Polling, answer, count, excerpt, report_error, report_recovery
from .span import Span
from .utils import ErrorReporter

if TYPE_CHECKING:
    from collections.abc import Iterable

DEFAULT_REFRESH_INTERVAL = 60
"""Seconds."""

DEFAULT_MAX_VALUE_LENGTH = 2048
"""Characters; the limit of all keys until a backend has answered."""


class Restriction(NamedTuple):
    """What holds for one key.

    :ivar key_allowed: whether it may be set
    :ivar max_value_length: of its value, in characters; None: any
    """

    key_allowed: bool
    max_value_length: int | None = None


class BaggageRestrictions:
    """Says what may be set as baggage. This one allows everything."""

    def restriction(self, service_name: str, key: str) -> Restriction:  # noqa: ARG002  the interface has it
        """Return what holds for a key. Any thread; must be quick."""
        return Restriction(True)

    def close(self) -> None:
        """Release what it holds."""


class LocalBaggageRestrictions(BaggageRestrictions):
    """Limits that are known from the start.

    :param allowed_keys: None: any
    :param max_value_length: characters, 0 or more; None: any number
    :raises ConfigError: one of them makes no sense
    """

    def __init__(
        self, allowed_keys: Iterable[str] | None = None, max_value_length: int | None = None
    ) -> None:
        if isinstance(allowed_keys, str):  # its letters would be the keys
            raise ConfigError("allowed_keys", allowed_keys, "a list of texts")
        self.allowed_keys = None if allowed_keys is None else frozenset(allowed_keys)
        if max_value_length is not None:
            checked_count("max_value_length", max_value_length)
        self.max_value_length = max_value_length

    def restriction(self, service_name: str, key: str) -> Restriction:  # noqa: ARG002  the interface has it
        """Return the limits; they are the same for all services."""
        allowed = self.allowed_keys is None or key in self.allowed_keys
        return Restriction(allowed, self.max_value_length)


class RemoteBaggageRestrictions(BaggageRestrictions):
    """Limits that the backend gives to a service, asked for when baggage is first set and then
    at an interval.

    Until there is an answer all keys are allowed, and values of 2048 characters; whenever one is
    missing or makes no sense, the limits at hand go on. All methods may be called on any thread and
    raise nothing after construction.

    :param channel: has ``io_loop`` (a tornado loop or None) and
        ``request_baggage_restrictions(service_name)``, which returns a future of something with a
        ``body``, ``[{"baggageKey": "k", "maxValueLength": 10}]``
    :param service_name: whose limits are asked for
    :param refresh_interval: seconds, above 0
    :param deny_until_known: whether nothing is allowed until there is an answer
    :param local: limits that hold as well
    :param metrics_factory: makes the counters ``jaeger:baggage_restrictions_updates``
    :param error_reporter: has ``error(fmt, *args)``
    :param logger: of the package by default
    :raises ConfigError: the interval makes no sense
    """

    def __init__(
        self,
        channel: Any,
        service_name: str,
        *,
        refresh_interval: float = DEFAULT_REFRESH_INTERVAL,
        deny_until_known: bool = False,
        local: BaggageRestrictions | None = None,
        metrics_factory: MetricsFactory | None = None,
        error_reporter: Any = None,
        logger: logging.Logger | None = None,
    ) -> None:
        self._channel = channel
        self.service_name = service_name
        self.refresh_interval = checked_interval("refresh_interval", refresh_interval)
        self._local = local if local is not None else BaggageRestrictions()
        self._lengths: dict[str, int] | None = None
        self._unknown = Restriction(not deny_until_known, DEFAULT_MAX_VALUE_LENGTH)
        self.logger = logger if logger is not None else default_logger
        self.error_reporter = error_reporter or ErrorReporter(
            None, logger=self.logger, log_interval_minutes=1
        )
        self._updated, self._failed = _update_counters(metrics_factory or MetricsFactory())
        self._polling = Polling(
            self._poll,
            channel,
            self.refresh_interval,
            lambda: 0.0,  # at once: who sets baggage waits for the answer, so to say
            self.logger,
            starting="Delaying baggage restrictions polling by %d sec",
            started="Baggage restrictions client started with refresh interval %d sec",
            failed="Cannot acquire IOLoop, baggage restrictions will not be updated",
        )

    def restriction(self, service_name: str, key: str) -> Restriction:
        """Return what the backend said about a key; the first call in a process starts asking."""
        if self._polling.idle:
            self._polling.start()
        known = self._lengths
        remote = self._unknown if known is None else Restriction(key in known, known.get(key))
        local = self._local.restriction(service_name, key)
        limits = [r.max_value_length for r in (remote, local) if r.max_value_length is not None]
        return Restriction(
            remote.key_allowed and local.key_allowed, min(limits) if limits else None
        )

    def close(self) -> None:
        """Stop asking; the limits at hand go on."""
        self._polling.close()

    async def _poll(self) -> None:
        body = None
        try:
            response = await answer(self._channel.request_baggage_restrictions(self.service_name))
            body = getattr(response, "body", None)
            self._lengths = parse_restrictions(body)
        except Exception as error:
            report_error(
                self.error_reporter,
                "Failed to get baggage restrictions from jaeger-agent: %s [%s]",
                error,
                excerpt(body),
            )
            count(self._failed)
        else:
            report_recovery(
                self.error_reporter, "Baggage restrictions come from jaeger-agent again"
            )
            count(self._updated)


def _update_counters(factory: MetricsFactory) -> list[Callable[[float], object]]:
    return [
        factory.create_counter(name="jaeger:baggage_restrictions_updates", tags={"result": result})
        for result in ("ok", "err")
    ]


def parse_restrictions(body: bytes | str | None) -> dict[str, int]:
    """Read a backend's answer: the most characters of a value, by key.

    An entry that makes no sense costs only itself: its key may not be set.

    :raises ValueError: it is no JSON list
    """
    with held_off:
        import json
    try:
        content = json.loads(body)  # type: ignore[arg-type]  # None is a TypeError
    except (ValueError, RecursionError, TypeError) as error:
        raise ValueError(f"expected JSON: {error}") from error
    if not isinstance(content, list):
        raise ValueError("expected a JSON list")  # noqa: TRY004  one error for any bad answer
    return {
        entry["baggageKey"]: entry["maxValueLength"]
        for entry in content
        if isinstance(entry, dict)
        and isinstance(entry.get("baggageKey"), str)
        and type(entry.get("maxValueLength")) is int
        and entry["maxValueLength"] >= 0
    }


class LimitedBaggage(Span):
    """A span of a tracer that has ``baggage_restrictions``."""

    def _set_baggage(self, key: str, value: Any, marks: dict[str, str]) -> Span:
        tracer = self._tracer
        if value is None:  # what is taken away is no burden
            return super()._set_baggage(key, value, marks)
        try:
            allowed, limit = tracer.baggage_restrictions.restriction(tracer.service_name, key)
        except Exception as exc:
            tracer._start_errors.log("Baggage restrictions failed: %r", exc)
            return super()._set_baggage(key, value, marks)
        if not allowed:
            tracer._count(tracer.metrics.baggage_update_failure)
            entry = {"event": "baggage", "key": key, "value": value, "invalid": "true", **marks}
            return self.log_kv(entry)
        if limit is not None:
            value = text(value)
            if len(value) > limit:
                value = value[:limit]
                marks = {**marks, "truncated": "true"}
                tracer._count(tracer.metrics.baggage_truncate)
        return super()._set_baggage(key, value, marks)
