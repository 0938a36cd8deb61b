"""What is measured. Each function takes a peer and a scale, and returns numbers.

``created`` and ``warmed`` count spans: those measured, and those before them that filled caches
and started threads. Both are sent, so the sink has to have seen their sum.
"""

from __future__ import annotations

import gc
import sys
from time import perf_counter, process_time, sleep, thread_time

from measuring import (
    calibrate,
    median,
    microseconds,
    native_threads,
    quantile,
    resident,
    turns_of_loop,
)
from peers.material import TRACE, some_tags

TYPE_CHECKING = False  # what is imported here is missing from the cost of a peer's start
if TYPE_CHECKING:
    from typing import Any

#: Counts and seconds by scale: for figures, for a look, and for a test of the scripts.
SCALES: dict[str, dict[str, Any]] = {
    "full": {
        "repeats": 15,
        "spans": 4_000,
        "traces": 1_000,
        "bursts": 3,
        "seconds": 5.0,
        "held": 40_000,
        "jitter": 6.0,
    },
    "quick": {
        "repeats": 5,
        "spans": 2_000,
        "traces": 400,
        "bursts": 1,
        "seconds": 1.0,
        "held": 20_000,
        "jitter": 0.6,
    },
    "tiny": {
        "repeats": 2,
        "spans": 50,
        "traces": 10,
        "bursts": 1,
        "seconds": 0.2,
        "held": 400,
        "jitter": 0.2,
    },
}


#: Slices without and with spans, in turns.
PAIRS = 9


# -- on the caller's thread --------------------------------------------------------------------


def unsampled(peer: Any, scale: Any) -> dict[str, Any]:
    """A child with three tags below a parent that is not sampled."""
    peer.start(sampled=False)
    peer.parent()
    count = scale["spans"]
    active, explicit = [], []
    for _ in range(1 + scale["repeats"]):
        active.append(microseconds(thread_time, count, lambda: peer.spans(count)))
        explicit.append(microseconds(thread_time, count, lambda: peer.children(count)))
    return {"us": median(active[1:]), "explicit_us": median(explicit[1:])}


def caller(peer: Any, scale: Any) -> dict[str, Any]:
    """A sampled child with three tags: what the thread that makes it pays until it is handed over.

    The queue is large enough for all; what waits is sent between the repeats, unmeasured.
    """
    count = scale["spans"]
    peer.start(queue=4 * count)
    costs: dict[str, list[float]] = {"us": [], "explicit_us": []}
    repeats = 1 + scale["repeats"]
    for _ in range(repeats):
        for name, work in (("us", peer.spans), ("explicit_us", peer.children)):
            peer.parent()
            cost = microseconds(thread_time, count, lambda work=work: work(count))
            costs[name].append(cost)
            peer.end_parent()
            peer.flush()
    peer.close()
    middle = {name: median(values[1:]) for name, values in costs.items()}
    return {**middle, "created": repeats * 2 * (count + 1), "warmed": 0}


def propagation(peer: Any, scale: Any) -> dict[str, Any]:
    """A context into HTTP headers, and out of the headers of a request."""
    peer.start()
    peer.parent()
    count = scale["spans"]
    headers = peer.inject(count)
    peer.extract(count, headers)
    inject, extract = [], []
    for _ in range(scale["repeats"]):
        inject.append(microseconds(thread_time, count, lambda: peer.inject(count)))
        extract.append(microseconds(thread_time, count, lambda: peer.extract(count, headers)))
    result = {"inject_us": median(inject), "extract_us": median(extract)}
    return {"us": sum(result.values()), **result}


# -- all of the process ------------------------------------------------------------------------


def wire(peer: Any, scale: Any) -> dict[str, Any]:
    """From start to the network: traces of ten spans, and the flush; every thread counts."""
    count = scale["traces"]
    peer.start(queue=2 * count * TRACE)
    warmed = peer.traces(max(1, count // 10))
    peer.flush()
    created = 0
    begin = process_time()
    for _ in range(scale["bursts"]):
        created += peer.traces(count)
        peer.flush()
    cpu = process_time() - begin
    peer.close()
    return {"cpu": cpu, "created": created, "warmed": warmed}


def threads(peer: Any, scale: Any) -> dict[str, Any]:
    """The same, made by eight threads at once."""
    from threading import Barrier, Thread

    count = scale["traces"] * scale["bursts"] // 8 + 1
    peer.start(queue=2 * 8 * count * TRACE)
    warmed = peer.traces(max(1, count // 10))
    peer.flush()
    start = Barrier(9)

    def work() -> None:
        start.wait()
        peer.traces(count)

    workers = [Thread(target=work) for _ in range(8)]
    for worker in workers:
        worker.start()
    begin = process_time()
    start.wait()
    for worker in workers:
        worker.join()
    peer.flush()
    cpu = process_time() - begin
    peer.close()
    return {"cpu": cpu, "created": 8 * count * TRACE, "warmed": warmed}


def firehose(peer: Any, scale: Any) -> dict[str, Any]:
    """As many traces as one thread can make, with the configuration that everybody has."""
    peer.start()
    warmed = peer.traces(1)
    peer.flush()
    created = 0
    cpu, begin = process_time(), perf_counter()
    end = begin + scale["seconds"]
    while perf_counter() < end:
        created += peer.traces(20)
    seconds = perf_counter() - begin
    peer.close()
    cpu = process_time() - cpu
    return {"created": created, "warmed": warmed, "wall_seconds": seconds, "cpu": cpu}


def startup(peer: Any, scale: Any) -> dict[str, Any]:  # noqa: ARG001  one call is all there is
    """Import and make a tracer; then the first trace, sent."""
    import peers.material  # noqa: F401  belongs to the harness

    gc.collect()
    modules, memory, begin = len(sys.modules), resident(), process_time()
    peer.start()
    ready = {
        "cpu": process_time() - begin,
        "modules": len(sys.modules) - modules,
        "threads": native_threads() - 1,
        "bytes": resident() - memory,
    }
    peer.traces(1)
    peer.flush()
    return {
        **ready,
        "sent_cpu": process_time() - begin,
        "sent_modules": len(sys.modules) - modules,
        "sent_threads": native_threads() - 1,
        "sent_bytes": resident() - memory,
    }


def memory(peer: Any, scale: Any) -> dict[str, Any]:
    """Resident bytes for each span that is finished and waits to be sent."""
    held = scale["held"]
    peer.start(queue=held + held // 10 + 10 * TRACE, hold=True)
    peer.traces(held // 10 // TRACE)
    sleep(0.5)  # until the background, if it takes spans over, has done so
    gc.collect()
    before = resident()
    created = peer.traces(held // TRACE)
    sleep(0.5)
    gc.collect()
    return {"bytes": (resident() - before) / created}


def jitter(peer: Any, scale: Any) -> dict[str, Any]:
    """What a loop of a millisecond of Python suffers while another thread makes 10,000 spans/s.

    In turns with the other thread making nothing, at the same pace. The floors show what the
    threads' sharing of the interpreter costs, and how quiet the machine was.
    """
    from threading import Event, Thread

    peer.start()
    peer.traces(10)
    peer.flush()
    turns = calibrate(0.001)
    stop, busy = Event(), Event()
    made = [0]

    def make() -> None:
        due = perf_counter()
        while not stop.is_set():
            due += 0.001
            if busy.is_set():
                made[0] += peer.traces(1)
            pause = due - perf_counter()
            if pause > 0:
                sleep(pause)

    maker = Thread(target=make)
    maker.start()
    pairs: list[list[list[float]]] = []  # of slices without spans and with them
    spent = 0.0
    slice_seconds = scale["jitter"] / PAIRS
    try:
        for _ in range(PAIRS):
            pairs.append([])
            for with_spans in (False, True):
                (busy.set if with_spans else busy.clear)()
                switched = perf_counter()
                sleep(0.02)
                pairs[-1].append(turns_of_loop(turns, slice_seconds))
                if with_spans:
                    spent += perf_counter() - switched
    finally:
        stop.set()
        maker.join()
    peer.close()
    result = {"per_second": made[0] / spent}
    # The middle one of the pairs: another program's burst of work is in a few of them.
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        extra = [quantile(loud, share) - quantile(quiet, share) for quiet, loud in pairs]
        result[f"extra_{name}_ms"] = 1e3 * median(extra)
    quiet, loud = ([turn for pair in pairs for turn in pair[i]] for i in (0, 1))
    result["extra_p999_ms"] = 1e3 * (quantile(loud, 0.999) - quantile(quiet, 0.999))
    return result


# -- what grows --------------------------------------------------------------------------------


def waiting(peer: Any, scale: Any) -> dict[str, Any]:
    """The caller's cost of a span beside none, a quarter and all of the spans that may wait."""
    held, step = scale["held"], max(TRACE, scale["held"] // 20) // TRACE
    peer.start(queue=2 * held, hold=True)
    peer.traces(1)
    result, made = {}, 0
    for level in (0, held // 4, held):
        peer.traces(max(0, level - made) // TRACE)
        made = max(made, level) + step * TRACE
        cost = microseconds(thread_time, step * TRACE, lambda: peer.traces(step))
        result[f"us_at_{level}"] = cost
    return result


def tags(peer: Any, scale: Any) -> dict[str, Any]:
    """All of the process for a span with 1, 10 and 100 tags."""
    peer.start(queue=4 * scale["spans"])
    peer.tagged(50, some_tags(10))
    peer.flush()
    result = {}
    for number in (1, 10, 100):
        count = max(50, scale["spans"] // number * 2 // 50 * 50)
        chosen = some_tags(number)

        def work(count: int = count, chosen: dict[str, str] = chosen) -> None:
            peer.tagged(count, chosen)
            peer.flush()

        result[f"us_at_{number}"] = microseconds(process_time, count, work)
    peer.close()
    return result


def operations(peer: Any, scale: Any) -> dict[str, Any]:
    """All of the process for a span without tags, of 1, 100 and 10,000 different operations."""
    count = scale["spans"] * 5 // 2
    peer.start(queue=2 * count)
    peer.tagged(50, {})
    peer.flush()
    result = {}
    for number in (1, 100, 10_000):
        names = [f"operation {i % number}" for i in range(count)]

        def work(names: list[str] = names) -> None:
            peer.named(names)
            peer.flush()

        result[f"us_at_{number}"] = microseconds(process_time, count, work)
    peer.close()
    return result


WORKLOADS = {
    function.__name__: function
    for function in (
        unsampled,
        caller,
        wire,
        threads,
        firehose,
        propagation,
        startup,
        memory,
        jitter,
        waiting,
        tags,
        operations,
    )
}

#: Those that leave spans unsent.
HELD = ("memory", "waiting")

#: Those whose spans are counted when they have arrived.
COUNTED = ("caller", "wire", "threads", "firehose")
