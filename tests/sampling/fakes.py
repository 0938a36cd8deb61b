"""Stand-ins for what samplers and throttlers talk to."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import warnings
from collections import Counter

from jaeger_like.metrics import MetricsFactory

SOON = 10  # seconds; far more than anything here takes


class Clock:
    """Seconds, walked by hand."""

    def __init__(self, now=1000.0):
        self.now = now

    def __call__(self):
        return self.now

    def walk(self, seconds):
        self.now += seconds


class Response:
    def __init__(self, body):
        self.body = body


class RecordingMetrics(MetricsFactory):
    """Counts by ``name`` or ``name.result``, and lets a test wait for a count."""

    def __init__(self):
        self.counts = Counter()
        self.made = []
        self._changed = threading.Condition()

    def create_counter(self, name, tags=None):
        key = ".".join([name.replace("jaeger:", ""), *(tags or {}).values()])
        self.made.append(key)

        def count(value):
            with self._changed:
                self.counts[key] += value
                self._changed.notify_all()

        return count

    def wait_for(self, key, at_least=1):
        with self._changed:
            return self._changed.wait_for(lambda: self.counts[key] >= at_least, SOON)


class RecordingErrors:
    """An error reporter as users write them: only ``error``."""

    def __init__(self):
        self.messages = []

    def error(self, fmt, *args):
        self.messages.append(fmt % args)


class Broken:
    """Fails in every way."""

    def error(self, fmt, *args):
        raise RuntimeError("error reporter is broken")

    def recovered(self, fmt):
        raise RuntimeError("error reporter is broken")

    def create_counter(self, name, tags=None):
        def count(value):
            raise RuntimeError("metrics are broken")

        return count


class Channel:
    """Answers every question with one body, through the kind of future asked for."""

    def __init__(self, body=b"{}", how="concurrent", io_loop=None):
        self.body = body
        self.how = how
        self.io_loop = io_loop
        self.asked = []
        self.was_asked = threading.Semaphore(0)

    def request_sampling_strategy(self, service_name):
        return self._answer((service_name,))

    def request_throttling_credits(self, service_name, client_id, operations):
        return self._answer((service_name, client_id, tuple(operations)))

    def wait_until_asked(self):
        return self.was_asked.acquire(timeout=SOON)

    def _answer(self, question):
        self.asked.append(question)
        self.was_asked.release()
        response = Response(self.body)
        if self.how == "plain":
            return response
        if self.how == "coroutine":
            return self._coroutine(response)
        if self.how == "asyncio":
            future = asyncio.get_running_loop().create_future()
        else:
            future = concurrent.futures.Future()
        if isinstance(self.body, Exception):
            future.set_exception(self.body)
        else:
            future.set_result(response)
        return future

    async def _coroutine(self, response):
        return response


def done(body):
    """Return a future that is done, with a body or an exception."""
    future = concurrent.futures.Future()
    if isinstance(body, Exception):
        future.set_exception(body)
    else:
        future.set_result(Response(body))
    return future


def in_child(function):
    """Return the text that *function* returns in a forked child."""
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads and fork, the point here
        pid = os.fork()
    if pid == 0:
        try:
            text = function()
        except BaseException as error:
            text = f"{type(error).__name__}: {error}"
        os.write(write_end, text.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        text = pipe.read()
    os.waitpid(pid, 0)
    return text
