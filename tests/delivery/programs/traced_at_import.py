"""A module that initialises the tracer, traces and waits for what it sent, while it is imported."""

import json
import os

from jaeger_like import Config

settings = {
    "sampler": {"type": "remote", "param": 1},  # which has something to do on the thread, too
    "local_agent": {
        "reporting_host": "localhost",  # looked up by one more thread
        "reporting_port": int(os.environ["TEST_AGENT_PORT"]),
        "sampling_port": 1,  # nobody listens there
    },
}
tracer = Config(settings, service_name="at import").initialize_tracer()
spans = [tracer.start_span(f"at import {number}") for number in range(5)]
for span in spans:
    span.finish()
assert tracer.flush(10)
os.write(1, (json.dumps({"ids": [span.span_id for span in spans]}) + "\n").encode())
