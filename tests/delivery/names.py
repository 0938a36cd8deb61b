"""A name service that answers as it is told, a clock, and a packet for them."""

import _socket
import asyncio
import socket
import threading

from jaeger_like.encoding.packet import emit_batch
from jaeger_like.transport import udp

from .helpers import TIMEOUT

SPAN = bytes.fromhex("160216001602160018016f25021600160000")
PACKET = emit_batch(b"\x18\x03svc\x19\x0c\x00", [SPAN], 1, (0, 0, 0))
HOST = "agent.example"


def address(port, host="127.0.0.1"):
    if ":" in host:
        return (_socket.AF_INET6, (host, port, 0, 0))
    return (_socket.AF_INET, (host, port))


class Names:
    """In place of the name service: answers what it is told, and remembers the questions."""

    def __init__(self, monkeypatch, *answers):
        self.answers = list(answers)
        self.asked = 0
        self.changed = threading.Condition()
        monkeypatch.setattr(udp, "look_up", self.look_up)

    async def look_up(self, host, port, **_):
        with self.changed:
            self.asked += 1
            self.changed.notify_all()
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if answer == "hang":
            loop = asyncio.get_running_loop()
            end = loop.create_future()
            self.release = lambda: loop.call_soon_threadsafe(end.set_result, None)
            await end
            answer = UNKNOWN
        if isinstance(answer, Exception):
            raise answer
        return list(answer)

    def wait_for(self, number):
        with self.changed:
            assert self.changed.wait_for(lambda: self.asked >= number, TIMEOUT)


UNKNOWN = socket.gaierror(socket.EAI_NONAME, "Name or service not known")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now
