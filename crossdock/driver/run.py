"""Asks every chain of three, and collects what came of it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPError

from .capture import Capture
from .chain import (
    DEBUG_ID,
    Finding,
    Scenario,
    check,
    flatten,
    identifier,
    question,
    question_headers,
    scenarios,
)
from .known import KNOWN, Judgement, Known, judge
from .peers import Peer, RunningPeer

CHAINS_AT_ONCE = 16
LENGTH = 3
TRACES = 7  # asked of /create_traces


@dataclass(frozen=True)
class Result:
    """A chain that was asked."""

    scenario: Scenario
    names: tuple[str, ...]
    answers: list[dict[str, Any]]
    judgement: Judgement


@dataclass(frozen=True)
class Server:
    """Where a peer can be asked."""

    name: str
    propagations: tuple[str, ...]
    port: int


async def post(port: int, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
    """Return the JSON that a server on 127.0.0.1 answers."""
    response = await AsyncHTTPClient().fetch(
        f"http://127.0.0.1:{port}{path}",
        method="POST",
        headers=headers or {"Content-Type": "application/json"},
        body=json.dumps(body),
        request_timeout=60,
    )
    return json.loads(response.body)


async def ask(
    scenario: Scenario, chain: tuple[Server, ...], table: tuple[Known, ...] = KNOWN
) -> Result:
    """Ask one *chain* and judge its answer."""
    names = [server.name for server in chain]
    asked = question(scenario, [(server.name, server.port) for server in chain])
    try:
        answer = await post(chain[0].port, "/start_trace", asked, question_headers(scenario))
    except (HTTPError, OSError) as exc:
        body = getattr(getattr(exc, "response", None), "body", b"") or b""
        answers, findings = [], [Finding(-1, "", names[0], "answer", "one", f"{exc} {body!r:.300}")]
    else:
        answers = flatten(answer)
        findings = check(scenario, names, answer)
    return Result(scenario, tuple(names), answers, judge(scenario, names, answers, findings, table))


async def ask_all(servers: list[Server], table: tuple[Known, ...] = KNOWN) -> list[Result]:
    """Ask every ordered chain of three, repeats too, in every scenario that all three speak."""
    AsyncHTTPClient.configure(None, max_clients=2 * CHAINS_AT_ONCE)
    gate = asyncio.Semaphore(CHAINS_AT_ONCE)

    async def ask_one(scenario: Scenario, chain: tuple[Server, ...]) -> Result:
        async with gate:
            return await ask(scenario, chain, table)

    return await asyncio.gather(
        *(
            ask_one(scenario, chain)
            for chain in itertools.product(servers, repeat=LENGTH)
            for scenario in scenarios()
            if all(scenario.propagation in server.propagations for server in chain)
        )
    )


async def run(peers: Iterable[Peer]) -> tuple[list[Result], list[str]]:
    """Start *peers*, ask everything, end them, and return results and what else is wrong."""
    capture = Capture()
    running: list[RunningPeer] = []
    wrong: list[str] = []
    try:
        for peer in peers:
            # One by one, so that those that run are ended when the next does not start.
            running.append(await RunningPeer.start(peer, capture.port))  # noqa: PERF401  see above
        servers = [Server(one.peer.name, one.peer.propagations, one.port) for one in running]
        results = await ask_all(servers)
        for server in servers:
            asked = {"type": "const", "operation": "created", "count": TRACES, "tags": {"k": "v"}}
            answer = await post(server.port, "/create_traces", asked)
            if answer.get("created") != TRACES:
                wrong.append(f"{server.name}: /create_traces answers {answer}")
    finally:
        # Ending sends what is waiting, and on loopback what was sent is there.
        await asyncio.gather(*(one.stop() for one in running))
        capture.close()
    batches = capture.batches()
    wrong += check_created(batches, [server.name for server in servers])
    wrong += check_reported(batches, results)
    return results, wrong


def check_created(batches: list[Any], names: list[str]) -> list[str]:
    """Return what is wrong with the spans that ``/create_traces`` made."""
    wrong = []
    for name in names:
        found = [
            span
            for batch in batches
            if batch.process.serviceName == f"crossdock-{name}"
            for span in batch.spans
            if span.operationName == "created"
            and any((tag.key, tag.vStr) == ("k", "v") for tag in span.tags or ())
        ]
        if len(found) != TRACES:
            wrong.append(f"{name}: {len(found)} spans of /create_traces reported, not {TRACES}")
    return wrong


def check_reported(batches: list[Any], results: list[Result]) -> list[str]:
    """Return what differs between the spans in the answers and those that were sent.

    A sampled span is sent once, with its parent; one that is not sampled is not sent. The first of
    a trace that was forced by a debug id has that as a tag.
    """
    debug_tags: set[tuple[int, int]] = set()
    sent: dict[tuple[int, int], list[tuple[str, int]]] = {}
    for batch in batches:
        for span in batch.spans:
            ids = trace_id_of(span), unsigned(span.spanId)
            sent.setdefault(ids, []).append((batch.process.serviceName, parent_of(span)))
            if any((tag.key, tag.vStr) == ("jaeger-debug-id", DEBUG_ID) for tag in span.tags or ()):
                debug_tags.add(ids)
    wrong = []
    for result in results:
        if result.scenario.decision == "debug id" and result.answers:
            first = result.answers[0]["span"]
            if (identifier(first["traceId"]), identifier(first["spanId"])) not in debug_tags:
                wrong.append(f"{result.names[0]}: no tag jaeger-debug-id; {result.scenario}")
        for name, answer in zip(result.names, result.answers):
            for span in filter(None, (answer["span"], answer.get("call"))):
                ids = identifier(span["traceId"]), identifier(span["spanId"])
                expected = [(f"crossdock-{name}", identifier(span["parentId"]))]
                found = sent.get(ids, [])
                if found != (expected if span["sampled"] else []):
                    wrong.append(f"{name}: {span} was reported as {found}; {result.scenario}")
    return wrong


def unsigned(number: int) -> int:
    """Return the id that Thrift's signed *number* stands for."""
    return number & ((1 << 64) - 1)


def trace_id_of(span: Any) -> int:
    """Return the trace id of a span, 64 or 128 bits."""
    return unsigned(span.traceIdHigh) << 64 | unsigned(span.traceIdLow)


def parent_of(span: Any) -> int:
    """Return the parent's id, as backends read it: the field, or the first child-of reference."""
    if span.parentSpanId:
        return unsigned(span.parentSpanId)
    for reference in span.references or ():
        if reference.refType == 0 and reference.traceIdLow == span.traceIdLow:
            return unsigned(reference.spanId)
    return 0
