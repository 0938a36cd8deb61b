"""Forks in one of several ways, and traces in all processes."""

import os
import sys
import threading
import time

from common import new_tracer, say, trace

from jaeger_like import _background


def finish(child):
    """Wait for a child of ours."""
    _, status = os.waitpid(child, 0)
    assert status == 0, status


def in_child(work):
    """Fork; the child does *work* and ends in the ordinary way."""
    child = os.fork()
    if child == 0:
        work()
        sys.exit(0)
    return child


def ids_in(tracer, count):
    """As trace(), and says the ids of traces and of the process, too."""
    trace_ids, ids = [], []
    for _ in range(count):
        span = tracer.start_span("work", ignore_active_span=True)
        span.finish()
        ids.append(span.span_id)
        trace_ids.append(span.trace_id)
    say(ids=ids, trace_ids=trace_ids, uuid=tracer.tags["client-uuid"])


def main(way, port):
    tracer = new_tracer(port)
    if way == "before the first span":
        for child in [in_child(lambda: ids_in(tracer, 5)) for _ in range(2)]:
            finish(child)
    if way == "waiting in the parent":
        ids_in(tracer, 5)
        finish(in_child(lambda: None))
        finish(in_child(lambda: ids_in(tracer, 5)))
        ids_in(tracer, 5)
    if way == "grandchild":
        ids_in(tracer, 2)
        assert tracer.flush(5)

        def child():
            ids_in(tracer, 3)
            finish(in_child(lambda: ids_in(tracer, 4)))
            ids_in(tracer, 3)

        finish(in_child(child))
        ids_in(tracer, 2)
    if way == "flush in the child":
        ids_in(tracer, 2)

        def child():
            ids_in(tracer, 2)
            assert tracer.flush(5)
            os._exit(0)

        finish(in_child(child))
    if way == "close in the child":
        ids_in(tracer, 2)

        def child():
            ids_in(tracer, 2)
            assert tracer.close().result(5)
            os._exit(0)

        finish(in_child(child))
        ids_in(tracer, 2)
    if way == "fifty":
        ids_in(tracer, 2)
        children = []
        for _ in range(50):
            children.append(in_child(lambda: ids_in(tracer, 2)))
            ids_in(tracer, 2)
        for child in children:
            finish(child)
        ids_in(tracer, 2)
    if way == "other thread traces":
        stop = threading.Event()
        threads = [threading.Thread(target=until, args=(tracer, stop)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            finish(in_child(lambda: ids_in(tracer, 5)))
        stop.set()
        for thread in threads:
            thread.join()
    if way == "while sending":
        for _ in range(5):
            for _ in range(5):
                trace(tracer, 400)
            finish(in_child(lambda: ids_in(tracer, 5)))
    if way == "users loop":
        users_loop(port)
    if way == "no hooks":
        no_hooks(new_tracer(port, flush_interval=60))


def until(tracer, stop):
    ids = []
    while not stop.is_set():
        span = tracer.start_span("work", ignore_active_span=True)
        span.finish()
        ids.append(span.span_id)
        stop.wait(0.0001)
    for begin in range(0, len(ids), 150):  # a pipe takes 4 KiB in one piece
        say(ids=ids[begin : begin + 150])


def users_loop(port):
    """Fork inside a loop of the program's own: the child's copy of it never turns."""
    import asyncio

    from tornado.ioloop import IOLoop

    async def run():
        tracer = new_tracer(port, io_loop=IOLoop.current())
        ids_in(tracer, 3)
        child = os.fork()
        if child == 0:
            ids_in(tracer, 3)
            assert tracer.flush(5)
            os._exit(0)
        await asyncio.get_running_loop().run_in_executor(None, finish, child)
        ids_in(tracer, 3)
        assert await tracer.close()

    asyncio.run(run())


def no_hooks(tracer):
    """A fork in C, as uWSGI makes it: no hook of Python runs.

    Nothing else may want the interpreter's lock at that moment, or Python itself hangs in the
    child. So the loop is given time to start and fall asleep; its timer is a minute away. That it
    sleeps, nothing tells but the clock.
    """
    import ctypes

    ids_in(tracer, 5)
    assert _background.runner().wait(20)
    time.sleep(0.3)
    # Not CDLL, which gives up the GIL: the child would wait for it for ever.
    child = ctypes.PyDLL(None).fork()
    if child == 0:
        ids_in(tracer, 5)
        assert tracer.flush(5)
        os._exit(0)
    finish(child)
    ids_in(tracer, 5)


if __name__ == "__main__":
    main(*sys.argv[1:])
