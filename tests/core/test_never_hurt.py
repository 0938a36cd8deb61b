"""Nothing that a program, or its own parts, does to tracing comes back to it; spans go out."""

from __future__ import annotations

import enum
import sys
import threading

import pytest
from opentracing.ext import tags as ext_tags
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.transport.TTransport import TMemoryBuffer

from jaeger_like import ConstSampler, SpanContext, Tracer
from jaeger_like.closing import resolved
from jaeger_like.metrics import MetricsFactory
from jaeger_like.reporter import InMemoryReporter, Reporter
from jaeger_like.thrift_gen.agent import Agent

from .support import new_tracer, values


class Wire:
    """A Thrift transport that keeps what is written, and reads it as the agent would."""

    def __init__(self):
        self.written = []

    def write(self, data):
        self.written.append(data)

    def flush(self):
        pass

    def spans(self):
        found = []

        class Handler:
            def emitBatch(self, batch):  # noqa: N802  thrift's name
                found.extend(batch.spans)

        for packet in self.written:
            protocol = TCompactProtocol(TMemoryBuffer(packet))
            Agent.Processor(Handler()).process(protocol, protocol)
        return found


@pytest.fixture
def wire():
    return Wire()


@pytest.fixture
def tracer(wire):
    tracer = Tracer("svc", Reporter(wire), ConstSampler(True))
    yield tracer
    tracer.close().result(10)


class NoText:
    def __str__(self):
        raise ValueError("no text")

    __repr__ = __str__


class NoEnd:
    def __str__(self):
        return str(self)

    __repr__ = __str__


class NoClass:
    @property
    def __class__(self):
        raise RuntimeError("outside of a request")


class NoComparison:
    """As a numpy array is: neither hashable nor true nor false when compared."""

    __hash__ = None

    def __eq__(self, other):
        raise ValueError("ambiguous")

    def __str__(self):
        return "array"


class NumberLike:
    """As a scalar of numpy is: a number without being one."""

    def __float__(self):
        return 1.5

    __int__ = __float__

    def __str__(self):
        return "1.5"


class BadFloat(float):
    def __float__(self):
        raise ZeroDivisionError("no float")


class Colour(enum.Enum):
    RED = 1


loop = {}
loop["self"] = loop

# By name, because pytest itself cannot handle some of them.
ODD_VALUES = {
    "none": None,
    "bytes": b"\x00\xff",
    "surrogate": "\ud800",
    "huge": 10**5000,
    "nan": float("nan"),
    "enum": Colour.RED,
    "number-like": NumberLike(),
    "bad float": BadFloat(1.5),
    "no text": NoText(),
    "no end": NoEnd(),
    "no class": NoClass(),
    "no comparison": NoComparison(),
    "cycle": loop,
    "class": object,
    "function": len,
    "range": range(3),
}
ODD_KEYS = {
    **ODD_VALUES,
    "number": 1,
    "tuple": (1, 2),
    "list": ["k"],
    "dict": {},
    "empty": "",
}
ODD_MAPPINGS = {
    **ODD_VALUES,
    "number": 5,
    "text": "text",
    "list": ["k"],
    "pairs": [("k", "v")],
    "the text that would be a key": ext_tags.SAMPLING_PRIORITY,
}


def check(span, wire):
    """The span is sent, and so is its neighbour."""
    neighbour = span.tracer.start_span("neighbour", ignore_active_span=True)
    span.finish()
    neighbour.finish()
    assert span.tracer.flush(10)
    sent, other = wire.spans()
    assert other.operationName == "neighbour"
    return sent


@pytest.mark.parametrize("name", ODD_VALUES)
def test_odd_values(tracer, wire, name):
    value = ODD_VALUES[name]
    span = tracer.start_span("op", tags={"start": value, "after": 1})
    span.set_tag("set", value).log_kv({"log": value, "also": 2}).log_kv(value)
    span.set_tag(ext_tags.SAMPLING_PRIORITY, value)
    span.set_baggage_item("bag", "v")
    sent = check(span, wire)
    keys = {tag.key for tag in sent.tags}
    assert {"start", "after", "set"} <= keys
    assert [tag.key for tag in sent.logs[0].fields] == ["log", "also"]


@pytest.mark.parametrize("name", ODD_KEYS)
def test_odd_keys(tracer, wire, name):
    key = ODD_KEYS[name]
    span = tracer.start_span("op")
    span.set_tag(key, 1).set_tag("k", 2)
    sent = check(span, wire)
    assert 1 in [tag.vLong for tag in sent.tags]
    assert 2 in [tag.vLong for tag in sent.tags]


@pytest.mark.parametrize("name", ODD_MAPPINGS)
def test_start_tags_that_are_no_mapping(tracer, wire, name):
    sent = check(tracer.start_span("op", tags=ODD_MAPPINGS[name]), wire)
    assert sent.operationName == "op"


@pytest.mark.parametrize("sampled", [True, False])
@pytest.mark.parametrize("name", ODD_MAPPINGS)
def test_start_tags_of_an_active_child_that_are_no_mapping(tracer, name, sampled):
    """Below a span that is not sampled, what is no container once raised in the program."""
    tracer.sampler = ConstSampler(sampled)
    with tracer.start_active_span("parent") as parent:
        with tracer.start_active_span("child", tags=ODD_MAPPINGS[name]) as scope:
            assert tracer.active_span is scope.span
        assert scope.span.finished
        assert scope.span.parent_id == parent.span.span_id


@pytest.mark.parametrize("name", ODD_MAPPINGS)
def test_odd_parents_and_references(tracer, wire, name):
    odd = ODD_MAPPINGS[name]
    sent = check(tracer.start_span("op", child_of=odd, references=odd), wire)
    assert sent.parentSpanId == 0
    assert sent.references is None


def test_start_tags_of_another_mapping_type(tracer, wire):
    from collections import ChainMap, OrderedDict
    from types import MappingProxyType

    for tags in (OrderedDict(k="v"), ChainMap({"k": "v"}), MappingProxyType({"k": "v"})):
        span = tracer.start_span("op", tags=tags)
        assert values(span.tags)["k"] == "v"


@pytest.mark.parametrize("name", ODD_VALUES)
def test_odd_operation_names(tracer, wire, name):
    name = ODD_VALUES[name]
    span = tracer.start_span(name)
    sent = check(span, wire)
    assert isinstance(sent.operationName, str)
    span = tracer.start_span("op")
    span.set_operation_name(name)
    span.finish()
    assert tracer.flush(10)
    assert len(wire.spans()) == 3


def test_a_stack_is_sent_whole(tracer, wire):
    """Its limit is not that of other text."""

    def even(level):
        odd(level - 1)

    def odd(level):
        if level < 0:
            raise ValueError("x" * 2000)
        even(level - 1)

    with pytest.raises(ValueError, match="x"), tracer.start_active_span("op"):
        odd(100)
    assert tracer.flush(10)
    (span,) = wire.spans()
    fields = values(span.logs[0].fields)
    assert 1024 < len(fields["stack"]) <= 4096
    assert len(fields["message"]) == 1024


# -- parts that fail -------------------------------------------------------------------------------


class BrokenError(Exception):
    """What the parts below raise."""


def broken(*_, **__):
    raise BrokenError


class BrokenPart:
    is_sampled = is_allowed = report_span = close = broken

    def set_process(self, service_name, tags, max_length):
        pass

    def set_client_id(self, client_id):
        pass


class BrokenMetrics(MetricsFactory):
    def create_counter(self, name, tags=None):
        return broken


def use(tracer):
    """Do with a tracer what programs do."""
    with tracer.start_active_span("root", tags={"k": 1}) as scope:
        tracer.start_span("child").finish()
        scope.span.set_tag(ext_tags.SAMPLING_PRIORITY, 1)
    tracer.start_span("debug", child_of=SpanContext.with_debug_id("d")).finish()
    tracer.start_span("join", child_of=SpanContext(1, 2, None, None)).finish()
    assert tracer.close().done()


def test_a_sampler_that_raises(caplog):
    tracer = new_tracer(BrokenPart())
    use(tracer)
    # What was forced is there all the same.
    assert [s.operation_name for s in tracer.reporter.get_spans()] == ["root", "debug"]
    assert "failed, trace not sampled" in caplog.text


@pytest.mark.parametrize("answer", [None, True, (True,), "ab", (True, ["x"]), (True, 5)])
def test_a_sampler_that_answers_nonsense(answer):
    class Sampler(BrokenPart):
        def is_sampled(self, trace_id, operation=""):
            return answer

    use(new_tracer(Sampler()))


def test_a_throttler_that_raises(caplog):
    tracer = new_tracer(throttler=BrokenPart())
    use(tracer)
    assert not tracer.is_debug_allowed("op")
    assert "Throttler" in caplog.text


def test_a_reporter_that_raises(caplog):
    tracer = new_tracer(reporter=BrokenPart())
    use(tracer)
    assert "Reporter BrokenPart failed" in caplog.text
    assert tracer.flush()


def test_a_reporter_that_has_only_what_it_must():
    class Reporter:
        def set_process(self, service_name, tags, max_length):
            self.process = (service_name, tags, max_length)

        def report_span(self, span):
            pass

        def close(self):
            pass

    tracer = new_tracer(reporter=Reporter())
    assert tracer.reporter.process == ("svc", tracer.tags, 1024)
    assert tracer.flush() is True
    assert tracer.close().result(0) is True


@pytest.mark.parametrize("decision", [True, False])
def test_metrics_that_raise(decision):
    tracer = new_tracer(decision, metrics_factory=BrokenMetrics())
    use(tracer)
    tracer.start_span("server", tags={ext_tags.SPAN_KIND: "server"}).finish()


def test_a_scope_manager_that_cannot_tell(caplog):
    from opentracing import ScopeManager

    class Manager(ScopeManager):
        @property
        def active(self):
            raise BrokenError

    tracer = new_tracer(scope_manager=Manager())
    span = tracer.start_span("op")
    span.finish()
    assert tracer.reporter.get_spans() == [span]
    assert "Scope manager" in caplog.text


@pytest.mark.parametrize("answer", [BrokenError(), None, "5", 5.0])
@pytest.mark.parametrize("sampled", [True, False])
def test_a_source_of_ids_that_fails(caplog, sampled, answer):
    class Source:
        def getrandbits(self, bits):
            if isinstance(answer, Exception):
                raise answer
            return answer

    tracer = new_tracer(sampler=ConstSampler(sampled))
    tracer.random = Source()
    with tracer.start_active_span("root") as root, tracer.start_active_span("child") as child:
        other = tracer.start_span("other")
        other.finish()
    spans = [root.span, child.span, other]
    assert len({root.span.trace_id, *(span.span_id for span in spans)}) == 4
    assert {span.trace_id for span in spans} == {root.span.trace_id}
    assert [span.parent_id for span in spans] == [None, root.span.span_id, child.span.span_id]
    assert len(tracer.reporter.get_spans()) == 3 * sampled
    assert "Source of ids 'Source' failed" in caplog.text


@pytest.mark.parametrize("answer", [-5, -(1 << 200) + 3, (1 << 200) + 3, (1 << 64) + 3])
def test_a_source_of_ids_that_gives_other_numbers_than_it_was_asked_for(answer):
    class Source:
        def getrandbits(self, bits):
            return answer

    tracer = new_tracer()
    tracer.random = Source()
    with tracer.start_active_span("root") as root, tracer.start_active_span("child") as child:
        headers = {}
        tracer.inject(child.span, "http_headers", headers)
    context = tracer.extract("http_headers", headers)
    assert (context.trace_id, context.span_id) == (root.span.trace_id, child.span.span_id)
    assert context.span_id == answer % (1 << 64)


def test_parts_that_fail_after_a_fork(caplog):
    class Reporter(BrokenPart):
        def __init__(self):
            self.calls = 0

        def set_process(self, service_name, tags, max_length):
            self.calls += 1
            if self.calls > 1:
                raise BrokenError

    tracer = new_tracer(reporter=Reporter())
    before = tracer.tags["client-uuid"]
    tracer._after_fork()
    assert tracer.tags["client-uuid"] != before
    assert "after a fork" in caplog.text


def test_a_future_of_a_close_that_failed():
    assert new_tracer(reporter=BrokenPart()).close().result(0) is False
    assert resolved(True).result(0) is True


def test_fields_and_tags_that_another_thread_changes_are_those_of_some_moment():
    """The dict is copied in one step, and only the copy is looked at."""
    tracer = Tracer("svc", InMemoryReporter(), ConstSampler(True))
    shared = {"event": "e", **{f"key {number}": number for number in range(200)}}
    done = threading.Event()

    def change():
        while not done.is_set():
            if shared.pop("more", None) is None:
                shared["more"] = 1

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=change)
    thread.start()
    try:
        sys.setswitchinterval(1e-6)
        for _ in range(300):
            span = tracer.start_span("work", tags=shared)
            span.log_kv(shared)
            assert {tag.key for tag in span.tags} >= {"event", "key 199"}
            assert {field.key for field in span.logs[0].fields} >= {"event", "key 199"}
    finally:
        sys.setswitchinterval(interval)
        done.set()
        thread.join()
