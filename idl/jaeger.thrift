/*
 * Spans as Jaeger clients send them to an agent or a collector.
 *
 * Field ids and types are those of Jaeger's public wire format; the words are ours.
 * After a change run "make thrift".
 */
namespace py jaeger

/* Which of Tag's value fields is set. */
enum TagType {
  STRING = 0
  DOUBLE = 1
  BOOL = 2
  LONG = 3
  BINARY = 4
}

/* A key with a value of one of five types. Exactly the field that fits vType is written. */
struct Tag {
  1: required string key
  2: required TagType vType
  3: optional string vStr
  4: optional double vDouble
  5: optional bool vBool
  6: optional i64 vLong
  7: optional binary vBinary
}

/* Something that happened at one instant of a span. */
struct Log {
  /* microseconds since the epoch */
  1: required i64 timestamp
  2: required list<Tag> fields
}

enum SpanRefType {
  CHILD_OF = 0
  FOLLOWS_FROM = 1
}

/* A relation to another span, of this trace or of another one. */
struct SpanRef {
  1: required SpanRefType refType
  2: required i64 traceIdLow
  3: required i64 traceIdHigh
  4: required i64 spanId
}

/* One timed operation. Ids are unsigned 64-bit numbers written as signed ones. */
struct Span {
  1: required i64 traceIdLow
  /* 0 for a trace id of 64 bits */
  2: required i64 traceIdHigh
  3: required i64 spanId
  /* 0 when there is no parent, or when the parent is named in references only */
  4: required i64 parentSpanId
  5: required string operationName
  6: optional list<SpanRef> references
  /* bits: 1 sampled, 2 debug, 8 firehose */
  7: required i32 flags
  /* microseconds since the epoch */
  8: required i64 startTime
  /* microseconds */
  9: required i64 duration
  10: optional list<Tag> tags
  11: optional list<Log> logs
}

/* Who sent the spans. */
struct Process {
  1: required string serviceName
  2: optional list<Tag> tags
}

/* What the client lost since it started, by cause. The numbers only grow. */
struct ClientStats {
  1: required i64 fullQueueDroppedSpans
  2: required i64 tooLargeDroppedSpans
  3: required i64 failedToEmitSpans
}

/* Spans of one process. */
struct Batch {
  1: required Process process
  2: required list<Span> spans
  /* 1, 2, ... per client, so that the receiver sees gaps; needs the process tag client-uuid */
  3: optional i64 seqNo
  4: optional ClientStats stats
}

struct BatchSubmitResponse {
  1: required bool ok
}

service Collector {
  list<BatchSubmitResponse> submitBatches(1: list<Batch> batches)
}
