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


_CALL = vectors.EMPTY[:15]  # up to the fields of the batch
_SPAN = b"\x16\x02" * 4 + b"\x18\x00"  # four numbers and the name
_TIMES = b"\x16\x02\x16\x02"


def _empty_structs(before, after):
    return lambda size: before + _varint(size) + b"\0" * size + after


def _spans(size):
    one = _SPAN + b"\x25\x00" + _TIMES + b"\0"
    count = size // len(one)
    return _CALL + b"\x18\x01s\0\x19\xfc" + _varint(count) + one * count + b"\0\0"


_IN_SPAN = _CALL + b"\x18\x01s\0\x19\x1c" + _SPAN
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
    ("datagram-compact", _spans),
    ("datagram-compact", _empty_structs(_CALL + b"\x18\x01s\x19\xfc", b"\0\x19\x0c\0\0")),
    ("datagram-compact", _empty_structs(_IN_SPAN + b"\x19\xfc", b"\x15\x00" + _TIMES + b"\0\0\0")),
    ("datagram-compact", _empty_structs(_IN_SPAN + b"\x25\x00" + _TIMES + b"\x19\xfc", b"\0\0\0")),
    ("datagram-compact", _empty_structs(_IN_SPAN + b"\x25\x00" + _TIMES + b"\x29\xfc", b"\0\0\0")),
    ("datagram-compact", lambda size: _CALL + b"\xff" * size),
    ("datagram-compact", lambda size: _CALL + b"\x1c" * size),
    ("datagram-binary", lambda size: vectors.BINARY + bytes(size)),
    ("body", lambda size: vectors.BODY[:-1] + b"\x0c\0\x63" * (size // 3)),
    ("strategy", lambda size: b"[" * size),
    ("strategy", lambda size: b'{"probabilisticSampling":{"samplingRate":1' + b"0" * size + b"}}"),
]
_IDS = [f"{name}-{index}" for index, (name, _) in enumerate(GROWTH)]


def test_the_empty_structs_are_batches():
    """They are read to the end, so that the tests below measure something."""
    made = [make for name, make in GROWTH if name == "datagram-compact"][:5]
    assert all(decode.datagram(make(1000), decode.COMPACT) for make in made)


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
