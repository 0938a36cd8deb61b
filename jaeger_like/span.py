"""One unit of work: what the traced program says about it, kept until it is finished."""

from __future__ import annotations

from time import perf_counter_ns, time_ns

import opentracing
from opentracing.ext import tags as ext_tags

from . import _lazy
from ._clock import to_micros, to_nanos
from ._held_off import held_off
from ._log import log
from ._signals import let_through
from .constants import DEBUG_FLAG, MAX_TAG_VALUE_LENGTH, MAX_TRACEBACK_LENGTH, SAMPLED_FLAG
from .encoding.encoder import copy_plain
from .encoding.values import PLAIN_TYPES, kept, odd_fields, text
from .span_context import SpanContext, make_context, with_item

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .span_context import TraceData

_SAMPLING_PRIORITY = ext_tags.SAMPLING_PRIORITY


class Span(opentracing.Span):
    """A span of the tracer. Made by :meth:`Tracer.start_span`; the constructor is for tests.

    No method raises. Methods may be called on any thread. Once finished, a span does not change:
    what is set later is ignored, as it would not be sent.

    :param context: identity of the span
    :param tracer: reports the span when it is finished
    :param operation_name: what is being done
    :param tags: copied
    :param start_time: seconds since 1970; None for now
    :param references: list of opentracing references, or None
    """

    __slots__ = (
        "_duration",
        "_logs",
        "_operation_name",
        "_own_context",
        "_parent_id",
        "_span_id",
        "_start",
        "_tags",
        "_ticks",
        "_trace",
        "finished",
        "references",
    )

    _tracer: Any
    _trace: TraceData
    _span_id: int
    _parent_id: int | None
    _own_context: SpanContext | None  # made when somebody asks for it, and the truth from then on
    _operation_name: str
    _start: int  # nanoseconds since 1970
    # Monotonic nanoseconds at the start; 0 when that was given from outside, or while the span is
    # not sampled; -1 once reporters have handed it on and nothing can be changed any more.
    _ticks: int
    _duration: int  # microseconds; -1 while unfinished
    _tags: dict[Any, Any] | None
    _logs: list[tuple[int, dict[Any, Any]]] | None
    finished: bool
    references: list[Any] | None

    def __init__(
        self,
        context: SpanContext,
        tracer: Any,
        operation_name: str,
        tags: dict[str, Any] | None = None,
        start_time: float | None = None,
        references: list[Any] | None = None,
    ) -> None:
        self._tracer = tracer
        if context.flags is None:
            context.flags = 0
        self._own_context = context
        self._trace = context._trace
        self._span_id = context.span_id or 0
        self._parent_id = context.parent_id
        self._operation_name = operation_name
        self.references = references
        self.finished = False
        self._duration = -1
        self._tags = self._logs = None
        if start_time is None:
            self._start = time_ns()
            self._ticks = perf_counter_ns()
        else:
            self._start = to_nanos(start_time)
            self._ticks = 0
        for key, value in (tags or {}).items():
            self.set_tag(key, value)

    # -- identity ------------------------------------------------------------------------------

    @property
    def context(self) -> SpanContext:
        """What is handed to children and other processes. Assigning to its ids changes the span."""
        context = self._own_context
        if context is None:
            context = make_context(self._trace, self._span_id, self._parent_id)
            self._own_context = context
        return context

    @property
    def _context(self) -> SpanContext:
        """The name by which jaeger_client's users force ids on a span."""
        return self.context

    @_context.setter
    def _context(self, context: SpanContext) -> None:
        self._own_context = context

    @property
    def tracer(self) -> Any:
        return self._tracer

    @property
    def trace_id(self) -> int | None:
        return self._current_trace().trace_id

    @property
    def span_id(self) -> int | None:
        context = self._own_context
        return self._span_id if context is None else context.span_id

    @property
    def parent_id(self) -> int | None:
        """Id of the parent; None for a root span."""
        context = self._own_context
        return self._parent_id if context is None else context.parent_id

    @property
    def flags(self) -> int:
        """Bits 1 sampled, 2 debug."""
        return self._current_trace().flags or 0

    def is_sampled(self) -> bool:
        """Whether the span will be reported."""
        return self._current_trace().sampled

    def is_debug(self) -> bool:
        """Whether the trace was forced."""
        return self.flags & DEBUG_FLAG == DEBUG_FLAG

    # -- what the program says -----------------------------------------------------------------

    @property
    def operation_name(self) -> str:
        return self._operation_name

    @operation_name.setter
    def operation_name(self, value: str) -> None:
        self._operation_name = value

    def set_operation_name(self, operation_name: str) -> Span:
        """Replace the operation name."""
        if not self.finished or self._is_open():
            self._operation_name = operation_name
        return self

    def set_tag(self, key: str, value: Any) -> Span:
        """Set a tag; a second value for a key replaces the first.

        Kept only while the span is sampled. ``bool``, ``int``, ``float`` and text stay what they
        are, all else is turned into text now. The tag ``sampling.priority`` also decides: a number
        other than 0 samples the trace from here on and marks it as debug, 0 drops it.
        """
        try:
            if key == _SAMPLING_PRIORITY and not self._set_sampling_priority(value):
                return self
            # The context, if it was asked for, is what a program may have assigned to.
            if (self._own_context or self)._trace.sampled and (
                not self.finished or self._is_open()
            ):
                if type(value) not in PLAIN_TYPES:
                    value = self._plain(value)
                tags = self._tags
                if tags is None:
                    tags = self._tags = {}
                tags[key] = value
        except Exception as exc:  # a key that cannot be hashed or compared, a value without class
            let_through(exc)
            self._set_odd_tag(key, value)
        return self

    def log_kv(self, key_values: dict[str, Any], timestamp: float | None = None) -> Span:
        """Add a log entry.

        :param key_values: fields; values as for :meth:`set_tag`
        :param timestamp: seconds since 1970; None for now
        """
        if (self._own_context or self)._trace.sampled and (not self.finished or self._is_open()):
            self._add_log(key_values, timestamp)
        return self

    def set_baggage_item(self, key: str, value: str | None) -> Span:
        """Set a baggage item for this span and the children it will have; None removes it.

        :attr:`context` becomes a new object. A sampled span logs the change.
        """
        return self._set_baggage(text(key), value, {})

    def get_baggage_item(self, key: str) -> str | None:
        """Return the value of exactly this key, or None."""
        baggage = self._current_trace().baggage
        return baggage.get(text(key)) if baggage else None

    # -- the end -------------------------------------------------------------------------------

    def finish(self, finish_time: float | None = None) -> None:
        """End the span and report it if it is sampled. Only the first call counts.

        :param finish_time: seconds since 1970; None for now
        """
        if self.finished:
            log.warning("Span has already been finished; will not be reported again.")
            return
        self.finished = True
        if self._own_context is not None:
            self._take_over(self._own_context)
        sampled = self._trace.sampled
        if finish_time is None and self._ticks:
            self._duration = (perf_counter_ns() - self._ticks) // 1000
        elif sampled or finish_time is not None:
            end = time_ns() // 1000 if finish_time is None else to_micros(finish_time)
            self._duration = max(0, end - self._start // 1000)
        else:
            self._duration = 0
        tracer = self._tracer
        if sampled:
            tracer.report_span(self)
            return
        try:
            if tracer._counting:
                tracer._count(tracer.metrics.spans_finished)
        except AttributeError:  # a test's stand-in for a tracer
            pass

    def __enter__(self) -> Span:  # noqa: PYI034  Python 3.9 has no Self
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        """Record an exception, then :meth:`finish`."""
        if exc_type is not None:
            self._on_error(self, exc_type, exc_val, exc_tb)
        self.finish()

    @staticmethod
    def _on_error(span: Any, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        if not span or exc_type is None:
            return
        span.set_tag(ext_tags.ERROR, True)
        span.log_kv(
            {
                "event": "error",
                "message": text(exc_val),
                "error.object": exc_val,
                "error.kind": exc_type,
                "stack": exc_tb,
            }
        )

    # -- what tests and custom reporters read --------------------------------------------------

    @property
    def start_time(self) -> float:
        """Seconds since 1970."""
        return self._start // 1000 / 1_000_000

    @start_time.setter
    def start_time(self, value: float) -> None:
        end = self._start // 1000 + self._duration
        self._start = to_nanos(value)
        if self._duration >= 0:  # the end stays
            self._duration = max(0, end - self._start // 1000)
        if self._is_open():
            self._ticks = 0

    @property
    def end_time(self) -> float | None:
        """Seconds since 1970; None while the span is not finished."""
        return None if self._duration < 0 else (self._start // 1000 + self._duration) / 1_000_000

    @end_time.setter
    def end_time(self, value: float | None) -> None:
        self._duration = -1 if value is None else max(0, to_micros(value) - self._start // 1000)

    @property
    def tags(self) -> list[Any]:
        """The tags as generated Thrift ``Tag`` objects, made anew for each call.

        To change them from outside assign a list, while the span is not sent.
        """
        with held_off:
            from .thrift import make_tags
        return make_tags(self._tags or {}, *self._limits())

    @tags.setter
    def tags(self, tags: list[Any]) -> None:
        with held_off:
            from .thrift import values_of
        self._tags = values_of(tags)

    @property
    def logs(self) -> list[Any]:
        """The log entries as generated Thrift ``Log`` objects, made anew for each call."""
        with held_off:
            from .thrift import log_at
        limits = self._limits()
        return [log_at(nanos // 1000, fields, *limits) for nanos, fields in self._log_entries()]

    @logs.setter
    def logs(self, logs: list[Any]) -> None:
        with held_off:
            from .thrift import values_of
        self._logs = [(log.timestamp * 1000, values_of(log.fields)) for log in logs]

    @property
    def update_lock(self) -> Any:
        """A lock for programs that change one span on many threads and want to group changes."""
        with held_off:
            import threading
        # One step for the interpreter, so that two threads get the same.
        return self.__dict__.setdefault("_lock", threading.Lock())

    def is_rpc(self) -> bool:
        """Whether the span is one end of a remote call."""
        kind = (self._tags or {}).get(ext_tags.SPAN_KIND)
        return kind in (ext_tags.SPAN_KIND_RPC_CLIENT, ext_tags.SPAN_KIND_RPC_SERVER)

    def is_rpc_client(self) -> bool:
        """Whether the span is the calling end of a remote call."""
        kind = (self._tags or {}).get(ext_tags.SPAN_KIND)
        return bool(kind == ext_tags.SPAN_KIND_RPC_CLIENT)

    def info(self, message: str, payload: Any = None) -> Span:
        """Add a log entry. Deprecated, use :meth:`log_kv`."""
        fields = {"event": message}
        if payload is not None:
            fields["payload"] = payload
        return self.log_kv(fields)

    def error(self, message: str, payload: Any = None) -> Span:
        """Add a log entry and the tag ``error``. Deprecated, use both themselves."""
        self.set_tag(ext_tags.ERROR, True)
        return self.info(message, payload)

    def __repr__(self) -> str:
        context = self.context
        service = getattr(self._tracer, "service_name", None)
        return (
            f"{context.trace_id or 0:x}:{context.span_id or 0:x}:{context.parent_id or 0:x}:"
            f"{context.flags or 0:x} {service}.{self._operation_name}"
        )

    # -- inside --------------------------------------------------------------------------------

    def _is_open(self) -> bool:
        """Return whether reporters, which may add to a finished span, have not handed it on yet."""
        return self._ticks >= 0

    def _seal(self) -> None:
        """Take no changes any more: it is sent, or kept as it is."""
        self._ticks = -1

    def _current_trace(self) -> TraceData:
        context = self._own_context
        return self._trace if context is None else context._trace

    def _limits(self) -> tuple[int, int]:
        tracer = self._tracer
        return (
            getattr(tracer, "max_tag_value_length", MAX_TAG_VALUE_LENGTH),
            getattr(tracer, "max_traceback_length", MAX_TRACEBACK_LENGTH),
        )

    def _plain(self, value: object) -> Any:
        return kept(value, *self._limits())

    def _add_log(self, key_values: Any, timestamp: float | None) -> None:
        """Keep a log entry, whatever was decided about the trace."""
        nanos = time_ns() if timestamp is None else to_nanos(timestamp)
        try:
            fields = copy_plain(key_values)
            if fields is None:
                fields = key_values.copy() if type(key_values) is dict else dict(key_values.items())
                for key, value in fields.items():
                    if type(value) not in PLAIN_TYPES:
                        fields[key] = self._plain(value)  # no key is new
        except Exception:
            fields = odd_fields(key_values, *self._limits())
        if self._logs is None:
            self._logs = []
        self._logs.append((nanos, fields))

    def _log_entries(self) -> list[tuple[int, dict[Any, Any]]]:
        return self._logs or []

    def _set_baggage(self, key: str, value: Any, marks: dict[str, str]) -> Span:
        """Set or remove a baggage item, and log that with *marks*."""
        context = self.context
        trace = context._trace
        previous = context.baggage.get(key)
        changed = trace.replace(baggage=with_item(trace.baggage, key, value), debug_id=None)
        self._trace = changed
        self._own_context = make_context(changed, context.span_id, context.parent_id)
        entry = {"event": "baggage", "key": key, "value": value}
        if previous:
            entry["override"] = "true"
        entry.update(marks)
        tracer = self._tracer
        if getattr(tracer, "_counting", False):
            tracer._count(tracer.metrics.baggage_update_success)
        return self.log_kv(entry)

    def _set_odd_tag(self, key: object, value: object) -> None:
        if self.is_sampled() and (not self.finished or self._is_open()):
            self._tags = {**(self._tags or {}), text(key): self._plain(value)}

    def _take_over(self, context: SpanContext) -> None:
        """Make what was assigned to the ids of the context the span's own."""
        if context.flags is None:
            context.flags = 0
        self._trace = context._trace
        self._span_id = context.span_id or 0
        self._parent_id = context.parent_id

    def _set_sampling_priority(self, value: object) -> bool:
        """Apply ``sampling.priority``; return whether it stays as a tag."""
        if self.finished:
            return False
        try:
            priority = int(value)  # type: ignore[call-overload]  # or it raises
        except Exception:
            return False
        flags = self.flags
        if flags & DEBUG_FLAG:
            if not value:
                self._set_flags(flags & ~(SAMPLED_FLAG | DEBUG_FLAG))
            return False
        if priority == 0:
            self._set_flags(flags & ~(SAMPLED_FLAG | DEBUG_FLAG))
            return False
        if not self._tracer.is_debug_allowed(self._operation_name):
            return False
        self._set_flags(flags | SAMPLED_FLAG | DEBUG_FLAG)
        passed = time_ns() - self._start
        if not self._ticks and passed >= 0:
            # It was not sampled until now, and so had no monotonic start.
            self._ticks = perf_counter_ns() - passed
        return True

    def _set_flags(self, flags: int) -> None:
        context = self.context
        context.flags = flags
        self._trace = context._trace


__getattr__ = _lazy.names(__name__, {"._log": ("logger",)})  # as in jaeger_client
