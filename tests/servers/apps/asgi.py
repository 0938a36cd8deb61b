"""A traced ASGI application; its spans are active across awaits, and requests overlap."""

import asyncio
import os

from traced import note, tags, tracer


async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    body = await work(int(scope["path"].strip("/") or 0))
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def work(number):
    loop = type(asyncio.get_running_loop()).__module__.split(".")[0]
    with tracer.start_active_span(
        "request", tags={**tags(), "number": number, "loop": loop}
    ) as outer:
        await asyncio.sleep(0)
        spans = [outer.span, *await asyncio.gather(step(), step())]
    note(spans)
    return str(os.getpid()).encode()


async def step():
    with tracer.start_active_span("step", tags=tags()) as inner:
        await asyncio.sleep(0)
    return inner.span


async def lifespan(receive, send):
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown" and os.environ.get("TEST_FLUSH"):
            await tracer.close()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
