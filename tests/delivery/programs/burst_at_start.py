"""Finishes spans as fast as it can from the first moment on, until the loop is there and beyond.

Usage: ``burst_at_start.py PORT``, with the default settings.
"""

import sys

from common import say

from jaeger_like import Config, _background
from jaeger_like.metrics import MetricsFactory

MOST, AND_MORE = 200_000, 10_000
counts = {}


class Counts(MetricsFactory):
    def create_counter(self, name, tags=None):
        def add(number):
            counts[result] = counts.get(result, 0) + number

        result = (tags or {}).get("result")
        return add


settings = {
    "sampler": {"type": "const", "param": 1},
    "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": sys.argv[1]},
}
tracer = Config(settings, service_name="burst", metrics_factory=Counts()).new_tracer()
runner = _background.runner()
made = 0
while made < MOST and runner._io_loop is None:
    tracer.start_span("work").finish()
    made += 1
for _ in range(AND_MORE):
    tracer.start_span("work").finish()
assert tracer.flush(20)
say(until_it_was_there=made, made=made + AND_MORE, counts=counts)
