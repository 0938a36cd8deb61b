"""Names and numbers shared by the whole package, under the names that users of the field know."""

from ._version import __version__

# Propagation: the four carrier keys of the uber-trace-id format.
TRACE_ID_HEADER = "uber-trace-id"
BAGGAGE_HEADER_PREFIX = "uberctx-"
DEBUG_ID_HEADER_KEY = "jaeger-debug-id"
BAGGAGE_HEADER_KEY = "jaeger-baggage"

# Tags of the process that sends the spans.
JAEGER_CLIENT_VERSION = "Python-" + __version__
JAEGER_VERSION_TAG_KEY = "jaeger.version"
JAEGER_HOSTNAME_TAG_KEY = "hostname"
JAEGER_IP_TAG_KEY = "ip"
CLIENT_UUID_TAG_KEY = "client-uuid"

# Samplers, as they are called in configurations and in the tag ``sampler.type``.
SAMPLER_TYPE_CONST = "const"
SAMPLER_TYPE_PROBABILISTIC = "probabilistic"
SAMPLER_TYPE_RATE_LIMITING = "ratelimiting"
SAMPLER_TYPE_LOWER_BOUND = "lowerbound"
SAMPLER_TYPE_REMOTE = "remote"

# Bits of a span context's flags.
SAMPLED_FLAG = 0x01
DEBUG_FLAG = 0x02

# Widths of identifiers, in bits. MAX_ID_BITS is the old name of the first.
_max_id_bits = 64
_max_trace_id_bits = 128
MAX_ID_BITS = _max_id_bits

# Limits on text, in characters.
MAX_TAG_VALUE_LENGTH = 1024
MAX_TRACEBACK_LENGTH = 4096

# Periods, in seconds.
DEFAULT_SAMPLING_INTERVAL = 60
DEFAULT_FLUSH_INTERVAL = 1
DEFAULT_THROTTLER_REFRESH_INTERVAL = 5
