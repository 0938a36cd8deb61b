"""Does the backend know of the spans that did not arrive? They are lost on purpose here.

Jaeger 1's agent counts for its clients: what they say they dropped, and by the numbers of their
packets how many of those there should be. It takes a client's first packet as the state of affairs
and counts from there, so each program sends one before it loses any. Jaeger 2 has no such
statistics; there, what arrived is compared with what the client says.
"""

from __future__ import annotations

from typing import Any

from jaeger_like.testing import decode

from .arrival import PER_TRACE, RATE
from .counting import CAUSES, ClientStats, introduce, listed, numbers
from .detour import Detour
from .fidelity import configuration
from .programs import Program
from .query import span_of, until
from .results import Result
from .servers import Backend

_ALWAYS = {"sampler": {"type": "const", "param": 1}}

#: Spans that are made at once.
BURST = 20_000


def check(name: str, backend: Backend) -> list[Result]:
    """Lose spans in the queue, on the way, for want of somebody who listens, and for their size."""
    return [
        _dropped(name, backend),
        _lost_on_the_way(name, backend),
        _refused(name, backend),
        _too_large(name, backend),
    ]


def _one(program: Program, traces: int = 1, spans: int = 1, rate: float = 0) -> bool:
    """Have some spans made and sent; return whether they were."""
    program.ask("many", traces=traces, spans=spans, rate=rate)
    flushed: bool = program.ask("flush")["flushed"]
    return flushed


def _dropped(name: str, backend: Backend) -> Result:
    service, made = "more than the queue takes", BURST + 2
    stats = ClientStats(backend)
    config = {**_ALWAYS, "reporter_queue_size": 100, **configuration(backend, "UDP")}
    with Program(service, config) as program:
        introduce(program, name, stats)
        _one(program, spans=BURST)
        _one(program)  # tells what was lost by then
        counts: dict[str, Any] = program.ask("counts")
    dropped = counts.get("jaeger:reporter_spans.dropped", 0)
    wrong = [] if dropped else ["nothing was dropped"]
    found = numbers(backend, service, made - dropped, 3)
    if len(set(found)) != made - dropped or len(found) != made - dropped:
        wrong.append(f"{len(found)} spans found, not {made - dropped}")
    seen = [f"of {made} spans the client dropped {dropped}, {len(found)} found"]
    if name == "v1":
        _compare(stats, {"full-queue": dropped}, seen, wrong)
    return Result(name, "spans dropped by a full queue", "; ".join(seen), tuple(wrong))


def _lost_on_the_way(name: str, backend: Backend) -> Result:
    service, traces = "packets lost", 100
    stats = ClientStats(backend)
    with Detour(backend.ports["compact"], lambda number: number % 10 != 5) as way:
        config = {**_ALWAYS, "reporter_batch_size": 50}
        with Program(
            service, {**config, **way.configuration(backend.ports["sampling"])}
        ) as program:
            introduce(program, name, stats)
            _one(program, traces, PER_TRACE, RATE)
            way.keep_all()
            _one(program)
    made = traces * PER_TRACE + 2
    lost = sum(len(decode(datagram).spans) for datagram in way.lost)
    wrong = [] if lost else ["nothing was lost"]
    found = numbers(backend, service, made - lost, traces + 2)
    if len(set(found)) != made - lost or len(found) != made - lost:
        wrong.append(f"{len(found)} spans found, not {made - lost}")
    packets = way.passed + len(way.lost)
    seen = [f"{len(way.lost)} of {packets} packets taken away", f"{lost} of {made} spans in them"]
    seen.append(f"{len(found)} found")
    if name == "v1":
        expected = {"batches_received": way.passed, "batches_sent": packets - 1}
        _compare(stats, expected, seen, wrong)
    return Result(name, "packets lost on the way", "; ".join(seen), tuple(wrong))


def _refused(name: str, backend: Backend) -> Result:
    service, each = "nobody listens", 500
    stats = ClientStats(backend)
    with Detour(backend.ports["compact"], lambda _: True) as way:
        config = {**_ALWAYS, **way.configuration(backend.ports["sampling"])}
        with Program(service, config) as program:
            introduce(program, name, stats)
            way.close()
            flushed = _one(program, spans=each)
            way.open()
            _one(program, spans=each)
            counts = program.ask("counts")
    made = 1 + 2 * each
    failed = counts.get("jaeger:reporter_spans.err", 0)
    wrong = ["flush says that all was sent"] if flushed else []
    if failed != each:
        wrong.append(f"the client counts {failed} spans that could not be sent, not {each}")
    found = numbers(backend, service, made - failed, 3)
    if len(set(found)) != made - failed or len(found) != made - failed:
        wrong.append(f"{len(found)} spans found, not {made - failed}")
    seen = [f"of {made} spans the client could not send {failed}, {len(found)} found"]
    if name == "v1":
        _compare(stats, {"send-failure": failed}, seen, wrong)
    return Result(name, "spans that nobody took", "; ".join(seen), tuple(wrong))


def _too_large(name: str, backend: Backend) -> Result:
    """Make a span that no packet can hold: it is cut, and its neighbours suffer nothing."""
    service, tags = "too large", 200
    stats = ClientStats(backend)
    with Program(service, {**_ALWAYS, **configuration(backend, "UDP")}) as program:
        introduce(program, name, stats)
        program.ask("many", traces=1, spans=10, rate=0)
        trace_id = program.ask("large", number_of_tags=tags)["trace_id"]
        _one(program, spans=10)
    found = numbers(backend, service, 22, 4)
    wrong = [] if found == list(range(22)) else [f"{len(found)} spans found, not 22"]
    trace = backend.query.trace(trace_id)
    kept = span_of(trace["spans"][0])["tags"] if trace else []
    whole = sum(value == "x" * 1000 for _, _, value in kept)
    mark = [value for key, _, value in kept if key == "jaeger.truncated"]
    if not mark or not 0 < whole < tags:
        wrong.append(f"{whole} tags are whole, marked as {mark}")
    seen = [f"{len(found)} of 22 found, {whole} of {tags} tags of 1,000 characters are whole"]
    seen.append(f"`jaeger.truncated` says {mark}")
    if name == "v1":
        _compare(stats, {}, seen, wrong)
    return Result(name, "a span of 200 KB in a packet of 65", "; ".join(seen), tuple(wrong))


def _compare(
    stats: ClientStats, expected: dict[str, int], seen: list[str], wrong: list[str]
) -> None:
    """See that the agent's statistics say what is expected, and of no other loss."""
    wanted = {**dict.fromkeys(CAUSES, 0), **expected}

    def agrees() -> bool:
        counted = stats.since()
        return all(counted[key] == value for key, value in wanted.items())

    until(10, agrees)
    counted = stats.since()
    seen.append(listed(counted))
    wrong += [
        f"the agent's client statistics: {key} {counted[key]}, not {value}"
        for key, value in wanted.items()
        if counted[key] != value
    ]
