"""Metrics of the client itself: factories to pick or subclass, and the table of instruments."""

from __future__ import annotations

from .metrics import LegacyMetricsFactory, Metrics, MetricsFactory, does_nothing

__all__ = ["LegacyMetricsFactory", "Metrics", "MetricsFactory", "does_nothing"]
