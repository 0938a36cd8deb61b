"""Percent-encoding of UTF-8 text (RFC 3986), as the Jaeger clients and W3C Baggage use it.

The standard library has it in ``urllib.parse``, whose import costs more than the rest of this
package's codecs together.
"""

from __future__ import annotations

from .._lazy import Pattern

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re

# What stands for itself: unreserved characters, and "/", which old Python clients left as it is;
# everybody decodes it, and programs compare the results.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")
_ENCODED = [chr(octet) if octet in _PLAIN else f"%{octet:02X}" for octet in range(256)]

_needs_no_encoding = Pattern(r"[A-Za-z0-9\-._~/]*")
_escapes = Pattern(rb"%([0-9a-fA-F]{2})")


def quote(text: str) -> str:
    """Return *text* in ASCII: a blank is ``%20``, a plus ``%2B``, a lone surrogate ``%3F`` (?)."""
    if _needs_no_encoding.fullmatch(text):
        return text
    return "".join([_ENCODED[octet] for octet in text.encode("utf-8", "replace")])


def unquote(text: str) -> str:
    """Return *text* decoded. Never fails: ``%`` before anything but two digits stays, octets that
    are no UTF-8 become U+FFFD."""
    if "%" not in text:
        return text
    octets: bytes = _escapes.sub(_octet, text.encode("utf-8", "replace"))
    return octets.decode("utf-8", "replace")


def _octet(match: re.Match[bytes]) -> bytes:
    return bytes((int(match[1], 16),))


def unquote_plus(text: str) -> str:
    """Return *text* decoded as :func:`unquote` does, a plus being a blank."""
    return unquote(text.replace("+", " ") if "+" in text else text)
