"""Metrics for Prometheus; needs the package ``prometheus_client``, imported on first use."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._log import logger
from ..errors import ConfigError
from .metrics import MetricsFactory, _nothing
from .table import HELP

if TYPE_CHECKING:
    from .metrics import Emit


class PrometheusMetricsFactory(MetricsFactory):
    """Exposes the client's counters and gauges through ``prometheus_client``.

    Any number of factories may share a registry: a series that is registered already is used again.
    Timers do nothing.

    :param namespace: put before every name with ``_``; characters that Prometheus does not allow
        become ``_``
    :param service_name_label: value of the label ``service`` of every series; None: no such label
    :param registry: a ``prometheus_client.CollectorRegistry``; None: the default registry
    :raises ConfigError: *namespace* or *service_name_label* is no text
    :raises ImportError: ``prometheus_client`` is not installed
    """

    def __init__(
        self,
        namespace: str = "",
        service_name_label: str | None = None,
        registry: Any = None,
    ) -> None:
        if not isinstance(namespace, str):
            raise ConfigError("namespace", namespace, "a text")
        if service_name_label is not None and not isinstance(service_name_label, str):
            raise ConfigError("service_name_label", service_name_label, "a text or None")
        self._client = _prometheus_client()
        self._namespace = _valid(namespace)
        self._service = service_name_label
        self._registry = self._client.REGISTRY if registry is None else registry

    def create_counter(self, name: str, tags: Mapping[str, str] | None = None) -> Emit:
        series = self._series(self._client.Counter, name, tags)
        return _nothing if series is None else series.inc

    def create_gauge(self, name: str, tags: Mapping[str, str] | None = None) -> Emit:
        series = self._series(self._client.Gauge, name, tags)
        return _nothing if series is None else series.set

    def _series(self, kind: Any, name: str, tags: Mapping[str, str] | None) -> Any:
        labels = {_valid(tag): str(value) for tag, value in (tags or {}).items()}
        if self._service:
            labels["service"] = self._service
        collector = self._collector(kind, name, tuple(sorted(labels)))
        if collector is None or not labels:
            return collector
        return collector.labels(**labels)

    def _collector(self, kind: Any, name: str, labels: tuple[str, ...]) -> Any:
        full_name = _valid(f"{self._namespace}_{name}" if self._namespace else name)
        try:
            return kind(full_name, HELP.get(name, name), labels, registry=self._registry)
        except ValueError as error:
            # Most likely it is registered already, by another tracer's factory. The registry has
            # no public way to ask it for a collector.
            known = getattr(self._registry, "_names_to_collectors", {}).get(full_name)
            if type(known) is kind and getattr(known, "_labelnames", None) == labels:
                return known
            logger.warning("Metric %s is not exposed to Prometheus: %s", full_name, error)
            return None


def _prometheus_client() -> Any:
    try:
        import prometheus_client  # optional, and slow to import
    except ImportError as error:
        raise ImportError(
            "PrometheusMetricsFactory needs prometheus_client: "
            "pip install 'jaeger-like[prometheus]'"
        ) from error
    return prometheus_client


def _valid(name: str) -> str:
    """Return *name* with what Prometheus forbids in names replaced by ``_``; colons stay."""
    name = re.sub(r"[^a-zA-Z0-9_:]", "_", name)
    return "_" + name if name[:1].isdigit() else name
