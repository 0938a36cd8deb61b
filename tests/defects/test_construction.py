"""Making a tracer asks no name server, and one that is never closed keeps no program alive."""

from __future__ import annotations

import ipaddress
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from jaeger_like.testing import RecordingAgent

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}

# What Python says about sockets while a tracer is made in the ways of users.
PROGRAM = """
import json, sys
from jaeger_like import Config

events = []
def on_audit(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        events.append((event, str(arguments[0])))
    if event in ("socket.connect", "socket.sendto"):
        events.append((event, str(arguments[1][0])))

sys.addaudithook(on_audit)
tracer = Config(json.loads(sys.argv[1]), service_name="svc").initialize_tracer()
print(json.dumps(events))
sys.stdout.flush()
"""

CONFIGURATIONS = [
    {"local_agent": {"reporting_host": "agent.invalid"}},
    {"local_agent": {"reporting_host": "agent.invalid"}, "throttler": {}, "logging": True},
    {"sampler": {"type": "const", "param": 1}},
    {"endpoint": "http://collector.invalid/api/traces", "sampling_endpoint": "http://s.invalid"},
]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=json.dumps)
def test_defect_blocking_dns_no_name_is_looked_up_while_a_tracer_is_made(configuration):
    """It looked up the agent and its own host, for seconds where no name server answers."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, json.dumps(configuration)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
        env=ENVIRONMENT,
    )
    for event, host in json.loads(done.stdout):
        assert event not in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
        ipaddress.ip_address(host)  # raises if it is a name


# -- programs that never close their tracer --------------------------------------------------------

SUITE = """
from jaeger_like import Config

config = {
    "local_agent": {"reporting_host": "127.0.0.1", "reporting_port": PORT, "sampling_port": 1},
    "sampler": {"type": "const", "param": 1},
    "throttler": {},
}
tracer = Config(config, service_name="svc").initialize_tracer()

def test_traced():
    with tracer.start_active_span("work"):
        pass

def test_sending():
    tracer.flush(5)  # whether or not somebody listens: the loop runs now

def test_polling():
    remote = Config({**config, "sampler": {"type": "remote"}}, service_name="svc").new_tracer()
    remote.start_span("work").finish()
"""


@pytest.mark.parametrize("agent", ["there", "away"])
def test_defect_pytest_hangs_a_suite_that_never_closes_its_tracer_ends(tmp_path, agent):
    with RecordingAgent() as recording:
        port = recording.port
        if agent == "away":
            recording.close()
        suite = tmp_path / "test_suite.py"
        suite.write_text(SUITE.replace("PORT", str(port)))
        done = subprocess.run(
            [sys.executable, "-W", "error", "-m", "pytest", "-q", "-p", "no:cacheprovider", suite],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=tmp_path,
            env=ENVIRONMENT,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "3 passed" in done.stdout
        if agent == "there":
            assert "work" in {span.operation_name for span in recording.wait_for(1)}
