"""The C encoder writes the same bytes as the one in Python, or fails where that fails."""

from __future__ import annotations

import gc
import importlib
import os
import subprocess
import sys
import tracemalloc
from unittest.mock import MagicMock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentracing import Reference

from jaeger_like.encoding import encoder, span
from jaeger_like.encoding.values import copy_plain, plain, text, utf8
from jaeger_like.span_context import SpanContext, make_trace

try:
    from jaeger_like import _encoder
except ImportError:
    pytest.skip("the C module is not built", allow_module_level=True)

# Whichever is in use in this run, both are compared.
_encoder.set_helpers(plain, text, utf8, span.references_text)

# `make test-encoders` asks for millions.
EXAMPLES = int(os.environ.get("JAEGER_LIKE_EXAMPLES", "500"))


class SubStr(str):
    __slots__ = ()


class SubInt(int):
    pass


class SubFloat(float):
    pass


class Odd:
    def __init__(self, answer):
        self.answer = answer

    def __str__(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    __repr__ = __str__


BOUNDARIES = sorted(
    {0, 1, 2, (1 << 128) - 1, (1 << 63) - 1, 1 << 63, (1 << 64) - 1}
    | {
        (1 << bits) + d
        for bits in (*range(6, 128, 7), *range(7, 128, 7), 42, 56)
        for d in (-1, 0, 1)
    }
)
texts = st.text(st.characters(codec=None), max_size=40) | st.sampled_from(
    ["", "x" * 127, "x" * 128, "é" * 64, "\ud800", "x\0y"]
)
values = (
    texts
    | st.booleans()
    | st.integers()
    | st.sampled_from([s * b for b in BOUNDARIES for s in (1, -1)])
    | st.floats()
    | st.binary(max_size=10)
    | st.none()
    | st.builds(SubStr, texts)
    | st.builds(SubInt, st.integers())
    | st.builds(SubFloat, st.floats())
    | st.builds(Odd, texts | st.builds(ValueError, texts))
    | st.lists(st.integers(), max_size=3)
    | st.sampled_from([MagicMock(spec=kind) for kind in (str, bool, int, float)])
)
keys = texts | st.integers() | st.none() | st.builds(SubStr, texts) | st.binary(max_size=5)
tags = st.none() | st.dictionaries(keys, values, max_size=20)
ids = st.sampled_from(BOUNDARIES) | st.integers(0, (1 << 64) - 1)
micros = st.sampled_from(
    [0, 1, -1, 8191, 8192, 1_700_000_000_123_456, (1 << 62) - 1]
) | st.integers(-(1 << 62), 1 << 62)
nanos = micros | st.integers(-(1 << 62) * 1000, (1 << 62) * 1000)  # 63 bits of microseconds
references = st.none() | st.lists(
    st.builds(
        Reference,
        st.sampled_from(["child_of", "follows_from", "unknown"]),
        st.builds(SpanContext, ids, ids, st.none(), st.just(1)),
    ),
    max_size=16,
)
spans = st.tuples(
    st.builds(
        make_trace,
        ids | st.none() | st.integers(0, (1 << 128) - 1),
        st.none() | st.integers(0, 300),
    ),
    ids,
    ids | st.none(),
    texts | st.none() | st.integers() | st.builds(SubStr, texts),
    references,
    nanos,
    st.integers(0, 1 << 50),
    tags,
    st.none() | st.lists(st.tuples(nanos, tags.filter(lambda t: t is not None)), max_size=17),
    st.sampled_from([0, 1, 1024, 20_000]),
    st.sampled_from([0, 4096]),
)


@settings(max_examples=EXAMPLES, deadline=None)
@given(spans)
@example((make_trace(1, 1), 1, None, "o", None, 0, 0, None, None, 1024, 4096))
def test_every_span_has_the_same_bytes(arguments):
    assert _encoder.encode_span(*arguments) == span.encode_span(*arguments)


class SubDict(dict):
    pass


@settings(max_examples=EXAMPLES, deadline=None)
@given(tags | st.builds(SubDict, st.dictionaries(keys, texts)) | st.dictionaries(keys, texts))
@example({})
@example({"a": 1, "b": True, "c": 1.5, "d": "x", "e": 1 << 70})
@example({"a": "x", "b": SubStr("x")})
def test_tags_of_plain_values_are_copied_and_no_others(given_tags):
    expected = copy_plain(given_tags)
    copied = _encoder.copy_plain(given_tags)
    assert type(copied) is type(expected)
    if expected is not None:
        assert copied == expected == given_tags
        assert list(map(type, copied.values())) == list(map(type, given_tags.values()))
        assert copied is not given_tags
        assert expected is not given_tags


@pytest.mark.parametrize("size", [1023, 1024, 1025, 2047, 2048, 2049, 16383, 16384, 100_000])
@pytest.mark.parametrize("character", ["x", "é", "\ud800"])
def test_long_texts_have_the_same_bytes(size, character):
    long = character * size
    tags = {"t": long, long: 1, "o": Odd(long)}
    arguments = (make_trace(1, 1), 2, 3, long, None, 4, 5, tags, [(6, tags)] * 20, 1024, 4096)
    for limit in (1024, 1 << 30):
        limited = (*arguments[:9], limit, 4096)
        assert _encoder.encode_span(*limited) == span.encode_span(*limited)


def simple(**changes):
    arguments = {
        "trace": make_trace(1, 1),
        "span_id": 2,
        "parent_id": None,
        "name": "op",
        "references": None,
        "start": 0,
        "duration": 0,
        "tags": None,
        "logs": None,
        "max": 1024,
        "max_traceback": 4096,
    }
    arguments.update(changes)
    return _encoder.encode_span(*arguments.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"trace": None},
        {"trace": make_trace("1", 1)},
        {"trace": make_trace(1, "1")},
        {"span_id": None},
        {"span_id": "2"},
        {"parent_id": 1.5},
        {"start": None},
        {"start": 1 << 80},
        {"duration": "long"},
        {"tags": [("a", 1)]},
        {"logs": ((0, {}),)},
        {"logs": [{}]},
        {"logs": [(0,)]},
        {"logs": [("now", {})]},
        {"logs": [(0, [])]},
        {"max": None},
        {"references": [None]},
    ],
)
def test_what_is_no_span_raises_and_does_no_harm(changes):
    with pytest.raises((TypeError, OverflowError, AttributeError)):
        simple(**changes)


def test_wrong_number_of_arguments():
    with pytest.raises(TypeError, match="11 arguments describe a span, not 1"):
        _encoder.encode_span(1)


@pytest.mark.parametrize("change", ["add", "remove", "clear", "replace"])
@pytest.mark.parametrize("where", ["key", "value"])
def test_tags_that_change_while_they_are_encoded_are_refused_not_corrupted(change, where):
    victim = {}

    class Meddler:
        def __str__(self):
            if change == "add":
                victim.update((f"new{i}", i) for i in range(100))
            elif change == "remove":
                victim.pop("last", None)
            elif change == "clear":
                victim.clear()
            else:
                victim.clear()
                victim.update((f"new{i}", i) for i in range(3))
            gc.collect()
            return "meddled"

    victim.update({"first": 1})
    victim.update({Meddler(): 1} if where == "key" else {"x": Meddler()})
    victim["last"] = "x"
    try:
        record = simple(tags=victim)
    except RuntimeError:
        return
    # Same number of entries as at the start: a whole record, whatever stands in it.
    assert record.endswith(b"\x19\x0c\x00")
    assert change == "replace"


def test_logs_that_change_while_they_are_encoded_are_refused():
    logs = []

    class Meddler:
        def __str__(self):
            logs.clear()
            return ""

    logs += [(0, {"a": Meddler()}), (0, {"b": 1})]
    with pytest.raises((RuntimeError, IndexError)):
        simple(logs=logs)


def test_a_helper_that_breaks_its_word_is_an_error():
    try:
        _encoder.set_helpers(lambda *_: b"no", lambda _: 5, lambda _: "no", lambda _: "\u20ac")
        for changes in (
            {"tags": {"a": None}},
            {"name": None},
            {"name": "\ud800"},
            {"references": [1]},
        ):
            with pytest.raises((TypeError, UnicodeEncodeError)):
                simple(**changes)
        _encoder.set_helpers(lambda *_: 1 << 70, text, utf8, span.references_text)
        with pytest.raises(TypeError):
            simple(tags={"a": None})
    finally:
        _encoder.set_helpers(plain, text, utf8, span.references_text)


def test_no_reference_is_leaked():
    odd = {
        "text": "x" * 3000,
        "odd": [1],
        "wide": 1 << 70,
        b"key": None,
        "surrogate": "\ud800",
        "\ud801": 1,
    }
    context = Reference("child_of", SpanContext(1 << 100, 2, None, 1))
    trace = make_trace(1 << 127, 1)
    arguments = (trace, 3, 4, "é", [context], 5, 6, odd, [(7, odd)] * 20, 100, 10)
    watched = [*arguments, *odd, *odd.values()]

    def many():
        for _ in range(1000):
            _encoder.encode_span(*arguments)
            _encoder.copy_plain(odd)
            _encoder.copy_plain({"text": odd["text"], "wide": odd["wide"]})
            with pytest.raises(TypeError):
                _encoder.encode_span(*arguments[:8], None, None, None)

    many()
    before = [sys.getrefcount(x) for x in watched]
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
    # A leak is one in each of 2,000 calls; small integers are everybody's and move by themselves.
    leaked = [x for x, n in zip(watched, before) if sys.getrefcount(x) - n > 500]
    assert leaked == []
    assert grown < 10_000


@pytest.mark.parametrize(("variable", "name"), [("1", "pure"), ("0", "c"), ("", "c")])
def test_the_environment_chooses(variable, name):
    code = "from jaeger_like.encoding.encoder import encoder_name; print(encoder_name())"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, encoder.PURE_VARIABLE: variable},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert run.stdout.strip() == name


def test_without_the_module_python_encodes(monkeypatch):
    monkeypatch.setitem(sys.modules, "jaeger_like._encoder", None)
    monkeypatch.delattr("jaeger_like._encoder", raising=False)
    monkeypatch.setenv(encoder.PURE_VARIABLE, "0")
    assert encoder._c_encoder() is None
    importlib.import_module("jaeger_like.encoding.encoder")
