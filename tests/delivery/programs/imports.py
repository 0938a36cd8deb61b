"""Says which modules tracing imports, once a tracer has been made, while forks are not held off."""

import sys
import threading

from common import new_tracer, say, trace

from jaeger_like._held_off import held_off

in_danger = set()


class Watch:
    """Sees every import, and finds nothing."""

    def find_spec(self, name, path=None, target=None):
        if not held_off.lock.locked():
            in_danger.add(name)


def users_loop():
    """Return a tornado loop of the program's own, turning on a thread."""
    from tornado.ioloop import IOLoop

    io_loop = IOLoop(make_current=False)
    threading.Thread(target=io_loop.start, daemon=True).start()
    return io_loop


def main(port, host, whose):
    io_loop = users_loop() if whose == "user's loop" else None
    tracer = new_tracer(port, host, io_loop=io_loop, flush_interval=0.01)
    sys.meta_path.insert(0, Watch())
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
    say(imported=sorted(in_danger))


main(*sys.argv[1:])
