"""The checks against the real Jaeger can fail, and say so when they cannot run.

They themselves run in ``make crossdock``; here is no Jaeger.
"""

from __future__ import annotations

import copy
import http.server
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "crossdock" / "backend"


@pytest.fixture(scope="module", autouse=True)
def _path():
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


def wanted():
    return {
        "process": [["hostname", "string", "h"], ["jaeger.version", "string", "Python-1"]],
        "spans": [
            {
                "trace_id": 5,
                "span_id": 6,
                "operation": "op",
                "references": [["CHILD_OF", 5, 7], ["FOLLOWS_FROM", 8, 9]],
                "flags": 3,
                "start": 1_000_000,
                "duration": 10,
                "tags": [["error", "bool", True], ["n", "int64", 1]],
                "logs": [[1_000_001, [["event", "string", "e"]]]],
                "warnings": [],
            }
        ],
    }


def found():
    return {(span["trace_id"], span["span_id"]): span for span in wanted()["spans"]}


def differences(found):
    from proof import fidelity

    return fidelity._differences(wanted()["spans"], found)


def test_what_is_equal_has_no_differences():
    assert differences(found()) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("operation", "Op"),
        ("references", [["FOLLOWS_FROM", 8, 9], ["CHILD_OF", 5, 7]]),
        ("references", [["CHILD_OF", 5, 7], ["CHILD_OF", 8, 9]]),
        ("flags", 1),
        ("start", 1_000_001),
        ("duration", 11),
        ("tags", [["error", "bool", True], ["n", "float64", 1.0]]),
        ("tags", [["error", "bool", True], ["n", "int64", True]]),
        ("tags", [["error", "bool", True]]),
        ("tags", [["error", "bool", True], ["n", "int64", 1], ["n", "int64", 1]]),
        ("logs", [[1_000_002, [["event", "string", "e"]]]]),
        ("logs", [[1_000_001, []]]),
        ("warnings", ["something"]),
    ],
)
def test_every_difference_is_found(field, value):
    spans = found()
    spans[5, 6][field] = value
    assert len(differences(spans)) == 1


def test_a_missing_span_and_one_too_many_are_found():
    assert differences({}) == ["'op' is missing"]
    spans = found()
    spans[5, 7] = {**spans[5, 6], "span_id": 7}
    assert differences(spans) == ["'op' was never made"]


def test_rules_change_what_is_expected_and_tell_which_have_no_effect():
    from proof import rules

    trace = wanted()
    idle = rules.apply(trace, "v2", "UDP")
    (span,) = trace["spans"]
    assert span["flags"] == 0
    assert ["otel.status_code", "string", "ERROR"] in span["tags"]
    assert ["host.name", "string", "h"] in trace["process"]
    assert span["warnings"] == [rules.NO_PARENT % 7]
    assert idle == ["a span of less than a microsecond has a warning of a negative duration"]


def test_each_backend_and_way_has_rules_of_its_own_and_v1_keeps_the_flags():
    from proof import rules

    seen = []
    for backend in rules.BACKENDS:
        for way in rules.WAYS:
            trace = copy.deepcopy(wanted())
            trace["process"].append(["client-uuid", "string", "u"])
            rules.apply(trace, backend, way)
            seen.append(json.dumps(trace))
            assert trace["spans"][0]["flags"] == (3 if (backend, way) in KEEP_FLAGS else 0)
    assert len(set(seen)) == 5  # UDP and HTTP look the same in v2


KEEP_FLAGS = {("v1", "UDP"), ("v1", "HTTP")}


@pytest.fixture
def served():
    """Serve texts by path; yields the address and the mapping."""
    pages = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", pages
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_are_read_from_the_query_api_with_their_types(served):
    from proof import query

    address, pages = served
    tags = [
        {"key": "i", "type": "int64", "value": 3},
        {"key": "big", "type": "int64", "value": "9223372036854775807"},
        {"key": "f", "type": "float64", "value": 3},
        {"key": "b", "type": "bool", "value": True},
        {"key": "x", "type": "binary", "value": "AP8="},
        {"key": "s", "type": "string", "value": "ä"},
    ]
    span = {
        "traceID": "0a",
        "spanID": "ffffffffffffffff",
        "operationName": "op",
        "references": [{"refType": "CHILD_OF", "traceID": "a", "spanID": "0b"}],
        "startTime": 5,
        "duration": 6,
        "tags": tags,
        "logs": [{"timestamp": 7, "fields": tags[:1]}],
        "warnings": None,
    }
    pages["/api/traces/a"] = json.dumps({"data": [{"spans": [span]}]})
    asked = query.Query(address)
    assert asked.trace(11) is None
    read = query.span_of(asked.trace(10)["spans"][0])
    assert read["span_id"] == 2**64 - 1
    assert (read["flags"], read["warnings"]) == (0, [])
    assert read["references"] == [["CHILD_OF", 10, 11]]
    assert read["logs"] == [[7, [["i", "int64", 3]]]]
    assert repr(read["tags"]) == repr(
        [
            ["b", "bool", True],
            ["big", "int64", 2**63 - 1],
            ["f", "float64", 3.0],
            ["i", "int64", 3],
            ["s", "string", "ä"],
            ["x", "binary", "00ff"],
        ]
    )


def test_metrics_are_summed_by_labels(served):
    from proof import query

    address, pages = served
    pages["/metrics"] = (
        "# HELP dropped_total Dropped\n"
        'dropped_total{cause="full-queue"} 4\n'
        'dropped_total{cause="too-large",host="a b"} 2.5e+01\n'
        "sent_total 7\n"
    )
    assert query.samples(f"{address}/metrics", "dropped_total", cause="full-queue") == 4
    assert query.samples(f"{address}/metrics", "dropped_total") == 29
    assert query.samples(f"{address}/metrics", "sent_total") == 7
    assert query.samples(f"{address}/metrics", "sent") == 0


def test_a_detour_loses_what_it_is_told_to_and_refuses_when_closed():
    from proof.detour import Detour

    agent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    agent.bind(("127.0.0.1", 0))
    agent.settimeout(10)
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.settimeout(10)
    with agent, client, Detour(agent.getsockname()[1], lambda number: number != 1) as way:
        client.connect(("127.0.0.1", way.port))
        for text in (b"a", b"b", b"c"):
            client.send(text)
        assert [agent.recv(9), agent.recv(9)] == [b"a", b"c"]
        way.close()
        assert (way.passed, way.lost) == (2, [b"b"])
        client.send(b"d")
        with pytest.raises(ConnectionRefusedError):
            client.recv(9)
        way.open()
        client.send(b"e")
        assert agent.recv(9) == b"e"


def test_a_program_makes_every_shape_and_sends_it_at_its_end():
    from proof.programs import Program

    from jaeger_like.testing import RecordingAgent

    with RecordingAgent() as agent:
        config = {
            "sampler": {"type": "const", "param": 1},
            "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": agent.port},
        }
        with Program("shapes", config) as program:
            spans = program.ask("shapes", number=1)["spans"]
        sent = agent.wait_for(len(spans), timeout=20)
    assert {span.operation_name for span in sent} == {span["operation"] for span in spans}


def test_the_result_is_written_between_the_markers(tmp_path, monkeypatch):
    from proof import report
    from proof.results import Result

    page = tmp_path / "README.md"
    page.write_text(
        "a\n<!-- results -->\nold\n<!-- /results -->\nb\n<!-- rules -->\n<!-- /rules -->\nc\n"
    )
    monkeypatch.setattr(report, "README", page)
    for _ in range(2):
        report.write([Result("v1", "all", "1 of | 2", ("one",)), Result("v2", "all", "2")])
    text = page.read_text()
    assert "| v1 | all | 1 of \\| 2 | WRONG |\n| v2 | all | 2 | ok |" in text
    assert "\nold\n" not in text
    assert text.count("| Backend |") == 1
    assert text.startswith("a\n<!-- results -->")
    assert text.endswith("<!-- /rules -->\nc\n")


def run(*arguments, **environ):
    return subprocess.run(
        [sys.executable, str(FOLDER / "check.py"), *arguments],
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("arguments", "status"), [([], 0), (["--require"], 1)])
def test_without_go_it_says_so_and_fails_only_if_told_to(tmp_path, arguments, status):
    done = run(*arguments, PATH=str(tmp_path))
    assert done.returncode == status
    assert "v1  skipped: there is no go" in done.stdout
    assert "v2  skipped: there is no go" in done.stdout


def test_a_build_that_fails_says_why(tmp_path):
    go = tmp_path / "go"
    go.write_text("#!/bin/sh\necho 'go.mod requires go >= 9.9'\nexit 1\n")
    go.chmod(0o755)
    done = run("--only", "v2", "--build", "--require", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 1
    assert "v2  skipped: go build failed: go.mod requires go >= 9.9" in done.stdout


def test_versions_are_pinned():
    from proof import building

    assert building.module_version("v1") == "v1.57.0"
    assert building.module_version("v2") == "v1.76.0"
    for name in building.COMMANDS:
        assert (FOLDER / name / "go.sum").stat().st_size > 10_000
        assert f"\ntool {building.COMMANDS[name]}\n" in (FOLDER / name / "go.mod").read_text()
