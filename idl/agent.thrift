/*
 * What an agent listens to: one one-way call per datagram.
 *
 * Compact protocol on UDP port 6831, binary protocol on 6832.
 */
include "jaeger.thrift"
include "zipkincore.thrift"

namespace py agent

service Agent {
  /* Spans in Zipkin's first format, from clients of old. */
  oneway void emitZipkinBatch(1: list<zipkincore.Span> spans)

  oneway void emitBatch(1: jaeger.Batch batch)
}
