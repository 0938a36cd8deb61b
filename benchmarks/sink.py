"""The one receiver of all peers: keeps what arrives, and counts the spans in it when asked.

    python sink.py

Prints ``{"udp": PORT, "http": PORT}``, both on 127.0.0.1, and ends when its standard input does.
Jaeger's datagrams come by UDP; OTLP and Datadog's payloads by HTTP, where ``GET /bench/reset``
forgets everything and ``GET /bench/report`` answers with the counts. Decoding waits until then, so
that it takes no processor from what is measured.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

#: Bytes kept between two resets; what comes after is refused and reported.
MOST = 2 << 30

#: Seconds after which the sink ends whatever happens.
LIFETIME = 3 * 3600

# The kernel's own limit for the buffer needs a privilege to be passed.
_SO_RCVBUFFORCE = 33


class Received:
    """What has arrived since the last reset. Any thread."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self.datagrams: list[bytes] = []
            self.bodies: list[tuple[str, bytes]] = []
            self.bytes = self.refused = 0
            self.last = time.monotonic()

    def datagram(self, data: bytes) -> None:
        with self.lock:
            if self._room(len(data)):
                self.datagrams.append(data)

    def body(self, path: str, data: bytes, head: int) -> None:
        with self.lock:
            if self._room(len(data) + head):
                self.bodies.append((path, data))

    def _room(self, size: int) -> bool:
        self.last = time.monotonic()
        if self.bytes + size > MOST:
            self.refused += 1
            return False
        self.bytes += size
        return True

    def report(self) -> dict[str, Any]:
        """Return the counts."""
        with self.lock:
            datagrams, bodies = list(self.datagrams), list(self.bodies)
            idle = time.monotonic() - self.last
            counts = {"bytes": self.bytes, "refused": self.refused, "idle": idle}
        for number in {0, len(datagrams) // 2, len(datagrams) - 1} & set(range(len(datagrams))):
            walk(datagrams[number])
        spans = sum(map(spans_of_datagram, datagrams)) + sum(spans_of_body(*b) for b in bodies)
        return {**counts, "spans": spans, "messages": len(datagrams) + len(bodies)}


# -- Jaeger: emitBatch in Thrift compact protocol ------------------------------------------------


def spans_of_datagram(data: bytes) -> int:
    """Return the number of spans that a datagram says it has.

    Thrift walks through the process before them; the spans themselves only :func:`walk` visits.
    """
    from thrift.protocol.TCompactProtocol import TCompactProtocol
    from thrift.Thrift import TType
    from thrift.transport.TTransport import TMemoryBuffer

    protocol = TCompactProtocol(TMemoryBuffer(data))
    name, _, _ = protocol.readMessageBegin()
    if name != "emitBatch":
        raise ValueError(f"a call of {name}")
    protocol.readStructBegin()
    _enter(protocol, 1, TType.STRUCT)
    protocol.readStructBegin()
    _enter(protocol, 1, TType.STRUCT)
    protocol.skip(TType.STRUCT)
    protocol.readFieldEnd()
    _enter(protocol, 2, TType.LIST)
    _, size = protocol.readListBegin()
    return int(size)


def _enter(protocol: Any, field: int, kind: int) -> None:
    _, found, number = protocol.readFieldBegin()
    if (found, number) != (kind, field):
        raise ValueError(f"type {found} of field {number}, not type {kind} of field {field}")


def walk(data: bytes) -> None:
    """Read all of a datagram, as a proof that the others are not only headers.

    :raises Exception: it is not one whole call
    """
    from thrift.protocol.TCompactProtocol import TCompactProtocol
    from thrift.Thrift import TType
    from thrift.transport.TTransport import TMemoryBuffer

    buffer = TMemoryBuffer(data)
    protocol = TCompactProtocol(buffer)
    protocol.readMessageBegin()
    protocol.skip(TType.STRUCT)
    if buffer.read(1):
        raise ValueError("bytes after the end")


# -- OTLP and Datadog, by HTTP -------------------------------------------------------------------


def spans_of_body(path: str, data: bytes) -> int:
    """Return the number of spans in the body of a request."""
    if path == "/v1/traces":
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        request = ExportTraceServiceRequest.FromString(data)
        return sum(
            len(scope.spans)
            for resource in request.resource_spans
            for scope in resource.scope_spans
        )
    import msgpack

    payload = msgpack.unpackb(data, strict_map_key=False)
    if path == "/v0.5/traces":  # a table of texts, then the traces
        payload = payload[1]
    return sum(map(len, payload))


class Handler(BaseHTTPRequestHandler):
    """An OTLP receiver, a Datadog agent, and the sink's own two questions."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    received: Received
    ports: dict[str, int]

    def do_GET(self) -> None:
        if self.path == "/bench/reset":
            self.received.reset()
            self._answer({})
        elif self.path == "/bench/report":
            self._answer(self.received.report())
        elif self.path == "/bench/idle":
            with self.received.lock:
                self._answer({"idle": time.monotonic() - self.received.last})
        elif self.path == "/info":
            self._answer({"version": "7.60.0", "endpoints": ["/v0.4/traces", "/v0.5/traces"]})
        else:
            self._answer({}, 404)

    def do_POST(self) -> None:
        body = self._body()
        if self.path in ("/v1/traces", "/v0.4/traces", "/v0.5/traces"):
            head = len(self.requestline) + 2 + len(bytes(self.headers))
            self.received.body(self.path, body, head)
            self._answer({} if self.path == "/v1/traces" else {"rate_by_service": {}})
        else:
            self._answer({}, 404)

    def do_PUT(self) -> None:
        self.do_POST()

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def _answer(self, value: dict[str, Any], status: int = 200) -> None:
        otlp = self.path == "/v1/traces"
        # An empty message is OTLP's "all is well".
        data = b"" if otlp else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"application/{'x-protobuf' if otlp else 'json'}")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def receive(sock: socket.socket, received: Received) -> None:
    """Take datagrams, for ever."""
    while True:
        received.datagram(sock.recv(65_536))


def main() -> None:
    received = Received()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for option in (_SO_RCVBUFFORCE, socket.SO_RCVBUF):
        try:
            sock.setsockopt(socket.SOL_SOCKET, option, 64 << 20)
            break
        except OSError:
            continue
    sock.bind(("127.0.0.1", 0))
    threading.Thread(target=receive, args=(sock, received), daemon=True).start()
    Handler.received = received
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    end = threading.Timer(LIFETIME, server.shutdown)
    end.daemon = True
    end.start()
    ports = {
        "udp": sock.getsockname()[1],
        "http": server.server_address[1],
        "buffer": sock.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF),
    }
    print(json.dumps(ports), flush=True)
    reader = threading.Thread(target=sys.stdin.read, daemon=True)
    reader.start()
    reader.join(LIFETIME)


if __name__ == "__main__":
    main()
