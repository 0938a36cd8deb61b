"""Every instrument of the client: name, type, tags and meaning, in one table.

Names and tags are an interface: dashboards and alerts are built on them, so none is ever renamed.
"""

from __future__ import annotations

from typing import NamedTuple

COUNTER = "counter"
GAUGE = "gauge"
TIMER = "timer"


class Instrument(NamedTuple):
    """One row: an instrument with every combination of tags that it is used with.

    :ivar name: as it is given to a metrics factory
    :ivar type: ``counter``, ``gauge`` or ``timer`` (microseconds)
    :ivar tags: the combinations of tags; one empty mapping where there are no tags
    :ivar help: what is counted, and when; Prometheus shows it
    """

    name: str
    type: str
    tags: tuple[dict[str, str], ...]
    help: str


def _result(*values: str) -> tuple[dict[str, str], ...]:
    return tuple({"result": value} for value in values)


_SAMPLED = ({"sampled": "y"}, {"sampled": "n"}, {"sampled": "delayed"})
_NO_TAGS: tuple[dict[str, str], ...] = ({},)

INSTRUMENTS: tuple[Instrument, ...] = (
    Instrument(
        "jaeger:traces",
        COUNTER,
        tuple({"state": state, **s} for state in ("started", "joined") for s in _SAMPLED),
        "Traces begun here (started) or taken over from a caller (joined), by sampling decision.",
    ),
    Instrument("jaeger:started_spans", COUNTER, _SAMPLED, "Spans started, by sampling decision."),
    Instrument("jaeger:finished_spans", COUNTER, _NO_TAGS, "Spans finished, sampled or not."),
    Instrument(
        "jaeger:span_context_decoding_errors",
        COUNTER,
        _NO_TAGS,
        "Incoming span contexts that could not be read.",
    ),
    Instrument(
        "jaeger:baggage_updates", COUNTER, _result("ok", "err"), "Baggage items set on spans."
    ),
    Instrument(
        "jaeger:baggage_truncations", COUNTER, _NO_TAGS, "Baggage values cut for their length."
    ),
    Instrument(
        "jaeger:baggage_restrictions_updates",
        COUNTER,
        _result("ok", "err"),
        "Baggage restrictions asked for, by outcome.",
    ),
    Instrument(
        "jaeger:reporter_spans",
        COUNTER,
        _result("ok", "err", "dropped"),
        "Spans handed to the transport (ok), lost in encoding or sending (err), or dropped because "
        "the queue was full or the reporter closed (dropped).",
    ),
    Instrument("jaeger:reporter_queue_length", GAUGE, _NO_TAGS, "Spans waiting to be sent."),
    Instrument(
        "jaeger:sampler_queries",
        COUNTER,
        _result("ok", "err"),
        "Sampling strategies asked for, by outcome of the query.",
    ),
    Instrument(
        "jaeger:sampler_updates",
        COUNTER,
        _result("ok", "err"),
        "Sampler changes (ok) and strategies that could not be used (err).",
    ),
    Instrument(
        "jaeger:throttled_debug_spans",
        COUNTER,
        _NO_TAGS,
        "Debug spans that the throttler did not allow.",
    ),
    Instrument(
        "jaeger:throttler_update",
        COUNTER,
        _result("ok", "err"),
        "Throttling credits asked for, by outcome (the name that Python programs know).",
    ),
    Instrument(
        "jaeger:throttler_updates",
        COUNTER,
        _result("ok", "err"),
        "Throttling credits asked for, by outcome (the name of the other Jaeger clients).",
    ),
    # Of the program, not of the client; only with ``rpc_metrics``. Each also has the tag
    # ``endpoint``, the operation's name.
    Instrument(
        "jaeger-rpc:requests",
        COUNTER,
        tuple({"component": "jaeger", "error": error} for error in ("false", "true")),
        "Requests answered, by whether they failed.",
    ),
    Instrument(
        "jaeger-rpc:request_latency",
        TIMER,
        tuple({"component": "jaeger", "error": error} for error in ("false", "true")),
        "How long answering took.",
    ),
    Instrument(
        "jaeger-rpc:http_requests",
        COUNTER,
        tuple({"component": "jaeger", "status_code": f"{n}xx"} for n in range(2, 6)),
        "HTTP requests answered, by class of status code.",
    ),
)

HELP: dict[str, str] = {instrument.name: instrument.help for instrument in INSTRUMENTS}
