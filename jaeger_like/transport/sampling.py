"""Sampling strategies from a given URL, for when they do not come from the agent's own address."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from .._background import runner
from .http import Response, request

if TYPE_CHECKING:
    from tornado.ioloop import IOLoop


class SamplingEndpoint:
    """The part of an agent's channel that the remote sampler uses.

    :param url: where to ask; the parameter ``service`` is added
    :param io_loop: a user's tornado loop, or None for the process's own
    """

    def __init__(self, url: str, io_loop: IOLoop | None = None) -> None:
        self._url = url
        self.io_loop = io_loop

    def request_sampling_strategy(self, service_name: str, timeout: float = 15) -> Future[Any]:
        """Ask for the strategy of a service; the future's result has ``.body``. Any thread.

        :param timeout: seconds
        """
        return runner(self.io_loop).submit(self._ask, service_name, timeout)

    async def _ask(self, service_name: str, timeout: float) -> Response:
        separator = "&" if "?" in self._url else "?"
        url = f"{self._url}{separator}{urlencode({'service': service_name})}"
        return await request("GET", url, timeout=timeout)
