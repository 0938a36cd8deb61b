"""What every application here shares: the tracer, made at import, and the work that it traces.

The configuration is the default one but for the agent's address and the sampler, and nothing here
or in the applications knows which server runs them: no hook, no close, no flush.

Every finished span is told to the test, through a socket that keeps what its sender wrote even if
the sender dies, before anything else happens.
"""

# The C module's socket: gevent and eventlet replace the other one.
import _socket
import json
import os

import opentracing

from jaeger_like import Config

SPANS_PER_REQUEST = 3

# Tells a process from itself after ``exec``; forked children have it of their parent.
_IMAGE = os.urandom(4).hex()

_journal = os.environ["TEST_JOURNAL"]


def _initialize():
    if os.environ.get("TEST_TRACER") == "none":  # what the server does without us
        return opentracing.Tracer()
    settings = {
        "sampler": {"type": "const", "param": 1},
        "local_agent": {
            "reporting_host": "127.0.0.1",
            "reporting_port": int(os.environ["TEST_AGENT_PORT"]),
        },
    }
    return Config(settings, service_name="server").initialize_tracer()


tracer = _initialize()


def tags():
    """Return the tags by which a span tells whose it is."""
    return {"pid": os.getpid(), "process": f"{os.getpid()}.{_IMAGE}"}


def work(number):
    """Finish a request's spans, and note them. Return what the request is answered."""
    with tracer.start_active_span(
        "request", ignore_active_span=True, tags={**tags(), "number": number}
    ) as scope:
        spans = [scope.span]
        for _ in range(SPANS_PER_REQUEST - 1):
            with tracer.start_active_span("step", tags=tags()) as inner:
                spans.append(inner.span)
    note(spans)
    return str(os.getpid()).encode()


def note(spans):
    """Tell the test which spans are finished."""
    traced = hasattr(spans[0], "span_id")
    ids = [span.span_id for span in spans] if traced else []
    trace_id = spans[0].trace_id if traced else None
    line = {"pid": os.getpid(), "trace": trace_id, "spans": ids}
    sock = _socket.socket(_socket.AF_UNIX, _socket.SOCK_DGRAM)
    try:
        sock.sendto(json.dumps(line).encode(), _journal)
    finally:
        sock.close()


# One that waits in the process which imports this, when that one forks.
_at_import = tracer.start_span("at import", tags=tags())
_at_import.finish()
note([_at_import])
