"""A program of greenlets, under gevent or eventlet, patched before or after we are imported."""

import sys

library, when, way, port = sys.argv[1:]


def patch():
    if library == "gevent":
        import gevent.monkey

        gevent.monkey.patch_all()
    else:
        import eventlet

        eventlet.monkey_patch()


if when == "before":
    patch()
from common import new_tracer, say, trace

if when == "after":
    patch()

import logging
import os
import threading
import time


def parentage(tracer):
    """Greenlets, here in the shape of threads, take turns within their active spans."""
    ids, wrong = [], []

    def work(number):
        with tracer.start_active_span(f"root{number}") as root:
            time.sleep(0.001 * (number % 3))
            with tracer.start_active_span("child") as child:
                time.sleep(0.001)
                with tracer.start_active_span("grandchild") as grandchild:
                    time.sleep(0)
            if root.span.parent_id or child.span.parent_id != root.span.span_id:
                wrong.append(number)
            if grandchild.span.parent_id != child.span.span_id:
                wrong.append(number)
            if child.span.trace_id != root.span.trace_id:
                wrong.append(number)
        ids.extend(scope.span.span_id for scope in (root, child, grandchild))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say(ids=ids, wrong=wrong)


def main():
    started = time.monotonic()
    if way == "log":
        logging.basicConfig(level=logging.INFO, stream=sys.stdout, format='{"log": "%(message)s"}')
        sys.stdout.reconfigure(line_buffering=True)
        tracer = new_tracer(1)  # nobody listens there
        tracer.start_span("lost").finish()
        assert not tracer.flush(5)
        return
    tracer = new_tracer(port, flush_interval=0.05)
    if way == "parentage":
        parentage(tracer)
        assert tracer.flush(5)
    if way == "flush":
        trace(tracer, 1_000)
        assert tracer.flush(5)
    if way == "close":
        trace(tracer, 1_000)
        assert tracer.close().result(5) is True
    if way == "exit":
        trace(tracer, 1_000)
    if way == "interval":
        trace(tracer, 10)
        time.sleep(0.5)
        os._exit(0)
    if way == "busy":
        # Not a single turn for the hub: the thread that sends is a real one.
        trace(tracer, 10)
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            pass
        os._exit(0)
    if way == "others go on":
        # While one greenlet waits for a flush that takes its time, the others have theirs.
        import jaeger_like._background as background
        import jaeger_like._native as native

        trace(tracer, 10)
        turns = []
        background.runner().call(native.sleep, 0.3)
        thread = threading.Thread(target=lambda: [turns.append(time.sleep(0.01)) for _ in range(9)])
        thread.start()
        tracer.flush(5)
        say(turns=len(turns))
    if way == "fork":
        trace(tracer, 5)
        child = os.fork()
        if child == 0:
            trace(tracer, 5)
            assert tracer.flush(5)
            os._exit(0)
        os.waitpid(child, 0)
        trace(tracer, 5)
    if way == "localhost":
        tracer = new_tracer(port, "localhost")
        trace(tracer, 10)
        assert tracer.flush(5)
    say(seconds=time.monotonic() - started)


main()
