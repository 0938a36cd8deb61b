"""Time as spans use it: whole numbers since 1970, microseconds where they are sent.

Integers all the way, because a difference of floats loses the last microsecond. The start of a span
is a wall clock reading, its duration comes from a clock that cannot be set back: the one that is
called ``perf_counter_ns``, since ``monotonic_ns`` ticks 64 times a second on Windows and elsewhere
is the same. Readings wait as they are, in nanoseconds, and are divided when they are encoded, which
is cheapest in C.
"""

from __future__ import annotations

import time

#: Nanoseconds since 1970.
wall_ns = time.time_ns


def now_micros() -> int:
    """Return microseconds since 1970."""
    return wall_ns() // 1000


def to_nanos(seconds: object) -> int:
    """Return what :func:`to_micros` does, in nanoseconds."""
    return to_micros(seconds) * 1000


def to_micros(seconds: object) -> int:
    """Return a time that a program gave, in seconds since 1970, as microseconds.

    What is no number, or none that a clock can show, is taken for now: a wrong time must not cost
    the span.
    """
    try:
        micros = round(seconds * 1_000_000)  # type: ignore[operator]  # or it raises
        if -(1 << 62) < micros < 1 << 62:
            return int(micros)
    except Exception:
        pass
    return now_micros()
