"""What a tracer does only when asked to: observers, late sampling, limits of baggage and logs.

Most tracers use none of it, so the hot path does not ask. A tracer that uses something gets an
:class:`Extras`, which stands in for the two methods through which every span of such a tracer goes,
and makes each span one of a class that is put together from what is in use.
"""

from __future__ import annotations

from functools import cache
from operator import index
from random import SystemRandom
from time import perf_counter_ns, time_ns
from typing import TYPE_CHECKING, Any

from . import observers
from .baggage_limits import LimitedBaggage
from .errors import ConfigError
from .late_binding import LateBound, decide_at_start, undecided_flags
from .log_limit import LimitedLogs
from .parents import is_server
from .span import Span

if TYPE_CHECKING:
    from typing import Callable

    from .parents import Origin

_U64 = (1 << 64) - 1


class Extras:
    """The extras of one tracer. To be used on any thread; changes are seen by later spans.

    :param tracer: whose methods are stood in for
    """

    def __init__(self, tracer: Any) -> None:
        self._tracer = tracer
        self._counts = tracer._counting
        self._observers: tuple[Any, ...] = ()
        self._late = False
        self._limits_logs = False
        self.span_class: type[Span] = Span
        tracer._counting = True  # or started() is not called
        vars(tracer).update(_place=self.place, _count_start=self.started)

    def use(self, max_logs_per_span: int, late: bool) -> None:
        """Limit the logs of a span unless the number is 0; decide about traces late."""
        if not isinstance(max_logs_per_span, int) or max_logs_per_span < 0:
            raise ConfigError("max_logs_per_span", max_logs_per_span, "an integer of 0 or more")
        self._limits_logs = max_logs_per_span > 0
        self._late = late
        if late:
            vars(self._tracer).update(_ask_sampler=undecided_flags)
        self.refresh()

    def add_observer(self, observer: Any) -> None:
        """Tell *observer* too of the spans to come."""
        self._observers = (*self._observers, observer)
        self.refresh()

    def refresh(self) -> None:
        """Put the class of spans together anew."""
        used = {
            # From the outside in: observers see what the program says, before any limit.
            observers.Observed: self._observers,
            LateBound: self._late,
            LimitedBaggage: self._tracer.baggage_restrictions is not None,
            LimitedLogs: self._limits_logs,
        }
        self.span_class = _composed(tuple(part for part, wanted in used.items() if wanted))

    def place(
        self, span: Span, operation_name: str | None, parent: Any, references: Any, tags: Any
    ) -> Origin | None:
        """Stand in for ``Tracer._place``: the same, and the span becomes one of our class."""
        tracer = self._tracer
        if (
            references is None
            and type(parent) is self.span_class
            and parent._own_context is None
            and not tracer._one_span_per_rpc
        ):
            # The short way for children that Tracer.start_span has for plain spans.
            span._trace = parent._trace
            span._span_id = tracer._new_span_id()
            span._parent_id = parent._span_id
            span.references = None
            span.__class__ = self.span_class
            return None
        origin: Origin = type(tracer)._place(tracer, span, operation_name, parent, references, tags)
        span.__class__ = self.span_class
        if isinstance(span, LateBound):
            span._leave_open()
        return origin

    def started(self, span: Span, tags: Any, origin: Origin | None) -> None:
        """Stand in for ``Tracer._count_start``, the last step of the start of a span."""
        tracer = self._tracer
        if not span._ticks:
            # A span that is not sampled has no monotonic start, but here its duration may matter.
            # One that is said to start in time to come starts now.
            span._ticks = perf_counter_ns() - max(0, time_ns() - span._start)
        is_open = isinstance(span, LateBound) and decide_at_start(span, tags)
        if isinstance(span, observers.Observed):
            observers.tell_start(span, self._observers, tags)
        if not self._counts:
            return
        if not is_open:
            type(tracer)._count_start(tracer, span, tags, origin)
            return
        metrics = tracer.metrics
        tracer._count(metrics.spans_started_delayed)
        if origin is not None and origin.is_new:
            tracer._count(metrics.traces_started_delayed)
        elif is_server(tags):
            tracer._count(metrics.traces_joined_delayed)


@cache
def _composed(parts: tuple[type[Span], ...]) -> type[Span]:
    """Return the class of spans with all *parts*, each a subclass of Span that adds no slots."""
    if not parts:
        return Span
    return type("Span", parts, {"__module__": Span.__module__})


class TheirIds:
    """A source of ids that is the program's own: if it fails, the operating system's is taken."""

    def __init__(self, source: Any, errors: Any) -> None:
        self._source = source
        self._errors = errors

    def getrandbits(self, count: int) -> int:
        """Return a number of so many bits."""
        try:
            # Of what is too wide, or negative, the bits that were asked for.
            return index(self._source.getrandbits(count)) & ((1 << count) - 1)
        except Exception as exc:
            self._errors.log("Source of ids %r failed: %r", type(self._source).__name__, exc)
            return SystemRandom().getrandbits(count)


class HighTraceIds:
    """A source of ids whose numbers above 64 bits have the high half that a user makes."""

    def __init__(self, high_trace_id: Callable[[], int], source: Any, errors: Any) -> None:
        self._high_trace_id = high_trace_id
        self._source = source
        self._errors = errors

    def getrandbits(self, count: int) -> int:
        """Return a number of so many bits."""
        low: int = self._source.getrandbits(min(count, 64))
        if count <= 64:
            return low
        try:
            high = int(self._high_trace_id()) & _U64
        except Exception as exc:
            self._errors.log("High half of a trace id is random: %r", exc)
            high = self._source.getrandbits(64)
        return high << 64 | low
