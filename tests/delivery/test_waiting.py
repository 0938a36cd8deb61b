"""The queue of records that wait as objects, as the delivery takes from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like._waiting import Waiting


def queue_of(records):
    queue = Waiting(1_000, 1_000_000)
    queue.records += records
    queue.bytes_in = sum(map(len, records))
    return queue


def records_of(sizes):
    return [bytes([number % 256]) * size for number, size in enumerate(sizes)]


@given(
    st.lists(st.integers(1, 60), max_size=150),
    st.integers(0, 3_000),
    st.none() | st.integers(1, 99),
)
def test_as_many_are_taken_as_there_is_room_for(sizes, room, most):
    records = records_of(sizes)
    queue = queue_of(records)
    taken = []
    queue.take(taken, room, most or len(queue))
    expected, size = [], 0
    for record in records[:most]:
        size += len(record)
        if size > room:
            break
        expected.append(record)
    assert taken == expected
    assert queue.records == records[len(taken) :]
    assert queue.size == sum(map(len, queue.records))


@pytest.mark.parametrize(
    ("step", "steps_before"), [("__getitem__", 0), ("__getitem__", 1), ("__delitem__", 0)]
)
def test_all_wait_on_in_their_order_if_memory_is_short(step, steps_before):
    left = [steps_before]

    class Records(list):
        pass

    def fails(self, index):
        if left[0] == 0:
            raise MemoryError
        left[0] -= 1
        return getattr(list, step)(self, index)

    setattr(Records, step, fails)
    records = records_of([20] * 100)
    queue = queue_of(records)
    queue.records = Records(records)
    taken = []
    with pytest.raises(MemoryError):
        queue.take(taken, 1_500, 1_000)
    assert taken == []
    assert list(queue.records) == records
    assert queue.size == 20 * len(records)
    left[0] = -1  # enough from now on
    queue.take(taken, 1_500, 1_000)
    assert taken == records[:75]


def test_what_has_come_back_waits_before_all_others():
    records = records_of([10] * 5)
    queue = queue_of(records)
    taken = []
    queue.take(taken, 30, 5)
    queue.put_back(taken)
    assert queue.records == records
    assert queue.size == 50
    queue.popleft()
    assert queue.records == records[1:]
    assert queue.size == 40
