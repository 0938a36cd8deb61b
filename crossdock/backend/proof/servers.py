"""Jaeger on loopback: started on ports that are free, waited for, stopped."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
from pathlib import Path
from typing import Any, ClassVar

from .query import Query, get

HOST = "127.0.0.1"


class Backend:
    """A running backend; what differs between the two is in the subclasses.

    :param binary: to be started
    :param folder: for its configuration, its strategies and its log
    :param attempts: a port that was free a moment ago may not be any more
    """

    #: What ports are for; each gets a number, the same for UDP and TCP.
    names: ClassVar[tuple[str, ...]]
    #: Traces that it keeps.
    max_traces = 200_000

    def __init__(self, binary: Path, folder: Path, attempts: int = 3) -> None:
        self._binary = binary
        self.folder = folder
        self.strategies = folder / "strategies.json"
        self.log = folder / "log.txt"
        self.write_strategies({"default_strategy": {"type": "probabilistic", "param": 1}})
        for attempt in range(attempts):
            self.ports = dict(zip(self.names, free_ports(len(self.names))))
            self._start()
            if self._is_healthy():
                return
            self.stop()
            if attempt + 1 == attempts:
                tail = self.log.read_text(encoding="utf-8", errors="replace")[-2000:]
                raise RuntimeError(f"{binary.name} does not become healthy: {tail}")

    def write_strategies(self, strategies: dict[str, Any]) -> None:
        """Replace the sampling strategies; the backend sees it within its reload interval."""
        fresh = self.strategies.with_suffix(".new")
        fresh.write_text(json.dumps(strategies), encoding="utf-8")
        fresh.replace(self.strategies)

    def address(self, name: str) -> str:
        return f"{HOST}:{self.ports[name]}"

    def url(self, name: str, path: str = "") -> str:
        return f"http://{self.address(name)}{path}"

    @property
    def query(self) -> Query:
        return Query(self.url("query"))

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def arguments(self) -> list[str]:
        raise NotImplementedError

    def health(self) -> str:
        """Return the URL that answers 200 when everything is up."""
        raise NotImplementedError

    def metrics(self) -> str:
        """Return the URL of its own metrics, for Prometheus."""
        raise NotImplementedError

    def _start(self) -> None:
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [str(self._binary), *self.arguments()],
                cwd=self.folder,
                # It would trace itself, and send that to ports that are not ours.
                env={**os.environ, "OTEL_TRACES_SAMPLER": "always_off"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _is_healthy(self) -> bool:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                get(self.health(), timeout=5)
                get(self.url("query", "/api/services"), timeout=5)
                return True
            except (OSError, urllib.error.URLError):
                time.sleep(0.1)
        return False


class V1(Backend):
    """Jaeger 1.x ``all-in-one``: agent, collector and query in one process."""

    names = (
        "compact",
        "binary",
        "zipkin_compact",
        "sampling",
        "collector",
        "collector_grpc",
        "otlp",
        "otlp_grpc",
        "query",
        "query_grpc",
        "admin",
    )

    def arguments(self) -> list[str]:
        return [
            f"--processor.jaeger-compact.server-host-port={self.address('compact')}",
            f"--processor.jaeger-binary.server-host-port={self.address('binary')}",
            f"--processor.zipkin-compact.server-host-port={self.address('zipkin_compact')}",
            f"--http-server.host-port={self.address('sampling')}",
            f"--reporter.grpc.host-port={self.address('collector_grpc')}",
            f"--collector.http-server.host-port={self.address('collector')}",
            f"--collector.grpc-server.host-port={self.address('collector_grpc')}",
            f"--collector.otlp.http.host-port={self.address('otlp')}",
            f"--collector.otlp.grpc.host-port={self.address('otlp_grpc')}",
            # The collector drops what its queue has no room for, by default for 2,000 spans.
            "--collector.queue-size=200000",
            f"--query.http-server.host-port={self.address('query')}",
            f"--query.grpc-server.host-port={self.address('query_grpc')}",
            f"--admin.http.host-port={self.address('admin')}",
            f"--memory.max-traces={self.max_traces}",
            f"--sampling.strategies-file={self.strategies}",
            "--sampling.strategies-reload-interval=200ms",
        ]

    def health(self) -> str:
        return self.url("admin", "/")

    def metrics(self) -> str:
        return self.url("admin", "/metrics")


class V2(Backend):
    """Jaeger 2.x: an OpenTelemetry Collector with Jaeger's receiver, storage and query."""

    names = (
        "compact",
        "binary",
        "sampling",
        "collector",
        "collector_grpc",
        "otlp",
        "otlp_grpc",
        "query",
        "query_grpc",
        "admin",
        "telemetry",
    )

    def arguments(self) -> list[str]:
        path = self.folder / "config.json"  # JSON is YAML
        path.write_text(json.dumps(self._configuration(), indent=2), encoding="utf-8")
        return ["--config", str(path)]

    def _configuration(self) -> dict[str, Any]:
        def at(name: str) -> dict[str, str]:
            return {"endpoint": self.address(name)}

        pull = {"exporter": {"prometheus": {"host": HOST, "port": self.ports["telemetry"]}}}
        return {
            "service": {
                "extensions": [
                    "jaeger_storage",
                    "jaeger_query",
                    "remote_sampling",
                    "healthcheckv2",
                ],
                "pipelines": {
                    "traces": {
                        "receivers": ["otlp", "jaeger"],
                        "processors": ["batch"],
                        "exporters": ["jaeger_storage_exporter"],
                    }
                },
                "telemetry": {
                    "metrics": {"level": "detailed", "readers": [{"pull": pull}]},
                    "logs": {"level": "info"},
                },
            },
            "extensions": {
                "healthcheckv2": {"use_v2": True, "http": at("admin")},
                "jaeger_query": {
                    "storage": {"traces": "memory"},
                    "http": at("query"),
                    "grpc": at("query_grpc"),
                },
                "jaeger_storage": {
                    "backends": {"memory": {"memory": {"max_traces": self.max_traces}}}
                },
                "remote_sampling": {
                    "file": {
                        "path": str(self.strategies),
                        "default_sampling_probability": 1,
                        "reload_interval": "200ms",
                    },
                    "http": at("sampling"),
                },
            },
            "receivers": {
                "otlp": {"protocols": {"http": at("otlp"), "grpc": at("otlp_grpc")}},
                "jaeger": {
                    "protocols": {
                        "thrift_compact": at("compact"),
                        "thrift_binary": at("binary"),
                        "thrift_http": at("collector"),
                        "grpc": at("collector_grpc"),
                    }
                },
            },
            "processors": {"batch": {}},
            "exporters": {"jaeger_storage_exporter": {"trace_storage": "memory"}},
        }

    def health(self) -> str:
        return self.url("admin", "/status")

    def metrics(self) -> str:
        return self.url("telemetry", "/metrics")


KINDS: dict[str, type[Backend]] = {"v1": V1, "v2": V2}


def free_ports(number: int) -> list[int]:
    """Return ports of loopback that are free for both UDP and TCP."""
    taken: list[socket.socket] = []
    try:
        ports: list[int] = []
        while len(ports) < number:
            tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            taken.append(tcp)
            tcp.bind((HOST, 0))
            port = tcp.getsockname()[1]
            udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            taken.append(udp)
            try:
                udp.bind((HOST, port))
            except OSError:
                continue
            ports.append(port)
        return ports
    finally:
        for each in taken:
            each.close()
