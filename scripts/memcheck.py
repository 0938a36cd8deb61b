"""Feed the C encoder everything odd, for a memory checker to watch. See memcheck.sh."""

import random
import sys

from opentracing import Reference

from jaeger_like import _encoder
from jaeger_like.encoding import encoder, span
from jaeger_like.span_context import SpanContext, make_trace

assert encoder.encoder_name() == "c"


class Odd:
    """Raises, or changes the tags that it stands in."""

    def __init__(self, tags=None):
        self.tags = tags

    def __str__(self):
        if self.tags is None:
            raise ValueError("\ud800")
        self.tags.clear()
        return "cleared"


buffer = _encoder.Buffer()
waiting = []


def keep(choose: random.Random, arguments: list, record: bytes) -> None:
    """Put it into a buffer of changing limits, and now and then take packets out."""
    if buffer.add(*arguments) is not None:
        waiting.append(record)
    if choose.random() < 0.1:
        buffer.chunk_bytes = choose.choice([1, 500, 65_000, 1 << 40])
        buffer.chunk_spans = choose.choice([1, 10, 1 << 40])
        buffer.max_bytes = choose.choice([0, 20_000, 1 << 40])
        packets = []
        while choose.random() < 0.9 and buffer.take(packets):
            joined, sizes = packets.pop()
            records = waiting[: len(sizes) // 4]
            assert joined == b"".join(records)
            del waiting[: len(records)]
    _encoder.Buffer().add(*arguments)  # goes with what is in it


def one(choose: random.Random) -> None:
    """Encode one span that has all kinds of things in it, or fail to."""
    long = "é" * choose.choice([0, 1, 40, 1000, 5000])
    odd = [None, b"x", 1.5, 1 << 63, -(1 << 63), True, long, "\ud800", Odd(), [1], object]
    keys = ["a", "é", "\ud800", 5, None, "k" * 300]
    tags = {choose.choice(keys): choose.choice(odd) for _ in range(choose.choice([0, 1, 20]))}
    if choose.random() < 0.05:
        tags["meddler"] = Odd(tags)
    trace = make_trace(choose.choice([1, 1 << 100, None, "no"]), choose.choice([1, 300, None]))
    context = SpanContext(1 << 100, 2, None, 1)
    arguments = [
        trace,
        choose.choice([1, 1 << 63, (1 << 64) - 1, None]),
        choose.choice([1, None]),
        choose.choice(["op", long, 5, "\ud800"]),
        choose.choice([None, [], [Reference("child_of", context)] * 20, [None]]),
        choose.choice([0, -1, 1 << 50, 1 << 70, 1 << 80]),
        5,
        choose.choice([tags, None, []]),
        choose.choice([None, [(5, tags)] * choose.choice([1, 20]), [5], [(1, 2, 3)]]),
        choose.choice([0, 10, 1 << 20]),
        10,
    ]
    _encoder.copy_plain(choose.choice([tags, None, dict.fromkeys(keys, choose.choice(odd))]))
    try:
        record = _encoder.encode_span(*arguments)
    except (TypeError, OverflowError, RuntimeError, AttributeError, IndexError):
        return
    if "meddler" not in tags and "cleared" not in str(record):
        assert record == span.encode_span(*arguments) or not tags
        if record == span.encode_span(*arguments):
            keep(choose, arguments, record)


if __name__ == "__main__":
    generator = random.Random(5)
    for _ in range(int(sys.argv[1])):
        one(generator)
