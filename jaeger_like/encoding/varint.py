"""Variable-length integers of Thrift's compact protocol, as text of one character per byte.

Records are put together as ``str`` with characters below 256 and turned into bytes once, by the
latin-1 codec: CPython formats and joins text faster than it does bytes.

An integer goes out in groups of seven bits, lowest first, the eighth bit set on all but the last;
signed ones are folded first (zigzag: 0, -1, 1, -2 become 0, 1, 2, 3). :func:`tables` has every pair
of groups, so that a 64-bit id takes five look-ups instead of ten steps of a loop. What uses them is
in :mod:`.span`; the functions here do without, and are for what is not written for each span.
"""

from __future__ import annotations

MAX_U64 = (1 << 64) - 1


def varint(number: int) -> str:
    """Return the varint of a non-negative integer of any size."""
    text = ""
    while number > 0x7F:
        text += chr(number & 0x7F | 0x80)
        number >>= 7
    return text + chr(number)


def zigzag(number: int) -> str:
    """Return the varint of a signed integer, folded. Range: -2**63 to 2**63 - 1."""
    return varint(number << 1 if number >= 0 else ~number << 1 | 1)


def tables() -> tuple[list[str], list[str]]:
    """Return two tables, which take 3 MiB and 2 ms.

    :return: for each 14-bit number two groups with more to come; the whole varint of each number
        below 2**14
    """
    groups = [chr(0x80 | low) for low in range(128)]
    more = [low + high for high in groups for low in groups]
    last = [chr(low) for low in range(128)]
    last += [low + chr(high) for high in range(1, 128) for low in groups]
    return more, last
