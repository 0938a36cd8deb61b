"""Where finished spans go: the reporter that sends them, and beside it those that do not."""

from __future__ import annotations

from . import _fork, _native
from ._at_exit import at_exit
from ._log import WARNING, Throttled, get_logger, log
from ._signals import let_through
from ._waiting import Waiting
from .constants import DEFAULT_FLUSH_INTERVAL, MAX_TAG_VALUE_LENGTH, MAX_TRACEBACK_LENGTH
from .delivery import Delivery
from .encoding.encoder import encode_span
from .errors import ConfigError
from .metrics import LegacyMetricsFactory, Metrics, MetricsFactory
from .simple_reporters import (
    BaseReporter,
    CompositeReporter,
    InMemoryReporter,
    LoggingReporter,
    NullReporter,
)
from .transport.channel import as_sender
from .utils import ErrorReporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    from .span import Span
    from .transport.sender import Sender

__all__ = [
    "BaseReporter",
    "CompositeReporter",
    "InMemoryReporter",
    "LoggingReporter",
    "NullReporter",
    "Reporter",
    "ReporterMetrics",
]

#: Spans and bytes that may wait, unless the program says otherwise: what 100,000 spans a second
#: leave behind in half a second. Beyond either, spans are dropped and counted.
DEFAULT_QUEUE_CAPACITY = 50_000
MAX_WAITING_BYTES = 16 << 20

# A program that does nothing but make spans keeps the interpreter's lock for 5 ms at a time: the
# loop's thread sends one packet in that time, and half of the spans are lost. With this much
# waiting, 24 full packets, the caller gives way for a moment, once for each packet it fills.
_PRESSURE_BYTES = 1_500_000
_GIVE_WAY_SECONDS = 0.0001

# A program that does so from its first moment on leaves the loop's thread, which has a hundred
# modules to import, a turn every 5 ms, and the buffer is full before the loop is there.
_GIVE_WAY_TO_IMPORTS = 0.002

# What programs have overridden in jaeger_client's reporter to send in ways of their own.
_THEIR_HOOKS = ("_send", "_submit", "getProtocol")

# The loop is woken for so many full packets, and for one if it is as large as a collector's. To
# wake it, a caller writes to a pipe and so lends the interpreter's lock to whoever wants it, for
# 5 ms if that is a thread which only computes. With a quarter of this the extra p99 of such a
# thread was half as much again.
_WAKE_PACKETS = 16
_WAKE_BYTES = 1_000_000

_LEAST = 20  # bytes that every record exceeds
_LOOK_EVERY = 4_096  # bytes, twenty spans


class Reporter(BaseReporter):
    """Sends spans to an agent or a collector, in the background.

    A span is encoded when it is reported, on the caller's thread, and waits as bytes in a bounded
    buffer; the loop's thread packs and sends when 16 packets for an agent are full, or one for a
    collector, or *flush_interval* after the first span came. The caller never meets an error: what
    cannot be kept or sent is counted in the metrics, told to the backend, and logged. It waits for
    nothing, but while more than 1.5 MB are waiting it gives way to the loop for 0.1 ms, or 2 ms
    while that is being started, once for each packet that it fills.

    :param channel: a ``LocalAgentSender``, or any Thrift transport with ``write`` and ``flush``
    :param queue_capacity: spans that may wait; by default 50,000, and 16 MiB
    :param batch_size: spans after which a packet is sent although it is not full; by default
        packets are filled
    :param flush_interval: seconds; 0 or None sends full packets only, each as soon as it is full
    :param io_loop: tornado loop to run on; by default the one in the background
    :param error_reporter: gets messages about failures; by default they go to the log
    :param metrics: deprecated, a ``Metrics`` object; *metrics_factory* wins
    :param metrics_factory: makes the counters
    :param logger: of the package by default
    :param sender: instead of *channel*: packs and sends, see :mod:`.transport.sender`
    :raises ConfigError: a number is out of range
    :raises ValueError: *queue_capacity* is less than *batch_size*
    """

    def __init__(
        self,
        channel: Any = None,
        queue_capacity: int | None = None,
        batch_size: int | None = None,
        flush_interval: float | None = DEFAULT_FLUSH_INTERVAL,
        io_loop: Any = None,
        error_reporter: Any = None,
        metrics: Any = None,
        metrics_factory: Any = None,
        *,
        logger: Any = None,
        sender: Sender | None = None,
    ) -> None:
        super().__init__()
        for key, number in (("queue_capacity", queue_capacity), ("batch_size", batch_size)):
            if number is not None and number < 1:
                raise ConfigError(key, number, "a number of spans, at least 1")
        if queue_capacity and batch_size and queue_capacity < batch_size:
            raise ValueError("Queue capacity cannot be less than batch size")
        self.queue_capacity = queue_capacity or DEFAULT_QUEUE_CAPACITY
        self.batch_size = batch_size
        self.flush_interval = flush_interval
        self.metrics_factory = metrics_factory or (
            MetricsFactory() if metrics is None else LegacyMetricsFactory(metrics)
        )
        self.metrics = ReporterMetrics(self.metrics_factory)
        self._logger = logger
        self.error_reporter = error_reporter or ErrorReporter(
            Metrics(), logger=logger, log_interval_minutes=1
        )
        self.io_loop = io_loop or getattr(channel, "io_loop", None)
        self.agent = channel
        self.stopped = False
        self._new_queue()
        # Half a buffer at the latest, so that the other half has time until it is sent.
        self._wake_spans = min(batch_size or self.queue_capacity, max(1, self.queue_capacity // 2))
        self._drops = Throttled(WARNING)
        self._dropped = 0
        self._delivery = Delivery(self, sender or as_sender(channel))
        self._set_wake_bytes()
        for name in _THEIR_HOOKS:
            if hasattr(self, name):
                log.warning(
                    "%s.%s is never called: packets go through a sender, see Reporter(sender=)",
                    type(self).__name__,
                    name,
                )
        if sender is not None and hasattr(sender, "has_room"):
            sender.has_room = self._has_room
        _fork.register(self)
        at_exit.add(self)

    def _new_queue(self) -> None:
        #: Records of finished spans that wait to be sent; has a length.
        self.queue = queue = Waiting(self.queue_capacity, MAX_WAITING_BYTES)
        # Makes a record; or keeps it as well, and says by True that there is more to do, by False
        # that there is not, and by None that the buffer is full or closed.
        self._encode: Callable[..., Any] = queue.add or encode_span
        # Totals of bytes that were added to the queue.
        self._check_at = self._give_way_at = 0
        self._armed = self._woken = False

    # -- the caller's thread: the hot path -----------------------------------------------------

    def report_span(self, span: Span) -> None:
        """Encode *span* and put it into the buffer, or drop and count it when that is full."""
        try:
            tracer = span._tracer
            record = self._encode(
                span._trace,
                span._span_id,
                span._parent_id,
                span._operation_name,
                span.references,
                span._start,
                span._duration,
                span._tags,
                span._logs,
                tracer.max_tag_value_length,
                tracer.max_traceback_length,
            )
        except Exception as exc:
            self._report_again(span, exc)
            return
        span._ticks = -1  # sealed: what changes from now on is not sent
        if not record:  # the C encoder has kept it, or could not
            if record is None:
                self._drop()
            return
        if record is not True:  # or it has, but there is more to do
            queue = self.queue
            queue.bytes_in = bytes_in = queue.bytes_in + len(record)
            # What has to be looked at now and then is not looked at for each span: 0.05 us.
            if bytes_in >= self._check_at and not self._may_wait(bytes_in, len(record)):
                return
            queue.records.append(record)
            if bytes_in < queue.look_at:
                return
        self._look()

    def _may_wait(self, bytes_in: int, size: int) -> bool:
        """Check the limits of the buffer, and say when that is due again; drop what is beyond."""
        queue = self.queue
        spans = self.queue_capacity - len(queue)
        room = MAX_WAITING_BYTES - (bytes_in - queue.bytes_out)
        # Before stopped is read, which close() sets on another thread before it sets this.
        self._check_at = bytes_in + min(room, (spans - 1) * _LEAST)
        if not self.stopped and spans > 0 and room >= 0:
            return True
        self._check_at = 0
        queue.bytes_in -= size
        self._drop()
        return False

    def _look(self) -> None:
        """Have the loop woken if that is due, and say when to look again."""
        try:
            queue = self.queue
            spans, size, total = len(queue), queue.size, queue.total
            until_bytes = max(_LOOK_EVERY, self._wake_bytes - size)
            spans_left = self._wake_spans - spans - 1
            until_spans = _LOOK_EVERY if spans_left < 0 else spans_left * _LEAST
            # First, since the loop's thread sets it to 0 after it has taken us for idle.
            queue.look_again(total + min(until_bytes, until_spans))
            if not self._armed:  # the first since the buffer was empty
                self._armed = True
                self._delivery.arm()
            if size >= self._wake_bytes or spans >= self._wake_spans:
                if not self._woken:
                    self._woken = True
                    self._delivery.wake()
                if size >= _PRESSURE_BYTES and total >= self._give_way_at:
                    self._give_way_at = total + self._delivery.packet_budget
                    starts = self._delivery.is_starting()
                    _native.sleep(_GIVE_WAY_TO_IMPORTS if starts else _GIVE_WAY_SECONDS)
        except BaseException:
            # A signal's handler raised, as those of time limits do: the loop may know of nothing.
            self._armed = self._woken = False
            self.queue.look_again(0)
            raise

    def _report_again(self, span: Any, reason: Exception) -> None:
        """Report a span that could not be encoded at once, from copies of what may be changing."""
        queue = self.queue
        # Or it could, and a signal's handler raised before we knew.
        record = queue.has_last(getattr(span, "_span_id", None)) or self._encode_copy(span)
        span._ticks = -1
        if record is None:
            self._drop()
        elif record is True:
            self._look()
        elif record:
            queue.bytes_in += len(record)
            if self._may_wait(queue.bytes_in, len(record)):
                queue.records.append(record)
                self._look()
        let_through(reason)

    def _encode_copy(self, span: Any) -> Any:
        """Return what the encoder returns, or False and count if it cannot be done at all."""
        try:
            context, tracer = span.context, span.tracer
            return self._encode(
                context._trace,
                context.span_id or 0,
                context.parent_id,
                span.operation_name,
                span.references,
                span._start,
                max(0, span._duration),
                dict(span._tags or {}),
                list(span._logs or ()),
                getattr(tracer, "max_tag_value_length", MAX_TAG_VALUE_LENGTH),
                getattr(tracer, "max_traceback_length", MAX_TRACEBACK_LENGTH),
            )
        except Exception as exc:
            self._delivery.cannot_encode(exc)
            return False

    def _set_wake_bytes(self) -> None:
        budget = self._delivery.packet_budget
        # Where there is no flush interval, what does not wake the loop would stay.
        wanted = min(_WAKE_PACKETS * budget, _WAKE_BYTES) if self.flush_interval else 0
        self._wake_bytes = max(budget, wanted)
        self.queue.set_packet(budget, self.batch_size)
        self.queue.look_again(0)

    def _has_room(self) -> bool:
        return len(self.queue) < self.queue_capacity and self.queue.size < MAX_WAITING_BYTES

    def _drop(self) -> None:
        self._dropped += 1
        self._delivery.count(self.metrics.reporter_dropped, 1)
        self._drops.log(
            "Span dropped, %s; %d dropped so far",
            "the reporter is closed" if self.stopped else "too many are waiting to be sent",
            self._dropped,
        )

    @property
    def logger(self) -> Any:
        """Where the reporter logs."""
        return self._logger or get_logger()

    # -- anybody's thread ----------------------------------------------------------------------

    def set_process(self, service_name: str, tags: Mapping[str, Any], max_length: int) -> None:
        """Learn whose spans these are. Nothing is sent before."""
        self._delivery.set_process(service_name, tags, max_length)
        self._set_wake_bytes()

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until the spans reported so far are sent.

        :param timeout: seconds; None waits as long as it takes
        :return: whether all of them were sent; False also when called on the loop's own thread,
            where waiting would be a deadlock (they are sent all the same)
        """
        return self._delivery.flush(timeout)

    def close(self) -> Any:
        """Take no more spans, send what is waiting, release the socket."""
        if not self.stopped:
            self.stopped = True
            self._check_at = 0
            self.queue.close()
            self._delivery.close()
        return self._delivery.closed

    def _begin_exit(self) -> None:
        self._delivery.hurry()

    def _at_exit(self, deadline: float) -> None:
        self._delivery.finish_by(deadline)

    def _after_fork(self) -> None:
        """Begin empty: what waits in the parent is sent by the parent."""
        self._new_queue()
        self._dropped = 0
        self._set_wake_bytes()
        if self.stopped:
            self.queue.close()
        self._delivery.after_fork()


class ReporterMetrics:
    """Counters of one reporter, in spans."""

    def __init__(self, metrics_factory: MetricsFactory) -> None:
        def result(value: str) -> Any:
            return metrics_factory.create_counter(
                name="jaeger:reporter_spans", tags={"result": value}
            )

        self.reporter_success = result("ok")
        self.reporter_failure = result("err")
        self.reporter_dropped = result("dropped")
        self.reporter_queue_length = metrics_factory.create_gauge(
            name="jaeger:reporter_queue_length"
        )


def __getattr__(name: str) -> Any:
    """Give what programs know from ``jaeger_client.reporter``, which imported it."""
    if name == "default_logger":
        return get_logger()
    if name == "Span":
        from .span import Span

        return Span
    module = {
        "Agent": "jaeger_like.thrift_gen.agent.Agent",
        "TCompactProtocol": "thrift.protocol.TCompactProtocol",
        "thrift": "jaeger_like.thrift",
    }.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return import_module(module)
