"""Lets every peer make the same spans, and compares what arrives at a socket.

    python crossdock/wire.py                 the peers that are built; says which are not
    python crossdock/wire.py --all           fails if one is not
    python crossdock/wire.py this go         only these
    python crossdock/wire.py --all --write   also writes the tables in README.md

Thrift's own generated code decodes what came. Ends with status 1 if a client sends something else
than it was asked to that is not a documented difference, or if a documented one was not met.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass
from typing import Any

from driver.capture import Capture
from driver.differences import DIFFERENCES, Comparison, compare
from driver.model import model_of
from driver.peers import CROSSDOCK, Peer, RunningPeer, choose
from driver.run import post
from driver.table import columns, markdown, write_between
from driver.wire_spans import SPANS, expected


@dataclass(frozen=True)
class Sent:
    """What came from one peer, how it was written, and how it compares."""

    peer: Peer
    protocol: str
    parents: str
    comparison: Comparison


async def send(peer: Peer) -> Sent:
    """Start *peer*, let it make the spans, end it, and compare what it sent."""
    capture = Capture()
    try:
        running = await RunningPeer.start(peer, capture.port)
        try:
            for bits, spans in SPANS.items():
                await post(running.port, "/emit_spans", {"traceIdBits": bits, "spans": spans})
        finally:
            await running.stop()
    finally:
        capture.close()
    batches = capture.batches()
    if not batches:
        nothing = Comparison(0, [], ["nothing arrived"], [])
        return Sent(peer, "none", "", nothing)
    compared = compare(peer.name, expected(f"crossdock-{peer.name}"), model_of(batches))
    compact = all(datagram[0] == 0x82 for datagram in capture.datagrams)
    return Sent(peer, "compact" if compact else "binary", parents(spans_of(capture)), compared)


def spans_of(capture: Capture) -> list[Any]:
    """Return all spans that came."""
    return [span for batch in capture.batches() for span in batch.spans]


def parents(spans: list[Any]) -> str:
    """Return in which of the two places a span's only parent stands on the wire."""
    for span in spans:
        if span.operationName == "64 child":
            places = []
            if span.parentSpanId:
                places.append("parentSpanId")
            if span.references:
                places.append("references")
            return " and ".join(places)
    return ""


def rows(sent: list[Sent]) -> list[list[str]]:
    """Return a row for each peer."""
    table = [["client", "protocol", "a child's parent stands in", "equal", "otherwise", "failed"]]
    for one in sent:
        compared = one.comparison
        otherwise = sum(len(paths) for _, paths in compared.documented)
        table.append(
            [
                one.peer.name,
                one.protocol,
                one.parents,
                str(compared.compared - otherwise - len(compared.failures)),
                str(otherwise),
                str(len(compared.failures) + len(compared.gone)),
            ]
        )
    return table


def difference_rows() -> list[list[str]]:
    """Return a row for each documented difference."""
    table = [["client", "where", "sends instead", "why"]]
    table += [
        [", ".join(entry.peers), f"`{entry.paths}`", entry.instead, entry.reason]
        for entry in DIFFERENCES
    ]
    return table


async def send_all(peers: list[Peer]) -> list[Sent]:
    """Let one peer after the other send."""
    return [await send(peer) for peer in peers]


def main() -> int:
    """Compare and return the status of the process."""
    parser = argparse.ArgumentParser(description="the same spans, made by every client")
    parser.add_argument("--all", action="store_true", help="fail if a peer is not built")
    parser.add_argument("--write", action="store_true", help="write the tables in README.md")
    parser.add_argument("peers", nargs="*", metavar="PEER", help="only these")
    arguments = parser.parse_args()
    peers, missing = choose(arguments.peers)
    for peer in missing:
        print(f"skipped: {peer.name} is not built (python crossdock/build.py says why)")
    if arguments.all and missing:
        return 1
    sent = asyncio.run(send_all(peers))
    print(columns(rows(sent)))
    wrong = False
    for one in sent:
        for title, lines in (
            ("FAILED", one.comparison.failures),
            ("DOCUMENTED, BUT NOT SO", one.comparison.gone),
        ):
            for line in lines:
                wrong = True
                print(f"{title}: {one.peer.name}: {line}")
    print(f"\ndocumented differences\n\n{columns(difference_rows())}")
    if arguments.write:
        text = f"{markdown(rows(sent))}\n\nDocumented differences:\n\n{markdown(difference_rows())}"
        write_between(CROSSDOCK / "README.md", "wire", text)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
