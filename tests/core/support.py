"""A tracer whose every part can be looked at."""

from __future__ import annotations

from jaeger_like import ConstSampler, Tracer
from jaeger_like.metrics import MetricsFactory
from jaeger_like.reporter import InMemoryReporter


class RecordingSampler:
    """Decides as told and remembers what it was asked."""

    def __init__(self, decision=True, tags=None):
        self.decision = decision
        self.tags = tags
        self.asked = []
        self.closed = 0

    def is_sampled(self, trace_id, operation=""):
        self.asked.append((trace_id, operation))
        return self.decision, self.tags

    def close(self):
        self.closed += 1


class RecordingMetrics(MetricsFactory):
    """Counts under ``name{tag=value,...}``."""

    def __init__(self):
        self.counts = {}

    def create_counter(self, name, tags=None):
        labels = ",".join(f"{key}={value}" for key, value in sorted((tags or {}).items()))
        key = f"{name}{{{labels}}}" if labels else name

        def count(value):
            self.counts[key] = self.counts.get(key, 0) + value

        return count


class Throttler:
    """Allows forced traces or not."""

    def __init__(self, allowed):
        self.allowed = allowed
        self.asked = []
        self.client_id = None
        self.closed = 0

    def set_client_id(self, client_id):
        self.client_id = client_id

    def is_allowed(self, operation):
        self.asked.append(operation)
        return self.allowed

    def close(self):
        self.closed += 1


def new_tracer(sampler=True, reporter=None, **settings):
    """Return a tracer with an :class:`InMemoryReporter`; *sampler* may be a mere decision."""
    if isinstance(sampler, bool):
        sampler = ConstSampler(sampler)
    return Tracer("svc", reporter or InMemoryReporter(), sampler, **settings)


def tag_values(span):
    """Return the tags of a span as a dict, having checked that no key stands twice."""
    return values(span.tags)


def values(tags):
    """Return generated ``Tag`` objects as a dict."""
    fields = ("vStr", "vDouble", "vBool", "vLong", "vBinary")
    result = {}
    for tag in tags:
        assert tag.key not in result
        (result[tag.key],) = [v for v in (getattr(tag, f) for f in fields) if v is not None]
    return result
