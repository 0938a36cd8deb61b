"""Asks every chain of three peers to carry traces, and says what did not arrive.

    python crossdock/matrix.py                 the peers that are built; says which are not
    python crossdock/matrix.py --all           fails if one is not
    python crossdock/matrix.py this go         only these
    python crossdock/matrix.py --all --write   also writes the tables in README.md

Ends with status 1 if something failed that is not a known fault of a peer, or if a known fault did
not happen.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time

from driver.chain import scenarios
from driver.peers import CROSSDOCK, Peer, choose
from driver.run import Result, run
from driver.table import (
    PROPAGATIONS,
    chain_rows,
    columns,
    hop_rows,
    known_rows,
    markdown,
    write_between,
)

SHOWN = 20  # lines of a kind


def report(results: list[Result], wrong: list[str]) -> bool:
    """Print what came of it, and return whether it is as it should be."""
    print(columns(chain_rows(results)))
    failures = [
        f"{result.scenario}: {' -> '.join(result.names)}: {finding}"
        for result in results
        for finding in result.judgement.failures
    ]
    gone = [line for result in results for line in result.judgement.gone]
    for title, lines in (
        ("FAILED", failures),
        ("KNOWN FAULT THAT NO LONGER HAPPENS", gone),
        ("REPORTING", wrong),
    ):
        if lines:
            print(f"\n{title}, {len(lines)} times:")
            for line in lines[:SHOWN]:
                print(f"  {line}")
    print(f"\nknown faults\n\n{columns(known_rows())}")
    known = sum(bool(result.judgement.known) for result in results)
    print(
        f"\n{len(results)} traces through {len({result.names for result in results})} chains: "
        f"{len(failures)} failures, {known} with known faults, {len(gone)} faults gone, "
        f"{len(wrong)} reported wrongly"
    )
    return not (failures or gone or wrong)


def written(results: list[Result], peers: list[Peer]) -> str:
    """Return the tables as Markdown."""
    chains = len({result.names for result in results})
    clients = [["name", "client", "formats"]]
    clients += [[peer.name, peer.client, ", ".join(peer.propagations)] for peer in peers]
    parts = [markdown(clients)]
    parts.append(
        f"{len(results)} traces through {chains} chains of three. A cell is a hop, from the client "
        "at its left to the one above it, in all chains and scenarios in which it occurs. Letters "
        "are the known faults below."
    )
    for propagation in PROPAGATIONS:
        count = sum(result.scenario.propagation == propagation for result in results)
        asked = len(scenarios((propagation,)))
        parts.append(f"`{propagation}`: {count} traces, {asked} scenarios")
        parts.append(markdown(hop_rows(results, propagation)))
    parts.append("Known faults of peers:")
    parts.append(markdown(known_rows()))
    return "\n\n".join(parts)


def main() -> int:
    """Run the matrix and return the status of the process."""
    parser = argparse.ArgumentParser(description="traces through every chain of three peers")
    parser.add_argument("--all", action="store_true", help="fail if a peer is not built")
    parser.add_argument("--write", action="store_true", help="write the tables in README.md")
    parser.add_argument("peers", nargs="*", metavar="PEER", help="only these")
    arguments = parser.parse_args()
    peers, missing = choose(arguments.peers)
    for peer in missing:
        print(f"skipped: {peer.name} is not built (python crossdock/build.py says why)")
    if arguments.all and missing:
        return 1
    began = time.monotonic()
    results, wrong = asyncio.run(run(peers))
    good = report(results, wrong)
    print(f"{time.monotonic() - began:.0f} s")
    if arguments.write:
        write_between(CROSSDOCK / "README.md", "matrix", written(results, peers))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
