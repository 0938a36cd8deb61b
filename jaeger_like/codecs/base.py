"""What every codec shares: its interface, and how it looks at carriers and at baggage.

Carriers are made by programs we know nothing of, and filled by peers we do not trust. Codecs look
at them through these functions only, so that whatever is in them, ``extract`` gives a context, None
or one of opentracing's exceptions.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from opentracing import InvalidCarrierException

from ..constants import DEBUG_FLAG, SAMPLED_FLAG
from ..span_context import SpanContext, TraceData, make_context, make_trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# Baggage that is taken in from one carrier; the numbers are those of the Go client and of the
# first editions of W3C Baggage. What is beyond them is ignored in headers.
MAX_BAGGAGE_ITEMS = 180
MAX_BAGGAGE_ITEM_LENGTH = 4096  # key and value together; bytes in BINARY, else characters
MAX_BAGGAGE_HEADER_LENGTH = 8192  # characters of a header that holds many items

# Bits that go over the wire: one byte.
FLAGS_MASK = 0xFF
DEBUG_FLAGS = DEBUG_FLAG | SAMPLED_FLAG  # a debug span is always a sampled one


class Codec:
    """One propagation format: writes span contexts into carriers and reads them back.

    Codecs keep no state between calls and may be used by any number of threads.
    """

    def inject(self, span_context: SpanContext, carrier: Any) -> None:
        """Write a context into a carrier.

        :param span_context: the context to write; one without a trace is written as far as the
            format can express it
        :param carrier: what the format prescribes, changed in place
        :raise opentracing.InvalidCarrierException: the carrier is not of that kind
        """
        raise NotImplementedError

    def extract(self, carrier: Any) -> SpanContext | None:
        """Read a context from a carrier.

        :return: None when the carrier holds nothing of this format
        :raise opentracing.InvalidCarrierException: the carrier is not of the prescribed kind
        :raise opentracing.SpanContextCorruptedException: there is a context and it is malformed
        """
        raise NotImplementedError


def require_mapping(carrier: Any) -> None:
    """Raise InvalidCarrierException unless headers can be written into *carrier*."""
    if not isinstance(carrier, (dict, MutableMapping)):
        raise InvalidCarrierException("carrier not a collection")


def carrier_items(carrier: Any) -> list[tuple[Any, Any]]:
    """Return the (name, value) pairs of anything that has ``items()``.

    :raise opentracing.InvalidCarrierException: it has not, or they are no pairs
    """
    try:
        return [(name, value) for name, value in carrier.items()]
    except Exception as error:
        raise InvalidCarrierException("carrier not a collection") from error


def header_name(name: Any) -> str | None:
    """Return a header's name in lower case, or None for a key that is no header name.

    Names are bytes where a program made a dict of the headers of an ASGI scope.
    """
    text = header_text(name)
    return None if text is None else text.lower()


def header_text(value: Any) -> str | None:
    """Return a header's value as text, or None if it is none.

    Bytes are UTF-8, or else ISO 8859-1 as they are in HTTP. A list of one value is that value:
    multi-valued header mappings look so.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
        if isinstance(value, str):
            return value
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return None


def shown(value: Any) -> str:
    """Return what an error message says about a received value: its start, or its type."""
    return repr(value[:100]) if isinstance(value, (str, bytes)) else type(value).__name__


def baggage_items(trace: TraceData) -> Iterator[tuple[str, str]]:
    """Yield baggage as text. Programs put in what they like, so this may not be text: bytes are
    decoded, the rest goes through ``str``, and what has no ``str`` is left out."""
    if trace.baggage:
        for key, value in trace.baggage.items():
            try:
                yield _text(key), _text(value)
            except Exception:
                continue


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def add_baggage(baggage: dict[str, str], key: str, value: str) -> None:
    """Put a received item into *baggage*, unless that would be beyond the limits."""
    if len(key) + len(value) > MAX_BAGGAGE_ITEM_LENGTH:
        return
    if len(baggage) < MAX_BAGGAGE_ITEMS or key in baggage:
        baggage[key] = value


def context_without_trace(
    flags: int | None = None, baggage: dict[str, str] | None = None, debug_id: str | None = None
) -> SpanContext:
    """Return a context that has no ids: a decision, baggage or a debug id that came alone."""
    return make_context(make_trace(None, flags, baggage or None, debug_id), None, None)
