"""Whatever a program puts into spans, each span arrives once, and so do its neighbours.

All of it over a real socket, counted by span id. The value suffers at most.
"""

import enum
import sys
import types
import unittest.mock

import opentracing
import pytest
from opentracing.mocktracer import MockTracer

from jaeger_like import ConstSampler, SpanContext, Tracer
from jaeger_like.reporter import NullReporter

from .helpers import TIMEOUT, assert_exactly_once, trace


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Flags(enum.Flag):
    A = 1
    B = 2


class Raises:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class Recurses:
    def __str__(self):
        return str(self)

    __repr__ = __str__


class Exits:
    """As a lazy object does whose program is ending."""

    def __str__(self):
        raise SystemExit(1)


class WrongType:
    def __str__(self):
        return 7  # noqa: PLE0307  that is what is wrong with it


def liar(kind):
    """Return an object that says it is a *kind*, as mocks and proxies do, and is not."""

    class Liar(unittest.mock.MagicMock):
        def __str__(self):
            return "a text of quite another length"

    return Liar(spec=kind)


cyclic_list = []
cyclic_list.append(cyclic_list)
cyclic_dict = {}
cyclic_dict["self"] = cyclic_dict
deep = []
for _ in range(100_000):
    deep = [deep]

VALUES = {
    "None": None,
    "bytes": b"\x00\xff",
    "bytearray": bytearray(b"\x00\xff"),
    "memoryview": memoryview(b"\x00\xff"),
    "empty text": "",
    "huge text": "x" * 1_000_000,
    "huge text of four bytes each": "\U0001f600" * 300_000,
    "huge bytes": b"x" * 1_000_000,
    "lone surrogate": "a\ud800b",
    "zero": "a\0b",
    "64 bits": 1 << 63,
    "-64 bits": -(1 << 63) - 1,
    "more digits than Python prints": 10**5000,
    "nan": float("nan"),
    "inf": float("inf"),
    "-inf": float("-inf"),
    "complex": 1j,
    "enum": Colour.RED,
    "int enum": Level.HIGH,
    "flags": Flags.A | Flags.B,
    "raises": Raises(),
    "recurses": Recurses(),
    "wrong type": WrongType(),
    "cyclic list": cyclic_list,
    "cyclic dict": cyclic_dict,
    "deep": deep,
    "exception": ValueError("\ud800"),
    "class": Raises,
    "generator": (n for n in range(3)),
    **{
        f"says it is {kind.__name__}": liar(kind)
        for kind in (str, bool, int, float, dict, types.TracebackType)
    },
}
numpy_kinds = [
    "bool_", "int8", "int64", "uint64", "float16", "float32", "float64", "complex128", "str_",
    "bytes_", "datetime64", "timedelta64",
]  # fmt: skip


def send(make_tracer, agent, change, name="odd"):
    """Have *change* work on a span between others; return what arrived of it."""
    tracer = make_tracer()
    ids = trace(tracer, 2)
    span = tracer.start_span(name)
    change(span)
    span.finish()
    ids += [span.span_id, *trace(tracer, 2)]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)
    assert all(batch.size <= 65_000 for batch in agent.batches)
    (came,) = [one for one in agent.spans if one.span_id == span.span_id]
    return came


def check_value(make_tracer, agent, value):
    def change(span):
        span.set_tag("odd", value).set_tag("fine", 1)
        span.log_kv({"event": value, "fine": 2})
        span.log_event("event", value)
        span.set_baggage_item("k", "v")

    came = send(make_tracer, agent, change)
    assert came.tags["fine"] == 1
    assert came.logs[0][1]["fine"] == 2


@pytest.mark.parametrize("name", VALUES)
def test_a_value(make_tracer, agent, name):
    check_value(make_tracer, agent, VALUES[name])


@pytest.mark.parametrize("kind", [*numpy_kinds, "array", "array of no dimension"])
def test_a_value_of_numpy(make_tracer, agent, kind):
    numpy = pytest.importorskip("numpy")
    if kind.startswith("array"):
        value = numpy.array(5) if "no" in kind else numpy.arange(10_000)
    elif kind in ("datetime64", "timedelta64"):
        value = getattr(numpy, kind)(5, "s")
    else:
        value = getattr(numpy, kind)(1)
    check_value(make_tracer, agent, value)


KEYS = {name: VALUES[name] for name in VALUES if name not in ("deep", "generator")}
KEYS.update({"number": 7, "tuple": ("a", 1), "list": ["a"], "frozenset": frozenset("ab")})


@pytest.mark.parametrize("name", KEYS)
def test_a_key(make_tracer, agent, name):
    key = KEYS[name]

    def change(span):
        span.set_tag(key, "value").set_tag("fine", 1)
        try:
            fields = {key: "value", "fine": 2}
        except TypeError:  # cannot be a key
            fields = {"fine": 2}
        span.log_kv(fields)
        span.set_baggage_item(key, key)

    came = send(make_tracer, agent, change)
    if name.startswith("huge"):  # it fills the packet alone
        assert "jaeger.truncated" in came.tags
    else:
        assert came.tags["fine"] == 1
        assert came.logs[0][1]["fine"] == 2


@pytest.mark.parametrize("name", [name for name in VALUES if name != "generator"])
def test_an_operation_name(make_tracer, agent, name):
    send(make_tracer, agent, lambda _: None, VALUES[name])


@pytest.mark.parametrize("kind", [dict, str, list])
def test_tags_and_fields_that_say_they_are_something_else(make_tracer, agent, kind):
    tracer = make_tracer()
    ids = trace(tracer, 2)
    with tracer.start_active_span("odd", tags=liar(kind)) as scope:
        scope.span.log_kv(liar(kind)).set_tag("fine", 1)
    ids += [scope.span.span_id, *trace(tracer, 2)]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


def test_an_operation_name_of_100_kb(make_tracer, agent):
    came = send(make_tracer, agent, lambda span: span.set_tag("k", "v"), "n" * 100_000)
    assert came.operation_name.startswith("n" * 1000)
    assert "jaeger.truncated" in came.tags


@pytest.mark.parametrize("text", ["v", "v" * 1000], ids=["short", "long"])
def test_10_000_tags(make_tracer, agent, text):
    def change(span):
        for number in range(10_000):
            span.set_tag(f"key{number}", text)

    came = send(make_tracer, agent, change)
    assert len(came.tags) > 50
    assert "jaeger.truncated" in came.tags


@pytest.mark.parametrize("text", ["v", "v" * 1000], ids=["short", "long"])
def test_10_000_logs(make_tracer, agent, text):
    def change(span):
        for number in range(10_000):
            span.log_kv({"event": f"{number}", "text": text})

    came = send(make_tracer, agent, change)
    assert came.logs[0][1]["event"] == "0"  # the middle is what goes
    assert came.logs[-1][1]["event"] == "9999"
    assert "logs dropped" in came.tags["jaeger.truncated"]


def test_a_log_of_10_000_fields(make_tracer, agent):
    came = send(
        make_tracer, agent, lambda span: span.log_kv({f"k{n}": "v" * 100 for n in range(10_000)})
    )
    assert "jaeger.truncated" in came.tags


class Foreign(opentracing.SpanContext):
    """Has nothing but what OpenTracing says: baggage."""


class Liar(opentracing.SpanContext):
    trace_id = "not a number"
    span_id = None
    flags = object()
    baggage = property(lambda _: 1 / 0)


def parents():
    mock = MockTracer()
    other = Tracer("other", NullReporter(), ConstSampler(True))
    noop = opentracing.Tracer()
    return {
        "mock span": mock.start_span("m"),
        "mock context": mock.start_span("m").context,
        "no-op span": noop.start_span("n"),
        "no-op context": noop.start_span("n").context,
        "context of OpenTracing": Foreign(),
        "context that lies": Liar(),
        "span of another tracer of ours": other.start_span("o"),
        "wide context": SpanContext(1 << 127, 1 << 63, 0, 1),
        "too wide context": SpanContext(1 << 200, 1 << 100, -5, 1 << 40),
        "context of texts": SpanContext("a", "b", "c", "d"),
        "object": object(),
        "text": "parent",
        "raises": Raises(),
    }


@pytest.mark.parametrize("how", ["child_of", "references", "follows_from"])
@pytest.mark.parametrize("name", parents())
def test_a_foreign_parent(make_tracer, agent, name, how):
    parent = parents()[name]
    tracer = make_tracer()
    ids = trace(tracer, 2)
    if how == "child_of":
        arguments = {"child_of": parent}
    elif how == "references":
        arguments = {"references": [opentracing.Reference("child_of", parent), parent]}
    else:
        arguments = {"references": opentracing.follows_from(parent)}
    span = tracer.start_span("child", **arguments)
    child = tracer.start_span("grandchild", child_of=span)
    child.finish()
    span.finish()
    came = [span.span_id, child.span_id] if span.is_sampled() else []
    assert tracer.flush(TIMEOUT)
    ids += [*came, *trace(tracer, 2)]
    assert tracer.flush(TIMEOUT)
    assert_exactly_once(agent, ids)


def test_a_value_that_ends_the_program_may(make_tracer, agent):
    """SystemExit and KeyboardInterrupt are no mistakes to be swallowed."""
    tracer = make_tracer()
    ids = trace(tracer, 2)
    span = tracer.start_span("odd")
    try:
        span.set_tag("odd", Exits())
        span.finish()
    except SystemExit:
        pass
    assert tracer.flush(TIMEOUT)
    came = agent.wait_for(2, TIMEOUT)
    assert set(ids) <= {one.span_id for one in came}
    assert sys.exc_info() == (None, None, None)
