"""Records of finished spans that wait to be sent, the oldest first.

Callers add, on any thread and without a lock; the loop's thread takes. With the C encoder records
wait in its buffer, where they lie as they will be sent, and only those that have come back or do
not fit wait as objects, before the others. Without it all of them do.
"""

from __future__ import annotations

from .encoding.encoder import new_buffer
from .encoding.packet import Batch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Callable

# Records that are looked at in one step: a tenth to a quarter of what goes into a packet.
_AT_ONCE = 32


class Waiting:
    """A bounded queue of records, in which callers are not held up.

    :param max_spans: that may wait
    :param max_bytes: that may wait
    """

    __slots__ = ("buffer", "bytes_in", "bytes_out", "look_at", "max_bytes", "max_spans", "records")

    def __init__(self, max_spans: int, max_bytes: int) -> None:
        self.max_spans = max_spans
        self.max_bytes = max_bytes
        #: Those that wait as objects.
        self.records: list[bytes] = []
        # Of those that ever waited as objects. The first is added to by callers only and the
        # second by the loop's thread only, so that neither needs a lock.
        self.bytes_in = self.bytes_out = 0
        #: The bytes_in from which on somebody has to look after the queue.
        self.look_at = 0
        #: Of the C encoder, or None.
        self.buffer = new_buffer()
        self._set_limits()

    def __len__(self) -> int:
        """Return the number of spans that wait."""
        buffer = self.buffer
        return len(self.records) + (0 if buffer is None else buffer.spans)

    def __bool__(self) -> bool:
        return len(self) > 0

    def qsize(self) -> int:
        """Return the number of spans that wait; the name that jaeger_client's queue has for it."""
        return len(self)

    @property
    def size(self) -> int:
        """Bytes that wait."""
        buffer = self.buffer
        return self.bytes_in - self.bytes_out + (0 if buffer is None else buffer.bytes)

    @property
    def total(self) -> int:
        """Bytes that were ever added, to say by them when something is due again."""
        return self.bytes_in if self.buffer is None else self.buffer.bytes_in

    @property
    def add(self) -> Callable[..., Any] | None:
        """The buffer's own method, which encodes and keeps, or None."""
        return None if self.buffer is None else self.buffer.add

    def has_last(self, span_id: Any) -> bool:
        """Whether the span was the last that the buffer has kept."""
        return self.buffer is not None and bool(span_id) and self.buffer.last_id == span_id

    def look_again(self, total: int) -> None:
        """Say from what total on somebody has to look after the queue."""
        self.look_at = total
        if self.buffer is not None:
            self.buffer.look_at = total

    def close(self) -> None:
        """Have the buffer keep nothing more."""
        if self.buffer is not None:
            self.buffer.closed = True

    # -- on the loop's thread ------------------------------------------------------------------

    def set_packet(self, max_bytes: int, max_spans: int | None) -> None:
        """Learn how much goes into a packet. Any thread."""
        if self.buffer is not None:
            self.buffer.chunk_bytes = max_bytes
            self.buffer.chunk_spans = max_spans or self.max_spans

    def take_batch(self, batch: Batch) -> None:
        """Move what the buffer holds for a packet into *batch*, if nothing waits before it."""
        if self.buffer is not None and not self.records:
            self.buffer.take(batch.parts)

    def take(self, records: list[bytes], room: int, most: int) -> None:
        """Move those that wait as objects into *records* while there is *room*, in bytes."""
        waiting, total = self.records, 0
        try:
            # By slices, because callers append meanwhile and a slice is one step to them.
            while len(records) < most:
                some = waiting[len(records) : min(len(records) + _AT_ONCE, most)]
                size = sum(map(len, some))
                is_last = not some or total + size > room
                while total + size > room:
                    size -= len(some.pop())
                records += some
                total += size
                if is_last:
                    break
            del waiting[: len(records)]
        except MemoryError:
            records.clear()  # they still wait
            raise
        self.bytes_out += total
        self._set_limits()

    def popleft(self) -> None:
        """Remove the first of those that wait as objects."""
        self.bytes_out += len(self.records.pop(0))
        self._set_limits()

    def put_back(self, records: Sequence[bytes]) -> None:
        """Let records wait again, before all others."""
        self.bytes_out -= sum(map(len, records))
        self.records[:0] = records
        self._set_limits()

    def forget_drift(self) -> None:
        """Nothing waits: no bytes do. Two callers at once may have added to them as one."""
        self.bytes_out = self.bytes_in

    def _set_limits(self) -> None:
        buffer = self.buffer
        if buffer is not None:  # the rest of what may wait
            buffer.max_spans = self.max_spans - len(self.records)
            buffer.max_bytes = self.max_bytes - (self.bytes_in - self.bytes_out)
