"""The C encoder's buffer gives back what it has kept, in packets, whole and in order."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from array import array
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaeger_like.encoding.packet import Batch
from jaeger_like.span_context import make_trace

_encoder = pytest.importorskip("jaeger_like._encoder", reason="the C module is not built")

from .test_c_encoder import EXAMPLES, spans


def arguments(name="op", span_id=2, tags=None):
    return (make_trace(1, 1), span_id, None, name, None, 0, 0, tags, None, 1 << 30, 4096)


def record(*args, **kwargs):
    return _encoder.encode_span(*arguments(*args, **kwargs))


def limited(**limits):
    buffer = _encoder.Buffer()
    for name, limit in limits.items():
        setattr(buffer, name, limit)
    return buffer


def take(buffer):
    batch = Batch()
    assert buffer.take(batch.parts) == bool(batch)
    return list(batch)


def take_all(buffer):
    taken = []
    while records := take(buffer):
        taken += records
    return taken


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    st.lists(spans | st.none(), max_size=30),  # None takes
    st.sampled_from([1, 50, 200, 5_000, 65_000, sys.maxsize]),
    st.sampled_from([1, 2, 7, sys.maxsize]),
)
def test_for_all_spans_what_was_kept_comes_out_whole_and_in_order(steps, size, most):
    buffer = limited(chunk_bytes=size, chunk_spans=most, look_at=sys.maxsize)
    waiting, total = [], 0
    for step in [*steps, *[None] * len(steps)]:
        if step is None:
            records = take(buffer)
            assert len(records) <= most
            assert sum(map(len, records)) <= size or len(records) == 1
            assert records or not waiting
            assert records == waiting[: len(records)]
            del waiting[: len(records)]
        else:
            assert buffer.add(*step) is False
            assert buffer.last_id == step[1] % (1 << 64)
            waiting.append(_encoder.encode_span(*step))
            total += len(waiting[-1])
        assert (buffer.spans, buffer.bytes) == (len(waiting), sum(map(len, waiting)))
        assert buffer.bytes_in == total
    assert waiting == []
    assert not buffer.take([])


def test_packets_are_filled():
    buffer = limited(chunk_bytes=65_000)
    size = len(record())
    for _ in range(5_000):
        buffer.add(*arguments())
    sizes = []
    while records := take(buffer):
        sizes.append(sum(map(len, records)))
    assert max(sizes) <= 65_000
    assert min(sizes[:-1]) > 65_000 - size


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        ({"max_spans": 2}, 2),
        ({"max_spans": 0}, 0),
        ({"max_spans": -1}, 0),  # there is more outside than it may hold
        ({"max_bytes": 3 * len(record())}, 3),
        ({"max_bytes": 3 * len(record()) - 1}, 2),
        ({"max_bytes": -1}, 0),
        ({"closed": True}, 0),
    ],
)
def test_what_does_not_fit_is_told_and_not_kept(limits, kept):
    buffer = limited(**limits)
    for number in range(5):
        assert (buffer.add(*arguments(span_id=number + 1)) is None) == (number >= kept)
    assert (buffer.spans, buffer.last_id) == (kept, kept)
    assert len(take_all(buffer)) == kept
    assert (buffer.add(*arguments()) is None) == (kept == 0)  # there is room again


def test_it_says_when_somebody_has_to_look():
    buffer = limited(look_at=2 * len(record()))
    assert [buffer.add(*arguments()) for _ in range(3)] == [False, True, True]
    take_all(buffer)
    assert buffer.add(*arguments()) is True  # it is a total
    buffer.look_at = sys.maxsize
    assert buffer.add(*arguments()) is False


def test_what_is_no_span_is_an_error_and_not_kept():
    buffer = _encoder.Buffer()
    buffer.add(*arguments(span_id=7))
    for wrong in (arguments(tags=[]), arguments(span_id="2"), arguments()[:5], ()):
        with pytest.raises(TypeError):
            buffer.add(*wrong)
    for no_list in ((), None):
        with pytest.raises(TypeError, match="list"):
            buffer.take(no_list)
    assert buffer.last_id == 7
    assert take_all(buffer) == [record(span_id=7)]


@pytest.mark.parametrize("meddle", ["add", "take"])
def test_a_value_that_uses_the_buffer_while_it_is_encoded(meddle):
    buffer = _encoder.Buffer()
    taken = []

    class Meddler:
        def __str__(self):
            if meddle == "add":
                buffer.add(*arguments("inner" * 5_000))
            else:
                taken.extend(take(buffer))
            return "meddled"

    buffer.add(*arguments("before"))
    buffer.add(*arguments("outer", tags={"a": "x" * 5_000, "m": Meddler()}))
    outer = record("outer", tags={"a": "x" * 5_000, "m": "meddled"})
    inner = [record("inner" * 5_000)] if meddle == "add" else []
    assert taken + take_all(buffer) == [record("before"), *inner, outer]


def test_finalizers_that_add_while_others_take():
    """Python collects garbage when it makes an object, so in the middle of take(), too."""
    buffer = limited(chunk_spans=1)
    added = 0

    class Late:
        def __init__(self):
            self.me = self

        def __del__(self):
            nonlocal added
            added += 1
            buffer.add(*arguments(f"late {added}"))

    taken, threshold = [], gc.get_threshold()
    for number in range(300):
        buffer.add(*arguments(f"work {number}"))
        Late()
        try:
            gc.set_threshold(1)
            taken += take(buffer)
        finally:
            gc.set_threshold(*threshold)
    gc.collect()
    taken += take_all(buffer)
    assert added == 300
    assert sorted(taken) == sorted(
        [record(f"work {n}") for n in range(300)] + [record(f"late {n + 1}") for n in range(300)]
    )


def test_threads_that_add_and_take():
    buffer = limited(chunk_bytes=2_000)
    names = [f"{thread}-{number}" for thread in range(4) for number in range(3_000)]
    taken = []

    def add(thread):
        for number in range(3_000):
            buffer.add(*arguments(f"{thread}-{number}", tags={"o": [number]}))

    threads = [Thread(target=add, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken += take(buffer)
    taken += take_all(buffer)
    assert sorted(taken) == sorted(
        record(name, tags={"o": [int(name.partition("-")[2])]}) for name in names
    )


def test_no_memory_is_leaked():
    buffer = limited(chunk_bytes=10_000)

    def many():
        for number in range(3_000):
            buffer.add(*arguments("x" * (number % 100), tags={"o": [1]}))
            if number % 500 == 0:
                take_all(buffer)
        for _ in range(20):  # also with what nobody takes any more
            other = _encoder.Buffer()
            for number in range(200):
                other.add(*arguments("x" * number))
        take_all(buffer)

    many()
    tracemalloc.start()
    try:
        many()
        gc.collect()
        first = tracemalloc.get_traced_memory()[0]
        many()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - first
    finally:
        tracemalloc.stop()
    assert grown < 10_000


def test_without_memory_spans_are_kept_or_refused_never_halved():
    testcapi = pytest.importorskip("_testcapi")
    start, stop = testcapi.set_nomemory, testcapi.remove_mem_hooks

    def try_without(attempt, method, *args):
        """Call it while one request for memory is refused, of those that come."""
        start(attempt, attempt + 1)
        try:
            result = method(*args)
            stop()
        except MemoryError:
            stop()
            return MemoryError
        return result

    texts = ["other", "x" * 3_000, "y" * 3_000, "z" * 9_000]
    refused = set()
    for attempt in range(40):
        buffer = limited(chunk_bytes=8_000)
        kept = []
        for text in texts:
            if try_without(attempt, buffer.add, *arguments(text)) is MemoryError:
                refused.add(text)
            else:
                kept.append(record(text))
        assert take_all(buffer) == kept
        assert buffer.spans == buffer.bytes == 0
    assert refused >= {"other", "z" * 9_000}

    refused = 0
    for attempt in range(10):
        buffer = _encoder.Buffer()
        buffer.add(*arguments())
        parts = []
        if try_without(attempt, buffer.take, parts) is MemoryError:
            refused += 1
            assert parts == []
            assert take(buffer) == [record()]
        else:
            assert len(parts) == 1
        assert not buffer.take([])
    assert refused >= 2


def test_sizes_are_what_python_reads_them_as():
    buffer = _encoder.Buffer()
    buffer.add(*arguments("x" * 70_000))
    parts = []
    buffer.take(parts)
    ((joined, sizes),) = parts
    assert list(array("I", sizes)) == [len(joined)] == [len(record("x" * 70_000))]
