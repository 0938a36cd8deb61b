"""Compares jaeger_like with its peers and prints the tables.

    python benchmarks/run.py [--quick] [--rounds N] [--workloads A,B] [--peers A,B] [--write]

Everything runs on this machine's loopback, bounded in count and time, and ends by itself.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import ProxyHandler, build_opener

import chart
import environments
import report
from peers import ENVIRONMENT_OF, VARIABLES_OF
from workloads import COUNTED, WORKLOADS

HERE = Path(__file__).resolve().parent

#: Seconds that a single measurement may take.
TIMEOUT = 180

#: The floors have nothing to hold, to lose or to grow.
FLOORS = ("noop", "empty")
WITH_FLOORS = (
    "unsampled",
    "caller",
    "wire",
    "threads",
    "firehose",
    "propagation",
    "startup",
    "jitter",
)

_direct = build_opener(ProxyHandler({}))  # loopback is no business of a proxy


class Sink:
    """The receiver, in a process of its own."""

    def __init__(self, python: Path) -> None:
        self._process = subprocess.Popen(
            [str(python), str(HERE / "sink.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environments.clean(),
        )
        assert self._process.stdout is not None
        ports = json.loads(self._process.stdout.readline())
        self.udp, self.http = ports["udp"], ports["http"]

    def ask(self, question: str) -> Any:
        """Return the answer to ``reset``, ``idle`` or ``report``."""
        url = f"http://127.0.0.1:{self.http}/bench/{question}"
        with _direct.open(url, timeout=TIMEOUT) as answer:
            return json.load(answer)

    def settled(self) -> Any:
        """Return the report once nothing has come for a moment."""
        deadline = time.monotonic() + 5
        while self.ask("idle")["idle"] < 0.2 and time.monotonic() < deadline:
            time.sleep(0.05)
        return self.ask("report")

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def running_sink(python: Path) -> Iterator[Sink]:
    """Start a sink and end it."""
    sink = Sink(python)
    try:
        yield sink
    finally:
        sink.close()


def measure(python: Path, workload: str, peer: str, scale: str, sink: Sink) -> dict[str, Any]:
    """Run one worker and return its numbers, with what arrived.

    :raises RuntimeError: it failed
    """
    sink.ask("reset")
    arguments = [workload, peer, scale, str(sink.udp), str(sink.http)]
    with tempfile.TemporaryDirectory() as elsewhere:  # where no package lies around
        run = subprocess.run(
            [str(python), str(HERE / "worker.py"), *arguments],
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            cwd=elsewhere,
            check=False,
            env=environments.clean(**VARIABLES_OF.get(peer, {})),
        )
    if run.returncode != 0:
        raise RuntimeError(f"{workload} of {peer} failed:\n{run.stdout}{run.stderr}")
    measured: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    measured["sink"] = None
    if workload in COUNTED and peer not in FLOORS:
        measured["sink"] = arrived = sink.settled()
        missing = measured["created"] + measured["warmed"] - arrived["spans"]
        if arrived["refused"]:
            raise RuntimeError(f"{workload} of {peer} sent more than the sink keeps")
        if missing and workload != "firehose":
            print(f"{peer} lost {missing} spans in {workload}", file=sys.stderr, flush=True)
    return measured


def wanted(workload: str, peer: str) -> bool:
    """Whether a workload says anything about a peer."""
    return peer not in FLOORS or workload in WITH_FLOORS


def has_c_encoder() -> bool:
    """Whether the installed jaeger_like has its C module."""
    run = subprocess.run(
        [str(environments.python_of("jaeger_like")), "-c", "import jaeger_like._encoder"],
        check=False,
        capture_output=True,
        env=environments.clean(),
    )
    return run.returncode == 0


def chosen(text: str | None, all_of_them: list[str], what: str) -> list[str]:
    """Return the names of a comma-separated list, in the usual order."""
    if not text:
        return all_of_them
    names = text.split(",")
    for name in names:
        if name not in all_of_them:
            raise SystemExit(f"unknown {what} {name}; there are: {', '.join(all_of_them)}")
    return [name for name in all_of_them if name in names]


def run_rounds(
    workloads: list[str], peers: list[str], rounds: int, scale: str
) -> list[dict[tuple[str, str], dict[str, Any]]]:
    """Measure everything *rounds* times, each time beginning with another peer."""
    results = []
    with running_sink(environments.python_of("sink")) as sink:
        for number in range(rounds):
            turn = number % len(peers)
            found: dict[tuple[str, str], dict[str, Any]] = {}
            for workload in workloads:
                line = f"round {number + 1}/{rounds}  {workload}"
                print(line, file=sys.stderr, flush=True)
                for peer in peers[turn:] + peers[:turn]:
                    if not wanted(workload, peer):
                        continue
                    python = environments.python_of(ENVIRONMENT_OF[peer])
                    try:
                        found[workload, peer] = measure(python, workload, peer, scale, sink)
                    except (RuntimeError, subprocess.TimeoutExpired) as exc:
                        print(f"left out: {exc}", file=sys.stderr, flush=True)
            # In the order of the peers, whoever was first this time.
            results.append(
                {key: found[key] for w in workloads for p in peers if (key := (w, p)) in found}
            )
    return results


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small counts and two rounds")
    parser.add_argument("--rounds", type=int, help="default: 5, with --quick 2")
    parser.add_argument("--workloads", help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--peers", help=f"of {', '.join(ENVIRONMENT_OF)}")
    parser.add_argument("--write", action="store_true", help="write RESULTS.md and results.svg")
    parser.add_argument("--raw", type=Path, help="file for everything that was measured, as JSON")
    arguments = parser.parse_args()
    workloads = chosen(arguments.workloads, list(WORKLOADS), "workload")
    peers = chosen(arguments.peers, list(ENVIRONMENT_OF), "peer")
    scale = "quick" if arguments.quick else "full"
    rounds = arguments.rounds or (2 if arguments.quick else 5)

    for environment in dict.fromkeys(["sink", *(ENVIRONMENT_OF[peer] for peer in peers)]):
        environments.prepare(environment)
    if "jaeger_like_c" in peers and not has_c_encoder():
        print("jaeger_like's C module was not built: left out", file=sys.stderr)
        peers.remove("jaeger_like_c")

    results = run_rounds(workloads, peers, rounds, scale)
    print(report.tables(results))
    if arguments.raw:
        rows = [{f"{w} {p}": m for (w, p), m in found.items()} for found in results]
        arguments.raw.write_text(json.dumps(rows, indent=1) + "\n")
    if arguments.write:
        (HERE / "RESULTS.md").write_text(report.document(results, environments.versions(), scale))
        (HERE / "results.svg").write_text(chart.svg(chart.groups(results)))


if __name__ == "__main__":
    main()
