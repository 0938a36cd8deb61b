"""One HTTP request, made by tornado's client on the running loop.

The client takes one connection per request; it has no keep-alive. At one request in a second or in
a minute that costs nothing worth a client of our own.
"""

from __future__ import annotations

import email.utils
import re
import time
from typing import Any, NamedTuple

from tornado.httpclient import HTTPRequest
from tornado.httputil import HTTPHeaders
from tornado.netutil import Resolver as TornadoResolver
from tornado.simple_httpclient import SimpleAsyncHTTPClient

from .resolver import look_up


class Resolver(TornadoResolver):
    async def resolve(self, host: str, port: int, family: Any = 0) -> Any:
        return await look_up(host, port, family)


class Response(NamedTuple):
    """What a server answered.

    :ivar code: HTTP status, 200 to 299
    :ivar headers: case does not matter in their names
    """

    code: int
    body: bytes
    headers: HTTPHeaders


class HTTPFailure(OSError):  # noqa: N818  it is what happened, a name to read in sentences
    """A request that had no answer, or one that is no success.

    :ivar code: HTTP status; None when there was no answer
    :ivar retry_after: seconds that the server asks to wait, 0 or more; None when it did not say
    :ivar final: whether it has been tried as often as it makes sense
    """

    def __init__(
        self, message: str, code: int | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.retry_after = retry_after
        self.final = False


async def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = 15.0,
    max_body: int = 1 << 20,
    **tls: Any,
) -> Response:
    """Make one request; redirects are not followed, so no credential goes where it is not meant to.

    :param timeout: seconds for everything, from the look-up of the name to the end of the body
    :param max_body: most bytes of an answer that is accepted
    :param tls: ``validate_cert``, ``ca_certs``, ``client_cert``, ``client_key`` or ``ssl_options``
        as :class:`tornado.httpclient.HTTPRequest` has them
    :raises HTTPFailure: no answer, a status outside of 200 to 299, or too large an answer; the text
        names neither header nor credential
    """
    # Not AsyncHTTPClient(): a program may have configured that to be another implementation.
    # One of its own for each request, so that none waits in another's queue.
    client = SimpleAsyncHTTPClient(
        force_instance=True, resolver=Resolver(), max_body_size=max_body, max_clients=1
    )
    where = f"{method} {_shown(url)}"
    try:
        answer = await client.fetch(
            HTTPRequest(
                url,
                method,
                headers=headers,
                body=body,
                connect_timeout=timeout,
                request_timeout=timeout,
                follow_redirects=False,
                decompress_response=False,  # max_body would not bound what comes out
                **tls,
            ),
            raise_error=False,
        )
        if not 200 <= answer.code < 300:
            reason = f"{answer.code} {answer.reason}"
            retry_after = _retry_after(answer.headers.get("Retry-After", ""), time.time())
            raise HTTPFailure(f"{where}: {reason}", answer.code, retry_after)
        return Response(answer.code, answer.body, answer.headers)
    except HTTPFailure:
        raise
    except Exception as exc:
        # From None: tornado's exceptions may hold the request, and so its credentials.
        raise HTTPFailure(f"{where}: {type(exc).__name__}: {exc}") from None
    finally:
        client.close()


def _retry_after(value: str, now: float) -> float | None:
    """Read the header ``Retry-After``: seconds, or a date. *now* in seconds since 1970."""
    value = value.strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _shown(url: str) -> str:
    """Return *url* without a user, a password or a query."""
    return re.sub(r"//[^/\s]*@", "//***@", url).partition("?")[0]
