"""Propagation formats: how a span context travels from one process to the next.

A codec writes a context into a carrier (``inject``) and reads it back (``extract``). Nothing here
does I/O or keeps state. The tracer's table of formats maps OpenTracing's ``text_map``,
``http_headers`` and ``binary`` and our ``zipkin-span-format`` to codecs.
"""

from __future__ import annotations

from .. import _lazy
from .base import Codec
from .binary import BinaryCodec
from .ids import header_to_hex, span_context_from_string, span_context_to_string
from .text import TextCodec
from .zipkin import ZipkinCodec, ZipkinSpanFormat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .b3 import B3Codec, B3SingleCodec
    from .composite import PROPAGATION_FORMATS, CompositeCodec, propagation_codec
    from .w3c import W3CCodec

__all__ = [
    "PROPAGATION_FORMATS",
    "B3Codec",
    "B3SingleCodec",
    "BinaryCodec",
    "Codec",
    "CompositeCodec",
    "TextCodec",
    "W3CCodec",
    "ZipkinCodec",
    "ZipkinSpanFormat",
    "header_to_hex",
    "propagation_codec",
    "span_context_from_string",
    "span_context_to_string",
]

__getattr__ = _lazy.names(
    __name__,
    {
        ".b3": ("B3Codec", "B3SingleCodec"),
        ".composite": ("PROPAGATION_FORMATS", "CompositeCodec", "propagation_codec"),
        ".w3c": ("W3CCodec",),
        # What jaeger_client's module imports, and programs have imported from there.
        "..constants": (
            "BAGGAGE_HEADER_KEY",
            "BAGGAGE_HEADER_PREFIX",
            "DEBUG_FLAG",
            "DEBUG_ID_HEADER_KEY",
            "SAMPLED_FLAG",
            "TRACE_ID_HEADER",
        ),
        "..span_context": ("SpanContext",),
        "opentracing": ("InvalidCarrierException", "SpanContextCorruptedException"),
    },
)
