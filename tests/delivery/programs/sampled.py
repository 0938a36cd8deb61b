"""Traces while the endpoint of the sampling strategies misbehaves, until a line comes on stdin."""

import json
import os
import resource
import sys
import threading
import time

from jaeger_like import Config

settings = {
    "sampler": {"type": "remote", "param": 1},
    "sampling_refresh_interval": 0.1,
    "reporter_flush_interval": 0.1,
    "local_agent": {
        "reporting_host": "127.0.0.1",
        "reporting_port": int(os.environ["TEST_AGENT_PORT"]),
        "sampling_port": int(os.environ["TEST_SAMPLING_PORT"]),
    },
}
tracer = Config(settings, service_name="server").initialize_tracer()
told = threading.Event()
threading.Thread(target=lambda: (sys.stdin.readline(), told.set()), daemon=True).start()
ids, longest = [], 0.0
memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
while not told.wait(0.002):
    started = time.thread_time()
    span = tracer.start_span("work")
    span.finish()
    longest = max(longest, time.thread_time() - started)
    ids.append(span.span_id)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory
print(json.dumps({"ids": ids, "longest": longest, "grown": grown, "end": time.time()}))
