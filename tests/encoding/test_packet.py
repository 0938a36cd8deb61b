"""A packet is the message that thrift's own client of the Agent service would send."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like.encoding.packet import (
    DEFAULT_MAX_PACKET_SIZE,
    OVERHEAD,
    Batch,
    emit_batch,
    encode_process,
)
from jaeger_like.encoding.span import encode_span
from jaeger_like.span_context import make_trace
from jaeger_like.thrift_gen.agent import Agent
from jaeger_like.thrift_gen.jaeger import ttypes

from . import oracle

MAX = 2**63 - 1

# Apache Thrift wrote this one, from the generated classes of a Batch with all its fields.
EXAMPLE = bytes.fromhex(
    "82810109656d697442617463681c1c1803737663191c1808686f73746e616d65"
    "1500180268310000191c16909cb0d080c181820216b0dcb0d182c58992221601"
    "160418026f70191c150216031600160a00150616808981828389850616b81719"
    "6c180173150018017600180164150227000000000000f83f0018016215043100"
    "1801661504320018016c15064605001801781508580200ff00191c16d8898182"
    "83898506191c18056576656e74150018016500000016021c1608160a160c0000"
    "00"
)

# jaeger_client 4.8.0 sent this one. It knows neither seqNo nor stats, and numbers its messages.
REAL = bytes.fromhex(
    "82810109656d697442617463681c1c1803737663193c180e6a61656765722e76657273696f6e1500180c507974"
    "686f6e2d342e382e3000180269701500180831302e302e302e31001808686f73746e616d651500180268310000"
    "191c16909cb0d080c1818202160016b0dcb0d182c5899222160018016f2502168089818283898506168e18191c"
    "18016b150018017600190c000000"
)


def test_example_batch():
    assert len(EXAMPLE) == 193
    span = EXAMPLE[42:181]
    packet = emit_batch(encode_process("svc", {"hostname": "h1"}, 1024), [span], 1, (4, 5, 6))
    assert packet.hex() == EXAMPLE.hex()


def test_packet_of_jaeger_client_but_for_number_and_stats():
    tags = {"jaeger.version": "Python-4.8.0", "ip": "10.0.0.1", "hostname": "h1"}
    span = encode_span(
        make_trace(0x0102030405060708, 1),
        0x1112131415161718,
        None,
        "o",
        None,
        1_700_000_000_123_456_789,
        1543,
        {"k": "v"},
        None,
        1024,
        4096,
    )
    packet = emit_batch(encode_process("svc", tags, 1024), [span], 1, (0, 0, 0))
    assert packet[:-2] == REAL[:-2] + bytes.fromhex("16021c16001600160000")


def test_empty_batch():
    packet = emit_batch(encode_process("s", None, 1024), [], 1, (0, 0, 0))
    assert packet.hex() == (
        "82810109656d697442617463681c1c180173190c00190c16021c160016001600000000"
    )


def test_process_without_tags_has_an_empty_list():
    assert encode_process("s", None, 1024) == encode_process("s", {}, 1024)
    assert oracle.read(ttypes.Process, encode_process("s", None, 1024)).tags == []


texts = st.text(st.characters(), max_size=50)
numbers = st.integers(0, MAX)


@given(texts, st.dictionaries(texts, st.one_of(texts, st.booleans(), st.floats(), st.integers())))
def test_every_process_is_written_as_thrift_writes_it(name, tags):
    process = ttypes.Process(serviceName=oracle.clean(name), tags=oracle.tags(tags, 20))
    assert encode_process(name, tags, 20) == oracle.write(process)


def test_odd_process_tags_are_written_as_text():
    class Unprintable:
        def __str__(self):
            raise ValueError("no text")

    process = oracle.read(
        ttypes.Process, encode_process(7, {1: None, "x": Unprintable(), "long": "a" * 50}, 20)
    )
    assert process.serviceName == "7"
    assert [(tag.key, tag.vStr) for tag in process.tags] == [
        ("1", "None"),
        ("x", "no text"),
        ("long", "a" * 20),
    ]


@given(
    st.integers(0, 300),
    st.one_of(st.integers(0, MAX), st.sampled_from([127, 128, 2**31 - 1, 2**31, 2**32, MAX])),
    st.tuples(numbers, numbers, numbers),
)
def test_every_packet_is_the_message_thrift_writes(count, seq_no, stats):
    span = oracle.span(1, 1, 1, 0, "o", None, 0, 0, {"k": "v"}, None)
    process = ttypes.Process(serviceName="svc", tags=oracle.tags({"a": 1}))
    full, large, failed = stats
    batch = ttypes.Batch(
        process=process,
        spans=[span] * count,
        seqNo=seq_no,
        stats=ttypes.ClientStats(
            fullQueueDroppedSpans=full, tooLargeDroppedSpans=large, failedToEmitSpans=failed
        ),
    )
    packet = emit_batch(
        encode_process("svc", {"a": 1}, 1024), [oracle.write(span)] * count, seq_no, stats
    )
    # The id of a message has 32 bits, and only has to differ from that of its neighbours.
    assert packet == oracle.message(batch, seq_no % 2**31)


@given(st.lists(st.binary(min_size=1, max_size=300), max_size=300))
def test_records_that_lie_end_to_end_are_the_same_records(records):
    batch = Batch()
    if records:
        batch.parts.append((b"".join(records), array("I", map(len, records)).tobytes()))
    assert emit_batch(b"p", batch, 1, (0, 0, 0)) == emit_batch(b"p", records, 1, (0, 0, 0))
    # A sender of the program's own may do with them what it does with a list.
    assert (len(batch), list(batch), bool(batch)) == (len(records), records, bool(records))
    assert b"".join(batch) == batch.joined
    assert list(reversed(batch)) == records[::-1]
    assert batch[2:5] == records[2:5]
    assert batch[:] == records
    assert all(batch[i] == records[i] and batch[-i - 1] == records[-i - 1] for i in range(len(records)) if i < 5)  # fmt: skip  # noqa: E501  one claim
    with pytest.raises(IndexError):
        batch[len(records)]


def test_overhead_covers_the_widest_numbers_and_the_longest_list():
    process, span = b"\0", b"\0"
    smallest = 10  # bytes that a Span takes at the least, far less than it really does
    for count in (0, 14, 15, 16, 127, 128, 16_383, 16_384, DEFAULT_MAX_PACKET_SIZE // smallest):
        packet = emit_batch(process, [span] * count, MAX, (MAX, MAX, MAX))
        assert len(packet) - len(process) - count * len(span) <= OVERHEAD


@pytest.mark.parametrize("stats", [(0, 0, 0), (MAX, MAX, MAX)])
def test_overhead_is_not_wasteful(stats):
    packet = emit_batch(b"", [], MAX, stats)
    assert OVERHEAD - len(packet) < 40
    assert OVERHEAD < 80


def test_a_packet_is_understood_by_the_generated_agent():
    received = []

    class Handler:
        def emitBatch(self, batch):  # noqa: N802  thrift's name
            received.append(batch)

    from thrift.protocol.TCompactProtocol import TCompactProtocol
    from thrift.transport.TTransport import TMemoryBuffer

    packet = emit_batch(encode_process("svc", {}, 9), [oracle.write(_span(n)) for n in (1, 2)], 7, (1, 2, 3))  # fmt: skip  # noqa: E501  a line for each
    protocol = TCompactProtocol(TMemoryBuffer(packet))
    Agent.Processor(Handler()).process(protocol, protocol)
    (batch,) = received
    assert [span.spanId for span in batch.spans] == [1, 2]
    assert (batch.seqNo, batch.stats.failedToEmitSpans) == (7, 3)


def _span(span_id):
    return oracle.span(1, 1, span_id, 0, "o", None, 0, 0, None, None)
