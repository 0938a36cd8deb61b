"""Chains of servers, what is asked of them, and what is wrong with their answers."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

#: What a trace begins with, and what its first server shall then say of it: sampled and debug.
DECISIONS = {
    "sampled": (True, False),
    "not sampled": (False, False),
    "debug": (True, True),
    "debug id": (True, True),
}
BAGGAGE = {
    "no": "",
    "plain": "token-1",
    "ascii": 'with blank, comma; and % + / = "quotes" \\ ~',
    "unicode": "grüße 日本 🎈",
}
DEBUG_ID = "ticket-42"
#: Formats that have a place for baggage. Some clients add headers of their own to B3.
WITH_BAGGAGE = ("jaeger", "w3c")
#: Formats that can say "debug", which is more than "sampled".
WITH_DEBUG = ("jaeger", "b3", "b3-single")


@dataclass(frozen=True)
class Scenario:
    """One way to begin a trace.

    :ivar propagation: ``jaeger``, ``b3``, ``b3-single`` or ``w3c``, on all hops
    :ivar decision: a key of :data:`DECISIONS`
    :ivar bits: width of the trace id, 64 or 128
    :ivar baggage: a key of :data:`BAGGAGE`
    """

    propagation: str
    decision: str
    bits: int
    baggage: str

    def __str__(self) -> str:
        return f"{self.propagation}, {self.decision}, {self.bits} bits, {self.baggage} baggage"


def scenarios(
    propagations: tuple[str, ...] = ("jaeger", "b3", "b3-single", "w3c"),
) -> list[Scenario]:
    """Return everything that is asked of a chain whose peers have these *propagations*."""
    made = []
    for propagation in propagations:
        # The header for a debug id belongs to Jaeger's format.
        decisions = [name for name in DECISIONS if propagation == "jaeger" or name != "debug id"]
        baggage = list(BAGGAGE) if propagation in WITH_BAGGAGE else ["no"]
        made += [
            Scenario(propagation, *rest)
            for rest in itertools.product(decisions, (64, 128), baggage)
        ]
    return made


@dataclass(frozen=True)
class Finding:
    """Something that did not arrive, or arrived changed, on one hop of a chain.

    :ivar hop: its number, from 0; -1 for what the first server made of the question
    :ivar sender: name of the peer; empty for the question
    :ivar receiver: name of the peer
    :ivar aspect: ``answer``, ``trace id``, ``parent``, ``sampled``, ``debug``, ``baggage``,
        ``reported``
    :ivar had: what the sender says it had
    :ivar got: what the receiver says it got
    """

    hop: int
    sender: str
    receiver: str
    aspect: str
    had: Any
    got: Any

    def __str__(self) -> str:
        hop = f"{self.sender} -> {self.receiver}" if self.sender else self.receiver
        return f"{hop}: {self.aspect} is {self.got!r}, not {self.had!r}"


def question(scenario: Scenario, chain: list[tuple[str, int]]) -> dict[str, Any]:
    """Return what to post to the first of a *chain* of names and ports."""
    downstream: dict[str, Any] | None = None
    for number, (name, port) in reversed(list(enumerate(chain))[1:]):
        downstream = {
            "serviceName": f"crossdock-{name}",
            "serverRole": f"S{number + 1}",
            "host": "127.0.0.1",
            "port": str(port),
            "transport": "HTTP",
            "downstream": downstream,
        }
    asked: dict[str, Any] = {
        "serverRole": "S1",
        "sampled": scenario.decision != "not sampled",
        "baggage": BAGGAGE[scenario.baggage],
        "downstream": downstream,
        "propagation": scenario.propagation,
        "traceIdBits": scenario.bits,
    }
    if scenario.decision in ("sampled", "debug id"):
        asked["mode"] = "sampler"
    return asked


def question_headers(scenario: Scenario) -> dict[str, str]:
    """Return the headers to post it with."""
    headers = {"Content-Type": "application/json"}
    if scenario.decision == "debug id":
        headers["jaeger-debug-id"] = DEBUG_ID
    return headers


def aspects(scenario: Scenario) -> tuple[str, ...]:
    """Return what the format of *scenario* carries besides the ids."""
    found = ["sampled"]
    if scenario.propagation in WITH_DEBUG:
        found.append("debug")
    if scenario.propagation in WITH_BAGGAGE:
        found.append("baggage")
    return tuple(found)


def check(scenario: Scenario, names: list[str], answer: Any) -> list[Finding]:
    """Return what is wrong with the *answer* of a chain of *names*."""
    findings = []
    answers = flatten(answer)
    if len(answers) != len(names):
        return [
            Finding(-1, "", names[0], "answer", len(names), f"{len(answers)} servers: {answer}")
        ]
    first = answers[0]["span"]
    sampled, debug = DECISIONS[scenario.decision]
    begun = {"sampled": sampled, "debug": debug, "baggage": BAGGAGE[scenario.baggage]}
    for aspect, expected in begun.items():
        if first[aspect] != expected:
            findings.append(Finding(-1, "", names[0], aspect, expected, first[aspect]))
    if identifier(first["parentId"]):
        findings.append(Finding(-1, "", names[0], "parent", "0", first["parentId"]))
    trace_id = identifier(first["traceId"])
    # The high half of a random id is 0 once in 2^64 times.
    if (trace_id >> 64 != 0) != (scenario.bits == 128) or not trace_id & ((1 << 64) - 1):
        findings.append(
            Finding(-1, "", names[0], "trace id", f"{scenario.bits} bits", first["traceId"])
        )
    for number in range(len(names) - 1):
        findings += check_hop(
            scenario, number, names[number : number + 2], answers[number : number + 2]
        )
    return findings


def check_hop(
    scenario: Scenario, hop: int, names: list[str], answers: list[dict[str, Any]]
) -> list[Finding]:
    """Return what differs between the answers of two neighbours."""
    findings = []
    sender, receiver = names
    span, call, got = answers[0]["span"], answers[0]["call"], answers[1]["span"]
    if identifier(call["parentId"]) != identifier(span["spanId"]):
        findings.append(Finding(hop, sender, sender, "parent", span["spanId"], call["parentId"]))
    if identifier(got["parentId"]) != identifier(call["spanId"]):
        findings.append(Finding(hop, sender, receiver, "parent", call["spanId"], got["parentId"]))
    if identifier(got["traceId"]) != identifier(span["traceId"]):
        findings.append(Finding(hop, sender, receiver, "trace id", span["traceId"], got["traceId"]))
    findings += [
        Finding(hop, sender, receiver, aspect, span[aspect], got[aspect])
        for aspect in aspects(scenario)
        if span[aspect] != got[aspect]
    ]
    return findings


def flatten(answer: Any) -> list[dict[str, Any]]:
    """Return the answers of all servers, the first one's first."""
    answers = []
    while answer:
        if answer.get("notImplementedError"):
            break
        answers.append(answer)
        answer = answer.get("downstream")
    return answers


def identifier(text: str) -> int:
    """Return the number that an id of hexadecimal digits is; clients pad them as they like."""
    return int(text or "0", 16)
