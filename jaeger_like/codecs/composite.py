"""Several formats at once, and the table of formats that a configuration can name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from opentracing import InvalidCarrierException, SpanContextCorruptedException

from ..constants import BAGGAGE_HEADER_PREFIX, DEBUG_ID_HEADER_KEY, TRACE_ID_HEADER
from ..errors import ConfigError
from ..span_context import SpanContext, make_context
from .b3 import B3Codec, B3SingleCodec
from .base import Codec
from .text import TextCodec
from .w3c import W3CCodec

PROPAGATION_FORMATS = ("jaeger", "b3", "b3-single", "w3c")


class CompositeCodec(Codec):
    """Writes with all of its codecs; reads with the first, in their order, that finds something.

    A malformed context is no obstacle to a good one in another format. Baggage that comes alone
    (the W3C header does not depend on ``traceparent``) does not end the search either; it is added
    to what is found, whose own items win.

    :param codecs: at least one, in order of preference
    """

    def __init__(self, codecs: Iterable[Codec]) -> None:
        self.codecs = tuple(codecs)
        if not self.codecs:
            raise ConfigError("codecs", codecs, "at least one codec")

    def inject(self, span_context: SpanContext, carrier: Any) -> None:
        for codec in self.codecs:
            codec.inject(span_context, carrier)

    def extract(self, carrier: Any) -> SpanContext | None:
        refused: Exception | None = None
        only_baggage: SpanContext | None = None
        for codec in self.codecs:
            try:
                context = codec.extract(carrier)
            except (SpanContextCorruptedException, InvalidCarrierException) as error:
                refused = refused or error
                continue
            if context is None:
                continue
            if not _has_only_baggage(context):
                return _with_baggage(context, only_baggage)
            only_baggage = _with_baggage(only_baggage or context, context)
        if only_baggage is None and refused is not None:
            raise refused
        return only_baggage


def _has_only_baggage(context: SpanContext) -> bool:
    trace = context._trace
    return trace.trace_id is None and trace.flags is None and trace.debug_id is None


def _with_baggage(context: SpanContext, other: SpanContext | None) -> SpanContext:
    if other is None or other is context:
        return context
    baggage = {**other.baggage, **context.baggage} or None
    return make_context(context._trace.replace(baggage=baggage), context.span_id, context.parent_id)


def propagation_codec(
    names: Iterable[str],
    *,
    url_encoding: bool,
    generate_128bit_trace_id: bool = False,
    trace_id_header: str = TRACE_ID_HEADER,
    baggage_header_prefix: str = BAGGAGE_HEADER_PREFIX,
    debug_id_header: str = DEBUG_ID_HEADER_KEY,
) -> Codec:
    """Return the codec for a list of format names, a composite one when they are several.

    :param names: of ``jaeger``, ``b3``, ``b3-single`` and ``w3c``, in any case, in the order in
        which they are tried on extraction; a string may have several, separated by commas
    :param url_encoding: for HTTP headers; concerns ``jaeger`` only, like the header names
    :param generate_128bit_trace_id: concerns the B3 formats only
    :raise jaeger_like.errors.ConfigError: an unknown name, or none
    """
    wanted: list[str] = []
    for name in names.split(",") if isinstance(names, str) else names:
        normal = name.strip().lower() if isinstance(name, str) else None
        if normal not in PROPAGATION_FORMATS:
            raise ConfigError("propagation", name, f"one of {', '.join(PROPAGATION_FORMATS)}")
        if normal not in wanted:
            wanted.append(normal)
    if not wanted:
        raise ConfigError("propagation", names, f"one or more of {', '.join(PROPAGATION_FORMATS)}")

    def make(name: str) -> Codec:
        if name == "jaeger":
            return TextCodec(url_encoding, trace_id_header, baggage_header_prefix, debug_id_header)
        if name == "w3c":
            return W3CCodec()
        return (B3Codec if name == "b3" else B3SingleCodec)(generate_128bit_trace_id)

    codecs = [make(name) for name in wanted]
    return codecs[0] if len(codecs) == 1 else CompositeCodec(codecs)
