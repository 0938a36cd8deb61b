"""The newest traces, in memory, within bounds."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from .model import Span, Trace


class _Entry:
    __slots__ = ("changed", "shown", "spans")

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.changed = 0.0
        self.shown = False


class Store:
    """The newest traces; all methods may be called from any thread.

    What they return is a snapshot that nobody changes any more.

    :param max_traces: the trace that has been quiet for longest goes first, at least 1
    :param max_spans: bound for all traces together, at least 1; traces go as above, and of one that
        is larger than this alone the spans that come last are not taken
    :param clock: seconds, monotonic
    """

    def __init__(
        self,
        max_traces: int = 1000,
        max_spans: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_traces = max_traces
        self._max_spans = max_spans
        self._clock = clock
        self._traces: OrderedDict[int, _Entry] = OrderedDict()  # quietest first
        self._pending: OrderedDict[int, _Entry] = OrderedDict()  # not yet given out by quiet()
        self._count = 0
        self._evicted = 0
        self._changed = threading.Condition()  # its lock is reentrant: wait_for needs that

    def add(self, spans: Iterable[Span]) -> None:
        """Keep *spans*."""
        with self._changed:
            now = self._clock()
            for span in spans:
                self._add(span, now)
            self._changed.notify_all()

    def _add(self, span: Span, now: float) -> None:
        trace_id = span.trace_id
        entry = self._traces.get(trace_id)
        if entry is None:
            entry = self._traces[trace_id] = _Entry()
            if len(self._traces) > self._max_traces:
                self._evict()
        else:
            self._traces.move_to_end(trace_id)
        entry.changed = now
        self._pending[trace_id] = entry
        self._pending.move_to_end(trace_id)
        while self._count >= self._max_spans and len(self._traces) > 1:
            self._evict()
        if self._count >= self._max_spans:
            self._evicted += 1
            return
        entry.spans.append(span)
        self._count += 1

    def _evict(self) -> None:
        trace_id, entry = self._traces.popitem(last=False)
        self._pending.pop(trace_id, None)
        self._count -= len(entry.spans)
        self._evicted += len(entry.spans)

    def clear(self) -> None:
        """Forget all traces."""
        with self._changed:
            self._traces.clear()
            self._pending.clear()
            self._count = 0
            self._changed.notify_all()

    def traces(self) -> list[Trace]:
        """Return all traces, the one that changed last first."""
        with self._changed:
            return [
                Trace(trace_id, tuple(entry.spans))
                for trace_id, entry in reversed(self._traces.items())
            ]

    def trace(self, trace_id: int) -> Trace | None:
        """Return one trace, or None when it is not (or no longer) known."""
        with self._changed:
            entry = self._traces.get(trace_id)
            return None if entry is None else Trace(trace_id, tuple(entry.spans))

    def spans(self) -> list[Span]:
        """Return the spans of all traces; those of one trace in order of arrival."""
        with self._changed:
            return [span for entry in self._traces.values() for span in entry.spans]

    def services(self) -> list[str]:
        """Return the names of all services, sorted."""
        return sorted({span.process.service for span in self.spans()})

    def operations(self, service: str) -> list[tuple[str, str]]:
        """Return operations of a service and their ``span.kind`` ("" for none), sorted."""
        return sorted(
            {
                (span.operation, str(span.tag("span.kind") or ""))
                for span in self.spans()
                if span.process.service == service
            }
        )

    def sizes(self) -> dict[str, int]:
        """Return the numbers of traces and spans held, and of spans that had to go."""
        with self._changed:
            return {
                "traces": len(self._traces),
                "spans": self._count,
                "evictedSpans": self._evicted,
            }

    def quiet(self, seconds: float) -> list[tuple[Trace, bool]]:
        """Take the traces that had no new span for so long, oldest first.

        Each is given out once, and again after more of its spans came: the flag tells.
        """
        with self._changed:
            limit = self._clock() - seconds
            result = []
            while self._pending:
                trace_id, entry = next(iter(self._pending.items()))
                if entry.changed > limit:
                    break
                del self._pending[trace_id]
                result.append((Trace(trace_id, tuple(entry.spans)), entry.shown))
                entry.shown = True
            return result

    @property
    def is_pending(self) -> bool:
        """Whether there are traces that :meth:`quiet` has not given out."""
        return bool(self._pending)

    def wait_for(self, predicate: Callable[[Store], Any], timeout: float) -> Any:
        """Block until ``predicate(store)`` is true, and return what it returned last.

        :param timeout: seconds; after it the false value is returned

        Not on the thread of the agent's loop, which has to bring the spans.
        """
        with self._changed:
            return self._changed.wait_for(lambda: predicate(self), timeout)
