"""What a tag's value becomes: one of four kinds, whatever the program put in.

``bool`` is BOOL, ``int`` within 64 bits LONG, a finite ``float`` DOUBLE; a traceback is formatted;
all else is STRING of ``str(value)``, and if that raises, the text of that exception. The value
suffers at most, never its span.
"""

from __future__ import annotations

import types
from math import isfinite

from .._held_off import held_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    Plain = Union[str, int, float, bool]


#: Types that cannot change or fail later and so may wait for the end of the span as they are.
PLAIN_TYPES = frozenset((str, int, float, bool))

MIN_I64 = -(1 << 63)
MAX_I64 = (1 << 63) - 1


class FormattedTraceback(str):
    """The text of a traceback that waits for the end of its span; it has a limit of its own."""

    __slots__ = ()


def kept(value: object, max_length: int, max_traceback_length: int) -> Plain:
    """Return *value* as it can wait for the end of its span, then to be given to :func:`plain`."""
    result = plain(value, max_length, max_traceback_length)
    if type(value) is types.TracebackType and type(result) is str:
        return FormattedTraceback(result)
    return result


def copy_plain(tags: object) -> dict[Any, Any] | None:
    """Return a copy of *tags*, or None unless they are a dict of nothing but plain values."""
    if type(tags) is not dict:
        return None
    copied = tags.copy()  # first, and in one step: another thread may be changing them
    for value in copied.values():
        if type(value) not in PLAIN_TYPES:
            return None
    return copied


def odd_fields(key_values: Any, max_length: int, max_traceback_length: int) -> dict[Any, Any]:
    """Return the fields of what is no mapping, or holds something without a class or a hash."""
    if key_values is None:
        return {}
    limits = (max_length, max_traceback_length)
    try:
        return {text(key): kept(value, *limits) for key, value in key_values.items()}
    except Exception:
        return {"value": kept(key_values, *limits)}


def plain(value: object, max_length: int, max_traceback_length: int) -> Plain:
    """Return *value* as text, number or truth value: of exactly these types.

    Proxies and mocks say they are of a type that they are not. They are taken at their word, and
    what they turn into then is looked at.

    :param max_length: of text, in characters
    :param max_traceback_length: of a formatted traceback, in characters
    """
    try:
        if isinstance(value, bool):
            return bool(value)
        if isinstance(value, int):
            # int() takes off a subclass: IntEnum and the like.
            whole = int(value)
            return whole if MIN_I64 <= whole <= MAX_I64 else str(whole)[:max_length]
        if isinstance(value, float):
            # The others are text: JSON has no number for them, and Jaeger's query service fails on
            # the whole trace, and on every search that finds it.
            number = float(value)
            return number if isfinite(number) else str(number)[:max_length]
        if type(value) is types.TracebackType:
            with held_off:
                import traceback

            return "".join(traceback.format_tb(value))[:max_traceback_length]
        if type(value) is FormattedTraceback:
            return value[:max_traceback_length]
    except Exception as exc:
        value = exc
    return text(value)[:max_length]


def text(value: object) -> str:
    """Return ``str(value)``; if that raises, the text of that exception. Never raises."""
    try:
        result = str(value)
    except Exception as exc:
        try:
            result = str(exc)
        except Exception:
            result = f"<{type(value).__name__} without text>"
    return str.__str__(result)  # takes off a subclass that __str__ may have returned


def utf8(value: str) -> bytes:
    r"""Return *value* in UTF-8; a lone surrogate, which has no UTF-8, becomes ``\udcxx``."""
    return value.encode("utf-8", "backslashreplace")
