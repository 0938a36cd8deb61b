"""Observers are told what happens to every span, sampled or not.

An observer has one method, ``on_start_span(span, operation_name, tags)``, which returns a span
observer, or None for spans that it does not care about. Several are called in the order in which
they were added. They run on the thread that works with the span, so they must be quick; what they
raise is logged and goes no further.
"""

from __future__ import annotations

from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from ._clock import now_micros, to_micros
from .span import Span

if TYPE_CHECKING:
    from collections.abc import Mapping


class SpanObserver:
    """Is told what happens to one span. Override what is of interest."""

    def on_set_operation_name(self, operation_name: str) -> None:
        """Learn that the span has another name."""

    def on_set_tag(self, key: str, value: Any) -> None:
        """Learn of a tag as the program gave it, before anything is dropped or cut."""

    def on_finish(self, finish_time: float) -> None:
        """Learn that the span ends; for a last tag it is not too late.

        :param finish_time: seconds since 1970
        """


class Observer:
    """Chooses the spans that are observed."""

    def on_start_span(
        self,
        span: Span,  # noqa: ARG002  the interface
        operation_name: str,  # noqa: ARG002  the interface has it
        tags: Mapping[str, Any],  # noqa: ARG002  the interface has it
    ) -> SpanObserver | None:
        """Return who observes *span*, or None.

        :param tags: of the start, as the program gave them; not to be changed
        """
        return None


class Observed(Span):
    """A span of a tracer that has observers."""

    _span_observers: tuple[Any, ...] = ()

    def set_operation_name(self, operation_name: str) -> Span:
        """Replace the operation name."""
        if not self.finished:
            self._tell("on_set_operation_name", operation_name)
        return super().set_operation_name(operation_name)

    def set_tag(self, key: str, value: Any) -> Span:
        """Set a tag."""
        if self._span_observers and not self.finished:
            self._tell("on_set_tag", key, value)
        return super().set_tag(key, value)

    def finish(self, finish_time: float | None = None) -> None:
        """End the span."""
        if self._span_observers and not self.finished:
            # The time is taken first, so that what observers do is no part of the span.
            start = self._start // 1000
            if finish_time is not None:
                end = to_micros(finish_time)
            elif self._ticks:
                end = start + (perf_counter_ns() - self._ticks) // 1000
            else:
                end = now_micros()
            finish_time = max(end, start) / 1_000_000
            self._tell("on_finish", finish_time)
        super().finish(finish_time)

    def _tell(self, what: str, *arguments: Any) -> None:
        for observer in self._span_observers:
            try:
                getattr(observer, what)(*arguments)
            except Exception as exc:
                _failed(self, observer, exc)


def tell_start(span: Observed, observers: tuple[Any, ...], tags: Any) -> None:
    """Tell all observers of a new span."""
    found = []
    for observer in observers:
        try:
            one = observer.on_start_span(span, span.operation_name, tags or {})
        except Exception as exc:
            _failed(span, observer, exc)
        else:
            if one is not None:
                found.append(one)
    span._span_observers = tuple(found)


def _failed(span: Span, observer: Any, exc: Exception) -> None:
    span._tracer._report_errors.log("Observer %s failed: %r", type(observer).__name__, exc)
