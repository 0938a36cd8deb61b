"""Spans to a collector over HTTP: ``POST /api/traces`` with a Batch in Thrift's binary protocol.

The records of spans are in compact protocol, so a packet is decoded and encoded again on its way
out, on the loop's thread; thrift does that in C where its extension is built.
"""

from __future__ import annotations

import asyncio
import base64
import errno
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
from thrift.protocol.TCompactProtocol import TCompactProtocolAccelerated
from thrift.transport.TTransport import TMemoryBuffer

from ..encoding.packet import emit_batch
from ..thrift_gen.agent import Agent
from .http import HTTPFailure, request
from .udp import PacketTooLargeError

#: Statuses that mean "later, perhaps": too many requests, and proxies without a collector.
RETRIED = (429, 502, 503, 504)

_MAX_DELAY = 10.0


class HTTPSender:
    """Posts packets to a collector.

    A request that failed for a passing reason (no answer, 429, 502, 503, 504) is made again after a
    pause that doubles, with jitter, or that the server names.

    :param url: of the collector, ``http://host:14268/api/traces``; without a query,
        ``format=jaeger.thrift`` is added, which old collectors want; a user and a password in it
        count as those given
    :param user: with *password*: Basic authorization, beats *auth_token*
    :param auth_token: Bearer authorization
    :param headers: more headers; they beat those made here
    :param timeout: seconds of one request
    :param attempts: how often a packet is tried at the most
    :param backoff: seconds of the first pause
    :param max_packet_size: bytes in compact protocol; about half of what goes out
    :param tls: ``validate_cert``, ``ca_certs``, ``client_cert``, ``client_key``, ``ssl_options``
    """

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
        self._url, url_user, url_password = _split_credentials(url)
        if user is None and password is None:
            user, password = url_user, url_password
        self._headers = {"Content-Type": "application/x-thrift"}
        if user is not None and password is not None:
            pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
            self._headers["Authorization"] = f"Basic {pair}"
        elif auth_token:
            self._headers["Authorization"] = f"Bearer {auth_token}"
        self._headers.update(headers or {})

    def __repr__(self) -> str:
        return f"HTTPSender({self._url.partition('?')[0]!r})"

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
        body = to_binary(packet)
        attempt = 0
        while True:
            attempt += 1
            try:
                await request(
                    "POST",
                    self._url,
                    body=body,
                    headers=dict(self._headers),
                    timeout=self._timeout,
                    **self._tls,
                )
                return
            except HTTPFailure as failure:
                if failure.code == 413:
                    raise PacketTooLargeError(errno.EMSGSIZE, str(failure)) from None
                passing = failure.code is None or failure.code in RETRIED
                if not passing or attempt >= self._attempts or self._closed:
                    raise _explained(failure) from None
                await self._sleep(self._delay(attempt, failure.retry_after))

    def close(self) -> None:
        """Try a packet that is under way no more than once again. Any thread."""
        self._closed = True

    def _delay(self, attempt: int, retry_after: float | None) -> float:
        if retry_after is not None:
            return min(retry_after, _MAX_DELAY)
        # Anything between half and all of it: clients that failed together should not return so.
        delay: float = self._backoff * 2 ** (attempt - 1) * (0.5 + random.random() / 2)
        return min(delay, _MAX_DELAY)


def to_binary(packet: bytes) -> bytes:
    """Return the Batch of a compact ``emitBatch`` message as a bare struct in binary protocol."""
    source = TCompactProtocolAccelerated(TMemoryBuffer(packet), fallback=True)
    source.readMessageBegin()
    args = Agent.emitBatch_args()
    args.read(source)
    target = TMemoryBuffer()
    args.batch.write(TBinaryProtocolAccelerated(target, fallback=True))
    body: bytes = target.getvalue()
    return body


def _explained(failure: HTTPFailure) -> HTTPFailure:
    what = {
        401: "the collector wants credentials, or others than the configured ones",
        403: "the collector does not allow these credentials to write spans",
        404: "there is no collector at this path, which usually is /api/traces",
    }.get(failure.code or 0)
    if what is not None:
        failure = HTTPFailure(f"{failure} ({what})", failure.code, failure.retry_after)
    failure.final = True
    return failure


def _split_credentials(url: str) -> tuple[str, str | None, str | None]:
    parts = urlsplit(url)
    userinfo, at, host = parts.netloc.rpartition("@")
    query = parts.query or "format=jaeger.thrift"
    bare = urlunsplit((parts.scheme, host, parts.path, query, ""))
    if not at:
        return bare, None, None
    user, colon, password = userinfo.partition(":")
    return bare, unquote(user), unquote(password) if colon else ""
