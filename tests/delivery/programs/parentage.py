"""Many units of work take turns within their active spans, in one of several kinds of programs.

The tracer is made first, with the default configuration, as in a module of its own that the rest
of the program imports. Every line of output is a JSON object.
"""

import sys

kind = sys.argv[1]
if kind == "gevent":
    import gevent.monkey

    gevent.monkey.patch_all()
if kind == "eventlet":
    import eventlet

    eventlet.monkey_patch()

import asyncio
import json
import os
import threading
import time

import opentracing

from jaeger_like import Config

settings = {
    "sampler": {"type": "const", "param": 1},
    "local_agent": {
        "reporting_host": "127.0.0.1",
        "reporting_port": int(os.environ["TEST_AGENT_PORT"]),
    },
}
Config(settings, service_name="parentage").initialize_tracer()
tracer = opentracing.global_tracer()


def span(name, unit):
    return tracer.start_active_span(f"{name} {unit}", tags={"unit": unit})


def pause(unit):
    """Seconds, not the same for everyone, so that they overtake each other."""
    return 0.001 * (unit % 7)


async def work_in_tasks(unit):
    with span("a", unit):
        await asyncio.sleep(pause(unit))
        with span("b", unit):
            await asyncio.sleep(0)
            # Tasks begin with the span that is active where they are made.
            await asyncio.gather(step("c", unit), step("d", unit))
        await step("e", unit)


async def step(name, unit):
    with span(name, unit):
        await asyncio.sleep(pause(unit + 3))


async def all_tasks(count):
    await asyncio.gather(*(work_in_tasks(unit) for unit in range(count)))
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


def work_in_threads(unit):
    with span("a", unit):
        time.sleep(pause(unit))
        with span("b", unit):
            time.sleep(0)
            for name in "cd":
                with span(name, unit):
                    time.sleep(pause(unit + 3))
        with span("e", unit):
            pass


def in_threads(count):
    start = threading.Barrier(count)

    def run(unit):
        start.wait()
        work_in_threads(unit)

    threads = [threading.Thread(target=run, args=(unit,)) for unit in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_tornado(count):
    from tornado import gen

    @gen.coroutine
    def old_step(name, unit):
        with span(name, unit):
            yield gen.sleep(pause(unit + 3))

    @gen.coroutine
    def work(unit):
        with span("a", unit):
            yield gen.sleep(pause(unit))
            with span("b", unit):
                yield gen.moment
                yield [old_step("c", unit), step("d", unit)]
            yield old_step("e", unit)

    async def everything():
        await gen.multi([work(unit) for unit in range(count)])

    asyncio.run(everything())  # which is tornado's loop, too


def in_greenlets(count):
    if kind == "gevent":
        import gevent

        gevent.joinall([gevent.spawn(work_in_threads, unit) for unit in range(count)])
    else:
        import eventlet

        pool = eventlet.GreenPool(count)
        for unit in range(count):
            pool.spawn(work_in_threads, unit)
        pool.waitall()


def main(count):
    loop = None
    if kind == "asyncio":
        loop = asyncio.run(all_tasks(count))
    elif kind == "uvloop":
        import uvloop

        if hasattr(uvloop, "run"):
            loop = uvloop.run(all_tasks(count))
        else:
            uvloop.install()
            loop = asyncio.run(all_tasks(count))
    else:
        {
            "threads": in_threads,
            "tornado": in_tornado,
            "gevent": in_greenlets,
            "eventlet": in_greenlets,
        }[kind](count)
    os.write(1, json.dumps({"loop": loop}).encode())


main(int(sys.argv[2]))
