"""Traces while there is no room for a log, with the agent away at first.

Usage: ``logs.py WHERE``, "handler" or "stderr". The first line of the output is the port where the
program wants an agent, once it has seen it missing.
"""

import logging
import os
import socket
import sys
from pathlib import Path

from common import say, trace

from jaeger_like import Config

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind(("127.0.0.1", 0))
    port = sock.getsockname()[1]
full = Path("/dev/full").open("w", buffering=1)  # noqa: SIM115  until the end
if sys.argv[1] == "stderr":
    # Where logging complains of a handler that fails; and without a handler it is the log.
    sys.stderr = full
else:
    logging.basicConfig(stream=full, level=logging.DEBUG)
settings = {
    "sampler": {"type": "const", "param": 1},
    "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": port},
    "logging": True,  # every span
}
tracer = Config(settings, service_name="svc").new_tracer()
for _ in range(5):
    tracer.start_span("lost").finish()
assert not tracer.flush(20)
say(port=port)
assert sys.stdin.readline() == "go on\n"
trace(tracer, 100)
assert tracer.flush(20)
try:
    os.write(full.fileno(), b"x")
except OSError as error:
    say(errno=error.errno)
trace(tracer, 5)  # sent at the end
