"""The embedded agent: its ports, opened and closed together."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.web import Application

from . import decode, servers, tree
from .counters import Counters
from .ports import DEFAULT_PORTS
from .store import Store
from .strategies import Strategies
from .udp import Receiver

_MAX_BODY = 16 << 20  # bytes
_MAX_HEADERS = 1 << 16  # bytes


class PortError(OSError):
    """The agent cannot listen on a port.

    :ivar name: the parameter of :class:`AllInOne` it came from
    """

    def __init__(self, name: str, host: str, port: int, reason: str) -> None:
        super().__init__(f"cannot listen on {host} port {port}: {reason}")
        self.name = name
        self.host = host
        self.port = port
        self.reason = reason


class AllInOne:
    """An agent, a collector and a query service in one, for tests and for the desk.

    :param host: address to listen on, a name or a number
    :param compact_port: UDP, ``emitBatch`` in compact protocol; 0, here and below: any free port
    :param binary_port: UDP, ``emitBatch`` in binary protocol
    :param sampling_port: HTTP, ``/sampling`` and ``/credits``
    :param collector_port: HTTP, ``POST /api/traces``
    :param query_port: HTTP, Jaeger's query JSON and pages for a browser
    :param strategies: what ``/sampling`` answers; by default that every trace is sampled
    :param max_traces: bound of the memory, see :class:`~jaeger_like.all_in_one.store.Store`
    :param max_spans: the same, for the spans of all traces together
    :param show: called with the text of every trace that had no new span for *quiet_after* seconds;
        on the loop's thread
    :param quiet_after: seconds

    :ivar store: the traces; its methods may be called from any thread
    :ivar counters: what came in

    After :meth:`start` the attributes ``host`` and ``..._port`` say where it listens. Apart from
    ``store``, use it on the thread of the loop on which it was started.
    """

    def __init__(
        self,
        host: str = "127.0.0.1",
        compact_port: int = 0,
        binary_port: int = 0,
        sampling_port: int = 0,
        collector_port: int = 0,
        query_port: int = 0,
        *,
        strategies: Strategies | None = None,
        max_traces: int = 1000,
        max_spans: int = 100_000,
        show: Callable[[str], Any] | None = None,
        quiet_after: float = 1.0,
    ) -> None:
        self.host = host
        self.compact_port = compact_port
        self.binary_port = binary_port
        self.sampling_port = sampling_port
        self.collector_port = collector_port
        self.query_port = query_port
        self.store = Store(max_traces, max_spans)
        self.counters = Counters()
        self._desk = servers.Desk(self.store, self.counters, strategies or Strategies())
        self._receiver = Receiver(self._desk.take, self.counters)
        self._http: list[HTTPServer] = []
        self._show = show
        self._quiet_after = quiet_after
        self._ticker: Any = None

    @property
    def ports(self) -> dict[str, int]:
        """The ports by the names of their parameters."""
        return {name: getattr(self, name) for name in DEFAULT_PORTS}

    def start(self) -> None:
        """Open all ports. To be called inside a running tornado loop.

        :raises PortError: when one of them cannot be had; then none stays open
        """
        try:
            self._open()
        except BaseException:
            self._receiver.close()
            for server in self._http:
                server.stop()
            self._http.clear()
            raise
        if self._show is not None:
            self._tick_later()

    def _open(self) -> None:
        self.host = _resolve(self.host)
        protocols = {"compact_port": decode.COMPACT, "binary_port": decode.BINARY}
        applications = {
            "sampling_port": servers.sampling,
            "collector_port": servers.collector,
            "query_port": servers.query,
        }
        for name, protocol in protocols.items():
            self._claim(name, partial(self._receive, protocol))
        for name, make in applications.items():
            self._claim(name, partial(self._serve, make(self._desk)))

    def _claim(self, name: str, listen: Callable[[int], int]) -> None:
        port = getattr(self, name)
        try:
            setattr(self, name, listen(port))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise PortError(name, self.host, port, reason) from error

    def _receive(self, protocol: str, port: int) -> int:
        return self._receiver.listen(self.host, port, protocol)

    def _serve(self, application: Application, port: int) -> int:
        sock = _listening_socket(self.host, port)
        server = HTTPServer(application, max_body_size=_MAX_BODY, max_header_size=_MAX_HEADERS)
        server.add_socket(sock)
        self._http.append(server)
        chosen: int = sock.getsockname()[1]
        return chosen

    async def stop(self) -> None:
        """Close all ports and connections, and show what has not been shown; idempotent."""
        if self._ticker is not None:
            IOLoop.current().remove_timeout(self._ticker)
            self._ticker = None
        self._receiver.close()
        stopping, self._http = self._http, []
        for server in stopping:
            server.stop()
        for server in stopping:
            await server.close_all_connections()
        if self._show is not None:
            self._show_quiet(0.0)

    def _tick_later(self) -> None:
        delay = min(max(self._quiet_after / 4, 0.01), 0.25)
        self._ticker = IOLoop.current().call_later(delay, self._tick)

    def _tick(self) -> None:
        self._show_quiet(self._quiet_after)
        self._tick_later()

    def _show_quiet(self, seconds: float) -> None:
        assert self._show is not None
        if not self.store.is_pending:
            return
        try:
            for trace, again in self.store.quiet(seconds):
                self._show(tree.text(trace) + ("\n  (shown before, has grown)" if again else ""))
        except Exception as error:  # a closed terminal must not stop the agent
            print(f"cannot show a trace: {error!r}", file=sys.stderr)


def _listening_socket(host: str, port: int) -> socket.socket:
    """As tornado's ``bind_sockets``, which leaves sockets open when a port is taken."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        if os.name == "posix":  # pragma: no branch  elsewhere it allows two servers on one port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(128)
    except BaseException:
        sock.close()
        raise
    return sock


def _resolve(host: str) -> str:
    """Return one numeric address, so that all ports are on the same."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise PortError("host", host, 0, str(error)) from error
    return str(found[0][4][0])
