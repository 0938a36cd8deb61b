"""A trace as a tree."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaeger_like.all_in_one import tree
from jaeger_like.all_in_one.model import Reference, Tag, Trace

from .vectors import span

KIND = "span.kind"


def outline(*spans):
    return [(depth, s.span_id, s.service) for depth, s in tree.rows(Trace(1, spans))]


def test_children_are_below_their_parent_in_order_of_start():
    spans = [span(4, 2), span(3, 1, start=1_000_020), span(2, 1, start=1_000_010), span(1)]
    assert [row[:2] for row in outline(*spans)] == [(0, 1), (1, 2), (2, 4), (1, 3)]


def test_follows_from_is_a_parent_if_there_is_no_other():
    follower = span(2, references=(Reference("FOLLOWS_FROM", 1, 1),), start=1_000_001)
    elsewhere = span(3, references=(Reference("CHILD_OF", 2, 1),), start=1_000_002)
    assert [row[:2] for row in outline(span(1), follower, elsewhere)] == [(0, 1), (1, 2), (0, 3)]


def test_a_span_without_its_parent_is_a_root():
    assert [row[:2] for row in outline(span(1), span(2, 99, start=2_000_000))] == [(0, 1), (0, 2)]


def test_a_circle_is_cut_at_the_earliest():
    spans = [span(1, 2, start=2_000_000), span(2, 3), span(3, 1, start=3_000_000), span(4, 4)]
    assert sorted(row[:2] for row in outline(*spans)) == [(0, 2), (0, 4), (1, 1), (2, 3)]


def test_a_shared_span_is_the_servers_below_the_clients():
    client = span(2, 1, service="front", tags=(Tag(KIND, "string", "client"),))
    server = span(2, 1, service="back", tags=(Tag(KIND, "string", "server"),), start=900_000)
    inner = span(3, 2, service="back", start=1_000_001)
    root = span(1, service="front", start=800_000)
    assert outline(server, inner, client, root) == [
        (0, 1, "front"),
        (1, 2, "front"),
        (2, 2, "back"),
        (3, 3, "back"),
    ]


def test_the_same_span_many_times():
    assert sorted(outline(*[span(1)] * 4)) == [(0, 1, "svc")] * 4


def test_a_trace_deeper_than_pythons_stack():
    spans = tuple(span(n, n - 1 if n > 1 else None, start=n) for n in range(1, 5001))
    rows = tree.rows(Trace(1, spans))
    assert rows[-1][0] == 4999
    assert len(tree.text(Trace(1, spans)).splitlines()) == 302


small = st.integers(1, 5)


@given(st.lists(st.tuples(small, st.none() | small, st.integers(0, 3)), min_size=1, max_size=12))
def test_every_span_occurs_once(given_spans):
    spans = tuple(span(i, p, start=s, operation=str(n)) for n, (i, p, s) in enumerate(given_spans))
    rows = tree.rows(Trace(1, spans))
    assert sorted(s.operation for _, s in rows) == sorted(s.operation for s in spans)
    assert tree.text(Trace(1, spans))


def test_as_text():
    spans = (
        span(1, operation="GET /", service="frontend", duration=12_345),
        span(
            2,
            1,
            operation="query",
            service="backend",
            start=1_001_500,
            duration=10_000,
            tags=(
                Tag("sampler.type", "string", "const"),
                Tag("http.status_code", "int64", 500),
                Tag("error", "bool", True),
                Tag("ok", "bool", False),
                Tag("raw", "binary", b"\x01\xff"),
            ),
        ),
        span(3, 2, operation="select", service="backend", start=1_002_000, duration=2_500_000),
    )
    assert tree.text(Trace(0xAB, spans)).splitlines() == [
        "trace 00000000000000ab  3 spans  2.5s  1970-01-01 00:00:01.000000Z",
        "  frontend GET /             +0us    12.35ms",
        "    backend query    !     +1.5ms       10ms  http.status_code=500 ok=false raw=01ff",
        "      backend select         +2ms       2.5s",
    ]


def test_text_cannot_play_with_a_terminal():
    evil = "\x1b[2J\r\n\u202e"
    shown = tree.text(Trace(1, (span(operation=evil, tags=(Tag(evil, "string", evil),)),)))
    assert shown.count("\n") == 1
    assert shown.replace("\n", "").isprintable()


def test_what_is_long_is_cut():
    tags = tuple(Tag(f"k{n}", "string", "v" * 1000) for n in range(20))
    [_, line] = tree.text(Trace(1, (span(operation="o" * 1000, tags=tags),))).splitlines()
    assert len(line) < 700
    assert line.endswith("...")


@pytest.mark.parametrize(
    ("microseconds", "expected"),
    [
        (0, "0us"),
        (-7, "-7us"),
        (999, "999us"),
        (1000, "1ms"),
        (1500, "1.5ms"),
        (999_949, "999.9ms"),
        (999_960, "1s"),
        (2_250_000, "2.25s"),
        (3_600_000_000, "3600s"),
        (-1500, "-1.5ms"),
    ],
)
def test_durations(microseconds, expected):
    assert tree.duration(microseconds) == expected


@pytest.mark.parametrize("microseconds", [2**63, -(2**63), 1 << 200])
def test_a_time_that_no_calendar_has(microseconds):
    assert tree.moment(microseconds) == str(microseconds)
