"""A running agent for tests that speak to it over real sockets."""

import asyncio
import json
import socket
import threading
import urllib.error
import urllib.request
from concurrent.futures import Future

import pytest

from jaeger_like.all_in_one.app import AllInOne


class Answer:
    def __init__(self, code, headers, body):
        self.code, self.headers, self.body = code, headers, body

    @property
    def json(self):
        assert self.headers["Content-Type"] == "application/json"
        return json.loads(self.body)

    @property
    def text(self):
        return self.body.decode()


class Running:
    """An agent on a thread of its own."""

    def __init__(self, **options):
        self.agent = AllInOne(**options)
        self._started = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)
        self._thread.start()
        self._started.result(10)

    async def _main(self):
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        try:
            self.agent.start()
        except Exception as error:
            self._started.set_exception(error)
            return
        self._started.set_result(None)
        await self._end.wait()
        await self.agent.stop()
        await self.agent.stop()  # once more does nothing

    def stop(self):
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join(10)
        assert not self._thread.is_alive()

    def call(self, function):
        """Run *function* on the agent's thread, soon."""
        self._loop.call_soon_threadsafe(function)

    def send(self, data, which="compact"):
        family = socket.AF_INET6 if ":" in self.agent.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.sendto(data, (self.agent.host, self.agent.ports[f"{which}_port"]))

    def spans(self, count):
        spans = self.agent.store.wait_for(lambda store: len(store.spans()) >= count, 10)
        assert spans, f"only {len(self.agent.store.spans())} spans came"
        return self.agent.store.spans()

    def ask(self, which, path, body=None, method=None, **headers):
        host = f"[{self.agent.host}]" if ":" in self.agent.host else self.agent.host
        url = f"http://{host}:{self.agent.ports[which + '_port']}{path}"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, body, names, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())


@pytest.fixture
def start():
    """Return a function that starts an agent; all of them are stopped after the test."""
    running = []

    def start(**options):
        running.append(Running(**options))
        return running[-1]

    yield start
    for one in running:
        one.stop()


@pytest.fixture
def agent(start):
    return start()
