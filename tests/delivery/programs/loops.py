"""Traces in programs with an event loop of their own."""

import asyncio
import sys

from common import new_tracer, say, trace

way, port = sys.argv[1:]


async def close_in_a_loop():
    tracer = new_tracer(port)
    trace(tracer, 5)
    assert await tracer.close() is True


async def traced():
    tracer = new_tracer(port)
    trace(tracer, 5)
    return tracer


def main():
    if way == "close in asyncio":
        asyncio.run(close_in_a_loop())
    if way == "close after asyncio":
        tracer = asyncio.run(traced())
        assert tracer.close().result(5) is True
    if way == "no flush after asyncio":
        asyncio.run(traced())
    if way == "uvloop":
        import uvloop

        uvloop.install() if sys.version_info < (3, 12) else asyncio.set_event_loop_policy(
            uvloop.EventLoopPolicy()
        )
        asyncio.run(close_in_a_loop())
        say(loop=True)
    if way == "yield in tornado":
        from tornado import gen

        @gen.coroutine
        def run():
            tracer = new_tracer(port)
            trace(tracer, 5)
            assert (yield tracer.close()) is True

        async def main():
            await run()

        asyncio.run(main())
    if way == "own loop never started":
        from tornado.ioloop import IOLoop

        loop = IOLoop(make_current=False)
        trace(new_tracer(port, io_loop=loop), 5)
        global kept
        kept = loop


main()
