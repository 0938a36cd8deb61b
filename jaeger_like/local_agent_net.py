"""The agent on this machine, or wherever it is: UDP for spans, HTTP for questions."""

from __future__ import annotations

from . import _background
from ._held_off import held_off

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future
    from typing import Any


class LocalAgentHTTP:
    """Asks an agent by HTTP.

    :param host: name or address
    :param port: TCP port
    """

    #: Seconds until an answer must be there.
    DEFAULT_TIMEOUT = 15

    def __init__(self, host: str, port: int) -> None:
        self.agent_http_host = host
        self.agent_http_port = int(port)

    def url(self, path: str, parameters: dict[str, Any]) -> str:
        """Return the address of a question; a list is a parameter given several times."""
        host = f"[{self.agent_http_host}]" if ":" in self.agent_http_host else self.agent_http_host
        with held_off:
            from urllib.parse import urlencode
        query = urlencode(parameters, doseq=True)
        return f"http://{host}:{self.agent_http_port}/{path}?{query}"


class LocalAgentSender:
    """The channel of one agent. Opens nothing before it is needed.

    :param host: name or address of the agent, for everything
    :param sampling_port: TCP port for sampling strategies
    :param reporting_port: UDP port for spans in compact protocol
    :param io_loop: tornado loop to run on; by default the one in the background
    :param throttling_port: TCP port for credits; by default that for sampling strategies
    :param sender_options: ``family`` and ``resolve_interval``, see ``UDPSender``
    :raises ValueError: a port is no number

    Any thread may ask.
    """

    def __init__(
        self,
        host: str,
        sampling_port: int,
        reporting_port: int,
        io_loop: Any = None,
        throttling_port: int | None = None,
        **sender_options: Any,
    ) -> None:
        self.io_loop = io_loop
        self.host = host
        self.reporting_port = int(reporting_port)
        self.local_agent_http = LocalAgentHTTP(host, sampling_port)
        self.throttling_http = LocalAgentHTTP(host, throttling_port) if throttling_port else None
        self._sender_options = sender_options
        self._sender: Any = None

    @property
    def sender(self) -> Any:
        """The UDP sender."""
        if self._sender is None:
            from .transport.udp import UDPSender

            self._sender = UDPSender(self.host, self.reporting_port, **self._sender_options)
        return self._sender

    def request_sampling_strategy(
        self, service_name: str, timeout: float = LocalAgentHTTP.DEFAULT_TIMEOUT
    ) -> Future[Any]:
        """Ask how to sample *service_name*. The answer has the JSON in ``body``.

        :param timeout: seconds
        """
        url = self.local_agent_http.url("sampling", {"service": service_name})
        return self._get(url, timeout)

    def request_throttling_credits(
        self,
        service_name: str,
        client_id: str,
        operations: list[str],
        timeout: float = LocalAgentHTTP.DEFAULT_TIMEOUT,
    ) -> Future[Any]:
        """Ask for credits for forced traces of *operations*. The answer has the JSON in ``body``.

        :param timeout: seconds
        """
        http = self.throttling_http or self.local_agent_http
        parameters = {"service": service_name, "uuid": client_id, "operations": operations}
        return self._get(http.url("credits", parameters), timeout)

    def _get(self, url: str, timeout: float) -> Future[Any]:
        with held_off:
            from .transport.http import request

        async def get() -> Any:
            return await request("GET", url, timeout=timeout)

        return _background.runner(self.io_loop).submit(get)

    def readFrame(self) -> None:  # noqa: N802  thrift's name
        """Answer nothing: UDP is one way."""
