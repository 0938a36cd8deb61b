"""Spans that keep so many log entries: the first ones, the last ones, and how many are missing.

The rule is that of jaeger-client-go's ``MaxLogsPerSpan``.
"""

from __future__ import annotations

from typing import Any

from .span import Span


class LimitedLogs(Span):
    """A span that sends at most ``tracer.max_logs_per_span`` log entries.

    Of M, the first (M-1)//2 stay. When there are more than M, the one that follows them tells how
    many were dropped, at the time of the last of these, and the rest are the newest.
    """

    _dropped_logs = 0

    def _add_log(self, key_values: Any, timestamp: float | None) -> None:
        super()._add_log(key_values, timestamp)
        logs = self._logs
        limit: int = self._tracer.max_logs_per_span
        if logs is None or len(logs) <= limit:
            return
        newest = logs.pop()
        first = (limit - 1) // 2
        logs[first + self._dropped_logs % (limit - first)] = newest
        self._dropped_logs += 1

    def _log_entries(self) -> list[tuple[int, dict[Any, Any]]]:
        logs = self._logs or []
        if not self._dropped_logs or self.finished:
            return logs
        first = (len(logs) - 1) // 2
        ring = logs[first:]
        oldest = self._dropped_logs % len(ring)
        ring = ring[oldest:] + ring[:oldest]
        notice = {
            "event": "dropped Span logs",
            "dropped_log_count": self._dropped_logs + 1,  # its own place was an entry's too
            "component": "jaeger-client",  # the text by which backends know it
        }
        return [*logs[:first], (ring[0][0], notice), *ring[1:]]

    def finish(self, finish_time: float | None = None) -> None:
        """Put the log entries in order, then end the span."""
        if self._dropped_logs and not self.finished:
            self._logs = self._log_entries()
        super().finish(finish_time)
