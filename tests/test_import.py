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
