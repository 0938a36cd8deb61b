"""What clients say about what they lost."""

import pytest

from jaeger_like.all_in_one.counters import Counters
from jaeger_like.all_in_one.model import Batch, ClientStats, Process, Tag

from .vectors import span


def batch(seq_no=None, uuid="u1", stats=None):
    tags = () if uuid is None else (Tag("client-uuid", "string", uuid),)
    return Batch(Process("svc", tags), (span(),), seq_no, stats)


@pytest.mark.parametrize(
    ("numbers", "last", "missing"),
    [
        ([1, 2, 3], 3, 0),
        ([10, 11], 11, 0),
        ([1, 2, 5], 5, 2),
        ([1, 3, 2], 3, 0),
        ([2, 1], 2, 0),
        ([None, None], None, 0),
    ],
)
def test_gaps_between_sequence_numbers(numbers, last, missing):
    counters = Counters()
    for number in numbers:
        counters.batch(batch(number))
    client = counters.snapshot()["clients"]["u1"]
    assert (client["batches"], client["lastSeqNo"]) == (len(numbers), last)
    assert client["missingBatches"] == missing


def test_the_last_report_of_losses_counts():
    counters = Counters()
    for stats in (ClientStats(1, 0, 0), ClientStats(3, 2, 1), None):
        counters.batch(batch(stats=stats))
    counters.batch(batch(uuid="u2"))
    clients = counters.snapshot()["clients"]
    assert clients["u1"]["droppedSpans"] == {"fullQueue": 3, "tooLarge": 2, "failedToEmit": 1}
    assert clients["u2"]["droppedSpans"] is None


def test_batches_without_an_identity_are_counted_only():
    counters = Counters()
    counters.batch(batch(uuid=None))
    snapshot = counters.snapshot()
    assert (snapshot["batches"], snapshot["spans"], snapshot["clients"]) == (1, 1, {})


def test_clients_are_bounded():
    counters = Counters()
    for number in range(1100):
        counters.batch(batch(1, f"u{number}"))
        counters.batch(batch(number + 1, "steady"))
    clients = counters.snapshot()["clients"]
    assert len(clients) == 1000
    assert clients["steady"]["batches"] == 1100
    assert "u0" not in clients
