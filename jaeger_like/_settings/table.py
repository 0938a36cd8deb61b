"""Every setting, one row each: how it is called, read, limited, and what it means."""

from __future__ import annotations

from .. import constants
from . import parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .parse import Parser

PORT = parse.integer(0, 65535)
_PORT_TYPE = "integer, 0 to 65535"
_HEADER_TYPE = "text, characters of a header's name"
_URL_TYPE = "absolute http or https URL"
_DURATION_NOTE = "environment: a duration such as `500ms` or `1m30s`, or an integer: milliseconds"


class Row:
    """One setting.

    :ivar key: dotted name in the configuration
    :ivar default: the setting when neither the configuration nor the environment has it
    :ivar parse: reads the configuration's value; raises ValueError or TypeError
    :ivar type: what is accepted, in words; stands in errors and in the documentation
    :ivar help: what it does
    :ivar env: names of variables, the first that is set counts; the rest are older spellings
    :ivar parse_env: reads a variable's text; None: as *parse* does
    :ivar takes_none: None is a value, and does not mean "absent"
    :ivar secret: never to be shown
    """

    # No NamedTuple or dataclass: what makes those takes longer than the import of this module.
    __slots__ = (
        "default",
        "env",
        "help",
        "key",
        "parse",
        "parse_env",
        "secret",
        "takes_none",
        "type",
    )

    def __init__(
        self,
        key: str,
        default: Any,
        parse: Parser,
        type: str,
        help: str,
        env: tuple[str, ...] = (),
        parse_env: Parser | None = None,
        takes_none: bool = False,
        secret: bool = False,
    ) -> None:
        self.key = key
        self.default = default
        self.parse = parse
        self.type = type
        self.help = help
        self.env = env
        self.parse_env = parse_env
        self.takes_none = takes_none
        self.secret = secret


def _boolean(
    key: str,
    default: bool,
    help_text: str,
    env: tuple[str, ...] = (),
    parse_env: Parser = parse.boolean_text,
) -> Row:
    return Row(
        key, default, parse.boolean(default), "boolean", help_text, env, parse_env, takes_none=True
    )


ROWS: tuple[Row, ...] = (
    Row(
        "service_name",
        None,
        parse.text,
        "text, not empty",
        "Name of the service whose spans these are. Required; beats the argument of `Config`.",
        ("JAEGER_SERVICE_NAME",),
    ),
    _boolean(
        "enabled",
        True,
        "Whether to trace at all. If not, nothing is recorded, propagated or sent. "
        "`JAEGER_DISABLED` says the opposite.",
        ("JAEGER_DISABLED", "JAEGER_DISABLE"),
        parse.negated,
    ),
    Row(
        "sampler.type",
        None,
        parse.verbatim,
        "`const`, `probabilistic`, `ratelimiting` or `remote`",
        "How traces are chosen; absent: `remote`. In place of type and param, `sampler` may be a "
        "sampler object.",
        ("JAEGER_SAMPLER_TYPE",),
    ),
    Row(
        "sampler.param",
        None,
        parse.number,
        "const: boolean; probabilistic: 0 to 1; ratelimiting: traces per second, 0 or more; "
        "remote: initial probability, 0 to 1",
        "Parameter of the sampler; the variable counts only when the configuration names no type.",
        ("JAEGER_SAMPLER_PARAM",),
    ),
    Row(
        "sampling_refresh_interval",
        constants.DEFAULT_SAMPLING_INTERVAL,
        parse.seconds,
        "number, seconds, 0 or more",
        f"How often the remote sampler asks for its strategy; 0 means the default; "
        f"{_DURATION_NOTE}.",
        ("JAEGER_SAMPLER_REFRESH_INTERVAL",),
        parse.positive_duration_text,
        takes_none=True,
    ),
    Row(
        "max_operations",
        None,
        parse.integer(1),
        "integer, 1 or more",
        "How many operations per-operation sampling tells apart; absent: 2000.",
        ("JAEGER_SAMPLER_MAX_OPERATIONS",),
    ),
    Row(
        "sampling_endpoint",
        None,
        parse.url,
        _URL_TYPE,
        "Where the remote sampler asks for its strategy; absent: `http://`*agent*`:5778/sampling`.",
        ("JAEGER_SAMPLING_ENDPOINT",),
    ),
    _boolean(
        "operation_name_late_binding",
        False,
        "Whether a trace that was not sampled under its first operation name gets another chance "
        "when its first span is renamed. Sampler objects that decide late themselves do so anyway.",
    ),
    Row(
        "tags",
        {},
        parse.mapping,
        "mapping of names to values",
        "Tags of the process. The variable, `name=value,name=value`, is added and wins per name; "
        "a value `${VARIABLE:default}` is taken from the environment.",
        ("JAEGER_TAGS",),
    ),
    _boolean(
        "logging",
        False,
        "Whether to log every span that is reported.",
        ("JAEGER_REPORTER_LOG_SPANS",),
    ),
    _boolean("metrics", True, "Whether to use the metrics factory that was passed."),
    _boolean(
        "rpc_metrics",
        False,
        "Whether to count and time the requests that are answered, from server spans; needs a "
        "metrics factory.",
        ("JAEGER_RPC_METRICS",),
    ),
    Row(
        "reporter_batch_size",
        None,
        parse.integer(1),
        "integer, 1 or more",
        "Most spans of one packet; absent: as many as fit.",
    ),
    Row(
        "reporter_queue_size",
        None,
        parse.integer(1),
        "integer, 1 or more",
        "Most finished spans that wait to be sent; absent: a large bounded number.",
        ("JAEGER_REPORTER_MAX_QUEUE_SIZE",),
    ),
    Row(
        "reporter_flush_interval",
        constants.DEFAULT_FLUSH_INTERVAL,
        parse.seconds,
        "number, seconds, 0 or more",
        f"How long a finished span waits at most; 0: until a packet is full; {_DURATION_NOTE}.",
        ("JAEGER_REPORTER_FLUSH_INTERVAL",),
        parse.duration_text,
        takes_none=True,
    ),
    Row(
        "max_tag_value_length",
        constants.MAX_TAG_VALUE_LENGTH,
        parse.integer(0),
        "integer, characters, 0 or more",
        "Longer texts in tags and logs are cut.",
    ),
    Row(
        "max_traceback_length",
        constants.MAX_TRACEBACK_LENGTH,
        parse.integer(0),
        "integer, characters, 0 or more",
        "Longer tracebacks are cut.",
    ),
    Row(
        "max_logs_per_span",
        0,
        parse.integer(0),
        "integer, 0 or more",
        "Most log entries of a span; of more, the oldest and the newest are sent, and how many "
        "were dropped; 0: all.",
    ),
    Row(
        "baggage.allowed_keys",
        None,
        parse.texts,
        "list, or text with commas, of texts",
        "Keys that may be set as baggage; absent: any.",
    ),
    Row(
        "baggage.max_value_length",
        None,
        parse.integer(0),
        "integer, characters, 0 or more",
        "Longer values of baggage are cut; absent: never.",
    ),
    _boolean(
        "baggage.remote",
        False,
        "Whether to ask the agent, at the sampling port, for more such limits.",
    ),
    Row(
        "baggage.refresh_interval",
        60.0,
        parse.positive_seconds,
        "number, seconds, above 0",
        "How often to ask for them.",
    ),
    _boolean(
        "baggage.deny_until_known",
        False,
        "Whether no baggage may be set until the agent has answered.",
    ),
    Row(
        "propagation",
        (),
        parse.names,
        "list, or text with commas, of " + ", ".join(f"`{n}`" for n in parse.PROPAGATION_NAMES),
        "Formats of span contexts in headers: all are written, the first one found is read. "
        "`b3` alone replaces the format of `HTTP_HEADERS`, anything else that of `HTTP_HEADERS` "
        "and `TEXT_MAP`; absent: `jaeger`.",
        ("JAEGER_PROPAGATION",),
    ),
    Row(
        "trace_id_header",
        constants.TRACE_ID_HEADER,
        parse.header_name,
        _HEADER_TYPE,
        "Header of the span context in the `jaeger` format.",
    ),
    Row(
        "baggage_header_prefix",
        constants.BAGGAGE_HEADER_PREFIX,
        parse.header_name,
        _HEADER_TYPE,
        "Beginning of the headers of baggage in the `jaeger` format.",
    ),
    Row(
        "debug_id_header",
        constants.DEBUG_ID_HEADER_KEY,
        parse.header_name,
        _HEADER_TYPE,
        "Header that forces a trace, and the tag that its value becomes.",
    ),
    _boolean(
        "generate_128bit_trace_id",
        False,
        "Whether trace ids have 128 bits instead of 64.",
        ("JAEGER_TRACEID_128BIT",),
    ),
    _boolean(
        "local_agent.enabled",
        True,
        "Whether to talk to an agent: spans, strategies, credits. Without one, and without "
        "`endpoint`, spans are dropped.",
    ),
    Row(
        "local_agent.reporting_host",
        "localhost",
        parse.text,
        "text, a host name or address",
        "Host of the agent, for spans, sampling and throttling.",
        ("JAEGER_AGENT_HOST", "JAEGER_REPORTER_AGENT_HOST"),
    ),
    Row(
        "local_agent.reporting_port",
        6831,
        PORT,
        _PORT_TYPE,
        "UDP port of the agent, compact protocol.",
        ("JAEGER_AGENT_PORT", "JAEGER_REPORTER_AGENT_PORT"),
    ),
    Row(
        "local_agent.sampling_port",
        5778,
        PORT,
        _PORT_TYPE,
        "HTTP port of the agent, for sampling strategies.",
    ),
    Row(
        "throttler.port",
        5778,
        PORT,
        _PORT_TYPE,
        "HTTP port of the agent, for throttling credits. Any `throttler`, even an empty one, "
        "switches throttling of debug spans on.",
    ),
    Row(
        "throttler.refresh_interval",
        constants.DEFAULT_THROTTLER_REFRESH_INTERVAL,
        parse.integer(1),
        "integer, seconds, 1 or more",
        "How often to ask for throttling credits.",
    ),
    Row(
        "endpoint",
        None,
        parse.url,
        _URL_TYPE,
        "Collector to send spans to over HTTP, for example `http://host:14268/api/traces`, "
        "in place of UDP to the agent. A path that ends in `/v1/traces`, usually on port 4318, "
        "means OTLP.",
        ("JAEGER_ENDPOINT", "JAEGER_REPORTER_ENDPOINT"),
    ),
    Row(
        "protocol",
        None,
        parse.protocol,
        " or ".join(f"`{name}`" for name in parse.PROTOCOLS),
        "What is sent to `endpoint`; absent: by its path. With `otlp`, an `endpoint` without a "
        "path means its `/v1/traces`. OTLP needs `pip install 'jaeger-like[otlp]'`.",
    ),
    Row(
        "user",
        None,
        parse.verbatim,
        "text",
        "User for the collector (Basic); needs `password`; beats `auth_token`.",
        ("JAEGER_USER", "JAEGER_REPORTER_USER"),
    ),
    Row(
        "password",
        None,
        parse.verbatim,
        "text",
        "Password for the collector.",
        ("JAEGER_PASSWORD", "JAEGER_REPORTER_PASSWORD"),
        secret=True,
    ),
    Row(
        "auth_token",
        None,
        parse.credential,
        "text, one line",
        "Token for the collector (Bearer).",
        ("JAEGER_AUTH_TOKEN",),
        secret=True,
    ),
    Row(
        "headers",
        {},
        parse.headers,
        "mapping of header names to texts",
        "More headers for the collector.",
        secret=True,
    ),
    Row(
        "timeout",
        5.0,
        parse.positive_seconds,
        "number, seconds, above 0",
        f"How long one request to the collector may take; {_DURATION_NOTE}.",
        ("JAEGER_REPORTER_TIMEOUT",),
        parse.positive_duration_text,
    ),
    _boolean("tls.validate_cert", True, "Whether the collector's certificate is verified."),
    Row("tls.ca_certs", None, parse.text, "text, a path", "Certificates to trust, a PEM file."),
    Row("tls.client_cert", None, parse.text, "text, a path", "The client's certificate, PEM."),
    Row("tls.client_key", None, parse.text, "text, a path", "The client's key, PEM."),
)

BY_KEY: dict[str, Row] = {row.key: row for row in ROWS}

#: Variables that stand for a part of an address; see :mod:`.sampling`.
MANAGER_HOST_PORT = "JAEGER_SAMPLER_MANAGER_HOST_PORT"
SAMPLER_HOST = "JAEGER_SAMPLER_HOST"
SAMPLER_PORT = "JAEGER_SAMPLER_PORT"
SAMPLING_PATH = "JAEGER_SAMPLER_SAMPLING_PATH"

#: Variables with no key of their own, and what they do.
OTHER_VARIABLES: dict[str, str] = {
    MANAGER_HOST_PORT: "`host:port`, or a URL, of the remote sampler; `JAEGER_SAMPLING_ENDPOINT` "
    "and the keys of `local_agent` beat it.",
    SAMPLING_PATH: "Path of the remote sampler's address; `/sampling` when unset.",
    f"{SAMPLER_HOST}`, `{SAMPLER_PORT}": f"Old spelling of `{MANAGER_HOST_PORT}`.",
}

#: Variables that other clients read and that mean nothing here: set, they are mentioned once.
WITHOUT_EFFECT: dict[str, str] = {
    "JAEGER_AGENT_SOCKET_TYPE": "the address family follows from the agent's address",
    "JAEGER_REPORTER_ATTEMPT_RECONNECTING_DISABLED": "the agent's name is always looked up again",
    "JAEGER_REPORTER_ATTEMPT_RECONNECT_INTERVAL": "the agent's name is always looked up again",
    "JAEGER_SENDER_FACTORY": "there are no sender plug-ins",
}
