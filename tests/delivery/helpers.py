"""What the tests of delivery share."""

import _socket
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from jaeger_like import ConstSampler, Tracer, _background
from jaeger_like.local_agent_net import LocalAgentSender
from jaeger_like.metrics import MetricsFactory
from jaeger_like.reporter import NullReporter, Reporter
from jaeger_like.transport.udp import UDPSender

PROGRAMS = Path(__file__).parent / "programs"
ROOT = Path(__file__).parents[2]
TIMEOUT = 20


def new_tracer(port, host="127.0.0.1", service="svc", **options):
    """Return a tracer that samples everything and sends to *port*."""
    channel = LocalAgentSender(host, 5778, port, io_loop=options.pop("channel_loop", None))
    return Tracer(service, Reporter(channel=channel, **options), ConstSampler(True))


def trace(tracer, count, **tags):
    """Finish *count* spans; return their ids in order."""
    ids = []
    for number in range(count):
        span = tracer.start_span("work", tags={"number": number, **tags}, ignore_active_span=True)
        span.finish()
        ids.append(span.span_id)
    return ids


def finished_span(name="work", **tags):
    """Return a finished span that was reported to nobody."""
    span = Tracer("nobody", NullReporter(), ConstSampler(True)).start_span(name, tags=tags)
    span.finish()
    return span


def ids_of(spans):
    return [span.span_id for span in spans]


def assert_exactly_once(agent, ids, timeout=TIMEOUT):
    """Every one of *ids* came, none twice, and nothing else."""
    came = ids_of(agent.wait_for(len(ids), timeout))
    assert len(came) == len(ids)
    assert set(came) == set(ids)


def assert_among(agent, ids, timeout=TIMEOUT):
    """Every one of *ids* came, whatever else came, and nothing twice."""
    deadline = time.monotonic() + timeout
    count = len(ids)
    while True:
        came = ids_of(agent.wait_for(count, max(0.1, deadline - time.monotonic())))
        assert len(set(came)) == len(came)
        if set(ids) <= set(came):
            return
        count = len(came) + 1


def on_this_machine(seconds):
    """Return what *seconds* of a machine at rest are on this one, now: more if it is slow or busy.

    They stay what they are where an interpreter and asyncio start within a tenth of a second. For
    bounds of how long the end of a process may take, of which the interpreter's end is a part.
    """
    before = time.monotonic()
    subprocess.run([sys.executable, "-I", "-c", "import asyncio"], check=True, timeout=TIMEOUT)
    return seconds * max(1, (time.monotonic() - before) / 0.1)


def free_port(host="127.0.0.1", family=_socket.AF_INET):
    """Return a UDP port where nobody listens."""
    sock = _socket.socket(family, _socket.SOCK_DGRAM)
    sock.bind((host, 0))
    port = sock.getsockname()[1]
    sock.close()
    return port


@contextlib.contextmanager
def refusing_port():
    """A UDP port where nobody listens, and which no other program gets meanwhile."""
    with contextlib.closing(_socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", 9))  # takes datagrams from there only
        yield sock.getsockname()[1]


def on_loop(function, *args, runner=None):
    """Run a function on the background loop's thread and return its result."""

    async def run():
        return function(*args)

    return (runner or _background.runner()).submit(run).result(TIMEOUT)


@contextlib.contextmanager
def loop_held():
    """The background loop does nothing meanwhile."""
    entered, leave = threading.Event(), threading.Event()

    def hold():
        entered.set()
        leave.wait(TIMEOUT)

    assert _background.runner().call(hold)
    assert entered.wait(TIMEOUT)
    try:
        yield
    finally:
        leave.set()


class Numbers(MetricsFactory):
    """Metrics that can be read, and waited for."""

    def __init__(self):
        self.counts = {}
        self.gauges = {}
        self._changed = threading.Condition()

    def create_counter(self, name, tags=None):
        key = (name, *sorted((tags or {}).values()))

        def count(number):
            with self._changed:
                self.counts[key] = self.counts.get(key, 0) + number
                self._changed.notify_all()

        return count

    def create_gauge(self, name, tags=None):
        def gauge(number):
            with self._changed:
                self.gauges.setdefault(name, []).append(number)
                self._changed.notify_all()

        return gauge

    def spans(self, result):
        return self.counts.get(("jaeger:reporter_spans", result), 0)

    def wait_for(self, result, number):
        with self._changed:
            assert self._changed.wait_for(lambda: self.spans(result) >= number, TIMEOUT), (
                self.counts
            )


class FakeSender:
    """Packs as UDP does, and does what it is told with packets: fail, or keep them."""

    def __init__(self, *outcomes, max_packet_size=65_000):
        self.max_packet_size = max_packet_size
        self.outcomes = list(outcomes)
        self.packets = []
        self.closed = 0

    packet = UDPSender.packet

    async def send(self, packet):
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if callable(outcome):
            outcome = await outcome()
        if isinstance(outcome, Exception):
            raise outcome
        self.packets.append(packet)

    def close(self):
        self.closed += 1


class Result:
    """What a program did.

    :ivar ids: ids of the spans that it says it has finished
    """

    def __init__(self, completed):
        self.status = completed.returncode
        self.stderr = completed.stderr
        self.output = completed.stdout
        self.lines = [json.loads(line) for line in completed.stdout.splitlines()]
        self.ids = [number for line in self.lines for number in line.get("ids", ())]

    def values(self, key):
        return [line[key] for line in self.lines if key in line]


def run_program(name, *args, python=(), timeout=30, warnings="error", input=None):
    """Run ``programs/NAME`` in a process of its own; every line of its output is a JSON object."""
    # From 3.12 on Python warns of every fork of a process with threads, which ours is one of.
    filters = ["-W", warnings, "-W", "ignore::DeprecationWarning:multiprocessing.popen_fork"]
    completed = subprocess.run(
        [sys.executable, *filters, *python, str(PROGRAMS / name), *map(str, args)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        input=input,
    )
    return Result(completed)
