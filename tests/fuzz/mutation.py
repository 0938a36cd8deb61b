"""Hypothesis' way to new inputs: damage to good ones, and to several put together."""

from __future__ import annotations

from hypothesis import strategies as st

# What tends to hurt: limits of numbers, separators, half of a UTF-8 character, Thrift's varints.
_PIECES = st.sampled_from(
    [
        b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\x80\0\0\0", b"\x7f\xff\xff\xff",
        b"\xff\xff\xff\xff\x0f", b"\xff" * 10, b"\x19\xfc", b"\x1c", b"\x0f\0\1\x0c", b"\n", b":",
        b"%", b"%4", b"%C3%28", b",", b";", b"=", b"-", b" ", b"\t", b"0" * 33, b"f" * 32,
        b"\xc3", b"\xef\xbc\x91", b"NaN", b"1e999", b"null", b"[", b"{", b'"', b"\\ud800",
    ]
)  # fmt: skip


@st.composite
def inputs(draw, corpus):
    """Draw bytes: anything, or one of *corpus* after some edits."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=300))
    data = bytearray(draw(st.sampled_from(corpus)))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        to = min(len(data), at + draw(st.integers(0, 40)))
        kind = draw(st.sampled_from(["byte", "cut", "end", "repeat", "insert", "noise", "other"]))
        if kind == "byte" and at < len(data):
            data[at] = draw(st.integers(0, 255))
        elif kind == "cut":
            del data[at:to]
        elif kind == "end":
            del data[at:]
        elif kind == "repeat":
            data[at:at] = data[at:to] * draw(st.integers(1, 50))
        elif kind == "insert":
            data[at:at] = draw(_PIECES)
        elif kind == "noise":
            data[at:to] = draw(st.binary(max_size=20))
        elif kind == "other":
            other = draw(st.sampled_from(corpus))
            data[at:] = other[draw(st.integers(0, len(other))) :]
    return bytes(data[:4000])
