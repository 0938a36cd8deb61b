"""The crossdock: spans on the wire compared, peers built, tables written."""

from __future__ import annotations

import sys

import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.transport.TTransport import TMemoryBuffer

from jaeger_like.thrift_gen.agent import Agent
from jaeger_like.thrift_gen.jaeger import ttypes

from .crossdock_scripts import (
    ALL,
    build,
    capturing,
    differences,
    model,
    peers,
    table,
    wire_spans,
)

# The comparison of what is on the wire

WANTED = wire_spans.expected("crossdock-x")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("64 everything / tags / long.max", ("LONG", 5)),
        ("64 everything / tags / long.max", ("DOUBLE", float((1 << 63) - 1))),
        ("64 everything / tags / true", ("BOOL", 1)),
        ("64 everything / tags / text", [("STRING", "plain"), ("STRING", "plain")]),
        ("128 debug / flags", 1),
        ("64 both / references", [("FOLLOWS_FROM", "64 follower")]),
        ("64 both / something new", 1),
        ("128 child / width of trace id", 64),
        ("128 child / duration", 1543),
        ("128 child / trace", None),
    ],
)
def test_a_difference_that_is_not_documented_fails(path, value):
    got = dict(WANTED)
    got[path] = value
    if value is None:
        del got[path]
    compared = differences.compare("x", WANTED, got)
    assert len(compared.failures) == 1
    assert compared.failures[0].startswith(path)
    assert differences.compare("x", WANTED, dict(WANTED)).failures == []


def test_a_documented_difference_is_counted_and_missed_when_it_does_not_show():
    got = {**WANTED, "64 everything / tags / binary": ("STRING", "?")}
    compared = differences.compare("this", WANTED, got)
    assert (compared.failures, compared.gone) == ([], [])
    assert [paths for _, paths in compared.documented] == [["64 everything / tags / binary"]]
    compared = differences.compare("this", WANTED, dict(WANTED))
    assert len(compared.gone) == 1
    # What is documented of one client is no excuse for another.
    assert differences.compare("go", WANTED, got).failures


def tag(key, kind, **value):
    return ttypes.Tag(key=key, vType=kind, **value)


def span_of(name, number, **fields):
    values = {
        "traceIdLow": -1,
        "traceIdHigh": 0,
        "spanId": number,
        "parentSpanId": 0,
        "operationName": name,
        "flags": 1,
        "startTime": 5,
        "duration": 6,
    }
    return ttypes.Span(**{**values, **fields})


@pytest.mark.parametrize("protocol", [TCompactProtocol, TBinaryProtocol])
def test_datagrams_of_both_protocols_are_the_same_model(protocol):
    reference = ttypes.SpanRef(refType=1, traceIdLow=-1, traceIdHigh=0, spanId=7)
    batch = ttypes.Batch(
        process=ttypes.Process("svc", [tag("ip", 0, vStr="10.0.0.1")]),
        spans=[
            span_of("root", 7, tags=[tag("b", 2, vBool=True), tag("x", 4, vBinary=b"\x00\xff")]),
            span_of("child", 8, parentSpanId=7, logs=[ttypes.Log(9, [tag("l", 3, vLong=-3)])]),
            span_of("follower", 9, references=[reference], tags=[tag("d", 1, vDouble=1.5)] * 2),
        ],
        seqNo=1,
        stats=ttypes.ClientStats(1, 2, 3),
    )
    memory = TMemoryBuffer()
    Agent.Client(protocol(memory)).emitBatch(batch)
    found = model.model_of([capturing.decode(memory.getvalue())])
    assert found["process / tags / ip"] == ("STRING", "...")
    assert found["batch / seqNo"] == "counts from 1"
    assert found["batch / stats"] == (1, 2, 3)
    assert found["root / tags / b"] == ("BOOL", True)
    assert found["root / tags / x"] == ("BINARY", "00ff")
    assert found["child / references"] == [("CHILD_OF", "root")]
    assert found["child / log 0 / l"] == ("LONG", -3)
    assert found["follower / references"] == [("FOLLOWS_FROM", "root")]
    assert found["follower / trace"] == "of root"
    assert found["follower / tags / d"] == [("DOUBLE", 1.5), ("DOUBLE", 1.5)]


# Building, and writing tables


def peer_in(tmp_path, **changes):
    values = {
        "name": "one",
        "client": "a client",
        "propagations": ALL,
        "command": (),
        "folder": str(tmp_path),
        "builds": ((sys.executable, "-c", "open('product', 'a').write('x')"),),
        "sources": ("*.lock",),
        "product": "product",
    }
    return peers.Peer(**{**values, **changes})


def test_a_peer_is_built_once_and_again_when_its_files_change(tmp_path):
    (tmp_path / "a.lock").write_text("1")
    one = peer_in(tmp_path)
    assert not one.ready
    assert build.build(one).startswith("built in")
    assert build.build(one) == "built before"
    assert (tmp_path / "product").read_text() == "x"
    (tmp_path / "a.lock").write_text("2")
    assert build.build(one).startswith("built in")
    assert (tmp_path / "product").read_text() == "xx"


def test_what_a_build_lacks_or_says_is_told(tmp_path, capfd):
    with pytest.raises(RuntimeError, match="this machine has no no-such-tool"):
        build.build(peer_in(tmp_path, tools=("no-such-tool", sys.executable)))
    bad = (sys.executable, "-c", "raise SystemExit('the disk is full')")
    with pytest.raises(RuntimeError, match="failed with status 1"):
        build.build(peer_in(tmp_path, builds=(bad,)))
    assert "the disk is full" in capfd.readouterr().err
    assert not peer_in(tmp_path).ready


@pytest.mark.parametrize(
    ("arguments", "status"), [([], 0), (["--all"], 1)], ids=["what can be built", "all"]
)
def test_a_missing_tool_fails_only_the_build_of_all(
    tmp_path, monkeypatch, capsys, arguments, status
):
    one = peer_in(tmp_path, tools=("no-such-tool",))
    monkeypatch.setattr(peers, "PEERS", (one,))
    monkeypatch.setattr(sys, "argv", ["build.py", *arguments])
    assert build.main() == status
    assert "one          skipped: this machine has no no-such-tool" in capsys.readouterr().out


def test_a_build_that_fails_though_the_tools_are_there_fails(tmp_path, monkeypatch, capsys):
    one = peer_in(tmp_path, builds=((sys.executable, "-c", "raise SystemExit(3)"),))
    monkeypatch.setattr(peers, "PEERS", (one,))
    monkeypatch.setattr(sys, "argv", ["build.py"])
    assert build.main() == 1
    assert "failed with status 3" in capsys.readouterr().out


def test_tables_are_written_between_their_marks_and_nowhere_else(tmp_path):
    path = tmp_path / "README.md"
    path.write_text("a\n<!-- begin: matrix -->\nold\n<!-- end: matrix -->\nb\n")
    for text in ("first", "second"):
        table.write_between(path, "matrix", text)
    expected = "a\n<!-- begin: matrix -->\n\nsecond\n\n<!-- end: matrix -->\nb\n"
    assert path.read_text() == expected
