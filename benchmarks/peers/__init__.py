"""One module per programming interface; each does the same work in the words of its library."""

from __future__ import annotations

TYPE_CHECKING = False  # what is imported here is missing from the cost of a peer's start
if TYPE_CHECKING:
    from typing import Any


#: Every peer, in the order of the tables, with the environment it lives in.
ENVIRONMENT_OF = {
    "jaeger_like": "jaeger_like",
    "jaeger_like_c": "jaeger_like",
    "jaeger_client": "jaeger_client",
    "opentelemetry": "opentelemetry",
    "ddtrace": "ddtrace",
    "noop": "opentracing",
    "empty": "opentracing",
}

#: Variables that a peer needs before its interpreter starts.
VARIABLES_OF = {
    "jaeger_like": {"JAEGER_LIKE_PURE": "1"},
    "ddtrace": {
        # Tracing by hand and nothing else.
        "DD_APPSEC_ENABLED": "false",
        "DD_CRASHTRACKING_ENABLED": "false",
        "DD_DYNAMIC_INSTRUMENTATION_ENABLED": "false",
        "DD_INSTRUMENTATION_TELEMETRY_ENABLED": "false",
        "DD_PROFILING_ENABLED": "false",
        "DD_REMOTE_CONFIGURATION_ENABLED": "false",
        "DD_RUNTIME_METRICS_ENABLED": "false",
        "DD_SERVICE": "bench",
        "DD_TRACE_STARTUP_LOGS": "false",
        "DD_TRACE_STATS_COMPUTATION_ENABLED": "false",
    },
}


def new_peer(name: str, udp_port: int, http_port: int) -> Any:
    """Return the peer of a name. Its library is imported by ``start``, not before."""
    if name in ("jaeger_like", "jaeger_like_c"):
        from .open_tracing import JaegerLike

        return JaegerLike(udp_port)
    if name == "jaeger_client":
        from .open_tracing import JaegerClient

        return JaegerClient(udp_port)
    if name == "noop":
        from .open_tracing import Noop

        return Noop()
    if name == "opentelemetry":
        from .open_telemetry import OpenTelemetry

        return OpenTelemetry(http_port)
    if name == "ddtrace":
        from .datadog import Datadog

        return Datadog(http_port)
    if name == "empty":
        from .empty import Empty

        return Empty()
    raise SystemExit(f"unknown peer {name}; there are: {', '.join(ENVIRONMENT_OF)}")
