"""A little of what ``python -m tests.fuzz`` does at length; time and memory on large inputs."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jaeger_like.all_in_one import decode
from tests.agent import vectors

from .mutation import inputs
from .targets import MAX_LENGTH, TARGETS, check, corpus, run_measured

EVERY = pytest.mark.parametrize("name", TARGETS)
ROOT = Path(__file__).parents[2]


@EVERY
def test_what_was_kept(name):
    kept = corpus(name)
    assert kept
    for data in kept:
        check(name, data)


@EVERY
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_any_input_gives_a_documented_answer(name, data):
    check(name, data.draw(inputs(corpus(name))))


def test_for_some_seconds():
    completed = subprocess.run(
        [sys.executable, "-m", "tests.fuzz", "--seconds", "5", "--no-atheris",
         "--target", "composite", "--target", "datagram-compact"],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert completed.returncode == 0, completed.stdout + completed.stderr


def test_a_mistake_is_found(tmp_path):
    """The runner is no yes-man."""
    program = (
        "import sys\n"
        "from tests.fuzz import __main__ as fuzz, targets\n"
        "def picky(data):\n"
        "    assert b'%' not in data\n"
        "targets.TARGETS['http'] = picky\n"
        f"fuzz._run_hypothesis('http', 5, {str(tmp_path)!r})\n"
    )
    completed = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert completed.returncode == 1
    assert b"%" in (tmp_path / "http-mistake").read_bytes()


# -- large inputs ------------------------------------------------------------------------------


def _lines(name, value):
    return lambda size: b"\n".join(
        [name % i + b": " + value for i in range(size // (len(name) + len(value)))]
    )


def _header(name, piece):
    return lambda size: name + b": " + piece * (size // len(piece)) + b"x"


def _varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


# Packets in compact protocol, piece by piece.
_CALL = vectors.EMPTY[:15]  # up to the fields of the batch
_SPAN = b"\x16\x01" * 4 + b"\x18\x01\xff"  # four ids and the name, fields 1 to 5
_END = b"\x25\x00\x16\xff\x10\x16\x01"  # fields 7 to 9, where no list came before
_IN_SPAN = _CALL + b"\x18\x01s\0\x19\x1c" + _SPAN
_TAG = b"\x18\x01\xff\x15\x0e\0"  # its key and its value become text that Python must make
_REFERENCE = b"\x15\x00" + b"\x16\x01" * 3 + b"\0"


def _list(before, after):
    """Return what takes an element and returns what makes a packet with a list of such."""

    def of(element):
        def make(size):
            times = size // len(element)
            return before + _varint(times) + element * times + after

        return make

    return of


_TAGS_OF_PROCESS = _list(_CALL + b"\x18\x01s\x19\xfc", b"\0\x19\x0c\0\0")
_SPANS = _list(_CALL + b"\x18\x01s\0\x19\xfc", b"\0\0")
_REFERENCES = _list(_IN_SPAN + b"\x19\xfc", b"\x15\x00\x16\xff\x10\x16\x01\0\0\0")
_TAGS = _list(_IN_SPAN + _END + b"\x19\xfc", b"\0\0\0")
_LOGS = _list(_IN_SPAN + _END + b"\x29\xfc", b"\0\0\0")

#: The most memory for a byte that was found: each struct has what it must have and no more.
DENSE = [
    _TAGS_OF_PROCESS(_TAG),
    _TAGS(_TAG),
    _TAGS(b"\x18\x00\x15\x00\0"),
    _TAGS(b"\x18\x01\xff\x15\x06\x46\xff\x10\0"),
    _LOGS(b"\x16\xff\x10\x19\x0c\0"),
    _LOGS(b"\x16\xff\x10\x19\x1c" + _TAG + b"\0"),
    _REFERENCES(_REFERENCE),
    _SPANS(_SPAN + _END + b"\0"),
    _SPANS(_SPAN + b"\x19\x1c" + _REFERENCE + b"\x15\x00\x16\xff\x10\x16\x01\0"),
    _SPANS(_SPAN + _END + b"\x19\x1c" + _TAG + b"\x19\x1c\x16\x01\x19\x1c" + _TAG + b"\0\0"),
    lambda size: _list(_CALL[:-1] + b"\x29\xfc", b"\x0c\x02\x18\x01s\0\0\0")(_SPAN + _END + b"\0")(
        size
    ),  # the spans come before the process
    # Text of one byte for a character, and one at the end that needs four.
    lambda size: _TAGS(
        b"\x18" + _varint(size) + b"x" * (size - 4) + "\U0001f600".encode() + b"\x15\x00\0"
    )(size + 10),
]
# In binary protocol: the same, and up to what follows the name of the service.
_BODY = b"\x0c\0\1\x0b\0\1\0\0\0\1s"
_BINARY_CALL = vectors.BINARY[: -len(vectors.BODY) - 1] + _BODY


def _empty(before):
    return lambda size: before + size.to_bytes(4, "big") + bytes(size + 99)


#: Lists of structs without a field, one byte for each. First tags of the process, then spans.
EMPTY = [
    *(
        ("datagram-compact", make(b"\0"))
        for make in (_TAGS_OF_PROCESS, _SPANS, _REFERENCES, _TAGS, _LOGS)
    ),
    ("datagram-binary", _empty(_BINARY_CALL + b"\x0f\0\2\x0c")),
    ("datagram-binary", _empty(_BINARY_CALL + b"\0\x0f\0\2\x0c")),
    ("body", _empty(_BODY + b"\x0f\0\2\x0c")),
    ("body", _empty(_BODY + b"\0\x0f\0\2\x0c")),
]

GROWTH = [
    ("text", _lines(b"uberctx-%d", b"value")),
    ("http", _lines(b"uberctx-%d", b"%41")),
    ("http", _lines(b"other-%d", b"value")),
    ("http", _header(b"uberctx-k", b"%C3")),
    ("http", _header(b"uber-trace-id", b"1:")),
    ("http", _header(b"jaeger-baggage", b"a=1,")),
    ("b3", _header(b"x-b3-traceid", b"0")),
    ("b3", _lines(b"x-b3-%d", b"1")),
    ("b3-single", _header(b"b3", b"0-")),
    ("w3c", _header(b"tracestate", b"a=b,")),
    ("w3c", _header(b"tracestate", b" ,\t")),
    ("w3c", _header(b"baggage", b"a=b;c,")),
    ("w3c", lambda size: b"tracestate: a=b\n" * (size // 16)),
    ("composite", _lines(b"uberctx-%d", b"%41")),
    ("composite", _header(b"baggage", b"a=%41,")),
    ("binary", lambda size: bytes(20) + b"\1\0\0\x10\0" + bytes(size)),
    ("binary", lambda size: bytes(21) + size.to_bytes(4, "big") + bytes(size)),
    *(("datagram-compact", make) for make in DENSE),
    *EMPTY,
    ("datagram-compact", lambda size: _CALL + b"\x16" + b"\xff" * size),  # a number
    ("datagram-compact", lambda size: _CALL + b"\x18" + b"\xff" * size),  # the size of a string
    ("datagram-compact", lambda size: b"\x82\x81" + b"\xff" * size),  # of the message
    ("datagram-compact", lambda size: _CALL + b"\x1c" * size),
    ("datagram-binary", lambda size: vectors.BINARY + bytes(size)),
    ("body", lambda size: vectors.BODY[:-1] + b"\x0c\0\x63" * (size // 3)),
    ("strategy", lambda size: b"[" * size),
    ("strategy", lambda size: b'{"probabilisticSampling":{"samplingRate":1' + b"0" * size + b"}}"),
]
#: More baggage than is taken, in each way to write it.
BAGGAGE = [
    ("text", b"\n".join(b"uberctx-%d: v" % i for i in range(1000))),
    ("http", b"\n".join(b"uberctx-%d: %%41" % i for i in range(1000))),
    ("http", b"jaeger-baggage: " + b",".join(b"k%d=v" % i for i in range(1000))),
    ("w3c", b"baggage: " + b",".join(b"k%d=v" % i for i in range(1000))),
    ("composite", b"\n".join(b"uberctx-%d: v\nbaggage: k%d=v" % (i, i) for i in range(1000))),
    ("text", b"uberctx-k: " + b"v" * 10_000),
    ("http", b"uberctx-k: " + b"%41" * 10_000),
    ("w3c", b"baggage: k=" + b"v" * 10_000),
    ("binary", bytes(21) + b"\0\0\x03\xe8" + b"\0\0\0\1k\0\0\0\1v" * 1000),
    ("binary", bytes(21) + b"\0\0\0\1\0\0\0\1k\0\0\x27\x10" + b"v" * 10_000),
]


@pytest.mark.parametrize(("name", "data"), BAGGAGE)
def test_baggage_is_bounded_in_items_and_in_bytes(name, data):
    check(name, data)


_IDS = [f"{name}-{index}" for index, (name, _) in enumerate(GROWTH)]


@pytest.mark.parametrize("make", DENSE)
def test_the_dense_packets_are_batches(make):
    """They are read to the end, so that the tests below measure something."""
    assert decode.datagram(make(2000), decode.COMPACT)


@pytest.mark.parametrize(("name", "make"), EMPTY)
def test_empty_structs_are_refused_at_the_first(name, make):
    """They took 303 bytes for each of a datagram once."""
    _, memory = run_measured(name, make(MAX_LENGTH - 200))
    assert memory < 20_000


@pytest.mark.parametrize("make", DENSE[:11])
def test_a_list_is_refused_that_promises_more_than_there_is(make):
    """At its head: nothing has been made of its elements yet."""
    data = make(MAX_LENGTH - 200)
    _, memory = run_measured("datagram-compact", data[: len(data) // 8])
    assert memory < 20_000


@pytest.mark.parametrize(("name", "make"), GROWTH, ids=_IDS)
def test_a_large_input_costs_what_a_small_one_does(name, make):
    """In memory, for each of its bytes, at any size up to that of a datagram."""
    for size in (1_000, 8_000, MAX_LENGTH - 200):
        check(name, make(size))


@pytest.mark.parametrize(("name", "make"), GROWTH, ids=_IDS)
def test_time_is_linear(name, make):
    """Twice the input takes at most three times as long. Inputs are larger than they can be, so
    that it can be measured; what takes hardly any time then is no danger."""
    size = MAX_LENGTH if name.startswith("datagram") else 400_000
    for _ in range(3):  # the machine has other things to do as well
        once, twice = (_fastest(name, make(n)) for n in (size, 2 * size))
        if twice < 0.02 or twice <= 3 * once:
            return
    raise AssertionError(f"{once:.3f} s for {size} bytes, {twice:.3f} s for twice as many")


def _fastest(name, data):
    best = float("inf")
    gc.disable()  # its runs fall where they fall
    try:
        for _ in range(3):
            started = time.process_time()
            TARGETS[name](data)
            best = min(best, time.process_time() - started)
    finally:
        gc.enable()
    return best


def test_a_measure_measures():
    seconds, memory = run_measured("strategy", b"[" + b"0," * 10_000 + b"0]")
    assert seconds > 0
    assert memory > 10_000
