"""The encoder in use: the C module if it was built, else the one in Python. Same bytes."""

from __future__ import annotations

import os

from . import span, values
from .values import plain, text, utf8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

#: Set to anything but 0 before the import, it keeps the C module out.
PURE_VARIABLE = "JAEGER_LIKE_PURE"


def _c_encoder() -> Any:
    if os.environ.get(PURE_VARIABLE, "0") not in ("", "0"):
        return None
    try:
        from .. import _encoder
    except ImportError:
        return None
    _encoder.set_helpers(plain, text, utf8, span.references_text)
    return _encoder


_in_c: Any = _c_encoder()

#: :func:`jaeger_like.encoding.span.encode_span`, arguments by position.
encode_span: Callable[..., bytes] = (span if _in_c is None else _in_c).encode_span

#: :func:`jaeger_like.encoding.values.copy_plain`.
copy_plain: Callable[[object], dict[Any, Any] | None] = (
    values if _in_c is None else _in_c
).copy_plain


def new_buffer() -> Any:
    """Return a ``Buffer`` of the C module, which keeps what it encodes, or None without it."""
    return None if _in_c is None else _in_c.Buffer()


def encoder_name() -> str:
    """Return ``"c"`` or ``"pure"``."""
    return "c" if _in_c is not None else "pure"
