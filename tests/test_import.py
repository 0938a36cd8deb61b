"""Importing the package does nothing: no thread, no socket, no logging, nothing heavy."""

from __future__ import annotations

import json
import subprocess
import sys

PROGRAM = """
import json, logging, os, sys, threading, _thread

def descriptors():
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0

# opentracing, and what it needs, is not ours to answer for.
import opentracing, opentracing.ext.tags
threads, files, signals = _thread._count(), descriptors(), None
modules = set(sys.modules)
sockets = []
def on_audit(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.fork", "os.system")):
        sockets.append(event)
sys.addaudithook(on_audit)
import jaeger_like, jaeger_like.config, jaeger_like.reporter, jaeger_like.sampler
import jaeger_like.codecs, jaeger_like.throttler, jaeger_like.metrics, jaeger_like.local_agent_net
print(json.dumps({
    "threads": _thread._count() - threads,
    "files": descriptors() - files,
    "sockets": sockets,
    "root": len(logging.getLogger().handlers),
    "own": len(logging.getLogger("jaeger_tracing").handlers),
    "level": logging.getLogger("jaeger_tracing").level,
    "global": opentracing.is_global_tracer_registered(),
    "modules": sorted(set(sys.modules) - modules),
}))
"""

HEAVY = {
    "asyncio", "curses", "email", "http", "multiprocessing", "prometheus_client", "pytest", "ssl",
    "subprocess", "thrift", "threadloop", "tornado", "unittest", "urllib.request", "xml", "gevent",
    "concurrent.futures.thread", "concurrent.futures.process",
}  # fmt: skip


def test_importing_the_package_does_nothing():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == ""
    found = json.loads(done.stdout)
    modules = found.pop("modules")
    assert found == {
        "threads": 0,
        "files": 0,
        "sockets": [],
        "root": 0,
        "own": 0,
        "level": 0,
        "global": False,
    }
    heavy = [m for m in modules if any(m == name or m.startswith(f"{name}.") for name in HEAVY)]
    assert heavy == []


START = """
from jaeger_like import Config
config = {"sampler": {"type": "const", "param": 1}, "tags": {"a": "b"}}
tracer = Config(config, service_name="svc", validate=True).initialize_tracer()
with tracer.start_active_span("unsampled") as scope:
    scope.span.set_tag("sampling.priority", 0)
print(*sorted(sys.modules))
"""

# What opentracing and the interpreter have loaded themselves varies; these are the dear ones.
LATE = {
    "asyncio", "concurrent", "dataclasses", "http", "inspect", "ipaddress", "json", "logging",
    "socket", "ssl", "thrift", "threadloop", "tornado", "traceback", "typing", "urllib",
}  # fmt: skip


def test_a_tracer_is_made_with_little():
    """Each of them costs one to five milliseconds, and a program may never need it."""
    command = [sys.executable, "-S", "-c", START]  # without site, which may load some itself
    paths = json.dumps([path for path in sys.path if path])
    command[-1] = f"import sys; sys.path[:] = {paths}\n{START}"
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    assert not LATE & {name.partition(".")[0] for name in done.stdout.split()}
