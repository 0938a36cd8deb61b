"""A finished span in, the bytes of its Thrift ``Span`` struct out.

Field numbers and types (jaeger.thrift): 1 traceIdLow, 2 traceIdHigh, 3 spanId, 4 parentSpanId i64;
5 operationName string; 6 references list (left out when there are none); 7 flags i32; 8 startTime,
9 duration i64, microseconds; 10 tags, 11 logs lists. A field header is one byte: the step from the
previous field's number in the high half, the type in the low half.
"""

from __future__ import annotations

from struct import pack

from .values import MAX_I64, MIN_I64, plain, text, utf8
from .varint import MAX_U64, tables, varint, zigzag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from ..span_context import TraceData

# A key and the start of its value: field 1 string, field 2 i32 (the value's kind). Programs use
# few keys, over and over. Worth 0.1 us a tag.
_keys: dict[object, str] = {}
_names: dict[object, str] = {}  # of operations, likewise
_MAX_KEYS = 4096

# Two groups of seven bits with more to come, and whole varints; complete as soon as a span is
# encoded here, and not by the C module, which leaves little to do for the functions below.
_MORE: list[str] = []
_LAST = [chr(low) for low in range(0x80)]
_SHORT = 0x80  # numbers below are in _LAST
_SMALL = 0x40  # and integers below this, folded

# The higher bits of the last time, two minutes long the same, and their groups.
_now: tuple[int | None, str] = (None, "")

_SIGN = 1 << 63
_REFERENCE_TYPES = {"child_of": "\x00", "follows_from": "\x02"}


def encode_span(
    trace: TraceData,
    span_id: int,
    parent_id: int | None,
    operation_name: str,
    references: Sequence[Any] | None,
    start: int,
    duration: int,
    tags: Mapping[Any, Any] | None,
    logs: Sequence[tuple[int, Mapping[Any, Any]]] | None,
    max_length: int,
    max_traceback_length: int,
) -> bytes:
    """Return the record of one span.

    :param trace: ids and flags; the encoded ones are kept in ``trace.wire``
    :param span_id: of which the lower 64 bits are sent
    :param parent_id: None or 0 for a root
    :param operation_name: what is no text is sent as its text
    :param references: opentracing references to Jaeger contexts
    :param start: nanoseconds since 1970, of which microseconds are sent
    :param duration: microseconds
    :param tags: by key; what Thrift has no type for is sent as text
    :param logs: pairs of a time in nanoseconds since 1970 and fields
    :param max_length: limit of text values, in characters
    :param max_traceback_length: that of tracebacks, in characters
    :raises Exception: it is no span
    """
    head, flags, known_id, known = trace.wire or _trace_ids(trace)
    # Most ids are met again soon: a span finishes after its children, and those after each other.
    this = known if span_id == known_id else identifier(span_id)
    if parent_id == known_id:
        parent = known
    else:
        parent = identifier(parent_id) if parent_id else "\x00"
        trace.wire = (head, flags, parent_id, parent)
    if type(operation_name) is not str or not (name := _names.get(operation_name, "")):
        name = _name(operation_name)
    clock = start // 1000 << 1
    high, end = _now
    if clock >> 28 == high:  # _time(), whose call would be 0.04 us
        begin = f"{_MORE[clock & 0x3FFF]}{_MORE[clock >> 14 & 0x3FFF]}{end}"
    else:
        begin = _time(start)
    length = _LAST[duration << 1] if 0 <= duration < 0x2000 else zigzag(duration)
    wide = references_text(references) if references else "\x25"
    fields = tag_list(tags, max_length, max_traceback_length) if tags else "\x0c"
    entries = _log_list(logs, max_length, max_traceback_length) if logs else "\x0c"
    return (
        f"{head}{this}\x16{parent}\x18{name}{wide}{flags}\x16{begin}\x16{length}"
        f"\x19{fields}\x19{entries}\x00"
    ).encode("latin-1")


def string(value: object) -> str:
    """Return length and UTF-8 bytes of a text; any other object is turned into text first."""
    if type(value) is not str:
        value = text(value)
    if not value.isascii():
        value = utf8(value).decode("latin-1")
    size = len(value)
    return f"{_LAST[size] if size < _SHORT else varint(size)}{value}"


def list_header(size: int, kind: int) -> str:
    """Return the header of a list of *size* elements of the compact type *kind*."""
    return chr(size << 4 | kind) if size < 15 else f"{chr(0xF0 | kind)}{varint(size)}"


def tag_list(tags: Mapping[Any, Any], max_length: int, max_traceback_length: int) -> str:
    """Return a list of ``Tag`` structs: 1 key, 2 vType, then the one value field of that kind."""
    size = len(tags)
    out = chr(size << 4 | 0xC) if size < 15 else list_header(size, 0xC)
    for key, value in tags.items():
        head = _keys.get(key) or _key(key)
        kind = type(value)
        if kind is str:
            size = len(value)
            if size <= max_length and size < _SHORT and value.isascii():
                out += f"{head}\x00\x18{_LAST[size]}{value}\x00"
            else:
                out += f"{head}\x00\x18{string(value[:max_length])}\x00"
            continue
        if kind is not bool and kind is not int and (kind is not float or value - value != 0):
            value = plain(value, max_length, max_traceback_length)  # noqa: PLW2901  one name, one value
            kind = type(value)
        if kind is bool:
            out += f"{head}\x04\x31\x00" if value else f"{head}\x04\x32\x00"
        elif kind is int:
            if 0 <= value < _SMALL:
                out += f"{head}\x06\x46{_LAST[value << 1]}\x00"
            elif MIN_I64 <= value <= MAX_I64:
                out += f"{head}\x06\x46{zigzag(value)}\x00"
            else:
                out += f"{head}\x00\x18{string(plain(value, max_length, 0))}\x00"
        elif kind is float:
            out += f"{head}\x02\x27{pack('<d', value).decode('latin-1')}\x00"
        else:
            out += f"{head}\x00\x18{string(value)}\x00"
    return out


def _log_list(
    logs: Sequence[tuple[int, Mapping[Any, Any]]], max_length: int, max_traceback_length: int
) -> str:
    out = list_header(len(logs), 0xC)
    for timestamp, fields in logs:
        out += f"\x16{_time(timestamp)}\x19{tag_list(fields, max_length, max_traceback_length)}\x00"
    return out


def identifier(number: int) -> str:
    """Return an unsigned 64-bit id as Thrift writes it: as the signed integer of the same bits."""
    number &= MAX_U64
    number = number << 1 if number < _SIGN else (number ^ MAX_U64) << 1 | 1
    high = number >> 28
    top = high >> 28
    if top and _MORE:  # all but one random id in 256
        # In halves, since Python computes with numbers below 2**30 faster: 4 % of the function.
        low, high = number & 0xFFFFFFF, high & 0xFFFFFFF
        return (
            f"{_MORE[low & 0x3FFF]}{_MORE[low >> 14]}{_MORE[high & 0x3FFF]}{_MORE[high >> 14]}"
            f"{_LAST[top]}"
        )
    return varint(number)


def _use_tables() -> None:
    global _MORE, _LAST, _SHORT, _SMALL
    more, _LAST = tables()
    _SHORT, _SMALL = 0x4000, 0x2000
    _MORE = more  # last: it says to other threads that all is there


def _trace_ids(trace: TraceData) -> tuple[str, str, int | None, str]:
    if not _MORE:
        _use_tables()
    trace_id = trace.trace_id or 0
    wire = (
        f"\x16{identifier(trace_id)}\x16{identifier(trace_id >> 64)}\x16",
        _LAST[((trace.flags or 0) & 0xFF) << 1],
        None,
        "\x00",
    )
    trace.wire = wire
    return wire


def _time(nanos: int) -> str:
    global _now
    micros = nanos // 1000
    clock = micros << 1
    high, end = _now
    if clock >> 28 != high:
        high = clock >> 28
        if not 0x4000 <= high < 1 << 28:  # from 1971 on: two look-ups more
            return zigzag(micros)
        end = f"{_MORE[high & 0x3FFF]}{_LAST[high >> 14]}"
        _now = (high, end)
    return f"{_MORE[clock & 0x3FFF]}{_MORE[clock >> 14 & 0x3FFF]}{end}"


def _name(value: object) -> str:
    name = string(value)
    if type(value) is str and len(name) < 256 and len(_names) < _MAX_KEYS:
        _names[value] = name
    return name


def _key(key: object) -> str:
    head = f"\x18{string(key)}\x15"
    if type(key) is str and len(head) < 256 and len(_keys) < _MAX_KEYS:
        _keys[key] = head
    return head


def references_text(references: Sequence[Any]) -> str:
    """Return the field of the references and the field header of the flags that follow."""
    structs = []
    for reference in references:
        context = reference.referenced_context
        trace_id = context.trace_id or 0
        structs.append(
            f"\x15{_REFERENCE_TYPES.get(reference.type, chr(0))}\x16{identifier(trace_id)}"
            f"\x16{identifier(trace_id >> 64)}\x16{identifier(context.span_id or 0)}\x00"
        )
    return f"\x19{list_header(len(structs), 0xC)}{''.join(structs)}\x15"
