/*
 * Zipkin's first span format, as agents and collectors of Jaeger still accept it.
 */
namespace py zipkincore

/* Values of annotations that carry the timing of a call. */
const string CLIENT_SEND = "cs"
const string CLIENT_RECV = "cr"
const string SERVER_SEND = "ss"
const string SERVER_RECV = "sr"
const string MESSAGE_SEND = "ms"
const string MESSAGE_RECV = "mr"
const string WIRE_SEND = "ws"
const string WIRE_RECV = "wr"
const string CLIENT_SEND_FRAGMENT = "csf"
const string CLIENT_RECV_FRAGMENT = "crf"
const string SERVER_SEND_FRAGMENT = "ssf"
const string SERVER_RECV_FRAGMENT = "srf"

/* Keys of binary annotations that name a local operation or the other end of a call. */
const string LOCAL_COMPONENT = "lc"
const string CLIENT_ADDR = "ca"
const string SERVER_ADDR = "sa"
const string MESSAGE_ADDR = "ma"

/* A service and where it listens. */
struct Endpoint {
  /* the four bytes as one number, most significant first */
  1: i32 ipv4
  /* unsigned, written as a signed number */
  2: i16 port
  3: string service_name
  4: optional binary ipv6
}

/* A moment of a span. */
struct Annotation {
  /* microseconds since the epoch */
  1: i64 timestamp
  2: string value
  3: optional Endpoint host
}

enum AnnotationType {
  BOOL = 0
  BYTES = 1
  I16 = 2
  I32 = 3
  I64 = 4
  DOUBLE = 5
  STRING = 6
}

/* A tag; numbers are big-endian. */
struct BinaryAnnotation {
  1: string key
  2: binary value
  3: AnnotationType annotation_type
  4: optional Endpoint host
}

struct Span {
  1: i64 trace_id
  3: string name
  4: i64 id
  5: optional i64 parent_id
  6: list<Annotation> annotations
  8: list<BinaryAnnotation> binary_annotations
  9: optional bool debug = 0
  /* microseconds since the epoch */
  10: optional i64 timestamp
  /* microseconds */
  11: optional i64 duration
  12: optional i64 trace_id_high
}

struct Response {
  1: bool ok
}

service ZipkinCollector {
  list<Response> submitZipkinBatch(1: list<Span> spans)
}
