"""Where Jaeger's own agent, collector and query service listen."""

from __future__ import annotations

DEFAULT_PORTS = {
    "compact_port": 6831,
    "binary_port": 6832,
    "sampling_port": 5778,
    "collector_port": 14268,
    "query_port": 16686,
}
