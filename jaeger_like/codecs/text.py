"""Jaeger's own format: the headers ``uber-trace-id``, ``uberctx-*``, ``jaeger-debug-id`` and
``jaeger-baggage``."""

from __future__ import annotations

from opentracing import SpanContextCorruptedException

from .._lazy import Pattern
from ..constants import (
    BAGGAGE_HEADER_KEY,
    BAGGAGE_HEADER_PREFIX,
    DEBUG_ID_HEADER_KEY,
    TRACE_ID_HEADER,
)
from ..errors import ConfigError
from ..span_context import SpanContext
from .baggage import parse_jaeger_baggage
from .base import (
    FLAGS_MASK,
    MAX_BAGGAGE_ITEM_LENGTH,
    Codec,
    add_baggage,
    baggage_items,
    carrier_items,
    context_without_trace,
    header_name,
    header_text,
    require_mapping,
)
from .ids import context_from_string
from .percent import quote, unquote, unquote_plus

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# What would end a header's name or line, or make HTTP libraries raise an error at the program:
# controls, the colon, what is not ASCII, and a blank before the colon. (Blanks elsewhere are
# forbidden too, but all Jaeger clients send them.)
_unfit_for_name = Pattern("[^ -9;-~]| \\Z")

# Where our headers are among those of a request.
_NOWHERE, _SOMEWHERE = object(), object()
_MAX_SEEN = 128  # sets of names that are remembered
_MAX_SEEN_LENGTH = 1_024  # characters of the names of one set
_FORGET_AFTER = 2_000  # requests with names that are not remembered
_ONLY_TEXT = frozenset((str,))


class TextCodec(Codec):
    """Reads and writes the headers that all Jaeger clients know.

    :param url_encoding: True for HTTP headers: values are percent-encoded. Written, a blank is
        ``%20``; read, baggage may have it as ``+`` as well. Baggage keys are never encoded, so
        items whose key cannot be part of a header's name are not written.
        False for text maps: keys and values go as they are.
    :param trace_id_header: name of the header with ids and flags
    :param baggage_header_prefix: what the names of baggage headers start with
    :param debug_id_header: name of the header that forces a trace
    :param baggage_header: name of the header with baggage written by hand; only read
    :raise jaeger_like.errors.ConfigError: a name is no text

    Names are written in lower case with ``-`` for ``_``, and recognised in any case. A context
    without a trace is written as its baggage and its debug id.
    """

    def __init__(
        self,
        url_encoding: bool = False,
        trace_id_header: str = TRACE_ID_HEADER,
        baggage_header_prefix: str = BAGGAGE_HEADER_PREFIX,
        debug_id_header: str = DEBUG_ID_HEADER_KEY,
        baggage_header: str = BAGGAGE_HEADER_KEY,
    ) -> None:
        self.url_encoding = url_encoding
        self.trace_id_header = _normal("trace_id_header", trace_id_header)
        self._capitalised = self.trace_id_header.title()  # as WSGI frameworks show it
        self._seen: dict[tuple[str, ...], Any] = {}  # which name is ours among those of a request
        self._unseen = 0  # requests with other names since it is full
        self.baggage_prefix = _normal("baggage_header_prefix", baggage_header_prefix)
        self.debug_id_header = _normal("debug_id_header", debug_id_header)
        self.baggage_header = _normal("baggage_header", baggage_header)

    def inject(self, span_context: SpanContext, carrier: Any) -> None:
        if type(carrier) is not dict:
            require_mapping(carrier)
        trace = span_context._trace
        trace_id, span_id = trace.trace_id, span_context.span_id
        if trace_id and span_id:
            # span_context_to_string, whose call would be a fifth of the whole injection
            carrier[self.trace_id_header] = "%x:%x:%x:%x" % (  # noqa: UP031  half the price of an f-string
                trace_id,
                span_id,
                span_context.parent_id or 0,
                (trace.flags or 0) & FLAGS_MASK,
            )
        elif trace.debug_id:
            carrier[self.debug_id_header] = self._encoded(trace.debug_id)
        if trace.baggage:
            for key, value in baggage_items(trace):
                if not (self.url_encoding and _unfit_for_name.search(key)):
                    carrier[self.baggage_prefix + key] = self._encoded(value)

    def extract(self, carrier: Any) -> SpanContext | None:
        if type(carrier) is dict:
            # Mostly there is one header of ours, or none, among others that come from the same few
            # programs: which of all names is ours is looked up. Worth a fifth of an extraction.
            try:
                names = tuple(carrier)
                ours = self._seen.get(names) or self._look_for_ours(names, carrier)
            except Exception:  # keys that are no text, or whose own methods fail
                ours = _SOMEWHERE
            if ours.__class__ is str:
                try:
                    return context_from_string(carrier[ours])
                except SpanContextCorruptedException:  # perhaps it is encoded
                    pass
            elif ours is _NOWHERE:
                return None
        return self._extract_any(carrier)

    def _look_for_ours(self, names: tuple[Any, ...], carrier: dict[Any, Any]) -> Any:
        """Return the one name of ours among others, or that there is none, or that it is not so
        simple.

        :raises TypeError: not all of them are text
        """
        keys = "\n".join(names)
        lower = keys.lower()
        ours: Any = _SOMEWHERE
        if (
            self.baggage_prefix not in lower
            and self.debug_id_header not in lower
            and self.baggage_header not in lower
        ):
            header = self.trace_id_header
            times = lower.count(header)
            if not times:
                ours = _NOWHERE
            elif times == 1:
                for spelling in (header, self._capitalised):
                    if spelling in carrier:
                        ours = spelling
        self._remember(names, len(keys), ours)
        return ours

    def _remember(self, names: tuple[Any, ...], length: int, ours: Any) -> None:
        if len(self._seen) < _MAX_SEEN:
            # A class of the program's own may hold anything, and compare as it likes.
            if length <= _MAX_SEEN_LENGTH and set(map(type, names)) <= _ONLY_TEXT:
                self._seen[names] = ours
            return
        # Where every request has other names nothing is gained: begin again, but seldom.
        self._unseen += 1
        if self._unseen >= _FORGET_AFTER:
            self._unseen = 0
            self._seen.clear()

    def _extract_any(self, carrier: Any) -> SpanContext | None:
        found = False
        ids: Any = None
        baggage: dict[str, str] = {}
        debug_id = None
        for key, value in carrier_items(carrier):
            name = header_name(key)
            if name is None:
                continue
            if name == self.trace_id_header:
                found, ids = True, value  # the last one counts
            elif name.startswith(self.baggage_prefix):
                text = self._text(value)
                if text is not None:
                    if self.url_encoding:
                        # Clients that write a plus as it is mean a blank by it.
                        text = unquote_plus(text)
                    add_baggage(baggage, name[len(self.baggage_prefix) :], text)
            elif name == self.debug_id_header:
                text = self._decoded(value)
                if text and len(text) <= MAX_BAGGAGE_ITEM_LENGTH:
                    debug_id = text
            elif name == self.baggage_header:
                text = self._decoded(value)
                if text is not None:
                    parse_jaeger_baggage(text, baggage)
        if found:
            return self._context(ids, baggage or None, debug_id)
        if baggage or debug_id:
            return context_without_trace(None, baggage, debug_id)
        return None

    def _context(
        self, value: Any, baggage: dict[str, str] | None, debug_id: str | None
    ) -> SpanContext:
        try:
            return context_from_string(value, baggage, debug_id)
        except SpanContextCorruptedException:
            # Only now, since ids never need to be encoded and seldom are.
            text = self._decoded(value)
            if text is None or text == value:
                raise
            return context_from_string(text, baggage, debug_id)

    def _text(self, value: Any) -> str | None:
        # Text maps are text by definition; what travels in HTTP headers is octets.
        if not self.url_encoding and isinstance(value, (bytes, bytearray)):
            return None
        return header_text(value)

    def _decoded(self, value: Any) -> str | None:
        text = self._text(value)
        return unquote(text) if self.url_encoding and text is not None else text

    def _encoded(self, text: str) -> str:
        return quote(text) if self.url_encoding else text


def _normal(key: str, name: Any) -> str:
    if not isinstance(name, str):
        raise ConfigError(key, name, "the name of a header")
    return name.lower().replace("_", "-")
