"""Traces in the JSON of Jaeger's query service."""

import json

import pytest

from jaeger_like.all_in_one import query_json
from jaeger_like.all_in_one.model import Process, Tag, Trace

from .vectors import PROCESS, SPAN, TRACE, span

ID = "11121314151617180102030405060708"


def test_a_trace():
    other = span(3, 2, service="b", trace_id=TRACE)
    result = query_json.trace(Trace(TRACE, (SPAN, other, SPAN)))
    assert json.loads(json.dumps(result)) == result
    assert (result["traceID"], result["warnings"]) == (ID, None)
    assert result["processes"] == {
        "p1": {
            "serviceName": "svc",
            "tags": [{"key": "hostname", "type": "string", "value": "h1"}],
        },
        "p2": {"serviceName": "b", "tags": []},
    }
    assert [s["processID"] for s in result["spans"]] == ["p1", "p2", "p1"]
    assert result["spans"][0] == {
        "traceID": ID,
        "spanID": "ffffffffffffffff",
        "flags": 3,
        "operationName": "op",
        "references": [
            {"refType": "CHILD_OF", "traceID": ID, "spanID": "0000000000000002"},
            {
                "refType": "FOLLOWS_FROM",
                "traceID": "fffffffffffffffe",
                "spanID": "0000000000000005",
            },
        ],
        "startTime": 1700000000123456,
        "duration": 1500,
        "tags": [
            {"key": "s", "type": "string", "value": "v"},
            {"key": "d", "type": "float64", "value": 1.5},
            {"key": "b", "type": "bool", "value": True},
            {"key": "f", "type": "bool", "value": False},
            {"key": "l", "type": "int64", "value": -3},
            {"key": "x", "type": "binary", "value": "AP8="},
        ],
        "logs": [
            {
                "timestamp": 1700000000123500,
                "fields": [{"key": "event", "type": "string", "value": "e"}],
            }
        ],
        "processID": "p1",
        "warnings": None,
    }
    assert SPAN.process == PROCESS


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**53 - 1, 2**53 - 1),
        (2**53, "9007199254740992"),
        (-(2**63), "-9223372036854775808"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_that_json_or_javascript_have_not(value, expected):
    result = query_json.span(span(tags=(Tag("k", "?", value),)), "p1")
    assert result["tags"][0]["value"] == expected


def test_warnings():
    assert query_json.span(span(warnings=("odd",)), "p1")["warnings"] == ["odd"]


def test_an_error():
    assert query_json.error(404, "trace not found", "ab") == {
        "data": None,
        "total": 0,
        "limit": 0,
        "offset": 0,
        "errors": [{"code": 404, "msg": "trace not found", "traceID": "ab"}],
    }


def test_the_tags_of_a_process_are_looked_at_once():
    """To hash them for each span took minutes for a batch of 16 MB."""
    hashed = []

    class Counted(str):
        __slots__ = ()

        def __hash__(self):
            hashed.append(self)
            return super().__hash__()

    process = Process(Counted("svc"), ())
    spans = tuple(span(number, process=process) for number in range(1, 100))
    result = query_json.trace(Trace(TRACE, spans))
    assert {item["processID"] for item in result["spans"]} == {"p1"}
    assert len(hashed) < 5
