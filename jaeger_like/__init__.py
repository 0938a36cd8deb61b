"""Tracing client for Python programs on the OpenTracing API."""

from __future__ import annotations

from . import _lazy
from ._version import __version__
from .config import Config
from .parents import self_ref
from .sampler import ConstSampler, ProbabilisticSampler, RateLimitingSampler
from .span import Span
from .span_context import SpanContext
from .tracer import Tracer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .drop_in import install_as_jaeger_client
    from .sampler import RemoteControlledSampler

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

__getattr__ = _lazy.names(
    __name__,
    {
        ".drop_in": ("install_as_jaeger_client",),
        ".sampler": ("RemoteControlledSampler",),
    },
    modules=("TUDPTransport", "ioloop_util", "thrift", "thrift_gen", "throttler"),
)
