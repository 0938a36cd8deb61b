"""Variable-length integers of Thrift's compact protocol, as text of one character per byte.

Records are put together as ``str`` with characters below 256 and turned into bytes once, by the
latin-1 codec: CPython formats and joins text faster than it does bytes.

An integer goes out in groups of seven bits, lowest first, the eighth bit set on all but the last;
signed ones are folded first (zigzag: 0, -1, 1, -2 become 0, 1, 2, 3). The tables below hold every
pair of groups, so that a 64-bit id takes five look-ups instead of ten steps of a loop.
"""

from __future__ import annotations

_GROUPS = [chr(0x80 | low) for low in range(128)]

#: Two groups with more to come, for each 14-bit number.
MORE = [low + high for high in _GROUPS for low in _GROUPS]

#: The whole varint of each number below 2**14.
LAST = [chr(low) for low in range(128)]
LAST += [low + chr(high) for high in range(1, 128) for low in _GROUPS]

MAX_U64 = (1 << 64) - 1
_SIGN = 1 << 63


def varint(number: int) -> str:
    """Return the varint of a non-negative integer of any size."""
    text = ""
    while number >= 0x4000:
        text += MORE[number & 0x3FFF]
        number >>= 14
    return text + LAST[number]


def zigzag(number: int) -> str:
    """Return the varint of a signed integer, folded. Range: -2**63 to 2**63 - 1."""
    return varint(number << 1 if number >= 0 else ~number << 1 | 1)


def identifier(number: int) -> str:
    """Return an unsigned 64-bit id as Thrift writes it: as the signed integer of the same bits."""
    number &= MAX_U64
    folded = number << 1 if number < _SIGN else (number ^ MAX_U64) << 1 | 1
    if folded >> 56:  # all but one random id in 256
        return (
            f"{MORE[folded & 0x3FFF]}{MORE[folded >> 14 & 0x3FFF]}{MORE[folded >> 28 & 0x3FFF]}"
            f"{MORE[folded >> 42 & 0x3FFF]}{LAST[folded >> 56]}"
        )
    return varint(folded)
