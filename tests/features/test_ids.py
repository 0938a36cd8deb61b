"""Programs may make the ids themselves."""

from __future__ import annotations

import pytest

from ..core.support import new_tracer


class Counting:
    """Gives numbers in order, and remembers how wide they were to be."""

    def __init__(self):
        self.asked = []

    def getrandbits(self, bits):
        self.asked.append(bits)
        return len(self.asked)


def test_the_source_of_ids_is_replaceable():
    tracer = new_tracer()
    tracer.random = Counting()
    span = tracer.start_span("op")
    assert (span.trace_id, span.span_id) == (1, 2)
    assert tracer.start_span("child", child_of=span).span_id == 3
    assert tracer.random.asked == [64, 64, 64]
    assert tracer.random_id() == 4


def test_the_high_half_of_wide_ids_is_the_users():
    tracer = new_tracer(generate_128bit_trace_id=True, high_trace_id=lambda: 0xABC)
    tracer.random = Counting()
    span = tracer.start_span("op")
    assert (span.trace_id, span.span_id) == (0xABC << 64 | 1, 2)


def test_only_64_bits_of_the_high_half_count():
    tracer = new_tracer(generate_128bit_trace_id=True, high_trace_id=lambda: 1 << 64 | 5)
    assert tracer.start_span("op").trace_id >> 64 == 5


def test_narrow_ids_have_no_high_half():
    tracer = new_tracer(high_trace_id=lambda: 5)
    assert tracer.start_span("op").trace_id >> 64 == 0


@pytest.mark.parametrize("failing", [lambda: 1 // 0, lambda: "x"])
def test_a_failing_generator_is_replaced_by_chance(failing, caplog):
    tracer = new_tracer(generate_128bit_trace_id=True, high_trace_id=failing)
    assert tracer.start_span("op").trace_id >> 64
    assert "High half of a trace id is random" in caplog.text


def test_one_span_per_rpc_may_be_switched_later():
    tracer = new_tracer()
    root = tracer.start_span("root")
    tracer.one_span_per_rpc = True
    server = tracer.start_span("s", child_of=root, tags={"span.kind": "server"})
    assert tracer.one_span_per_rpc is True
    assert server.span_id == root.span_id
    tracer.one_span_per_rpc = False
    assert tracer.start_span("c", child_of=root, tags={"span.kind": "server"}).parent_id
