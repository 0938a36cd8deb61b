"""The crossdock: our server, and a driver that must see what a peer does wrong."""

from __future__ import annotations

import asyncio
import io
import json
import signal
from contextlib import redirect_stdout

import pytest
import tornado.httpclient
import tornado.httpserver
import tornado.netutil

from jaeger_like.testing import RecordingAgent
from jaeger_like.thrift_gen.jaeger import ttypes

from .crossdock_scripts import (
    ALL,
    BAGGAGE,
    CROSSDOCK,
    DECISIONS,
    SCENARIO,
    Scenario,
    Tracers,
    capturing,
    command,
    known,
    matrix,
    ours,
    peers,
    question,
    run,
    scenarios,
    table,
)

# Commands, with our own server


def test_our_server_carries_traces_through_itself_in_every_format():
    done = command("-W", "error", "crossdock/matrix.py", "this")
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("this -> this"))
    assert row.split()[5:] == ["32", "ok", "6", "ok", "6", "ok", "24", "ok"]


def test_our_server_sends_the_spans_it_was_asked_for():
    done = command("-W", "error", "crossdock/wire.py", "this")
    assert done.returncode == 0, done.stdout + done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("this "))
    assert row.split()[-3:] == ["177", "2", "0"]  # binary tags are text, with both widths of ids


@pytest.mark.parametrize("name", ["matrix.py", "wire.py", "build.py"])
def test_a_peer_that_does_not_exist_is_refused(name):
    done = command(f"crossdock/{name}", "cobol")
    assert done.returncode == 1
    assert "there is no peer cobol" in done.stderr


@pytest.mark.parametrize("name", ["matrix.py", "wire.py"])
def test_a_peer_that_is_not_built_is_skipped_and_missed_with_all(name, tmp_path):
    copy = tmp_path / "crossdock"
    copy.mkdir()
    for path in [*CROSSDOCK.glob("*.py"), *CROSSDOCK.glob("driver/*.py")]:
        target = copy / path.relative_to(CROSSDOCK)
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    done = command(str(copy / name), "--all", "this", "go")
    assert done.returncode == 1
    assert done.stdout.startswith("skipped: go is not built")


@pytest.mark.parametrize("peer", peers.PEERS, ids=lambda peer: peer.name)
@pytest.mark.parametrize("way", ["standard input closes", "SIGTERM"])
def test_a_peer_answers_and_ends_with_what_it_had_sent(peer, way):
    if not peer.ready:
        pytest.skip(f"{peer.name} is not built: python crossdock/build.py")

    async def chain():
        capture = capturing.Capture()
        one = await peers.RunningPeer.start(peer, capture.port)
        try:
            server = run.Server(peer.name, peer.propagations, one.port)
            scenario = Scenario("jaeger", "sampled", 128, "plain")
            result = await run.ask(scenario, (server, server, server))
        finally:
            if way == "SIGTERM":
                one._process.send_signal(signal.SIGTERM)
                await asyncio.wait_for(one._process.wait(), 30)
            await one.stop()
            capture.close()
        assert result.judgement == known.Judgement([], [], [])
        assert run.check_reported(capture.batches(), [result]) == []
        # What a JVM says when a signal ends it.
        assert one._process.returncode in ((0, 143) if way == "SIGTERM" else (0,))

    asyncio.run(chain())


# A driver that can fail


class Servers:
    """Our servers in this process, of which some are made to do something wrong."""

    def __init__(self, monkeypatch):
        self.agent = RecordingAgent()
        monkeypatch.setenv("JAEGER_AGENT_HOST", "127.0.0.1")
        monkeypatch.setenv("JAEGER_AGENT_PORT", str(self.agent.port))
        self.opened = []

    def open(self, name, join=ours.JoinTrace, start=ours.StartTrace):
        tracers = Tracers(f"crossdock-{name}")
        application = tornado.web.Application(
            [
                ("/start_trace", start, {"tracers": tracers}),
                ("/join_trace", join, {"tracers": tracers}),
            ]
        )
        sockets = tornado.netutil.bind_sockets(0, "127.0.0.1")
        server = tornado.httpserver.HTTPServer(application)
        server.add_sockets(sockets)
        self.opened.append((server, tracers))
        return run.Server(name, ALL, sockets[0].getsockname()[1])

    async def close(self):
        for server, tracers in self.opened:
            server.stop()
            await server.close_all_connections()
            await tracers.close()


def through(monkeypatch, scenario, join=ours.JoinTrace, start=ours.StartTrace, faults=known.KNOWN):
    """Ask good -> bad -> good, where *join* or *start* is what the bad one does."""

    async def asked():
        servers = Servers(monkeypatch)
        good = servers.open("good")
        bad = servers.open("bad", join, start)
        chain = (bad, good, good) if start is not ours.StartTrace else (good, bad, good)
        try:
            return await run.ask(scenario, chain, faults)
        finally:
            await servers.close()
            servers.agent.close()

    return asyncio.run(asked())


def changing(change):
    """Return a server that does *change* to the headers before it looks at them."""

    class Changed(ours.JoinTrace):
        async def post(self):
            change(self.request.headers)
            await super().post()

    return Changed


def drop_baggage(headers):
    del headers["uberctx-crossdock-baggage-key"]


def change_baggage(headers):
    headers["uberctx-crossdock-baggage-key"] += "!"


def in_ids(position, change):
    def changed(headers):
        parts = headers["uber-trace-id"].split(":")
        parts[position] = change(parts[position])
        headers["uber-trace-id"] = ":".join(parts)

    return changed


@pytest.mark.parametrize(
    ("scenario", "change", "aspect"),
    [
        (SCENARIO, drop_baggage, "baggage"),
        (SCENARIO, change_baggage, "baggage"),
        (SCENARIO, in_ids(0, lambda text: f"{int(text, 16) ^ 1:x}"), "trace id"),
        (Scenario("jaeger", "sampled", 128, "no"), in_ids(0, lambda text: text[-16:]), "trace id"),
        (SCENARIO, in_ids(1, lambda text: f"{int(text, 16) ^ 1 or 2:x}"), "parent"),
        (SCENARIO, in_ids(3, lambda _: "0"), "sampled"),
        (Scenario("jaeger", "not sampled", 64, "no"), in_ids(3, lambda _: "1"), "sampled"),
        (Scenario("jaeger", "debug", 64, "no"), in_ids(3, lambda _: "1"), "debug"),
        (Scenario("jaeger", "debug id", 64, "no"), in_ids(3, lambda _: "1"), "debug"),
    ],
)
def test_a_peer_that_loses_or_changes_something_is_reported(monkeypatch, scenario, change, aspect):
    result = through(monkeypatch, scenario, changing(change))
    found = [(one.hop, one.sender, one.receiver, one.aspect) for one in result.judgement.failures]
    assert found == [(0, "good", "bad", aspect)]
    assert f"good -> bad: {aspect} is" in str(result.judgement.failures[0])


def test_a_chain_without_faults_has_no_findings(monkeypatch):
    for scenario in scenarios():
        result = through(monkeypatch, scenario)
        assert result.judgement == known.Judgement([], [], []), scenario


class Fails(ours.JoinTrace):
    async def post(self):
        raise tornado.web.HTTPError(503)


class SaysNothing(ours.JoinTrace):
    async def post(self):
        self.write({"span": {}, "notImplementedError": "not today"})


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("join", [Fails, SaysNothing])
def test_a_peer_that_does_not_answer_is_reported(monkeypatch, join):
    result = through(monkeypatch, SCENARIO, join)
    assert [one.aspect for one in result.judgement.failures] == ["answer"]


class StartsWrongly(ours.StartTrace):
    """Takes no notice of the question but for where to go on."""

    def question(self):
        asked = super().question()
        return {"downstream": asked["downstream"], "baggage": "mine", "sampled": True}


def test_a_peer_that_starts_another_trace_than_it_was_asked_to_is_reported(monkeypatch):
    scenario = Scenario("jaeger", "not sampled", 128, "plain")
    result = through(monkeypatch, scenario, start=StartsWrongly)
    found = {one.aspect for one in result.judgement.failures if one.hop == -1}
    assert found == {"sampled", "debug", "baggage", "trace id"}


def fault(**changes):
    values = {
        "label": "x",
        "peer": "bad",
        "senders": ("good",),
        "receivers": ("bad",),
        "propagation": "jaeger",
        "aspect": "baggage",
        "when": lambda state: " " in state["baggage"],
        "condition": "a blank",
        "reason": "a test",
    }
    return known.Known(**{**values, **changes})


def test_a_known_fault_is_no_failure_and_is_named(monkeypatch):
    result = through(monkeypatch, SCENARIO, changing(drop_baggage), faults=(fault(),))
    assert not result.judgement.failures
    assert not result.judgement.gone
    assert [one.label for _, one in result.judgement.known] == ["x"]
    assert table.summary([result]) == "1 known (x)"


@pytest.mark.parametrize(
    "changes",
    [
        {"aspect": "sampled"},
        {"receivers": ("good",), "senders": ("bad",)},
        {"propagation": "b3"},
        {"when": lambda state: not state["sampled"]},
    ],
)
def test_a_known_fault_excuses_nothing_else(monkeypatch, changes):
    result = through(monkeypatch, SCENARIO, changing(drop_baggage), faults=(fault(**changes),))
    assert [one.aspect for one in result.judgement.failures] == ["baggage"]


def test_a_known_fault_that_no_longer_happens_is_reported(monkeypatch):
    result = through(monkeypatch, SCENARIO, faults=(fault(),))
    assert result.judgement.gone == [f"fault x did not show: good -> bad, {SCENARIO}"]
    assert table.summary([result]) == "1 FAILED"
    with redirect_stdout(io.StringIO()) as text:
        assert matrix.report([result], []) is False
    assert "KNOWN FAULT THAT NO LONGER HAPPENS, 1 times" in text.getvalue()


def test_a_failure_fails_the_matrix_and_is_in_its_tables(monkeypatch):
    result = through(monkeypatch, SCENARIO, changing(drop_baggage))
    with redirect_stdout(io.StringIO()) as text:
        assert matrix.report([result], []) is False
    assert "good -> bad: baggage is ''" in text.getvalue()
    assert table.hop_rows([result], "jaeger") == [
        ["from \\ to", "good", "bad"],
        ["good", "not asked", "FAILED"],
        ["bad", "ok", "not asked"],
    ]


def test_what_was_reported_wrongly_fails_the_matrix(monkeypatch):
    result = through(monkeypatch, SCENARIO)
    assert len(run.check_reported([], [result])) == 5
    with redirect_stdout(io.StringIO()):
        assert matrix.report([result], ["a span is missing"]) is False
        assert matrix.report([result], []) is True


def batch_of(result, change=None):
    """Return what the peers of *result* should have sent, as Thrift's objects, one span each."""
    batches = []
    for name, answer in zip(result.names, result.answers):
        for span in filter(None, (answer["span"], answer.get("call"))):
            ids = {key: int(span[key], 16) for key in ("traceId", "spanId", "parentId")}
            sent = ttypes.Span(
                traceIdLow=ids["traceId"],
                traceIdHigh=0,
                spanId=ids["spanId"],
                parentSpanId=ids["parentId"],
                operationName="x",
                flags=1,
                startTime=0,
                duration=0,
            )
            process = ttypes.Process(f"crossdock-{name}")
            batches.append(ttypes.Batch(process=process, spans=[sent]))
    if change:
        change(batches)
    return batches


@pytest.mark.parametrize(
    "change",
    [
        lambda batches: batches.pop(),
        lambda batches: batches.append(batches[0]),
        lambda batches: setattr(batches[1].spans[0], "parentSpanId", 5),
        lambda batches: setattr(batches[2].process, "serviceName", "other"),
    ],
    ids=["missing", "twice", "parent", "service"],
)
def test_a_span_that_is_not_sent_as_it_was_made_is_reported(monkeypatch, change):
    result = through(monkeypatch, SCENARIO)
    assert run.check_reported(batch_of(result), [result]) == []
    assert run.check_reported(batch_of(result, change), [result])


def test_a_span_that_is_not_sampled_and_is_sent_is_reported(monkeypatch):
    result = through(monkeypatch, Scenario("jaeger", "not sampled", 64, "no"))
    assert run.check_reported([], [result]) == []
    assert len(run.check_reported(batch_of(result), [result])) == 5


def test_a_forced_trace_without_its_tag_is_reported(monkeypatch):
    result = through(monkeypatch, Scenario("jaeger", "debug id", 64, "no"))
    wrong = run.check_reported(batch_of(result), [result])
    assert wrong == [f"good: no tag jaeger-debug-id; {result.scenario}"]


def test_traces_that_were_created_are_counted():
    tag = ttypes.Tag(key="k", vType=0, vStr="v")
    span = ttypes.Span(operationName="created", tags=[tag])
    batch = ttypes.Batch(process=ttypes.Process("crossdock-go"), spans=[span] * 7)
    assert run.check_created([batch], ["go"]) == []
    assert run.check_created([batch], ["java"]) == [
        "java: 0 spans of /create_traces reported, not 7"
    ]


def test_every_format_is_asked_with_everything_that_it_can_carry():
    asked = scenarios()
    assert len(set(asked)) == len(asked) == 32 + 6 + 6 + 24
    assert {one.decision for one in asked if one.propagation == "jaeger"} == set(DECISIONS)
    assert {one.baggage for one in asked if one.propagation == "w3c"} == set(BAGGAGE)


# Our server, asked nonsense


def asking(monkeypatch, path, body, headers=None):
    async def asked():
        servers = Servers(monkeypatch)
        one = servers.open("good")
        try:
            return await tornado.httpclient.AsyncHTTPClient().fetch(
                f"http://127.0.0.1:{one.port}{path}",
                method="POST",
                body=body,
                headers=headers,
                raise_error=False,
            )
        finally:
            await servers.close()
            servers.agent.close()

    return asyncio.run(asked())


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/start_trace", b"{"),
        ("/start_trace", b"[]"),
        ("/start_trace", json.dumps({"propagation": "smoke"})),
        ("/join_trace", b"{}"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(monkeypatch, path, body):
    assert asking(monkeypatch, path, body).code == 400


def test_another_transport_is_not_implemented_and_said_so(monkeypatch):
    asked = question(SCENARIO, [("good", 1), ("good", 1)])
    asked["downstream"]["transport"] = "TCHANNEL"
    answer = json.loads(asking(monkeypatch, "/start_trace", json.dumps(asked)).body)
    assert "TCHANNEL" in answer["notImplementedError"]
    assert "downstream" not in answer
