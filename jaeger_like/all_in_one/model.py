"""Spans as the embedded agent keeps them: plain, immutable, independent of any wire format."""

from __future__ import annotations

from typing import NamedTuple, Union

TagValue = Union[str, bool, int, float, bytes]

CHILD_OF = "CHILD_OF"
FOLLOWS_FROM = "FOLLOWS_FROM"


class Tag(NamedTuple):
    """A key with a typed value.

    :ivar key: may occur more than once in a span
    :ivar type: ``string``, ``bool``, ``int64``, ``float64`` or ``binary``, as query APIs call them
    :ivar value: of the Python type that fits
    """

    key: str
    type: str
    value: TagValue


class Log(NamedTuple):
    """Something that happened at one instant: microseconds since the epoch, and fields."""

    timestamp: int
    fields: tuple[Tag, ...]


class Reference(NamedTuple):
    """A relation to another span: ``CHILD_OF`` or ``FOLLOWS_FROM``, with its unsigned ids."""

    type: str
    trace_id: int
    span_id: int


class Process(NamedTuple):
    """Who sent a span."""

    service: str
    tags: tuple[Tag, ...]


class Span(NamedTuple):
    """One timed operation.

    :ivar trace_id: unsigned, up to 128 bits
    :ivar span_id: unsigned, 64 bits; client and server may share one (Zipkin's way)
    :ivar references: a parent that the client gave as a mere id is among them, in front
    :ivar flags: bits 1 sampled, 2 debug, 8 firehose
    :ivar start: microseconds since the epoch
    :ivar duration: microseconds
    :ivar warnings: what the agent found odd about the span
    """

    trace_id: int
    span_id: int
    operation: str
    references: tuple[Reference, ...]
    flags: int
    start: int
    duration: int
    tags: tuple[Tag, ...]
    logs: tuple[Log, ...]
    process: Process
    warnings: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """Name of the service that sent this span."""
        return self.process.service

    @property
    def parent_id(self) -> int | None:
        """Id of the parent in the same trace, or None: the first CHILD_OF, else FOLLOWS_FROM."""
        for wanted in (CHILD_OF, FOLLOWS_FROM):
            for reference in self.references:
                if reference.type == wanted and reference.trace_id == self.trace_id:
                    return reference.span_id
        return None

    def tag(self, key: str) -> TagValue | None:
        """Return the last value of a tag, or None when the span has no such tag."""
        for tag in reversed(self.tags):
            if tag.key == key:
                return tag.value
        return None

    @property
    def is_error(self) -> bool:
        """Whether the span is marked as failed by its ``error`` tag."""
        value = self.tag("error")
        return value is True or value == "true"


class Trace(NamedTuple):
    """All spans of one trace that arrived so far, in order of arrival."""

    trace_id: int
    spans: tuple[Span, ...]

    @property
    def start(self) -> int:
        """Start of the earliest span, microseconds since the epoch."""
        return min(span.start for span in self.spans)

    @property
    def end(self) -> int:
        """End of the latest span, microseconds since the epoch."""
        return max(span.start + span.duration for span in self.spans)

    @property
    def services(self) -> list[str]:
        """Names of the services that took part, sorted."""
        return sorted({span.process.service for span in self.spans})


class ClientStats(NamedTuple):
    """What a client lost since it started, by cause."""

    full_queue: int
    too_large: int
    failed_to_emit: int


class Batch(NamedTuple):
    """Spans of one process, as they came in one packet.

    :ivar seq_no: 1, 2, ... per client, or None
    :ivar stats: or None
    """

    process: Process
    spans: tuple[Span, ...]
    seq_no: int | None = None
    stats: ClientStats | None = None


def trace_id_text(trace_id: int) -> str:
    """Return a trace id in hexadecimal: 16 digits, or 32 when it has more than 64 bits."""
    return f"{trace_id:032x}" if trace_id >> 64 else f"{trace_id:016x}"
