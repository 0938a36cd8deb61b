"""Sampling decisions that wait until more is known of a trace than its first name.

A web framework often starts the span of a request before it knows the route, and renames it later.
With late binding a "no" that rests on the operation name stays open: the spans of the trace record,
and the sampler is asked again when the first span in this process is renamed. The decision becomes
final when the answer is yes, when the sampler says so, when ``sampling.priority`` is set, when the
context is injected into a carrier (what another process was told must stay true), and at the latest
when the first span finishes. Spans that finish before are kept until then, and reported if the
answer is yes.

Any sampler will do. One that knows more may have these methods, each of which returns a
:class:`.late_samplers.Decision`, or None for "nothing new"; all but the first may be missing::

    on_create_span(span)
    on_set_operation_name(span, operation_name)
    on_set_tag(span, key, value)
    on_finish_span(span)

They are called for every span of a trace that is still open, on the thread that works with the
span. The tags of a decision are set on that span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentracing.ext import tags as ext_tags

from ._guard import PATIENCE, guard
from ._signals import let_through
from .constants import SAMPLED_FLAG
from .encoding.values import PLAIN_TYPES, text
from .late_samplers import Decision, ask, is_local_root
from .span import Span
from .span_context import TraceData

if TYPE_CHECKING:
    from .span_context import SpanContext

MAX_WAITING = 1000
"""Finished spans that one undecided trace keeps; more are not recorded."""


class _Undecided(int):
    """Flags of a trace about which the sampler is still to be asked."""


_UNDECIDED = _Undecided(0)


class State:
    """What is decided about a trace: one object for all its spans in this process.

    :ivar flags: 0 as long as the decision is open
    :ivar final: whether it was made
    :ivar root_id: span id of the first span in this process
    :ivar waiting: spans that finished before
    :ivar memory: for samplers, by whatever they like
    """

    __slots__ = ("final", "flags", "memory", "root_id", "waiting")

    def __init__(self, root_id: int) -> None:
        self.flags = 0
        self.final = False
        self.root_id = root_id
        self.waiting: list[Span] = []
        self.memory: dict[Any, Any] = {}


class OpenTrace(TraceData):
    """A trace whose flags are those of its :class:`State`; a copy with other flags has its own."""

    __slots__ = ("state",)

    def __init__(self, trace: TraceData, state: State) -> None:
        self.state = state
        self.trace_id = trace.trace_id
        self.baggage = trace.baggage
        self.debug_id = trace.debug_id
        self.tracestate = trace.tracestate
        self.random_id = trace.random_id
        self.wire = None  # made for sampled spans only, when the flags do not change any more

    @property
    def flags(self) -> int | None:
        return self.state.flags

    @flags.setter
    def flags(self, value: int | None) -> None:
        settle(self, value or 0)

    @property
    def sampled(self) -> bool:  # type: ignore[override]  # an attribute there, to be read only here
        return self.state.flags & SAMPLED_FLAG == SAMPLED_FLAG

    def replace(self, **changes: Any) -> TraceData:
        """Return a copy; unless the flags are changed, it is decided together with this one."""
        copy = super().replace(**changes)
        return copy if "flags" in changes else OpenTrace(copy, self.state)


def undecided_flags(trace_id: int, operation_name: str) -> tuple[int, None]:  # noqa: ARG001  the interface has it
    """Stand in for the sampler at the start of a trace."""
    return _UNDECIDED, None


def settle(trace: TraceData, flags: int) -> bool:
    """Make the decision about *trace* final; return False if it was already."""
    if not isinstance(trace, OpenTrace):
        return False
    state = trace.state
    lock = guard.lock
    held = lock.acquire(timeout=PATIENCE)
    try:
        if state.final:
            return False
        state.flags, state.final = flags, True
        waiting, state.waiting = state.waiting, []
    finally:
        if held:
            lock.release()
    if flags & SAMPLED_FLAG:
        for span in waiting:
            _report(span)
    return True


class LateBound(Span):
    """A span of a tracer that decides late."""

    #: Whether the start is over; tags of the start are told to the sampler after it.
    _born = False

    def set_operation_name(self, operation_name: str) -> Span:
        """Replace the operation name."""
        super().set_operation_name(operation_name)
        if not self.finished:
            _consult(self, "on_set_operation_name", operation_name)
        return self

    def set_tag(self, key: str, value: Any) -> Span:
        """Set a tag; also while nothing is decided."""
        if not _is_open(self) or text(key) == ext_tags.SAMPLING_PRIORITY:
            return super().set_tag(key, value)
        if not self.finished:
            kept = value if type(value) in PLAIN_TYPES else self._plain(value)
            try:
                if self._tags is None:
                    self._tags = {}
                self._tags[key] = kept
            except Exception:  # a key that cannot be hashed
                self._tags = {**(self._tags or {}), text(key): kept}
            if self._born:
                _consult(self, "on_set_tag", key, value)
        return self

    def log_kv(self, key_values: dict[str, Any], timestamp: float | None = None) -> Span:
        """Add a log entry; also while nothing is decided."""
        if not _is_open(self):
            return super().log_kv(key_values, timestamp)
        if not self.finished:
            self._add_log(key_values, timestamp)
        return self

    def finish(self, finish_time: float | None = None) -> None:
        """End the span; one that ends before the decision waits for it."""
        if self.finished or not _is_open(self):
            super().finish(finish_time)
            return
        _consult(self, "on_finish_span")
        trace = self._current_trace()
        if is_local_root(self):
            settle(trace, 0)
        if not _is_open(self):
            super().finish(finish_time)
            return
        # Under flags that no other thread changes: it is either reported here or by settle().
        context: SpanContext | None = self._own_context
        if context is not None:
            self._take_over(context)
        self._own_context, self._trace = None, trace.replace(flags=0)
        super().finish(finish_time)
        self._own_context, self._trace = context, trace
        _wait(self, trace)

    def _set_flags(self, flags: int) -> None:
        if not settle(self._current_trace(), flags):
            super()._set_flags(flags)

    def _leave_open(self) -> None:
        """Begin undecided if the sampler was not asked."""
        if type(self._trace.flags) is _Undecided:
            self._trace = OpenTrace(self._trace, State(self._span_id))


def decide_at_start(span: LateBound, tags: Any) -> bool:
    """Set start tags that wait for a decision, and ask; return whether it is still open."""
    if _is_open(span):
        items = []
        try:
            items = [] if tags is None else list(tags.items())
        except Exception as exc:
            span._tracer._start_errors.log("Start tags of %s ignored: %r", span, exc)
        # With a priority among them, the tracer has set them all.
        if not any(text(key) == ext_tags.SAMPLING_PRIORITY for key, _ in items):
            for key, value in items:
                span.set_tag(key, value)
        _consult(span, "on_create_span")
        for key, value in items:
            _consult(span, "on_set_tag", key, value)
    span._born = True
    return _is_open(span)


def _is_open(span: Span) -> bool:
    trace = span._current_trace()
    return isinstance(trace, OpenTrace) and not trace.state.final


def _wait(span: Span, trace: TraceData) -> None:
    assert isinstance(trace, OpenTrace)
    state = trace.state
    lock = guard.lock
    held = lock.acquire(timeout=PATIENCE)
    try:
        decided = state.final
        if not decided and len(state.waiting) < MAX_WAITING:
            state.waiting.append(span)
    finally:
        if held:
            lock.release()
    if decided and state.flags & SAMPLED_FLAG:
        _report(span)


def _report(span: Span) -> None:
    tracer = span._tracer
    try:
        tracer.reporter.report_span(span)  # it was counted when it finished
    except Exception as exc:
        let_through(exc)
        tracer._report_errors.log("Reporter %s failed: %r", type(tracer.reporter).__name__, exc)


def _consult(span: Span, event: str, *arguments: Any) -> None:
    """Tell the sampler, and do as it says."""
    if not _is_open(span):
        return
    trace = span._current_trace()
    tracer = span._tracer
    try:
        decision = ask(tracer.sampler, event, span, arguments)
    except Exception as exc:
        tracer._sampler_errors.log("Sampler %s failed, trace not sampled: %r", tracer.sampler, exc)
        decision = Decision(False, False)
    if decision is None:
        return
    if not decision.sampled:
        if not decision.retryable:
            settle(trace, 0)
    elif settle(trace, decision.flags | SAMPLED_FLAG):
        tracer._set_origin_tags(span, decision.tags or {})
