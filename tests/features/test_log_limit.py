"""At most so many log entries of a span are sent: the oldest, the newest, and how many more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like.errors import ConfigError

from ..core.support import new_tracer, values


def entries(span):
    return [(log.timestamp, values(log.fields)) for log in span.logs]


def logged(limit, count):
    """Return the entries of a finished span that logged numbers, each at its own time."""
    span = new_tracer(max_logs_per_span=limit).start_span("op")
    for number in range(count):
        span.log_kv({"n": number}, timestamp=number + 1)
    span.finish()
    return entries(span)


def expected(limit, count):
    """Say the rule of the Go client in another way: what stays, and what one entry tells."""
    numbers = [((n + 1) * 1_000_000, {"n": n}) for n in range(count)]
    if limit == 0 or count <= limit:
        return numbers
    first = (limit - 1) // 2
    newest = limit - first - 1
    dropped = count - first - newest
    notice = {
        "event": "dropped Span logs",
        "dropped_log_count": dropped,
        "component": "jaeger-client",
    }
    tail = numbers[count - newest :] if newest else []
    return [*numbers[:first], ((count - newest) * 1_000_000, notice), *tail]


@given(st.integers(0, 12), st.integers(0, 60))
def test_the_first_and_the_last_entries_stay(limit, count):
    assert logged(limit, count) == expected(limit, count)


def test_ten_entries_of_a_hundred():
    found = logged(10, 100)
    assert [fields.get("n") for _, fields in found] == [0, 1, 2, 3, None, 95, 96, 97, 98, 99]
    assert found[4] == (
        95_000_000,
        {"event": "dropped Span logs", "dropped_log_count": 91, "component": "jaeger-client"},
    )


def test_the_limit_is_not_exceeded_before_the_end_either():
    span = new_tracer(max_logs_per_span=3).start_span("op")
    for number in range(7):
        span.log_kv({"n": number})
    assert [fields.get("n") for _, fields in entries(span)] == [0, None, 6]
    span.finish()
    before = entries(span)
    span.finish()
    assert entries(span) == before


def test_an_unsampled_span_has_no_logs():
    span = new_tracer(False, max_logs_per_span=1).start_span("op")
    span.log_kv({"n": 1}).log_kv({"n": 2}).finish()
    assert span.logs == []


def test_odd_entries_count_too():
    span = new_tracer(max_logs_per_span=1).start_span("op")
    span.log_kv(None).log_kv({"n": object()}).finish()
    assert entries(span)[0][1]["dropped_log_count"] == 2


@pytest.mark.parametrize("limit", [-1, "x", 1.5, None])
def test_a_limit_that_cannot_be_is_an_error(limit):
    if limit is None:  # as good as none
        assert new_tracer(max_logs_per_span=None)._extras is None
        return
    with pytest.raises(ConfigError, match="max_logs_per_span"):
        new_tracer(max_logs_per_span=limit)
