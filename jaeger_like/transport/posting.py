"""What all senders over HTTP have in common: credentials, retries, and errors in words."""

from __future__ import annotations

import asyncio
import base64
import errno
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ..encoding.packet import emit_batch
from .http import HTTPFailure, Response, request
from .udp import PacketTooLargeError

#: Statuses that mean "later, perhaps": too many requests, and proxies without a collector.
RETRIED = (429, 502, 503, 504)

_MAX_DELAY = 10.0


class PostingSender(ABC):
    """Posts packets to a collector. Subclasses say what a packet looks like there.

    A request that failed for a passing reason (no answer, 429, 502, 503, 504) is made again after a
    pause that doubles, with jitter, or that the server names.

    :param url: of the collector; a user and a password in it count as those given
    :param user: with *password*: Basic authorization, beats *auth_token*
    :param auth_token: Bearer authorization
    :param headers: more headers; they beat those made here
    :param timeout: seconds of one request
    :param attempts: how often a packet is tried at the most
    :param backoff: seconds of the first pause
    :param max_packet_size: bytes in compact protocol; OTLP takes about as many, Thrift's binary
        protocol twice as many
    :param tls: ``validate_cert``, ``ca_certs``, ``client_cert``, ``client_key``, ``ssl_options``
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
        self._timeout = timeout
        self._attempts = attempts
        self._backoff = backoff
        self._sleep = sleep
        self._tls = tls
        self._closed = False
        self._url, url_user, url_password = _split_credentials(url, self.usual_query)
        if user is None and password is None:
            user, password = url_user, url_password
        self._headers = {"Content-Type": self.content_type}
        if user is not None and password is not None:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
            self._headers["Authorization"] = f"Basic {pair}"
        elif auth_token:
            self._headers["Authorization"] = f"Bearer {auth_token}"
        self._headers.update(headers or {})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url.partition('?')[0]!r})"

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
                response = await request(
                    "POST",
                    self._url,
                    body=body,
                    headers=dict(self._headers),
                    timeout=self._timeout,
                    **self._tls,
                )
            except HTTPFailure as failure:
                if failure.code == 413:
                    raise PacketTooLargeError(errno.EMSGSIZE, str(failure)) from None
                passing = failure.code is None or failure.code in RETRIED
                if not passing or attempt >= self._attempts or self._closed:
                    raise self._explained(failure) from None
                await self._sleep(self._delay(attempt, failure.retry_after))
            else:
                self.accepted(response)
                return

    def close(self) -> None:
        """Try a packet that is under way no more than once again. Any thread."""
        self._closed = True

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
