"""Servers that are byte by byte what they are."""

import asyncio
import time

ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"


class RawServer:
    """Answers the n-th request with ``script(n)``, bytes, and counts connections.

    A script may return several parts in a list; None in it closes the connection there.
    """

    def __init__(self, script=lambda number: [ACCEPTED], tls=None):
        self.script = script
        self.tls = tls
        self.connections = 0
        self.requests = []
        self.closed_by_client = 0
        self.writers = []
        self.accepted = asyncio.Event()

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]
        scheme = "https" if self.tls else "http"
        self.url = f"{scheme}://127.0.0.1:{self.port}/api/traces"
        return self

    async def __aexit__(self, *_):
        self._server.close()
        for writer in self.writers:
            writer.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        self.writers.append(writer)
        self.accepted.set()
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length:")[2].partition(b"\r")[0]
                body = await reader.readexactly(int(length or 0))
                self.requests.append((head, body))
                for part in self.script(len(self.requests)):
                    if part is None:
                        writer.close()
                        return
                    if callable(part):
                        await part()
                        continue
                    writer.write(part)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed_by_client += 1
            writer.close()

    async def drop_everybody(self):
        """Close all connections from this end."""
        for writer in self.writers:
            writer.close()
        self.writers = []


async def until(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        await asyncio.sleep(0.005)


def run(coroutine):
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def serving(script=lambda number: [ACCEPTED], tls=None):
    """Run a coroutine function with a server; return what it returns."""

    def decorate(test):
        async def main():
            async with RawServer(script, tls) as server:
                return await test(server)

        return run(main())

    return decorate
