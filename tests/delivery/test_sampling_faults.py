"""An endpoint of sampling strategies that does all that it should not, and a program beside it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time

import pytest

from .helpers import PROGRAMS, ROOT, on_this_machine

HUGE = 100 << 20
PATIENCE = 60.0  # seconds


def answer(*chunks, pause=0.0, times=1):
    """Return what answers every request with *chunks*, which are given *times* over."""

    def serve(connection, ended):
        connection.recv(65536)
        for _ in range(times):
            for chunk in chunks:
                connection.sendall(chunk)
                if pause and ended.wait(pause):
                    return

    return serve


def never(connection, ended):
    connection.recv(65536)
    ended.wait(PATIENCE)


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
FAULTS = {
    "500": answer(b"HTTP/1.1 500 no\r\nContent-Length: 2\r\n\r\nno"),
    "garbage": answer(b"\0\xff\x01 garbage\r\n\r\n" * 100),
    "no JSON": answer(HEAD + b"Content-Length: 6\r\n\r\n<html>"),
    "100 MB announced": answer(
        HEAD + b"Content-Length: %d\r\n\r\n" % HUGE, *[b" " * (1 << 20)] * (HUGE >> 20)
    ),
    "100 MB without a length": answer(HEAD + b"\r\n", *[b" " * (1 << 20)] * (HUGE >> 20)),
    "100 MB in chunks": answer(
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        *[b"100000\r\n" + b" " * (1 << 20) + b"\r\n"] * (HUGE >> 20),
    ),
    "100 MB of headers": answer(HEAD, *[b"X: " + b"y" * (1 << 20)] * (HUGE >> 20)),
    "never": never,
    "slowly": answer(HEAD + b"Content-Length: 1000\r\n\r\n", *[b" "] * 1000, pause=0.05),
    "hangs up": answer(),
}


class Endpoint:
    """A listening socket whose connections are served by *serve* on threads. A context manager."""

    def __init__(self, serve):
        self.serve = serve
        self.asked = threading.Semaphore(0)
        self.ended = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.threads = []
        if serve is None:
            self.listener.close()
            self.asked.release()
        else:
            self.start(self.accept)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.ended.set()
        if self.serve is not None:
            socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self.threads:
            thread.join(PATIENCE)
        self.listener.close()

    def start(self, function, *args):
        thread = threading.Thread(target=function, args=args, daemon=True)
        self.threads.append(thread)
        thread.start()

    def accept(self):
        while True:
            connection, _ = self.listener.accept()
            if self.ended.is_set():
                connection.close()
                return
            self.start(self.handle, connection)

    def handle(self, connection):
        with connection:
            try:
                self.serve(connection, self.ended)
            except OSError:  # the client has gone, which is what we want of it
                pass
        self.asked.release()


@pytest.mark.parametrize("fault", [None, *FAULTS], ids=lambda fault: fault or "refuses")
def test_a_program_beside_it_goes_on_as_before(agent, fault):
    """No span is lost or waits, no memory is taken, the end is not delayed."""
    with Endpoint(FAULTS.get(fault)) as endpoint:
        program = subprocess.Popen(
            [sys.executable, "-W", "error", str(PROGRAMS / "sampled.py")],
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "",
                "TEST_AGENT_PORT": str(agent.port),
                "TEST_SAMPLING_PORT": str(endpoint.port),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        agent.wait_for(1, PATIENCE)
        if fault not in ("never", "slowly"):  # where one request takes longer than the test
            assert endpoint.asked.acquire(timeout=PATIENCE)
        agent.wait_for(len(agent.spans) + 200, PATIENCE)
        out, err = program.communicate("end\n", timeout=PATIENCE)
        delay = time.time() - json.loads(out)["end"]
    assert program.returncode == 0, err
    assert "Traceback" not in err
    said = json.loads(out)
    assert delay < on_this_machine(1.5)
    assert said["longest"] < 0.5  # of the caller's own processor time, for one span
    assert said["grown"] < 30 << 10  # KiB, the loop and its modules among them
    agent.wait_for(len(said["ids"]), PATIENCE)
    assert sorted(span.span_id for span in agent.spans) == sorted(said["ids"])
