"""Finishes many spans as fast as it can, while nobody listens; then some when somebody does.

Usage: ``burst.py COUNT``, with the default settings; the port is the first line of stdin. The loop
is kept busy until the burst is over, so that what overflows does not depend on the machine.
"""

import logging
import resource
import sys
import threading

from common import say, trace

from jaeger_like import Config, _background
from jaeger_like.metrics import MetricsFactory

count = int(sys.argv[1])
port = int(sys.stdin.readline())
counts = {}


class Counts(MetricsFactory):
    def create_counter(self, name, tags=None):
        key = ".".join([name, *(tags or {}).values()])

        def add(number):
            counts[key] = counts.get(key, 0) + number

        return add


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB


logging.basicConfig(level=logging.INFO, format="%(message)s")
settings = {
    "sampler": {"type": "const", "param": 1},
    "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": port},
}
tracer = Config(settings, service_name="burst", metrics_factory=Counts()).new_tracer()
tags = {"text": "x" * 200, "number": 1}
burst_is_over = threading.Event()
assert _background.runner().wait(20)
_background.runner().call(burst_is_over.wait)
before = peak()
for _ in range(count):
    tracer.start_span("work", tags=tags, ignore_active_span=True).finish()
say(grown=peak() - before)
burst_is_over.set()
tracer.flush(20)  # what waits is given up
say(counts=counts)
assert sys.stdin.readline() == "go on\n"
trace(tracer, 10)
assert tracer.flush(20)
say(counts=counts)
