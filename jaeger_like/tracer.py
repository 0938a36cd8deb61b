"""The tracer: starts spans, carries contexts across borders, hands finished spans on."""

from __future__ import annotations

from time import perf_counter_ns, time_ns

import opentracing
from opentracing import Format, Reference
from opentracing.ext import tags as ext_tags

from . import _fork, _lazy
from ._clock import to_nanos
from ._ids import is_random, new_random
from ._log import ERROR, Throttled
from ._process import process_tags
from ._tracer_roots import TracerRoots
from .codecs import BinaryCodec, TextCodec, ZipkinCodec, ZipkinSpanFormat
from .constants import (
    BAGGAGE_HEADER_PREFIX,
    DEBUG_ID_HEADER_KEY,
    MAX_TAG_VALUE_LENGTH,
    MAX_TRACEBACK_LENGTH,
    TRACE_ID_HEADER,
    _max_id_bits,
    _max_trace_id_bits,
)
from .encoding.encoder import copy_plain
from .errors import ConfigError
from .metrics import does_nothing
from .parents import set_start_tags
from .scope_manager import OPEN, ContextVarScope, ContextVarScopeManager, QuietScope
from .span import Span
from .tracer_metrics import TracerMetrics, factory_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Callable

    from ._extras import Extras
    from ._log import logger

_new = object.__new__
_SAMPLING_PRIORITY = ext_tags.SAMPLING_PRIORITY

__all__ = ["Reference", "Tracer", "TracerMetrics", "ZipkinSpanFormat", "logger"]


class Tracer(TracerRoots):
    """An OpenTracing tracer that reports to Jaeger. Every method may be called on any thread.

    :param service_name: of this process, as the backend shows it
    :param reporter: gets the finished spans; see :mod:`jaeger_like.reporter`
    :param sampler: decides about new traces; see :mod:`jaeger_like.sampler`
    :param metrics: deprecated, a ``Metrics`` object; *metrics_factory* wins
    :param metrics_factory: makes the counters of the tracer
    :param trace_id_header: carrier key of the context in text formats
    :param generate_128bit_trace_id: whether new traces get 128-bit ids instead of 64
    :param baggage_header_prefix: carrier key prefix of baggage in text formats
    :param debug_id_header: carrier key that forces a trace, and the key of its tag
    :param one_span_per_rpc: whether a server's span takes the id of the client's, as Zipkin did
    :param extra_codecs: codecs by format, added to the built-in ones or replacing them
    :param tags: of the process; not changed
    :param max_tag_value_length: of text, in characters
    :param max_traceback_length: of a formatted traceback, in characters
    :param throttler: may deny forced traces
    :param scope_manager: keeps the active span; by default in a context variable
    :param observers: are told of every span; see :mod:`jaeger_like.observers`
    :param max_logs_per_span: how many log entries of a span are sent; of more, the oldest and the
        newest are kept. 0: all
    :param baggage_restrictions: limits baggage; see :mod:`jaeger_like.baggage_limits`
    :param operation_name_late_binding: whether a sampler that depends on the operation name is
        asked again when the name is changed; see :mod:`jaeger_like.late_binding`
    :param high_trace_id: returns the high 64 bits of a new 128-bit trace id; None: random ones
    :raises ConfigError: one of the three limits is no integer, or less than 0
    """

    # An attribute with a slot is read in half the time of one in a large dict: 0.1 us a span.
    __slots__ = (
        "_active_scope",
        "_counting",
        "_extras",
        "_high_trace_id",
        "_id_source",
        "_ids_are_random",
        "_manager",
        "_no_shortcut",
        "_one_span_per_rpc",
        "_quick",
        "_random",
        "_report_errors",
        "_sampler_errors",
        "_start_errors",
        "baggage_restrictions",
        "codecs",
        "debug_id_header",
        "max_logs_per_span",
        "max_tag_value_length",
        "max_trace_id_bits",
        "max_traceback_length",
        "metrics",
        "metrics_factory",
        "reporter",
        "sampler",
        "service_name",
        "tags",
        "throttler",
    )

    def __init__(
        self,
        service_name: str,
        reporter: Any,
        sampler: Any,
        metrics: Any = None,
        metrics_factory: Any = None,
        trace_id_header: str = TRACE_ID_HEADER,
        generate_128bit_trace_id: bool = False,
        baggage_header_prefix: str = BAGGAGE_HEADER_PREFIX,
        debug_id_header: str = DEBUG_ID_HEADER_KEY,
        one_span_per_rpc: bool = False,
        extra_codecs: Mapping[str, Any] | None = None,
        tags: Mapping[str, Any] | None = None,
        max_tag_value_length: int = MAX_TAG_VALUE_LENGTH,
        max_traceback_length: int = MAX_TRACEBACK_LENGTH,
        throttler: Any = None,
        scope_manager: Any = None,
        *,
        observers: Iterable[Any] = (),
        max_logs_per_span: int = 0,
        baggage_restrictions: Any = None,
        operation_name_late_binding: bool = False,
        high_trace_id: Callable[[], int] | None = None,
    ) -> None:
        manager = scope_manager or ContextVarScopeManager()
        super().__init__(manager)
        self.service_name = service_name
        self.reporter = reporter
        self.sampler = sampler
        self.metrics_factory = metrics_factory or factory_for(metrics)
        self.metrics = TracerMetrics(self.metrics_factory)
        # Counters that do nothing are not even called.
        self._counting = not does_nothing(self.metrics_factory)
        self._sampler_errors = Throttled(ERROR)
        self._start_errors = Throttled(ERROR)
        self._report_errors = Throttled(ERROR)
        self._high_trace_id = high_trace_id
        self.random = new_random()
        self.debug_id_header = debug_id_header
        self._extras: Extras | None = None
        self.one_span_per_rpc = one_span_per_rpc
        self.max_tag_value_length = _checked("max_tag_value_length", max_tag_value_length)
        self.max_traceback_length = _checked("max_traceback_length", max_traceback_length)
        self.max_trace_id_bits = _max_trace_id_bits if generate_128bit_trace_id else _max_id_bits
        self.throttler = throttler
        text_settings = {
            "trace_id_header": trace_id_header,
            "baggage_header_prefix": baggage_header_prefix,
            "debug_id_header": debug_id_header,
        }
        self.codecs: dict[str, Any] = {
            Format.TEXT_MAP: TextCodec(url_encoding=False, **text_settings),
            Format.HTTP_HEADERS: TextCodec(url_encoding=True, **text_settings),
            Format.BINARY: BinaryCodec(),
            ZipkinSpanFormat: ZipkinCodec(),
        }
        self.codecs.update(extra_codecs or {})
        self.max_logs_per_span = max_logs_per_span
        self.baggage_restrictions: Any = None
        late = operation_name_late_binding or callable(
            getattr(type(sampler), "on_create_span", None)  # a mock has everything
        )
        if max_logs_per_span or late:
            self._extended().use(max_logs_per_span, late)
        if baggage_restrictions is not None:
            self.restrict_baggage(baggage_restrictions)
        for observer in observers:
            self.add_observer(observer)
        self.tags = process_tags(tags or {})
        self._introduce()
        _fork.register(self)

    @property
    def random(self) -> Any:
        """Where ids come from: anything with ``getrandbits(bits)``; assign your own generator.

        It is asked for 64 bits at a time, and for 128 at a new trace with such an id.
        """
        return self._random

    @random.setter
    def random(self, value: Any) -> None:
        self._random = value
        self._ids_are_random = is_random(value)
        # Asked for its method each time: tests replace the method of the class.
        self._id_source: Any = value
        if not self._ids_are_random:
            from ._extras import TheirIds

            self._id_source = TheirIds(value, self._start_errors)
        if self._high_trace_id is not None:
            from ._extras import HighTraceIds

            self._id_source = HighTraceIds(self._high_trace_id, self._id_source, self._start_errors)

    @property
    def _scope_manager(self) -> Any:
        return self._manager

    @_scope_manager.setter
    def _scope_manager(self, manager: Any) -> None:
        """Opentracing's constructor assigns to it, and so do programs' tests."""
        self._manager = manager
        ours = manager.__class__ is ContextVarScopeManager
        # Ours is asked without the way through its properties, worth 0.1 us a span.
        self._active_scope: Callable[[], Any] = (
            manager.get_active if ours else self._active_scope_of_theirs
        )
        #: Whether start_active_span needs nobody's help: no other scope manager, and no program's
        #: own start_span, which wants its arguments as they were given.
        self._quick = ours and type(self).start_span is Tracer.start_span

    @property
    def one_span_per_rpc(self) -> bool:
        """Whether a server's span takes the id of the client's."""
        return self._one_span_per_rpc

    @one_span_per_rpc.setter
    def one_span_per_rpc(self, value: bool) -> None:
        self._one_span_per_rpc = value
        # One look for all that keeps a child from the short way.
        self._no_shortcut = (
            bool(value)
            or self._extras is not None
            or type(self).start_span is not Tracer.start_span  # a program's own class
        )

    # -- what most tracers do without; off, it costs a span nothing ----------------------------

    def add_observer(self, observer: Any) -> None:
        """Tell *observer* of every span started from now on; see :mod:`jaeger_like.observers`."""
        self._extended().add_observer(observer)

    def restrict_baggage(self, restrictions: Any) -> None:
        """Limit what spans started from now on may set as baggage.

        :param restrictions: see :mod:`jaeger_like.baggage_limits`; closed with the tracer
        """
        self.baggage_restrictions = restrictions
        self._extended().refresh()

    def _extended(self) -> Extras:
        if self._extras is None:
            from ._extras import Extras

            self._extras = Extras(self)
            self._no_shortcut = True
        return self._extras

    # -- starting spans: the hot path ----------------------------------------------------------

    def start_span(
        self,
        operation_name: str | None = None,
        child_of: Any = None,
        references: Any = None,
        tags: Mapping[str, Any] | None = None,
        start_time: float | None = None,
        ignore_active_span: bool = False,
    ) -> Span:
        """Start a span. Never raises: what cannot be used of the arguments is left out.

        :param operation_name: None is the empty name
        :param child_of: parent :class:`Span` or :class:`SpanContext`; without one, the active span
        :param references: an opentracing ``Reference`` or several; parents only if there is
            neither *child_of* nor an active span
        :param tags: copied, never changed
        :param start_time: seconds since 1970; None for now
        :param ignore_active_span: start a root span although a span is active
        """
        parent = child_of
        if parent is None and not ignore_active_span:
            active_scope = self._active_scope
            scope = active_scope()
            if scope is not None:
                parent = scope._span or scope.span
        span = _new(Span)
        span._tracer = self
        if (
            type(parent) is Span
            and references is None
            and parent._own_context is None
            and not self._no_shortcut
        ):
            # A child in this process: everything is inherited. Sharing the parent's TraceData
            # instead of copying four values is worth 0.1 us.
            trace = span._trace = parent._trace
            span._span_id = self._id_source.getrandbits(64) or 1
            span._parent_id = parent._span_id
            span.references = origin = None
        else:
            origin = self._place(span, operation_name, parent, references, tags)
            trace = span._trace
        span._operation_name = "" if operation_name is None else operation_name
        span._own_context = span._logs = span._tags = None
        span._duration = -1
        span.finished = False
        sampled = trace.sampled
        if start_time is None:
            span._start = time_ns()
            # A span that is not sampled needs no duration; a reading is a tenth of its price.
            span._ticks = perf_counter_ns() if sampled else 0
        else:
            span._start = to_nanos(start_time)
            span._ticks = 0
        if tags is not None:
            try:
                if sampled and _SAMPLING_PRIORITY not in tags:
                    kept = copy_plain(tags)
                    if kept is None:  # what can change or fail later is turned into text now
                        set_start_tags(span, tags)
                    else:
                        span._tags = kept
                elif _SAMPLING_PRIORITY in tags:
                    set_start_tags(span, tags)
            except Exception as exc:
                self._start_errors.log("Start tags of %s ignored: %r", operation_name, exc)
        if origin is not None and origin.tags:
            self._set_origin_tags(span, origin.tags)
        if self._counting:
            self._count_start(span, tags, origin)
        return span

    def start_active_span(
        self,
        operation_name: str | None = None,
        child_of: Any = None,
        references: Any = None,
        tags: Mapping[str, Any] | None = None,
        start_time: float | None = None,
        ignore_active_span: bool = False,
        finish_on_close: bool = True,
    ) -> Any:
        """Start a span and make it active; arguments as for :meth:`start_span`.

        :param finish_on_close: whether closing the returned scope finishes the span
        """
        manager = self._manager
        if not self._quick:
            span = self.start_span(
                operation_name=operation_name,
                child_of=child_of,
                references=references,
                tags=tags,
                start_time=start_time,
                ignore_active_span=ignore_active_span,
            )
            return manager.activate(span, finish_on_close)
        variable = manager._variable
        previous = variable.get()
        parent, quiet = child_of, None
        if previous is not None and parent is None and not ignore_active_span:
            parent = previous._span
            if parent is None:
                quiet = previous._trace
            elif type(parent) is Span and not parent._trace.sampled:
                quiet = parent._trace if parent._own_context is None else None
        scope: Any
        if (
            quiet is not None
            and references is None
            and start_time is None
            and (tags is None or (type(tags) is dict and _SAMPLING_PRIORITY not in tags))
            and not (self._no_shortcut or self._counting)
        ):
            # Below a span that is not sampled, where most spans of most programs are.
            scope = QuietScope()
            scope._span = None
            scope._tracer = self
            scope._trace = quiet
            scope._operation_name = operation_name
            scope._start = time_ns()
        else:
            if quiet is not None and parent is None:
                parent = previous.span
            scope = ContextVarScope()
            scope._span = scope.span = self.start_span(
                operation_name, parent, references, tags, start_time, True
            )
        scope._manager = manager
        scope._finish_on_close = finish_on_close
        scope._state = OPEN
        scope._previous = previous
        scope._token = variable.set(scope)
        return scope

    def _late_span(self, scope: QuietScope) -> Span:
        """Return the span that a scope did without so far."""
        parent = scope._previous.span  # type: ignore[union-attr]  # it has one
        span = _new(Span)
        span._tracer = self
        span._trace = scope._trace
        span._span_id = self._new_span_id()
        span._parent_id = parent.span_id
        span._operation_name = scope._operation_name or ""
        span.references = span._own_context = span._logs = span._tags = None
        span._start = scope._start
        span._ticks = 0
        span._duration = -1
        span.finished = False
        return span

    def _active_scope_of_theirs(self) -> Any:
        try:
            scope = self._scope_manager.active
            return None if scope is None else opentracing.Scope(None, scope.span)
        except Exception as exc:
            self._start_errors.log("Scope manager %s failed: %r", self._scope_manager, exc)
            return None


def _checked(name: str, length: Any) -> int:
    if not isinstance(length, int) or length < 0:
        raise ConfigError(name, length, "an integer of 0 or more")
    return length


# What jaeger_client's module of this name has or imports as well.
__getattr__ = _lazy.names(
    __name__,
    {
        "._log": ("logger",),
        ".constants": ("DEBUG_FLAG", "SAMPLED_FLAG"),
        ".codecs": ("Codec",),
        ".metrics": ("LegacyMetricsFactory", "Metrics", "MetricsFactory"),
        ".reporter": ("BaseReporter",),
        ".sampler": ("Sampler",),
        ".span_context": ("SpanContext",),
        ".throttler": ("Throttler",),
        ".utils": ("local_ip",),
        "opentracing": ("UnsupportedFormatException",),
    },
)
