"""Errors of the first family: the caller configured us wrongly.

The second family, a peer that sent rubbish, is opentracing's own
``SpanContextCorruptedException``; ``extract`` raises it and nothing else does.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ConfigError(ValueError):
    """A configuration names something that cannot be.

    The message names the key, the value found and what was expected.

    :param key: dotted name of the setting, for example ``sampler.param``
    :param value: what was found there
    :param expected: what would have been accepted, in words
    """

    def __init__(self, key: str, value: Any, expected: str) -> None:
        super().__init__(f"{key}: expected {expected}, got {value!r}")
        self.key = key
        self.value = value
        self.expected = expected
