"""What the tests of a traced program need: an agent that records, fixtures, a fresh global tracer.

The agent is real: a UDP socket on 127.0.0.1 with a port that the system chooses, read by a thread
of the operating system, so it works for programs under gevent, eventlet and in other processes too.

With pytest, name the fixtures once, in ``conftest.py``::

    from jaeger_like.testing import memory_tracer, recording_agent, recording_tracer

and take them as arguments of tests. pytest is imported only by that.

:data:`memory_tracer` is a tracer that keeps finished spans in ``tracer.reporter``;
:data:`recording_agent` is a running :class:`RecordingAgent`; :data:`recording_tracer` is a tracer
that sends to it. All three sample everything and are closed after the test.
"""

from __future__ import annotations

# The C module's socket: gevent and eventlet replace the other one by one that belongs to a hub.
import _socket
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import _native

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Callable

    from .tracer import Tracer

_RECEIVE_BUFFER = 8 << 20  # bytes; the kernel gives as much of it as it is allowed to
_MASK = (1 << 64) - 1
_REFERENCE_TYPES = ("child_of", "follows_from")


@dataclass(frozen=True)
class RecordedSpan:
    """A span as it came.

    :ivar trace_id: 64 or 128 bits, unsigned
    :ivar parent_id: 0 for a root
    :ivar flags: bits 1 sampled, 2 debug
    :ivar start_time: microseconds since 1970
    :ivar duration: microseconds
    :ivar tags: values as text, number, truth value or bytes
    :ivar logs: pairs of microseconds since 1970 and fields
    :ivar references: triples of ``"child_of"`` or ``"follows_from"``, trace id and span id
    """

    service_name: str
    operation_name: str
    trace_id: int
    span_id: int
    parent_id: int
    flags: int
    start_time: int
    duration: int
    tags: dict[str, Any] = field(default_factory=dict)
    logs: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    references: list[tuple[str, int, int]] = field(default_factory=list)


@dataclass(frozen=True)
class RecordedBatch:
    """A datagram as it came.

    :ivar size: bytes of the datagram
    :ivar process_tags: of the process that sent it
    :ivar seq_no: its running number, from 1
    :ivar stats: spans lost so far for a full queue, for their size, for failed sending
    """

    size: int
    service_name: str
    process_tags: dict[str, Any]
    seq_no: int | None
    stats: tuple[int, int, int] | None
    spans: list[RecordedSpan]


class RecordingAgent:
    """Receives spans as an agent does, and keeps them. A context manager. Any thread.

    :param host: numeric address to listen on, IPv4 or IPv6
    :param port: 0 lets the system choose
    :raises OSError: it cannot listen there
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        # All that decoding needs is imported here, not when a program under test is patched.
        from .thrift_gen.agent import Agent  # noqa: F401  see above

        self.host = host
        self._datagrams: list[bytes] = []
        self._batches: list[RecordedBatch] = []
        self._decoded = 0
        self._closed = False
        self._lock = _native.allocate_lock()
        self._news = _native.allocate_lock()
        self._ended = _native.allocate_lock()
        self._ended.acquire()
        family = _socket.AF_INET6 if ":" in host else _socket.AF_INET
        self._socket = _socket.socket(family, _socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, _RECEIVE_BUFFER)
        except OSError:  # some systems refuse what is beyond their limit
            pass
        try:
            self._socket.bind((host, port))
            #: UDP port.
            self.port: int = self._socket.getsockname()[1]
            _native.start_thread(self._receive)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> RecordingAgent:  # noqa: PYI034  typing.Self is not in Python 3.9
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def batches(self) -> list[RecordedBatch]:
        """What has come so far, by datagram, in the order of arrival.

        :raises ValueError: something came that is no batch
        """
        with self._lock:
            for datagram in self._datagrams[self._decoded :]:
                self._decoded += 1
                self._batches.append(decode(datagram))
            return self._batches[:]

    @property
    def spans(self) -> list[RecordedSpan]:
        """The spans that have come so far, in the order of arrival.

        :raises ValueError: something came that is no batch
        """
        return [span for batch in self.batches for span in batch.spans]

    def wait_for(self, count: int, timeout: float = 10.0) -> list[RecordedSpan]:
        """Wait until *count* spans have come and return all there are.

        Not for the thread of a loop that is to send them: it would wait for itself.

        :param timeout: seconds
        :raises AssertionError: there are fewer when the time is over
        :raises ValueError: something came that is no batch
        """
        deadline = time.monotonic() + timeout
        while True:
            self._news.acquire(blocking=False)
            spans = self.spans
            if len(spans) >= count:
                return spans
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"{len(spans)} spans came in {timeout} s, not {count}")
            _native.acquire(self._news, left)

    def clear(self) -> None:
        """Forget what has come so far."""
        with self._lock:
            self._datagrams.clear()
            self._batches.clear()
            self._decoded = 0

    def close(self) -> None:
        """Stop listening; what has come can still be read. Any number of times."""
        if self._closed:
            return
        self._closed = True
        # A datagram to oneself wakes the thread: closing a socket that another one reads does not.
        waker = _socket.socket(self._socket.family, _socket.SOCK_DGRAM)
        try:
            waker.sendto(b"", (self.host, self.port))
        except OSError:  # the buffer is full, so the thread is not waiting
            pass
        finally:
            waker.close()
        _native.acquire(self._ended, 5.0)

    def _receive(self) -> None:
        try:
            while True:
                datagram = self._socket.recv(1 << 16)
                if datagram:
                    self._datagrams.append(datagram)
                    self._announce()
                elif self._closed:
                    return
        finally:
            self._socket.close()
            self._ended.release()

    def _announce(self) -> None:
        self._news.acquire(blocking=False)
        try:
            self._news.release()
        except RuntimeError:  # the one who waits has it already, and does not know it yet
            pass


def decode(datagram: bytes) -> RecordedBatch:
    """Return what is in one datagram: a call ``emitBatch`` in Thrift's compact protocol.

    :raises ValueError: it is something else
    """
    from thrift.protocol.TCompactProtocol import TCompactProtocolAccelerated
    from thrift.transport.TTransport import TMemoryBuffer

    from .thrift_gen.agent import Agent

    try:
        protocol = TCompactProtocolAccelerated(TMemoryBuffer(datagram), fallback=True)
        name, _, _ = protocol.readMessageBegin()
        call = Agent.emitBatch_args()
        call.read(protocol)
        batch = call.batch
        service_name = batch.process.serviceName
        spans = [_span(span, service_name) for span in batch.spans]
        stats = batch.stats and (
            batch.stats.fullQueueDroppedSpans,
            batch.stats.tooLargeDroppedSpans,
            batch.stats.failedToEmitSpans,
        )
        tags = _tags(batch.process.tags)
    except Exception as exc:
        raise ValueError(f"no batch of spans: {exc!r}") from exc
    if name != "emitBatch":
        raise ValueError(f"no batch of spans: {name}")
    return RecordedBatch(len(datagram), service_name, tags, batch.seqNo, stats, spans)


def _span(span: Any, service_name: str) -> RecordedSpan:
    return RecordedSpan(
        service_name=service_name,
        operation_name=span.operationName,
        trace_id=_trace_id(span),
        span_id=span.spanId & _MASK,
        parent_id=span.parentSpanId & _MASK,
        flags=span.flags,
        start_time=span.startTime,
        duration=span.duration,
        tags=_tags(span.tags),
        logs=[(log.timestamp, _tags(log.fields)) for log in span.logs or ()],
        references=[
            (_REFERENCE_TYPES[reference.refType], _trace_id(reference), reference.spanId & _MASK)
            for reference in span.references or ()
        ],
    )


def _trace_id(struct: Any) -> int:
    low: int = struct.traceIdLow & _MASK
    high: int = struct.traceIdHigh & _MASK
    return high << 64 | low


def _tags(tags: Any) -> dict[str, Any]:
    fields = ("vStr", "vDouble", "vBool", "vLong", "vBinary")  # by the number of the tag's type
    return {tag.key: getattr(tag, fields[tag.vType]) for tag in tags or ()}


def new_recording_tracer(
    agent: RecordingAgent, service_name: str = "test", **reporter_options: Any
) -> Tracer:
    """Return a tracer that samples everything and sends it to *agent*.

    :param reporter_options: for :class:`jaeger_like.reporter.Reporter`
    """
    from .local_agent_net import LocalAgentSender
    from .reporter import Reporter
    from .sampler import ConstSampler
    from .tracer import Tracer

    channel = LocalAgentSender(agent.host, 5778, agent.port)
    return Tracer(service_name, Reporter(channel=channel, **reporter_options), ConstSampler(True))


def new_memory_tracer(service_name: str = "test") -> Tracer:
    """Return a tracer that samples everything and keeps it: ``tracer.reporter.get_spans()``."""
    from .reporter import InMemoryReporter
    from .sampler import ConstSampler
    from .tracer import Tracer

    return Tracer(service_name, InMemoryReporter(), ConstSampler(True))


def reset_global_tracer() -> None:
    """Close the global tracer and make the process as if none had ever been set.

    ``opentracing.global_tracer()`` does nothing, and ``Config.initialize_tracer`` works again.
    """
    import opentracing

    from .config import Config

    tracer = opentracing.global_tracer()
    opentracing.set_global_tracer(opentracing.Tracer())
    opentracing.is_tracer_registered = False
    Config._initialized = False
    close = getattr(tracer, "close", None)
    if close is not None:
        close()


def _recording_agent() -> Iterator[RecordingAgent]:
    """Give the test a :class:`RecordingAgent`."""
    with RecordingAgent() as agent:
        yield agent


def _recording_tracer(recording_agent: RecordingAgent) -> Iterator[Tracer]:
    """Give the test a tracer that sends to ``recording_agent``."""
    tracer = new_recording_tracer(recording_agent)
    try:
        yield tracer
    finally:
        tracer.close().result(5)


def _memory_tracer() -> Iterator[Tracer]:
    """Give the test a tracer that keeps its spans, which is the global one meanwhile."""
    import opentracing

    from .config import Config

    before = opentracing.global_tracer(), opentracing.is_tracer_registered, Config._initialized
    tracer = new_memory_tracer()
    opentracing.set_global_tracer(tracer)
    try:
        yield tracer
    finally:
        reset_global_tracer()
        opentracing.set_global_tracer(before[0])
        opentracing.is_tracer_registered, Config._initialized = before[1:]


_FIXTURES: dict[str, Callable[..., Any]] = {
    "memory_tracer": _memory_tracer,
    "recording_agent": _recording_agent,
    "recording_tracer": _recording_tracer,
}


def __getattr__(name: str) -> Any:
    """Make a fixture when somebody imports it, so that only those who do need pytest."""
    if name not in _FIXTURES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest

    made = pytest.fixture(name=name)(_FIXTURES[name])
    setattr(sys.modules[__name__], name, made)
    return made


def __dir__() -> list[str]:
    return sorted({*globals(), *_FIXTURES})
