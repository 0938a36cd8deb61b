"""A span too large for a packet is cut until it fits, and says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaeger_like.encoding.fit import TRUNCATED_TAG_KEY, fit
from jaeger_like.thrift_gen.jaeger import ttypes

from . import oracle

LIMIT = 64_900
TRACE, SPAN, PARENT = 0xFEDC << 64 | 2**64 - 3, 2**64 - 1, 2**63
START, DURATION = 1_700_000_000_123_456, 987_654


def record(name="op", references=None, values=None, logs=None):
    return oracle.write(
        oracle.span(TRACE, 3, SPAN, PARENT, name, references, START, DURATION, values, logs, 10**9)
    )


def cut(limit=LIMIT, **parts):
    """Return the span after it was made to fit, and what is said about that."""
    whole = record(**parts)
    assert len(whole) > limit
    result = fit(whole, limit)
    assert len(result) <= limit
    span = oracle.read(ttypes.Span, result)
    assert (span.traceIdLow, span.traceIdHigh) == (-3, 0xFEDC)
    assert (span.spanId, span.parentSpanId, span.flags) == (-1, -(2**63), 3)
    assert (span.startTime, span.duration) == (START, DURATION)
    mark = span.tags.pop()
    assert mark.key == TRUNCATED_TAG_KEY == "jaeger.truncated"
    assert mark.vType == ttypes.TagType.STRING
    return span, mark.vStr


MANY_TAGS = {f"key {i}": f"value {i}" for i in range(10_000)}
MANY_LOGS = [(START + i, {"event": f"event {i}"}) for i in range(10_000)]
MANY_REFERENCES = [("follows_from", i + 1, i + 1) for i in range(10_000)]


def test_what_fits_is_returned_as_it_is():
    whole = record(values={"k": "v"})
    assert fit(whole, len(whole)) is whole


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"name": "n" * 100_000}, "operation name shortened"),
        ({"name": "語" * 100_000}, "operation name shortened"),
        ({"values": {"k": "v" * 100_000}}, "1 tag values shortened"),
        ({"values": {"k": "語" * 100_000}}, "1 tag values shortened"),
        ({"values": {"k" * 100_000: 1}}, "1 tags dropped"),
        ({"values": MANY_TAGS}, "tags dropped"),
        ({"logs": MANY_LOGS}, "logs dropped"),
        ({"logs": [(START, {"event": "e" * 100_000})]}, "1 logs dropped"),
        ({"references": MANY_REFERENCES}, "10000 references dropped"),
    ],
)
def test_each_part_that_can_be_too_large(parts, what):
    _, said = cut(**parts)
    assert what in said


def test_all_at_once():
    span, said = cut(
        name="n" * 100_000,
        references=MANY_REFERENCES,
        values={"k" * 100_000: 1, "v": "v" * 100_000, **MANY_TAGS},
        logs=MANY_LOGS,
    )
    assert span.operationName == "n" * len(span.operationName)
    assert "logs dropped" in said
    assert "operation name shortened" in said


def test_logs_of_both_ends_are_kept():
    span, said = cut(logs=MANY_LOGS, values={"k": "v"})
    kept = [log.timestamp - START for log in span.logs]
    assert kept == sorted(kept)
    half = len(kept) // 2
    assert kept[:half] == list(range(half))
    assert kept[half + 1 :] == list(range(10_000 - len(kept) + half + 1, 10_000))
    assert said == f"{10_000 - len(kept)} logs dropped"
    assert [tag.key for tag in span.tags] == ["k"]


def test_no_more_logs_are_dropped_than_has_to_be():
    span, _ = cut(logs=MANY_LOGS)
    result = fit(record(logs=MANY_LOGS), LIMIT)
    assert LIMIT - len(result) < 300
    assert len(span.logs) > 1900


def test_the_longest_text_is_shortened_and_the_others_are_left():
    values = {"short": "s", "middle": "m" * 1000, "long": "l" * 100_000}
    span, _ = cut(values=values)
    assert [(tag.key, len(tag.vStr)) for tag in span.tags][:2] == [("short", 1), ("middle", 1000)]
    assert len(span.tags[2].vStr) > LIMIT - 2000


def test_tags_that_are_kept_keep_their_order():
    span, _ = cut(values=MANY_TAGS)
    assert [tag.key for tag in span.tags] == [f"key {i}" for i in range(len(span.tags))]
    assert len(span.tags) > 1000


def test_a_long_operation_name_costs_nothing_else():
    values = {"k": "v", "n": 1}
    span, said = cut(name="n" * 100_000, values=values, logs=[(START, {"event": "e"})])
    assert [tag.key for tag in span.tags] == ["k", "n"]
    assert len(span.logs) == 1
    assert said == "operation name shortened"


def test_a_long_operation_name_is_cut_twice_if_it_must_be():
    span, said = cut(600, name="n" * 100_000, values={"k": "v"})
    assert 64 <= len(span.operationName) < 1024
    assert said == "operation name shortened, 1 tags dropped"


def test_numbers_survive_while_texts_are_cut():
    values = {f"t{i}": "x" * 10_000 for i in range(20)}
    span, _ = cut(values={"n": 7, **values, "b": True})
    found = {tag.key: tag for tag in span.tags}
    assert found["n"].vLong == 7
    assert found["b"].vBool is True
    assert len(found) == 22


def test_a_limit_below_the_ids_themselves_cannot_be_kept():
    assert fit(record(values={"k": "v" * 500}), 40) is None


def test_bytes_that_are_no_span_raise():
    with pytest.raises(Exception):  # noqa: B017, PT011  whatever thrift makes of it
        fit(b"\xff" * 100, 50)


texts = st.text(max_size=400)
values = st.dictionaries(texts, st.one_of(texts, st.integers(0, 2**62), st.booleans()), max_size=30)


@given(
    name=st.text(max_size=2000),
    references=st.lists(st.tuples(st.just("child_of"), *[st.integers(0, 2**64 - 1)] * 2)),
    values=values,
    logs=st.lists(st.tuples(st.integers(0, 2**62), values), max_size=10),
    limit=st.integers(600, 5000),
)
@settings(deadline=None)
def test_whatever_is_in_a_span_it_fits_every_sensible_limit(limit, **parts):
    whole = record(**parts)
    if len(whole) <= limit:
        assert fit(whole, limit) is whole
    else:
        cut(limit, **parts)
