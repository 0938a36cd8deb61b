"""Identifiers that must not meet: of spans, traces and of this process."""

from __future__ import annotations

import random


def new_random() -> random.Random:
    """Return a generator of its own, seeded by the operating system. Not for secrets."""
    return random.Random()


def is_random(generator: object) -> bool:
    """Whether what a program has for ids is known to give random bits, which W3C wants to hear."""
    return isinstance(generator, random.Random)


def new_client_uuid() -> str:
    """Return the id by which an agent tells a tracer from others: 16 hexadecimal digits.

    Text, because agents take their statistics only from a STRING tag.
    """
    return f"{random.SystemRandom().getrandbits(64):016x}"
