"""Baggage in one header: W3C ``baggage``, and ``jaeger-baggage`` which people write by hand."""

from __future__ import annotations

from .._lazy import Pattern
from ..span_context import TraceData
from .base import (
    MAX_BAGGAGE_HEADER_LENGTH,
    MAX_BAGGAGE_ITEM_LENGTH,
    MAX_BAGGAGE_ITEMS,
    add_baggage,
    baggage_items,
)
from .percent import quote, unquote, unquote_plus

_BLANKS = " \t"
# RFC 7230, 3.2.6. "%" is one of its characters, but is also what other characters are encoded with.
_token = Pattern(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]+")
_plain_key = Pattern(r"[A-Za-z0-9!#$&'*+\-.^_`|~]+")


def parse_w3c_baggage(header: str, baggage: dict[str, str]) -> None:
    """Add the members of a W3C ``baggage`` header (https://www.w3.org/TR/baggage/) to *baggage*.

    Properties after ``;`` are dropped: Jaeger has no place for them. Malformed members are
    skipped. A plus is read as a blank, since OpenTelemetry for Python writes blanks so.
    """
    for member in _members(header):
        key, equals, value = member.partition(";")[0].partition("=")
        key = key.strip(_BLANKS)
        if equals and _token.fullmatch(key):
            add_baggage(baggage, unquote(key), unquote_plus(value.strip(_BLANKS)))


def format_w3c_baggage(trace: TraceData) -> str:
    """Return the W3C ``baggage`` header for the baggage of a trace, empty when there is none.

    Keys that are no tokens are percent-encoded like values. Items beyond 180, beyond 4096
    characters each or 8192 in all are left out, since nobody is bound to read them.
    """
    members: list[str] = []
    length = -1
    for key, value in baggage_items(trace):
        if not key:
            continue
        member = f"{_encoded_key(key)}={quote(value)}"
        if len(member) > MAX_BAGGAGE_ITEM_LENGTH:
            continue
        if length + 1 + len(member) <= MAX_BAGGAGE_HEADER_LENGTH:
            members.append(member)
            length += 1 + len(member)
            if len(members) == MAX_BAGGAGE_ITEMS:
                break
    return ",".join(members)


def parse_jaeger_baggage(header: str, baggage: dict[str, str]) -> None:
    """Add the items of a ``jaeger-baggage`` header, ``k1=v1, k2=v2``, to *baggage*.

    Blanks around keys and values do not count; items without exactly one ``=`` are skipped.
    """
    for item in _members(header):
        key, equals, value = item.partition("=")
        if equals and "=" not in value:
            add_baggage(baggage, key.strip(), value.strip())


def _members(header: str) -> list[str]:
    if len(header) <= MAX_BAGGAGE_HEADER_LENGTH:
        return header.split(",")
    # The last member is cut somewhere, unless the comma after it is what came next.
    return header[: MAX_BAGGAGE_HEADER_LENGTH + 1].split(",")[:-1]


def _encoded_key(key: str) -> str:
    if _plain_key.fullmatch(key):
        return key
    # "/" is the one character that quote() leaves alone and a token cannot have.
    return quote(key).replace("/", "%2F")
