"""What a tracer does but for starting spans: contexts across borders, the end, forks, counting."""

from __future__ import annotations

import opentracing
from opentracing import UnsupportedFormatException

from ._held_off import held_off
from ._ids import new_client_uuid
from ._signals import let_through
from .constants import CLIENT_UUID_TAG_KEY, _max_id_bits
from .parents import is_server
from .span import Span
from .span_context import SpanContext, TraceData

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._log import Throttled
    from .parents import Origin
    from .tracer_metrics import TracerMetrics


class TracerEnds(opentracing.Tracer):
    """The part of :class:`jaeger_like.Tracer` that is not the start of a span."""

    _counting: bool
    _id_source: Any
    _random: Any
    _report_errors: Throttled
    _sampler_errors: Throttled
    baggage_restrictions: Any
    codecs: dict[str, Any]
    max_tag_value_length: int
    metrics: TracerMetrics
    reporter: Any
    sampler: Any
    service_name: str
    tags: dict[str, Any]
    throttler: Any

    # -- borders -------------------------------------------------------------------------------

    def inject(self, span_context: Any, format: str, carrier: Any) -> None:
        """Write a context into a carrier.

        :param span_context: a :class:`SpanContext` or :class:`Span` of ours
        :param format: a key of :attr:`codecs`
        :param carrier: a dict for the text formats, a bytearray for the binary one
        :raises UnsupportedFormatException: there is no codec for *format*
        :raises InvalidCarrierException: *carrier* is of the wrong kind
        :raises ValueError: *span_context* is not ours
        """
        codec = self.codecs.get(format)
        if codec is None:
            raise UnsupportedFormatException(format)
        if span_context.__class__ is SpanContext:
            pass
        elif isinstance(span_context, Span):
            span_context = span_context.context
        elif not isinstance(span_context, SpanContext):
            # The two arguments are what programs know from jaeger_client.
            raise ValueError("Expecting Jaeger SpanContext, not %s", type(span_context))
        if span_context._trace.__class__ is not TraceData:
            from .late_binding import settle

            # What the other process is told must stay true.
            settle(span_context._trace, 0)
        codec.inject(span_context, carrier)

    def extract(self, format: str, carrier: Any) -> SpanContext | None:
        """Read a context from a carrier; None when there is nothing in it.

        :param format: a key of :attr:`codecs`
        :param carrier: anything with ``items()`` for the text formats, bytes for the binary one
        :raises UnsupportedFormatException: there is no codec for *format*
        :raises InvalidCarrierException: *carrier* is of the wrong kind
        :raises SpanContextCorruptedException: what is in it is no context
        """
        codec = self.codecs.get(format)
        if codec is None:
            raise UnsupportedFormatException(format)
        try:
            context: SpanContext | None = codec.extract(carrier)
        except opentracing.SpanContextCorruptedException:
            self._count(self.metrics.span_context_decoding_errors)
            raise
        return context

    # -- the end -------------------------------------------------------------------------------

    def report_span(self, span: Span) -> None:
        """Hand a finished, sampled span to the reporter."""
        try:
            self.reporter.report_span(span)
        except Exception as exc:
            let_through(exc)
            self._report_errors.log("Reporter %s failed: %r", type(self.reporter).__name__, exc)
        if self._counting:
            self._count(self.metrics.spans_finished)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until the spans finished so far are sent.

        Blocks the calling thread; in a coroutine, have an executor call it.

        :param timeout: seconds; None waits as long as it takes
        :return: whether all that was waiting was sent; what had been dropped or given up before
            does not count. False also on the loop's own thread, where waiting would be a deadlock
        """
        flush = getattr(self.reporter, "flush", None)
        return True if flush is None else bool(flush(timeout))

    def close(self) -> Any:
        """Stop sampling, send what is waiting, release sockets. Any thread, any number of times.

        :return: a future with ``result(timeout)``; it may be awaited, yielded to tornado, or
            ignored: the interpreter's end waits for it, within limits
        """
        with held_off:
            from .closing import resolved
        for part in (self.sampler, self.throttler, self.baggage_restrictions):
            if part is not None:
                try:
                    part.close()
                except Exception as exc:
                    self._report_errors.log("Could not close %s: %r", part, exc)
        try:
            future = self.reporter.close()
        except Exception as exc:
            self._report_errors.log("Could not close %s: %r", self.reporter, exc)
            return resolved(False)
        return resolved(True) if future is None else future

    def is_debug_allowed(self, operation_name: str = "") -> bool:
        """Whether the throttler, if there is one, lets a trace be forced."""
        if self.throttler is None:
            return True
        try:
            return bool(self.throttler.is_allowed(operation_name))
        except Exception as exc:
            self._sampler_errors.log("Throttler %s failed: %r", self.throttler, exc)
            return False

    def random_id(self) -> int:
        """Return 64 random bits. Deprecated."""
        return self._random_id(_max_id_bits)

    def _random_id(self, bits: int) -> int:
        number: int = self._id_source.getrandbits(bits)
        return number

    # -- this process --------------------------------------------------------------------------

    def _introduce(self) -> None:
        self.reporter.set_process(
            service_name=self.service_name, tags=self.tags, max_length=self.max_tag_value_length
        )
        if self.throttler is not None:
            self.throttler.set_client_id(self.tags[CLIENT_UUID_TAG_KEY])

    def _after_fork(self) -> None:
        """Become another process: other ids, another identity at the agent."""
        if hasattr(self._random, "seed"):
            self._random.seed()
        self.tags = {**self.tags, CLIENT_UUID_TAG_KEY: new_client_uuid()}
        try:
            self._introduce()
        except Exception as exc:
            self._report_errors.log("Reporter or throttler failed after a fork: %r", exc)

    def _count_start(self, span: Span, tags: Any, origin: Origin | None) -> None:
        metrics = self.metrics
        sampled = span._trace.sampled
        self._count(metrics.spans_started_sampled if sampled else metrics.spans_started_not_sampled)
        if origin is not None and origin.is_new:
            self._count(
                metrics.traces_started_sampled if sampled else metrics.traces_started_not_sampled
            )
        elif span._parent_id is None or is_server(tags):
            self._count(
                metrics.traces_joined_sampled if sampled else metrics.traces_joined_not_sampled
            )

    def _count(self, counter: Callable[[int], object]) -> None:
        try:
            counter(1)
        except Exception as exc:
            self._report_errors.log("Metrics failed: %r", exc)
