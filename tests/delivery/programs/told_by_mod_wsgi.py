"""Is told, as by mod_wsgi, that the end is near, goes on working, and ends without a word."""

import os
import sys
import time
import types

from common import new_tracer, say, trace

from jaeger_like._at_exit import at_exit


def main(way, port):
    callbacks = []

    def subscribe(callback):
        if way == "refused":
            raise RuntimeError("not now")
        callbacks.append(callback)

    sys.modules["mod_wsgi"] = types.ModuleType("mod_wsgi")
    sys.modules["mod_wsgi"].subscribe_shutdown = subscribe
    tracer = new_tracer(port, flush_interval=60)
    trace(tracer, 5)
    if way == "refused":
        return  # its exit functions are called, if nothing else
    begin = time.monotonic()
    for callback in callbacks:
        callback("process_stopping", shutdown_reason="")
    say(values=[len(callbacks)])
    while time.monotonic() < begin + 1.5 * at_exit.seconds:
        pass  # a request that takes longer than an end may
    trace(tracer, 5)
    os._exit(0)


main(*sys.argv[1:])
