"""Trace for a long time at a steady rate, and see that nothing is lost and nothing grows.

``python scripts/soak.py --seconds 600 --rate 5000``: a sink in a process of its own receives what
this one traces with the default configuration. Spans are counted by id at the sink. After a tenth
of the time, and at the end, resident memory, what Python has allocated, descriptors and threads
are measured. Ends with 1 if a span is missing or came twice, or if anything has grown.
"""

from __future__ import annotations

import argparse
import array
import gc
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any

PER_TRACE = 10  # spans
#: What may be new at the end: allocators keep a little, and so do caches that are filled late.
MAX_RSS_GROWTH = 4 << 20
MAX_PYTHON_GROWTH = 512 << 10


def main() -> int:
    """Run, print the figures, return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=int, default=5000, help="spans a second")
    parser.add_argument("--no-tracemalloc", action="store_true", help="it costs half of the speed")
    parser.add_argument("--sink", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.sink:
        return sink()
    with subprocess.Popen(
        [sys.executable, __file__, "--sink"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as receiver:
        assert receiver.stdin is not None
        assert receiver.stdout is not None
        port = int(receiver.stdout.readline())
        try:
            figures = soak(port, arguments.seconds, arguments.rate, not arguments.no_tracemalloc)
        finally:
            receiver.stdin.close()  # that is how it learns of the end
        came = json.loads(receiver.stdout.readline())
    return judge(figures, came)


def soak(port: int, seconds: float, rate: int, with_tracemalloc: bool) -> dict[str, float]:
    """Trace, and return what was measured."""
    from jaeger_like import Config

    settings = {
        "sampler": {"type": "const", "param": 1},
        "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": port},
    }
    tracer = Config(settings, service_name="soak").new_tracer()
    if with_tracemalloc:
        tracemalloc.start()
    started = time.monotonic()
    finished, checksum = 0, 0
    late = 0.0
    before: dict[str, float] = {}
    while True:
        elapsed = time.monotonic() - started
        if elapsed >= seconds:
            break
        if not before and elapsed >= seconds / 10:
            tracer.flush(10)
            before = measure()
        ids = trace(tracer, finished)
        finished += len(ids)
        for span_id in ids:
            checksum ^= span_id
        ahead = finished / rate - (time.monotonic() - started)
        if ahead > 0:
            time.sleep(ahead)
        late = max(late, -ahead)
    elapsed = time.monotonic() - started
    flushed = tracer.flush(10)
    after = measure()
    tracer.close().result(10)
    return {
        "seconds": elapsed,
        "finished": finished,
        "checksum": checksum,
        "flushed": flushed,
        "late": late,
        **{f"{key} before": value for key, value in before.items()},
        **{f"{key} after": value for key, value in after.items()},
    }


def trace(tracer: Any, number: int) -> list[int]:
    """Finish the spans of one trace; return their ids."""
    ids = []
    with tracer.start_active_span("request", tags={"number": number}) as scope:
        ids.append(scope.span.span_id)
        for step in range(PER_TRACE - 1):
            with tracer.start_active_span(f"step {step}") as inner:
                inner.span.set_tag("peer.service", "database").set_tag("rows", number % 100)
                if step == 0:
                    inner.span.log_kv({"event": "query", "text": "select 1"})
                ids.append(inner.span.span_id)
    return ids


def measure() -> dict[str, float]:
    """Return what must not grow."""
    gc.collect()
    figures: dict[str, float] = {"threads": threading.active_count()}
    process = Path("/proc/self")
    if process.is_dir():
        figures["descriptors"] = len(list((process / "fd").iterdir()))
        pages = int((process / "statm").read_text().split()[1])
        figures["rss"] = pages * os.sysconf("SC_PAGE_SIZE")
    if tracemalloc.is_tracing():
        figures["python"] = tracemalloc.get_traced_memory()[0]
    return figures


def sink() -> int:
    """Receive and decode until the other side is done; say how many ids came, and how often."""
    from jaeger_like.testing import decode

    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    sock.bind(("127.0.0.1", 0))
    print(sock.getsockname()[1], flush=True)
    datagrams: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()

    def receive() -> None:  # reading goes before decoding, so that the kernel's buffer has room
        while True:
            datagrams.put(sock.recv(65536))

    def wait_for_the_end() -> None:
        sys.stdin.read()
        time.sleep(1)  # what was sent before is in the socket's buffer at least
        datagrams.put(None)

    for function in (receive, wait_for_the_end):
        threading.Thread(target=function, daemon=True).start()
    ids = array.array("Q")
    lost = (0, 0, 0)
    while datagram := datagrams.get():
        batch = decode(datagram)
        ids.extend(span.span_id for span in batch.spans)
        lost = batch.stats or lost
    checksum = 0
    for span_id in ids:
        checksum ^= span_id
    came = {"came": len(ids), "different": len(set(ids)), "checksum": checksum, "lost": lost}
    print(json.dumps(came))
    return 0


def judge(figures: dict[str, float], came: dict[str, object]) -> int:
    """Print what was found; return 1 if anything is wrong."""
    wrong = []
    rate = figures["finished"] / figures["seconds"]
    print(
        f"{figures['finished']:,.0f} spans in {figures['seconds']:.1f} s, {rate:,.0f}/s, "
        f"at most {figures['late']:.2f} s behind"
    )
    print(f"the sink got {came['came']:,} spans, {came['different']:,} different ids")
    if not figures["flushed"]:
        wrong.append("flush() says that something was not sent")
    if came["came"] != figures["finished"] or came["different"] != figures["finished"]:
        wrong.append("spans are missing or came twice")
    if came["checksum"] != figures["checksum"]:
        wrong.append("other spans came than were finished")
    if any(came["lost"]):
        wrong.append(f"the client told of losses: {came['lost']}")
    limits = {
        "threads": 0,
        "descriptors": 0,
        "rss": MAX_RSS_GROWTH,
        "python": MAX_PYTHON_GROWTH,
    }
    for key, limit in limits.items():
        if f"{key} after" not in figures:
            continue
        before, after = figures[f"{key} before"], figures[f"{key} after"]
        print(f"{key}: {before:,.0f} after the first tenth, {after:,.0f} at the end")
        if after - before > limit:
            wrong.append(f"{key} has grown by {after - before:,.0f}")
    for line in wrong:
        print(f"WRONG: {line}")
    print("failed" if wrong else "fine")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
