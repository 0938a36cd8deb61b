"""Finishes spans and ends at once, in one of several ways."""

import atexit
import os
import signal
import sys

from common import new_tracer, say, trace


def main(way, port, host):
    tracer = new_tracer(port, host)
    if way == "first span in atexit":
        # No thread of ours has been started yet; from Python 3.12 on none can be any more.
        atexit.register(lambda: trace(tracer, 5))
        return
    if way == "atexit before":
        # It runs after ours, which has been told of the first span.
        atexit.register(lambda: trace(tracer, 5))
        trace(tracer, 1)
        return
    if way == "atexit later":
        trace(tracer, 1)
        atexit.register(lambda: trace(tracer, 5))
        return
    if way == "no flush interval":
        tracer = new_tracer(port, host, flush_interval=None)
    trace(tracer, 5)
    if way == "sys.exit":
        sys.exit(3)
    if way == "uncaught":
        raise LookupError("on purpose")
    if way == "sigterm":
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        os.kill(os.getpid(), signal.SIGTERM)
        signal.pause()
    if way == "closed":
        tracer.close()  # nobody waits for the future
    if way == "closed twice":
        futures = tracer.close(), tracer.close()
        assert all(future.result(5) is True for future in futures)
    if way == "closed on a thread":
        import threading

        thread = threading.Thread(target=tracer.close)
        thread.start()
        thread.join()
    if way == "closed in asyncio":
        import asyncio

        async def closed():
            trace(tracer, 5)
            tracer.close()  # neither awaited

        asyncio.run(closed())
    if way == "awaited in asyncio":
        import asyncio

        async def awaited():
            trace(tracer, 5)
            assert await tracer.close() is True

        asyncio.run(awaited())
        tracer.close()
    if way == "closed after asyncio":
        import asyncio

        async def used():
            trace(tracer, 5)

        asyncio.run(used())
        assert tracer.close().result(5) is True
    if way == "thread":
        import threading

        threading.Thread(target=lambda: trace(tracer, 5)).start()
    if way == "asyncio":
        import asyncio

        async def traced():
            trace(tracer, 5)

        asyncio.run(traced())
    if way == "many tracers":
        say(kept=0)
        global tracers
        tracers = [new_tracer(port, host) for _ in range(20)]
        for one in tracers:
            trace(one, 2)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1")
