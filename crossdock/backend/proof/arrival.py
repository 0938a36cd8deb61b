"""Do all spans arrive, each once?"""

from __future__ import annotations

from .counting import CAUSES, ClientStats, introduce, listed, numbers
from .fidelity import configuration
from .programs import Program
from .results import Result
from .servers import Backend

#: Spans of a trace.
PER_TRACE = 100

#: Finished spans a second.
RATE = 10_000


def check(name: str, backend: Backend, spans: int) -> list[Result]:
    """Send many spans and find each of them in the backend."""
    return [
        _check(name, backend, "UDP", spans),
        # Datagrams are what gets lost; of what is answered a part will do.
        _check(name, backend, "HTTP", spans // 5),
        _check(name, backend, "OTLP", spans // 5),
    ]


def _check(name: str, backend: Backend, way: str, spans: int) -> Result:
    service = f"many by {way}"
    traces = spans // PER_TRACE
    stats = ClientStats(backend)
    config = {"sampler": {"type": "const", "param": 1}, **configuration(backend, way)}
    with Program(service, config) as program:
        introduce(program, name if way == "UDP" else "", stats)
        made = program.ask("many", traces=traces, spans=PER_TRACE, rate=RATE)
        flushed = program.ask("flush")["flushed"]
        counts = program.ask("counts")
    wrong = [] if flushed else ["not all was flushed"]
    ok = counts.get("jaeger:reporter_spans.ok", 0)
    if ok != spans + 1:
        wrong.append(f"the client counts {ok} spans sent: {counts}")
    found = numbers(backend, service, spans + 1, traces + 1)
    if found != list(range(spans + 1)):
        wrong.append(f"{len(found)} spans found, {len(set(found))} different ones")
    seen = [f"{len(found)} of {spans + 1} found, made at {spans / made['seconds']:,.0f} a second"]
    if name == "v1" and way == "UDP":
        counted = stats.since()
        seen.append(listed(counted))
        # The first packet of a client only tells where it stands.
        if counted["batches_sent"] != counted["batches_received"] - 1 or any(
            counted[cause] for cause in CAUSES
        ):
            wrong.append("the agent's client statistics show a loss")
    what = f"{spans:,} spans by {way} arrive, each once"
    return Result(name, what, "; ".join(seen), tuple(wrong))
