"""Queries for traces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like.all_in_one import search
from jaeger_like.all_in_one.model import Log, Process, Tag, Trace

from .vectors import span

FLOATS = tuple(
    Tag(key, "float64", value)
    for key, value in (("two", 2.0), ("third", 1 / 3), ("big", 1e21), ("up", float("inf")))
)

SPAN = span(
    operation="get",
    start=5000,
    duration=700,
    tags=(
        Tag("code", "int64", 200),
        Tag("error", "bool", True),
        Tag("b", "binary", b"\x01"),
        *FLOATS,
    ),
    logs=(Log(1, (Tag("event", "string", "retry"),)),),
    process=Process("svc", (Tag("hostname", "string", "h1"),)),
)


def parse(**arguments):
    return search.parse({name: [value] for name, value in arguments.items()}, 1_000_000)


@pytest.mark.parametrize(
    ("arguments", "fits"),
    [
        ({}, True),
        ({"service": "other"}, False),
        ({"operation": "get"}, True),
        ({"tag": "two:2"}, True),
        ({"tag": "two:2.0"}, False),
        ({"tag": "third:0.3333333333"}, True),
        ({"tag": "big:1e+21"}, True),
        ({"tag": "up:+Inf"}, True),
        ({"operation": ""}, True),
        ({"operation": "put"}, False),
        ({"start": "5000", "end": "5000"}, True),
        ({"start": "5001"}, False),
        ({"end": "4999"}, False),
        ({"lookback": "995ms"}, True),
        ({"lookback": "994ms"}, False),
        ({"lookback": "1ms", "end": "5500"}, True),
        ({"lookback": "custom"}, True),
        ({"lookback": "1us", "start": "0"}, True),
        ({"minDuration": "700us"}, True),
        ({"minDuration": "0.701ms"}, False),
        ({"maxDuration": "1s"}, True),
        ({"maxDuration": "699us"}, False),
        ({"tags": '{"code":"200","error":"true"}'}, True),
        ({"tags": '{"code":200,"error":true}'}, True),
        ({"tags": '{"b":"01"}'}, True),
        ({"tags": '{"code":"404"}'}, False),
        ({"tags": '{"event":"retry"}'}, True),
        ({"tag": "hostname:h1"}, True),
        ({"tag": "hostname:h2"}, False),
    ],
)
def test_what_fits(arguments, fits):
    assert search.matches(SPAN, parse(**{"service": "svc", **arguments})) is fits


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"service": ""}, "'service' is required"),
        ({"start": "x"}, "'start' is not a whole number: 'x'"),
        ({"limit": "0"}, "'limit' must be positive"),
        ({"limit": "9" * 30}, "'limit'"),
        ({"minDuration": "1"}, "'minDuration' is not a duration"),
        ({"maxDuration": "1s!"}, "'maxDuration'"),
        ({"maxDuration": "1s 1s"}, "'maxDuration'"),
        ({"lookback": "9" * 300 + "h"}, "'lookback'"),
        ({"tags": "{"}, "'tags' is not a JSON object"),
        ({"tags": "[1]"}, "'tags'"),
        ({"tags": "[" * 100_000}, "'tags'"),
        ({"tag": "novalue"}, "'tag' is not key:value"),
    ],
)
def test_what_cannot_be(arguments, message):
    with pytest.raises(search.QueryError, match=message):
        parse(**{"service": "svc", **arguments})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1s", 1_000_000),
        ("1.5s", 1_500_000),
        (".5ms", 500),
        ("2h45m", 9_900_000_000),
        ("100us", 100),
        ("100µs", 100),
        ("1500ns", 2),
        ("2d", 172_800_000_000),
    ],
)
def test_durations(text, expected):
    assert search.duration(text) == expected


@given(st.text(max_size=12))
def test_any_text_is_a_duration_or_an_error(text):
    try:
        result = search.duration(text)
    except search.QueryError:
        return
    assert result >= 0


def test_the_limit_counts_traces():
    traces = [Trace(n, (span(trace_id=n, service="svc" if n % 2 else "x"),)) for n in range(10)]
    found = search.find(traces, search.Query("svc", limit=3))
    assert [trace.trace_id for trace in found] == [1, 3, 5]
    assert len(search.find(traces, search.Query("svc"))) == 5
