"""Sends many spans to a child process whose socket has the system's default buffer."""

import socket
import subprocess
import sys

RECEIVER = """
import socket, sys
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("127.0.0.1", 0))
sock.settimeout(20)
print(sock.getsockname()[1], flush=True)
packets = []
while True:
    packet = sock.recv(65536)
    if packet == b"end":
        break
    packets.append(packet)
from jaeger_like.testing import decode
ids = [span.span_id for packet in packets for span in decode(packet).spans]
print(len(ids), len(set(ids)), flush=True)
"""

if __name__ == "__main__":
    count = int(sys.argv[1])
    from common import new_tracer, say

    with subprocess.Popen(
        [sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True
    ) as receiver:
        port = int(receiver.stdout.readline())
        tracer = new_tracer(port)
        for _ in range(count):
            tracer.start_span("work").finish()
        assert tracer.close().result(20)
        say(finished=count)
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end.sendto(b"end", ("127.0.0.1", port))
        end.close()
        received, distinct = map(int, receiver.stdout.readline().split())
        say(received=received, distinct=distinct)
