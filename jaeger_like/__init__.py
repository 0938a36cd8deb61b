"""Tracing client for Python programs on the OpenTracing API."""

from ._version import __version__
from .config import Config
from .drop_in import install_as_jaeger_client
from .parents import self_ref
from .sampler import (
    ConstSampler,
    ProbabilisticSampler,
    RateLimitingSampler,
    RemoteControlledSampler,
)
from .span import Span
from .span_context import SpanContext
from .tracer import Tracer

__all__ = [
    "Config",
    "ConstSampler",
    "ProbabilisticSampler",
    "RateLimitingSampler",
    "RemoteControlledSampler",
    "Span",
    "SpanContext",
    "Tracer",
    "__version__",
    "install_as_jaeger_client",
    "self_ref",
]
