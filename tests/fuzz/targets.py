"""What is fuzzed: everything that reads bytes of a peer. Each target takes any bytes at all.

The claim is the same for all of them. Whatever comes, the answer is one of those documented, it
takes less than a second, and no more memory than a multiple of what came.
"""

from __future__ import annotations

import time
import tracemalloc
from pathlib import Path

from opentracing import InvalidCarrierException, SpanContextCorruptedException

from jaeger_like.all_in_one import decode
from jaeger_like.all_in_one.model import Batch
from jaeger_like.codecs import (
    PROPAGATION_FORMATS,
    B3Codec,
    B3SingleCodec,
    BinaryCodec,
    TextCodec,
    W3CCodec,
    ZipkinCodec,
    propagation_codec,
)
from jaeger_like.sampler.strategy import StrategyError, parse
from jaeger_like.span_context import SpanContext

CORPUS = Path(__file__).parent / "corpus"
SECONDS = 5.0
MAX_LENGTH = 65_000

# Bytes of memory for one of input, at the highest. A tag takes six bytes of a packet and a tuple
# and a text of Python: 28 were measured.
_CODEC_FACTOR = 60
_THRIFT_FACTOR = 40
_CONSTANT = 64 << 10


def headers(data):
    """Make a carrier: a line is a header, ``name: value``; one that comes again makes a list.

    Values with a zero byte are bytes, as an ASGI server would hand them over.
    """
    carrier = {}
    for line in data.split(b"\n"):
        name, _, value = line.partition(b":")
        text = value.strip(b" ")
        item = text if b"\0" in text else text.decode("utf-8", "surrogateescape")
        key = name.decode("latin-1")
        carrier.setdefault(key, []).append(item)
    return {key: items if len(items) > 1 else items[0] for key, items in carrier.items()}


def numbers(data):
    """Make a carrier of numbers where there are any."""
    return {
        name: int(value) if isinstance(value, str) and value.isdecimal() else value
        for name, value in headers(data).items()
        if len(name) < 100
    }


def _assert_message(error):
    assert 0 < len(str(error)) < 1000, "no message, or one that repeats what the peer sent"


def _extract(codec, carrier, empty):
    try:
        context = codec.extract(carrier)
    except (SpanContextCorruptedException, InvalidCarrierException) as error:
        _assert_message(error)
        return
    if context is None:
        return
    assert isinstance(context, SpanContext)
    assert context.trace_id is None or 0 < context.trace_id < 2**128
    assert context.span_id is None or 0 < context.span_id < 2**64
    # A format's part of the baggage is bounded, in items and in bytes, as in the Go client.
    baggage = context.baggage
    assert len(baggage) <= 180 * len(getattr(codec, "codecs", [codec]))
    assert all(len(key) + len(value) <= 4096 for key, value in baggage.items())
    codec.inject(context, empty())  # what was read can be written


def _reads(codec, carrier, empty=dict):
    return lambda data: _extract(codec, carrier(data), empty)


def _decode(function, *arguments):
    def run(data):
        try:
            batch = function(data, *arguments)
        except decode.DecodeError as error:
            _assert_message(error)
        else:
            assert isinstance(batch, Batch)

    return run


def _strategy(data):
    try:
        parse(data)
    except StrategyError as error:
        _assert_message(error)


#: By name, a function that takes bytes and raises AssertionError, or anything else, for a mistake.
TARGETS = {
    "text": _reads(TextCodec(), headers),
    "http": _reads(TextCodec(url_encoding=True), headers),
    "b3": _reads(B3Codec(), headers),
    "b3-single": _reads(B3SingleCodec(), headers),
    "w3c": _reads(W3CCodec(), headers),
    "composite": _reads(propagation_codec(PROPAGATION_FORMATS, url_encoding=True), headers),
    "binary": _reads(BinaryCodec(), bytearray, bytearray),
    "zipkin": _reads(ZipkinCodec(), numbers),
    "datagram-compact": _decode(decode.datagram, decode.COMPACT),
    "datagram-binary": _decode(decode.datagram, decode.BINARY),
    "body": _decode(decode.body),
    "strategy": _strategy,
}
_IS_THRIFT = ("datagram-compact", "datagram-binary", "body")


def run_measured(name, data):
    """Run a target once. Return processor seconds and bytes of memory at the highest."""
    target = TARGETS[name]
    tracemalloc.start()
    try:
        started = time.process_time()
        target(data)
        seconds = time.process_time() - started
        return seconds, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def check(name, data):
    """Run a target and hold all of the claim."""
    seconds, memory = run_measured(name, data)
    assert seconds < SECONDS, f"{len(data)} bytes took {seconds:.1f} s"
    limit = _CONSTANT + len(data) * (_THRIFT_FACTOR if name in _IS_THRIFT else _CODEC_FACTOR)
    assert memory < limit, f"{len(data)} bytes took {memory} bytes of memory"


def corpus(name):
    """Return the inputs that are kept for a target: good ones, and what was found once."""
    return [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]
