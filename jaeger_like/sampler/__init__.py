"""Samplers decide which traces are recorded: by a constant, a share, a rate, or the backend."""

from __future__ import annotations

from .. import _lazy
from .base import (
    DEFAULT_LOWER_BOUND,
    DEFAULT_MAX_OPERATIONS,
    DEFAULT_SAMPLING_PROBABILITY,
    SAMPLER_PARAM_TAG_KEY,
    SAMPLER_TYPE_TAG_KEY,
    Sampler,
)
from .basic import ConstSampler, ProbabilisticSampler, RateLimitingSampler

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .._log import default_logger
    from .per_operation import AdaptiveSampler, GuaranteedThroughputProbabilisticSampler
    from .remote import RemoteControlledSampler, SamplerMetrics
    from .strategy import (
        DEFAULT_LOWER_BOUND_STR,
        DEFAULT_SAMPLING_PROBABILITY_STR,
        MAX_TRACES_PER_SECOND_STR,
        OPERATION_SAMPLING_STR,
        OPERATION_STR,
        PROBABILISTIC_SAMPLING_STR,
        PROBABILISTIC_SAMPLING_STRATEGY,
        RATE_LIMITING_SAMPLING_STR,
        RATE_LIMITING_SAMPLING_STRATEGY,
        SAMPLING_RATE_STR,
        STRATEGIES_STR,
        STRATEGY_TYPE_STR,
        StrategyError,
        get_rate_limit,
        get_sampling_probability,
    )

__all__ = [
    "DEFAULT_LOWER_BOUND",
    "DEFAULT_LOWER_BOUND_STR",
    "DEFAULT_MAX_OPERATIONS",
    "DEFAULT_SAMPLING_PROBABILITY",
    "DEFAULT_SAMPLING_PROBABILITY_STR",
    "MAX_TRACES_PER_SECOND_STR",
    "OPERATION_SAMPLING_STR",
    "OPERATION_STR",
    "PROBABILISTIC_SAMPLING_STR",
    "PROBABILISTIC_SAMPLING_STRATEGY",
    "RATE_LIMITING_SAMPLING_STR",
    "RATE_LIMITING_SAMPLING_STRATEGY",
    "SAMPLER_PARAM_TAG_KEY",
    "SAMPLER_TYPE_TAG_KEY",
    "SAMPLING_RATE_STR",
    "STRATEGIES_STR",
    "STRATEGY_TYPE_STR",
    "AdaptiveSampler",
    "ConstSampler",
    "GuaranteedThroughputProbabilisticSampler",
    "ProbabilisticSampler",
    "RateLimitingSampler",
    "RemoteControlledSampler",
    "Sampler",
    "SamplerMetrics",
    "StrategyError",
    "default_logger",
    "get_rate_limit",
    "get_sampling_probability",
]

__getattr__ = _lazy.names(
    __name__,
    {
        ".._log": ("default_logger",),
        ".per_operation": ("AdaptiveSampler", "GuaranteedThroughputProbabilisticSampler"),
        ".remote": ("RemoteControlledSampler", "SamplerMetrics"),
        ".strategy": (
            "DEFAULT_LOWER_BOUND_STR",
            "DEFAULT_SAMPLING_PROBABILITY_STR",
            "MAX_TRACES_PER_SECOND_STR",
            "OPERATION_SAMPLING_STR",
            "OPERATION_STR",
            "PROBABILISTIC_SAMPLING_STR",
            "PROBABILISTIC_SAMPLING_STRATEGY",
            "RATE_LIMITING_SAMPLING_STR",
            "RATE_LIMITING_SAMPLING_STRATEGY",
            "SAMPLING_RATE_STR",
            "STRATEGIES_STR",
            "STRATEGY_TYPE_STR",
            "StrategyError",
            "get_rate_limit",
            "get_sampling_probability",
        ),
        # What jaeger_client's module imports, and programs have imported from there.
        "..constants": (
            "DEFAULT_SAMPLING_INTERVAL",
            "SAMPLER_TYPE_CONST",
            "SAMPLER_TYPE_LOWER_BOUND",
            "SAMPLER_TYPE_PROBABILISTIC",
            "SAMPLER_TYPE_RATE_LIMITING",
        ),
        "..metrics": ("LegacyMetricsFactory", "Metrics", "MetricsFactory"),
        "..rate_limiter": ("RateLimiter",),
        "..utils": ("ErrorReporter",),
    },
)
