"""Makes and closes tracers as ``Config`` makes them, and says what the process has after some.

Usage: ``thousand.py PORT COUNT``.
"""

import gc
import logging
import sys
import threading
import tracemalloc
from pathlib import Path

from common import say

from jaeger_like import Config

port, count = map(int, sys.argv[1:])
logging.disable(logging.CRITICAL)
config = {
    # A poll of strategies, which nobody answers, and one of credits, with each tracer.
    "sampler": {"type": "remote", "param": 1},
    "throttler": {"port": port, "refresh_interval": 1},
    "sampling_refresh_interval": 0.05,
    "local_agent": {
        "reporting_host": "127.0.0.1",
        "reporting_port": port,
        "sampling_port": port,  # of UDP; there is none of TCP
    },
}


def generation(number):
    for _ in range(number):
        tracer = Config(dict(config), service_name="svc").new_tracer()
        span = tracer.start_span("work", ignore_active_span=True)
        span.finish()
        say(ids=[span.span_id])
        assert tracer.close().result(20) is True


def measure():
    gc.collect()
    return {
        "threads": threading.active_count(),
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "memory": tracemalloc.get_traced_memory()[0],
    }


tracemalloc.start()
generation(100)
say(had=measure())
for _ in range(2):
    generation(count // 2)
    say(had=measure())
