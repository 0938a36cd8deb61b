"""Metrics factories: the interface, which does nothing, and an adapter to three functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Emit = Callable[[Any], Any]


def _nothing(value: Any) -> None:
    """Accept a measurement and forget it."""


class MetricsFactory:
    """Makes the functions through which the client counts what it does. This one makes no-ops.

    Subclass it for statsd, Datadog and the like. The client calls the methods with the keywords
    ``name`` and ``tags``, while a tracer is made; what they return is called from any thread, must
    be quick and should not raise.

    :ivar tags: (of each method) text to text, or None; belongs to the caller, never to be changed
    """

    def create_counter(
        self,
        name: str,  # noqa: ARG002  the interface
        tags: Mapping[str, str] | None = None,  # noqa: ARG002  the interface
    ) -> Emit:
        """Return a function that adds its argument, a number >= 0, to the counter."""
        return _nothing

    def create_timer(
        self,
        name: str,  # noqa: ARG002  the interface
        tags: Mapping[str, str] | None = None,  # noqa: ARG002  the interface
    ) -> Emit:
        """Return a function that records its argument, a duration in microseconds."""
        return _nothing

    def create_gauge(
        self,
        name: str,  # noqa: ARG002  the interface
        tags: Mapping[str, str] | None = None,  # noqa: ARG002  the interface
    ) -> Emit:
        """Return a function that sets the gauge to its argument, a number."""
        return _nothing


class Metrics:
    """Deprecated. Up to three functions ``fn(key, value)`` that receive measurements.

    :param count: receives increments
    :param gauge: receives values
    :param timing: receives milliseconds

    What is not callable is ignored, as if it were None.
    """

    def __init__(
        self,
        count: Callable[[str, Any], Any] | None = None,
        gauge: Callable[[str, Any], Any] | None = None,
        timing: Callable[[str, Any], Any] | None = None,
    ) -> None:
        self._count = count if callable(count) else None
        self._gauge = gauge if callable(gauge) else None
        self._timing = timing if callable(timing) else None

    def count(self, key: str, value: Any) -> None:
        """Add *value* to the counter *key*."""
        if self._count is not None:
            self._count(key, value)

    def gauge(self, key: str, value: Any) -> None:
        """Set the gauge *key* to *value*."""
        if self._gauge is not None:
            self._gauge(key, value)

    def timing(self, key: str, value: Any) -> None:
        """Record *value*, milliseconds, under *key*."""
        if self._timing is not None:
            self._timing(key, value)


class LegacyMetricsFactory(MetricsFactory):
    """Sends measurements to a :class:`Metrics`, which knows no tags.

    The key is the metric's name followed by ``.tag_value`` for each tag in the order of the tags'
    names: ``jaeger:traces.sampled_y.state_started``.
    """

    def __init__(self, metrics: Metrics | None = None) -> None:
        self._metrics = Metrics() if metrics is None else metrics

    def create_counter(self, name: str, tags: Mapping[str, str] | None = None) -> Emit:
        key = _key(name, tags)
        return lambda value: self._metrics.count(key, value)

    def create_timer(self, name: str, tags: Mapping[str, str] | None = None) -> Emit:
        key = _key(name, tags)
        # The interface is in microseconds, what stands behind it in milliseconds.
        return lambda value: self._metrics.timing(key, value / 1000.0)

    def create_gauge(self, name: str, tags: Mapping[str, str] | None = None) -> Emit:
        key = _key(name, tags)
        return lambda value: self._metrics.gauge(key, value)


def does_nothing(factory: Any) -> bool:
    """Whether what *factory* makes are no-ops, so that calling them can be spared."""
    if type(factory) is LegacyMetricsFactory and type(factory._metrics) is Metrics:
        metrics = factory._metrics
        return metrics._count is None and metrics._gauge is None and metrics._timing is None
    return type(factory) is MetricsFactory


def _key(name: str, tags: Mapping[str, str] | None) -> str:
    return name + "".join(f".{tag}_{value}" for tag, value in sorted((tags or {}).items()))
