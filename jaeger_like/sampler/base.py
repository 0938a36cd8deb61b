"""What all samplers have in common."""

from __future__ import annotations

import math

from ..errors import ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SAMPLER_TYPE_TAG_KEY = "sampler.type"
SAMPLER_PARAM_TAG_KEY = "sampler.param"

DEFAULT_SAMPLING_PROBABILITY = 0.001
DEFAULT_LOWER_BOUND = 1.0 / (10.0 * 60.0)
"""Traces per second: one in ten minutes for each operation."""
DEFAULT_MAX_OPERATIONS = 2000


class Sampler:
    """Decides once per trace, at its root span, whether the trace is recorded.

    Samplers of one class are equal if their settings are, and so cannot be hashed.

    :param tags: tags of the root span, for those samplers that give always the same ones
    """

    def __init__(self, tags: dict[str, Any] | None = None) -> None:
        self._tags: dict[str, Any] = {} if tags is None else tags

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Return the decision and the tags for the root span.

        The tags are the same dict each time and must not be changed. Any thread.

        :param trace_id: unsigned, 64 or 128 bits
        :param operation: operation name of the root span
        """
        raise NotImplementedError

    def close(self) -> None:
        """Release what the sampler holds. Any thread, any number of times."""
        raise NotImplementedError

    def _compared(self) -> dict[str, Any]:
        """Return the settings that equal samplers have in common."""
        return self.__dict__

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Sampler)
            and self.__class__ is other.__class__
            and self._compared() == other._compared()
        )

    __hash__ = None  # type: ignore[assignment]  # settings change, see the docstring


def sampler_tags(sampler_type: str, param: Any) -> dict[str, Any]:
    """Return the two tags by which a root span tells which sampler chose it."""
    return {SAMPLER_TYPE_TAG_KEY: sampler_type, SAMPLER_PARAM_TAG_KEY: param}


def checked_number(key: str, value: Any, *, high: float = math.inf) -> float:
    """Return *value* as a float between 0 and *high*.

    :raises ConfigError: it is no number, or not in the range, or not finite
    """
    expected = "a number of 0 or more" if high == math.inf else f"a number between 0 and {high:g}"
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not (0 <= number <= high and number < math.inf):
        raise ConfigError(key, value, expected)
    return number


def checked_interval(key: str, value: Any) -> float:
    """Return *value* as a float above 0, in seconds.

    :raises ConfigError: it is none
    """
    seconds = checked_number(key, value)
    if seconds == 0:
        raise ConfigError(key, value, "a number of seconds above 0")
    return seconds


def checked_count(key: str, value: Any) -> int:
    """Return *value*, an integer of 0 or more.

    :raises ConfigError: it is none
    """
    if not isinstance(value, int) or value < 0:
        raise ConfigError(key, value, "an integer of 0 or more")
    return value
