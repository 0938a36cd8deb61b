"""Two services and the embedded agent in three processes; see their traces.

    python examples/demo.py

Needs no backend and no free port in particular, and ends by itself: with 0 when every span arrived.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DEADLINE = 30.0  # seconds; it takes about three
REQUESTS = ("item=apple&customer=ann", "item=melon&customer=bob", "item=unicorn&customer=ann")
# Spans of one request: frontend GET, check, ask backend; backend GET, query.
SPANS_PER_TRACE = 5
PORTS = ("udp-compact", "udp-binary", "sampling", "collector", "query")


def environment() -> dict[str, str]:
    """Let the processes find the package in a checkout that is not installed, too."""
    paths = [str(HERE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}


@contextlib.contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process that is gone at the end, come what may."""
    process = subprocess.Popen(
        [sys.executable, *command],
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(),
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def first_line(process: subprocess.Popen[str]) -> str:
    """What a process says when it is ready."""
    watchdog = threading.Timer(DEADLINE, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
    finally:
        watchdog.cancel()
    if not line:
        raise SystemExit(f"{process.args} did not start")
    return line


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310  http://127.0.0.1
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def traces(query: str) -> list[Any]:
    """All traces of the frontend, as Jaeger's own query service would give them."""
    data: list[Any] = json.loads(fetch(f"{query}/api/traces?service=frontend")[1])["data"]
    return data


def wait_for_spans(query: str) -> list[Any]:
    """Ask until all spans are there: the services send them about once per second."""
    deadline = time.monotonic() + DEADLINE
    while True:
        found = traces(query)
        if [len(trace["spans"]) for trace in found] == [SPANS_PER_TRACE] * len(REQUESTS):
            return found
        if time.monotonic() > deadline:
            raise SystemExit(f"not all spans arrived: {[len(t['spans']) for t in found]}")
        time.sleep(0.05)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # leave by the exits that clean up
    free = [part for name in PORTS for part in (f"--{name}-port", "0")]
    with contextlib.ExitStack() as stack:
        # It prints each trace once, at its end: on a busy machine the services may send their parts
        # of a trace seconds apart.
        quiet = f"--quiet-after={2 * DEADLINE}"
        agent = stack.enter_context(
            running("-m", "jaeger_like", "all-in-one", "--json-ports", quiet, *free)
        )
        ports = json.loads(first_line(agent))
        query = f"http://127.0.0.1:{ports['query_port']}"
        agent_port = f"--agent-port={ports['compact_port']}"

        backend = stack.enter_context(running(str(HERE / "backend.py"), agent_port))
        backend_url = f"http://127.0.0.1:{first_line(backend).strip()}"
        frontend = stack.enter_context(
            running(str(HERE / "frontend.py"), agent_port, f"--backend={backend_url}")
        )
        frontend_url = f"http://127.0.0.1:{first_line(frontend).strip()}"

        print("Requests:")
        for request in REQUESTS:
            code, text = fetch(f"{frontend_url}/buy?{request}")
            print(f"  GET /buy?{request} -> {code} {text}")

        found = wait_for_spans(query)
        check(query, found)
        agent.terminate()  # it prints what it has not printed yet
        print("\nWhat the agent saw:")
        assert agent.stdout is not None
        print(agent.stdout.read())
        if agent.wait(DEADLINE) != 0:
            raise SystemExit(f"the agent ended with {agent.returncode}")
        print(f"All {SPANS_PER_TRACE * len(found)} spans of {len(found)} traces arrived.")
        print(f"While it ran, {query}/ showed them in a browser. To keep an agent running:")
        print("  python -m jaeger_like all-in-one")
    return 0


def check(query: str, found: list[Any]) -> None:
    """Fetch one trace by its id, and see that it is whole."""
    trace_id = found[0]["traceID"]
    url = f"{query}/api/traces/{trace_id}"
    [trace] = json.loads(fetch(url)[1])["data"]
    services = sorted(process["serviceName"] for process in trace["processes"].values())
    roots = [span for span in trace["spans"] if not span["references"]]
    errors = sum(
        tag["key"] == "error" for trace in found for span in trace["spans"] for tag in span["tags"]
    )
    customers = {
        tag["value"]
        for trace in found
        for span in trace["spans"]
        for tag in span["tags"]
        if tag["key"] == "customer"
    }
    expected = (["backend", "frontend"], 1, 3, {"ann", "bob"})
    if (services, len(roots), errors, customers) != expected:
        raise SystemExit(f"expected {expected}, got {(services, len(roots), errors, customers)}")
    print(f"\nFetched {url}: {len(trace['spans'])} spans of {' and '.join(services)}")


if __name__ == "__main__":
    sys.exit(main())
