"""Says which modules are imported by tracing once a tracer has been made."""

import sys

from common import new_tracer, say, trace


def main(port, host):
    tracer = new_tracer(port, host, flush_interval=0.01)
    before = set(sys.modules)
    trace(tracer, 5)
    assert tracer.flush(5)
    span = tracer.start_span("large", tags={"bad": object()})
    for number in range(100):
        span.log_kv({"event": f"{number}", "text": "x" * 1000})
    with span:
        pass
    say(ids=[span.span_id])
    assert tracer.flush(5)
    trace(tracer, 5)
    assert tracer.close().result(5)
    say(imported=sorted(set(sys.modules) - before))


main(*sys.argv[1:])
