"""Does what lines on stdin say, and answers each with a line. Ends when there are no more.

Usage: ``driven.py PORT [HOST]``. The log goes where the program's stderr goes.
"""

import logging
import sys
import time

from common import new_tracer, say

from jaeger_like.metrics import MetricsFactory


class Counts(MetricsFactory):
    def __init__(self):
        self.counts = {}

    def create_counter(self, name, tags=None):
        key = ".".join([name, *(tags or {}).values()])

        def count(number):
            self.counts[key] = self.counts.get(key, 0) + number

        return count


logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
counts = Counts()
tracer = new_tracer(*sys.argv[1:], metrics_factory=counts)
for line in sys.stdin:
    command, _, number = line.partition(" ")
    if command == "trace":
        spans = [tracer.start_span("work", ignore_active_span=True) for _ in range(int(number))]
        for span in spans:
            span.finish()
        say(ids=[span.span_id for span in spans])
    elif command == "start\n":
        pending = tracer.start_span("pending", ignore_active_span=True)
        say(ids=[pending.span_id])
    elif command == "finish\n":
        pending.finish()
        say(finished=True)
    elif command == "flush":
        say(flushed=tracer.flush(float(number)))
    elif command == "other":  # a tracer besides, whose agent has a number
        other = new_tracer(number)
        spans = [other.start_span("work", ignore_active_span=True) for _ in range(5)]
        for span in spans:
            span.finish()
        assert other.flush(20)
        say(ids=[span.span_id for span in spans])
    elif command == "counts\n":
        say(counts=counts.counts)
say(end=time.time())
