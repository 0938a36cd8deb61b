"""What all senders over HTTP have in common: credentials, retries, and errors in words."""

from __future__ import annotations

import asyncio
import errno
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ..encoding.packet import emit_batch
from .http import Client, HTTPFailure, Response, basic_authorization
from .udp import PacketTooLargeError

#: Statuses that mean "later, perhaps": too many requests, and proxies without a collector.
RETRIED = (429, 502, 503, 504)

_MAX_DELAY = 10.0
_STEP = 1.0  # seconds


class PostingSender(ABC):
    """Posts packets to a collector. Subclasses say what a packet looks like there.

    One connection is kept open, as long as the collector does. A request that failed for a passing
    reason (no answer, 429, 502, 503, 504) is made again after a pause that doubles, with jitter, or
    that the server names; no more when the buffer is full, for then it costs other spans.

    :param url: of the collector; a user and a password in it count as those given
    :param user: with *password*: Basic authorization, beats *auth_token*
    :param auth_token: Bearer authorization
    :param headers: more headers, latin-1 or UTF-8; they beat those made here
    :param timeout: seconds of one request
    :param attempts: how often a packet is tried at the most
    :param backoff: seconds of the first pause
    :param max_packet_size: bytes in compact protocol; OTLP takes about as many, Thrift's binary
        protocol twice as many
    :param sleep: coroutine function that waits so many seconds, for tests
    :param tls: ``validate_cert``, ``ca_certs``, ``client_cert``, ``client_key``, ``ssl_options``
    :raises ValueError: no such URL, or no such headers
    """

    #: What :meth:`body` returns.
    content_type: str
    #: Where collectors of this kind listen, for error messages.
    usual_path: str
    #: Query of a URL that has none.
    usual_query = ""

    def __init__(
        self,
        url: str,
        *,
        user: str | None = None,
        password: str | None = None,
        auth_token: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 5.0,
        attempts: int = 3,
        backoff: float = 0.5,
        max_packet_size: int = 512 * 1024,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        **tls: Any,
    ) -> None:
        self.max_packet_size = max_packet_size
        self._attempts = attempts
        self._backoff = backoff
        self._sleep = sleep
        self._closed = False
        #: Whether there is room for spans that finish while a packet waits; a reporter sets it.
        self.has_room: Callable[[], bool] = lambda: True
        self._url, url_user, url_password = _split_credentials(url, self.usual_query)
        if user is None and password is None:
            user, password = url_user, url_password
        own = {"Content-Type": self.content_type}
        if user is not None and password is not None:
            own["Authorization"] = basic_authorization(user, password)
        elif auth_token:
            own["Authorization"] = f"Bearer {auth_token}"
        names = {name.lower() for name in headers or {}}
        own = {name: value for name, value in own.items() if name.lower() not in names}
        own.update(headers or {})
        self._client = Client(self._url, headers=own, timeout=timeout, **tls)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client.shown!r})"

    @abstractmethod
    def body(self, packet: bytes) -> bytes:
        """Return what is to be posted for a packet."""

    def accepted(self, response: Response) -> None:  # noqa: B027  most collectors say nothing
        """Look at what the collector said when it took a packet."""

    def packet(
        self,
        process: bytes,
        spans: Sequence[bytes],
        seq_no: int,
        stats: tuple[int, int, int],
    ) -> bytes:
        """Return one packet, to be given to :meth:`send`. For parameters see ``emit_batch``."""
        return emit_batch(process, spans, seq_no, stats)

    async def send(self, packet: bytes) -> None:
        """Post one packet, with retries. Runs on the loop.

        :raises PacketTooLargeError: the collector, or a proxy, takes no packet of this size
        :raises HTTPFailure: it did not get there, and there is no use in trying again now
        """
        body = self.body(packet)
        attempt = 0
        while True:
            attempt += 1
            try:
                response = await self._client.request("POST", body)
            except HTTPFailure as failure:
                if failure.code is not None and failure.code < 300:
                    return  # it took the packet; only what it had to say about it did not arrive
                if failure.code == 413:
                    raise PacketTooLargeError(errno.EMSGSIZE, str(failure)) from None
                passing = failure.code is None or failure.code in RETRIED
                if not passing or attempt >= self._attempts or not self._may_wait():
                    raise self._explained(failure) from None
                await self._pause(self._delay(attempt, failure.retry_after))
            else:
                self.accepted(response)
                return

    def close(self) -> None:
        """Try a packet that is under way no more than once again; release an idle connection.

        Any thread. A packet that is sent later opens another connection.
        """
        self._closed = True
        self._client.close()

    def _may_wait(self) -> bool:
        # While there is no room, new spans are lost for this one's sake.
        return not self._closed and self.has_room()

    async def _pause(self, seconds: float) -> None:
        """Wait, and no longer than makes sense."""
        while True:
            step = min(seconds, _STEP)
            await self._sleep(step)
            seconds -= step
            if seconds <= 0 or not self._may_wait():
                return

    def _delay(self, attempt: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return min(retry_after, _MAX_DELAY)
        # Anything between half and all of it: clients that failed together should not return so.
        delay: float = self._backoff * 2 ** (attempt - 1) * (0.5 + random.random() / 2)
        return min(delay, _MAX_DELAY)

    def _explained(self, failure: HTTPFailure) -> HTTPFailure:
        what = {
            401: "the collector wants credentials, or others than the configured ones",
            403: "the collector does not allow these credentials to write spans",
            404: f"there is no collector at this path, which usually is {self.usual_path}",
        }.get(failure.code or 0)
        if what is not None:
            failure = HTTPFailure(f"{failure} ({what})", failure.code, failure.retry_after)
        failure.final = True
        return failure


def _split_credentials(url: str, usual_query: str) -> tuple[str, str | None, str | None]:
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    bare = urlunsplit((parts.scheme, host, parts.path, parts.query or usual_query, ""))
    if not at:
        return bare, None, None
    user, colon, password = userinfo.partition(":")
    return bare, unquote(user), unquote(password) if colon else ""
