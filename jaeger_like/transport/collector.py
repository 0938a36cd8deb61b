"""Spans to a collector over HTTP: ``POST /api/traces`` with a Batch in Thrift's binary protocol.

The records of spans are in compact protocol, so a packet is decoded and encoded again on its way
out, on the loop's thread; thrift does that in C where its extension is built.
"""

from __future__ import annotations

from typing import Any

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.protocol.TCompactProtocol import TCompactProtocolAccelerated
from thrift.transport.TTransport import TMemoryBuffer

from ..thrift_gen.agent import Agent
from .posting import PostingSender


class HTTPSender(PostingSender):
    """Posts packets to a Jaeger collector, ``http://host:14268/api/traces``.

    To a URL without a query ``format=jaeger.thrift`` is added, which old collectors want.
    """

    content_type = "application/x-thrift"
    usual_path = "/api/traces"
    usual_query = "format=jaeger.thrift"

    def body(self, packet: bytes) -> bytes:
        """Return the batch of a packet in binary protocol."""
        return to_binary(packet)


def batch_of(packet: bytes) -> Any:
    """Return the generated ``Batch`` of a compact ``emitBatch`` message."""
    source = TCompactProtocolAccelerated(TMemoryBuffer(packet), fallback=True)
    source.readMessageBegin()
    args = Agent.emitBatch_args()
    args.read(source)
    return args.batch


def to_binary(packet: bytes) -> bytes:
    """Return the Batch of a compact ``emitBatch`` message as a bare struct in binary protocol."""
    target = TMemoryBuffer()
    batch_of(packet).write(TBinaryProtocolAccelerated(target, fallback=True))
    body: bytes = target.getvalue()
    return body
