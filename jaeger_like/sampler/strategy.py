"""What a backend says about sampling: its JSON, read into plain values.

The format is that of ``SamplingStrategyResponse`` in Jaeger's ``sampling.proto``, as agents and
collectors give it at ``/sampling``. They disagree in details (enums are strings or numbers, a list
without entries may be ``null``, zero values may be left out), and all of it is understood here.
Pure: nothing is kept, nothing is fetched.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, NamedTuple, Union

from .._held_off import held_off
from .base import DEFAULT_LOWER_BOUND, DEFAULT_SAMPLING_PROBABILITY

# Keys and values of the JSON.
STRATEGY_TYPE_STR = "strategyType"
PROBABILISTIC_SAMPLING_STRATEGY = "PROBABILISTIC"
RATE_LIMITING_SAMPLING_STRATEGY = "RATE_LIMITING"
PROBABILISTIC_SAMPLING_STR = "probabilisticSampling"
SAMPLING_RATE_STR = "samplingRate"
RATE_LIMITING_SAMPLING_STR = "rateLimitingSampling"
MAX_TRACES_PER_SECOND_STR = "maxTracesPerSecond"
OPERATION_SAMPLING_STR = "operationSampling"
DEFAULT_SAMPLING_PROBABILITY_STR = "defaultSamplingProbability"
DEFAULT_LOWER_BOUND_STR = "defaultLowerBoundTracesPerSecond"
STRATEGIES_STR = "perOperationStrategies"
OPERATION_STR = "operation"

MAX_RATE_LIMIT = 500
"""Traces per second; a backend's limit must be below it."""

_LARGEST = sys.float_info.max  # JSON's integers can be larger, and 1e999 is read as infinite


class StrategyError(ValueError):
    """A backend sent a strategy that cannot be followed."""


class ProbabilisticStrategy(NamedTuple):
    """Sample a share of all traces.

    :ivar rate: 0 to 1
    """

    rate: float


class RateLimitingStrategy(NamedTuple):
    """Sample a number of traces per second.

    :ivar max_traces_per_second: 0 or more, below :data:`MAX_RATE_LIMIT`
    """

    max_traces_per_second: float


class PerOperationStrategy(NamedTuple):
    """Sample each operation at a rate of its own, and each at least so often.

    :ivar default_rate: for operations that are not listed, 0 to 1
    :ivar lower_bound: least number of traces per second of each operation, if it has so many
    :ivar rates: rate by operation name; not to be changed
    :ivar skipped: number of entries that could not be understood and so are not in the rates
    """

    default_rate: float
    lower_bound: float
    rates: dict[str, float]
    skipped: int = 0


Strategy = Union[ProbabilisticStrategy, RateLimitingStrategy, PerOperationStrategy]


def parse(body: bytes | str | dict[str, Any]) -> Strategy:
    """Read a backend's answer, as text or already decoded.

    :raises StrategyError: it is no JSON, or says nothing that can be followed
    """
    response = load(body) if isinstance(body, (bytes, bytearray, str)) else body
    if not isinstance(response, dict):
        raise StrategyError(f"expected a JSON object, got {_shown(response)}")
    operations = response.get(OPERATION_SAMPLING_STR)
    if operations:
        return parse_operations(operations)
    read = _reader(response)
    if read is None:
        raise StrategyError(
            f"unknown strategy type {_shown(response.get(STRATEGY_TYPE_STR))}, and neither "
            f"{PROBABILISTIC_SAMPLING_STR} nor {RATE_LIMITING_SAMPLING_STR} is there"
        )
    return read(response)


def load(body: bytes | str) -> Any:
    """Decode JSON text.

    :raises StrategyError: it is none
    """
    with held_off:
        import json
    try:
        return json.loads(body)
    except (ValueError, RecursionError, TypeError) as error:  # ValueError: also bad UTF-8
        raise StrategyError(f"expected JSON: {error}") from error


def parse_operations(sampling: Any) -> PerOperationStrategy:
    """Read the object under ``operationSampling``.

    An entry that makes no sense costs only itself; a default that makes none, everything.

    :raises StrategyError: it is no object, or a default is out of range
    """
    if not isinstance(sampling, dict):
        raise StrategyError(f"{OPERATION_SAMPLING_STR}: expected an object, got {_shown(sampling)}")
    default_rate = _rate(
        DEFAULT_SAMPLING_PROBABILITY_STR, sampling.get(DEFAULT_SAMPLING_PROBABILITY_STR)
    )
    lower_bound = _number(
        DEFAULT_LOWER_BOUND_STR, sampling.get(DEFAULT_LOWER_BOUND_STR), DEFAULT_LOWER_BOUND
    )
    entries = sampling.get(STRATEGIES_STR)
    if entries is None:
        entries = []
    if not isinstance(entries, (list, tuple)):
        raise StrategyError(f"{STRATEGIES_STR}: expected a list, got {_shown(entries)}")
    rates: dict[str, float] = {}
    skipped = 0
    for entry in entries:
        try:
            operation, rate = _entry(entry)
        except StrategyError:
            skipped += 1
        else:
            rates[operation] = rate
    return PerOperationStrategy(default_rate, lower_bound, rates, skipped)


def get_sampling_probability(strategy: dict[str, Any] | None = None) -> Any:
    """Return ``probabilisticSampling.samplingRate`` unchecked, 0.001 if it is missing."""
    section = (strategy or {}).get(PROBABILISTIC_SAMPLING_STR) or {}
    return section.get(SAMPLING_RATE_STR, DEFAULT_SAMPLING_PROBABILITY)


def get_rate_limit(strategy: dict[str, Any] | None = None) -> Any:
    """Return ``rateLimitingSampling.maxTracesPerSecond`` unchecked, 1/600 if it is missing."""
    section = (strategy or {}).get(RATE_LIMITING_SAMPLING_STR) or {}
    return section.get(MAX_TRACES_PER_SECOND_STR, DEFAULT_LOWER_BOUND)


def _reader(response: dict[str, Any]) -> Callable[[dict[str, Any]], Strategy] | None:
    """Choose by the type; without one we know, by what is there, as the Go and Java clients do."""
    strategy_type = response.get(STRATEGY_TYPE_STR)
    if isinstance(strategy_type, (str, int)) and not isinstance(strategy_type, bool):
        known = _READERS.get(str(strategy_type).upper())
        if known is not None:
            return known
    if response.get(PROBABILISTIC_SAMPLING_STR) is not None:
        return _probabilistic
    if response.get(RATE_LIMITING_SAMPLING_STR) is not None:
        return _rate_limiting
    return None


def _probabilistic(response: dict[str, Any]) -> ProbabilisticStrategy:
    section = _section(response, PROBABILISTIC_SAMPLING_STR)
    return ProbabilisticStrategy(_rate(SAMPLING_RATE_STR, section.get(SAMPLING_RATE_STR)))


def _rate_limiting(response: dict[str, Any]) -> RateLimitingStrategy:
    section = _section(response, RATE_LIMITING_SAMPLING_STR)
    limit = _number(
        MAX_TRACES_PER_SECOND_STR, section.get(MAX_TRACES_PER_SECOND_STR), DEFAULT_LOWER_BOUND
    )
    if limit >= MAX_RATE_LIMIT:
        raise StrategyError(
            f"{MAX_TRACES_PER_SECOND_STR}: expected less than {MAX_RATE_LIMIT}, got {_shown(limit)}"
        )
    return RateLimitingStrategy(limit)


# The enum of sampling.proto: by name, and by number as Jaeger 2.0 to 2.15 writes it.
_READERS: dict[str, Callable[[dict[str, Any]], Strategy]] = {
    PROBABILISTIC_SAMPLING_STRATEGY: _probabilistic,
    "0": _probabilistic,
    RATE_LIMITING_SAMPLING_STRATEGY: _rate_limiting,
    "1": _rate_limiting,
}


def _entry(entry: Any) -> tuple[str, float]:
    if not isinstance(entry, dict) or not isinstance(entry.get(OPERATION_STR), str):
        raise StrategyError(f"expected an object with {OPERATION_STR}, got {_shown(entry)}")
    section = _section(entry, PROBABILISTIC_SAMPLING_STR)
    return entry[OPERATION_STR], _rate(SAMPLING_RATE_STR, section.get(SAMPLING_RATE_STR))


def _section(response: dict[str, Any], key: str) -> dict[str, Any]:
    section = response.get(key)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise StrategyError(f"{key}: expected an object, got {_shown(section)}")
    return section


def _rate(key: str, value: Any) -> float:
    rate = _number(key, value, DEFAULT_SAMPLING_PROBABILITY)
    if rate > 1:
        raise StrategyError(f"{key}: expected a number between 0 and 1, got {_shown(value)}")
    return rate


def _number(key: str, value: Any, default: float) -> float:
    """Return the number as it was sent, because it becomes the tag ``sampler.param``."""
    if value is None:
        return default
    if type(value) not in (int, float) or not 0 <= value <= _LARGEST:
        raise StrategyError(f"{key}: expected a number of 0 or more, got {_shown(value)}")
    number: float = value
    return number


def _shown(value: Any) -> str:
    return f"{value!r:.100}"
