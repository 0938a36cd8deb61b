"""The agent as a process, to which anybody may send anything: it lives on, and not at a price."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.fuzz.test_fuzz import DENSE, EMPTY

from . import vectors

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="looks into /proc for sockets and memory"
)
ROOT = Path(__file__).parents[2]
SIZE = 64_000


@pytest.fixture
def agent():
    command = [sys.executable, "-m", "jaeger_like", "all-in-one", "--json-ports", "--no-print"]
    for name in ("udp-compact", "udp-binary", "sampling", "collector", "query"):
        command += [f"--{name}-port", "0"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        ports = json.loads(process.stdout.readline())
        yield process, ports
        process.terminate()
        _, err = process.communicate(timeout=30)
        assert process.returncode == 0
        assert err == ""


def addresses_of(pid):
    """Return the local addresses of a process's sockets, of both protocols and families."""
    inodes = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        target = str(entry.readlink())
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for table in ("tcp", "tcp6", "udp", "udp6"):
        path = Path(f"/proc/{pid}/net/{table}")
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        found += [row.split()[1].partition(":")[0] for row in rows if row.split()[9] in inodes]
    return found


def ask(port, path, body=None):
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body)
    request.add_header("Content-Type", "application/x-thrift")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def stats(ports):
    return json.loads(ask(ports["query_port"], "/api/stats")[1])


def peak(pid):
    """Return the most memory that a process ever had, in bytes."""
    [line] = [
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return int(line.split()[1]) << 10


def test_it_listens_on_loopback_only_unless_it_is_told_otherwise(agent):
    process, _ = agent
    found = addresses_of(process.pid)
    assert len(found) >= 5
    assert set(found) == {"0100007F"}


def test_hostile_packets_neither_end_it_nor_take_its_memory(agent):
    process, ports = agent
    before = peak(process.pid)
    hostile = [("compact_port", make(SIZE)) for make in DENSE]
    hostile += [
        ("binary_port" if name == "datagram-binary" else "compact_port", make(SIZE))
        for name, make in EMPTY
        if name != "body"
    ]
    hostile += [("compact_port", b"\x82\x81\x01\x09emitBatch\x1c" + b"\x1c" * SIZE)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for port, data in hostile:
            sock.sendto(data[:65_000], ("127.0.0.1", ports[port]))
            ask(ports["query_port"], "/api/services")  # which also waits until it was read
        sock.sendto(vectors.COMPACT, ("127.0.0.1", ports["compact_port"]))
    while vectors.EXPECTED.spans[0].service not in str(
        ask(ports["query_port"], "/api/services")[1]
    ):
        assert process.poll() is None
    # Forty times one of them is 2.6 MB; the dense ones are valid, and stay.
    grown = peak(process.pid) - before
    assert grown < 40 * SIZE * len(DENSE), grown
    assert stats(ports)["garbage"] == len(hostile) - len(DENSE)


def test_hostile_bodies_are_refused(agent):
    process, ports = agent
    before = peak(process.pid)
    for name, make in EMPTY:
        if name == "body":
            code, answer = ask(ports["collector_port"], "/api/traces", make(1 << 20))
            assert (code, b"required fields" in answer or b"truncated" in answer) == (400, True)
    assert peak(process.pid) - before < 40 << 20
    assert ask(ports["collector_port"], "/api/traces", vectors.BODY)[0] == 202


def test_a_body_that_is_too_large_is_not_read(agent):
    process, ports = agent
    before = peak(process.pid)
    with socket.create_connection(("127.0.0.1", ports["collector_port"]), 30) as sock:
        sock.sendall(
            b"POST /api/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-thrift\r\n"
            b"Content-Length: %d\r\n\r\n" % (1 << 30)
        )
        try:
            for _ in range(100):
                sock.sendall(bytes(1 << 20))
        except OSError:
            pass  # it hung up
        else:
            raise AssertionError("it takes a gigabyte")
    assert peak(process.pid) - before < 40 << 20
    assert ask(ports["collector_port"], "/api/traces", vectors.BODY)[0] == 202
