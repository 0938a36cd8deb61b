"""HTTP requests on the running loop: single ones, and many to one URL over one connection.

Proxies are not used, whatever the environment says, and redirects are not followed: spans and
credentials go where the configuration sends them and nowhere else.
"""

from __future__ import annotations

import asyncio
import base64
import email.utils
import re
import ssl
import time
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import SplitResult, quote, unquote, urlsplit

from tornado.httputil import HTTPHeaders
from tornado.netutil import ssl_options_to_context

from .. import _fork
from .._version import __version__
from .connection import Answer, Connection, StaleError, connect

_NO_HEADER = re.compile(r"[\r\n\0]")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SAFE_IN_A_TARGET = "/%:=&?~+!$,;'@()*[]"


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


class Client:
    """Makes requests to one URL, over one connection as long as the server keeps it open.

    A connection that the server has closed meanwhile is replaced at once, which nobody notices.
    Requests that overlap take connections of their own. One connection at the most stays open.

    :param url: http or https; a user and a password in it make Basic authorization
    :param headers: of every request; they beat those made here
    :param timeout: seconds for everything, from the look-up of the name to the end of the body
    :param max_body: most bytes of an answer that is accepted
    :param keep_alive: whether a connection is used for a second request
    :param tls: ``validate_cert``, ``ca_certs``, ``client_cert``, ``client_key``, or
        ``ssl_options``: a context, or a dict as tornado has it
    :raises ValueError: no such URL, or no such headers
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 15.0,
        max_body: int = 1 << 20,
        keep_alive: bool = True,
        **tls: Any,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("not an http or https URL with a host")
        self.shown = shown(url)
        self._host = parts.hostname
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._secure = parts.scheme == "https"
        self._target = _target(parts)
        self._headers = _headers(parts, keep_alive, headers or {})
        self._timeout = timeout
        self._max_body = max_body
        self._keep_alive = keep_alive
        self._tls = tls
        self._context: ssl.SSLContext | None = None
        self._idle: Connection | None = None
        self._open: list[Connection] = []
        _fork.register(self)

    async def request(self, method: str, body: bytes | None = None) -> Response:
        """Make a request.

        :raises HTTPFailure: no answer, a status outside of 200 to 299, or too large an answer, in
            which case it has the status all the same; the text names neither header nor credential
        """
        where = f"{method} {self.shown}"
        try:
            answer = await asyncio.wait_for(self._ask(method, body), self._timeout)
        except asyncio.TimeoutError:
            raise HTTPFailure(f"{where}: no answer within {self._timeout:g} s") from None
        except Exception as exc:
            if isinstance(exc, ssl.SSLError):
                self._context = None  # the files of certificates may be other ones next time
            raise HTTPFailure(f"{where}: {type(exc).__name__}: {exc}") from None
        if not 200 <= answer.code < 300:
            retry_after = _retry_after(answer.headers.get("Retry-After", ""), time.time())
            raise HTTPFailure(f"{where}: {answer.code} {answer.reason}", answer.code, retry_after)
        if answer.problem is not None:
            problem = f"{answer.code}, but {answer.problem}"
            raise HTTPFailure(f"{where}: {problem}", answer.code)
        return Response(answer.code, answer.body, answer.headers)

    def close(self) -> None:
        """Close the connection if it is idle; the next request opens another. Any thread."""
        connection, self._idle = self._idle, None
        if connection is not None:
            self._close(connection)

    def __del__(self) -> None:
        # Of a tracer that nobody closed. The loop would keep the connection as long as the server.
        connection = getattr(self, "_idle", None)
        if connection is not None:
            connection.close()

    async def _ask(self, method: str, body: bytes | None) -> Answer:
        message = self._message(method, body)
        deadline = time.monotonic() + self._timeout
        connection, self._idle = self._idle, None
        if connection is not None:
            if connection.is_usable():
                try:
                    return await self._ask_over(connection, message)
                except StaleError:
                    pass
            else:
                self._close(connection)
        connection = await connect(
            self._host,
            self._port,
            self._tls_context() if self._secure else None,
            self._max_body,
            deadline - time.monotonic(),
        )
        self._open.append(connection)
        return await self._ask_over(connection, message)

    async def _ask_over(self, connection: Connection, message: bytes) -> Answer:
        reusable = False
        try:
            answer, reusable = await connection.ask(message)
        finally:
            if not (reusable and self._keep_alive and self._idle is None):
                self._close(connection)
        if connection in self._open:
            self._idle = connection
        return answer

    def _close(self, connection: Connection) -> None:
        if connection in self._open:
            self._open.remove(connection)
        connection.close()

    def _message(self, method: str, body: bytes | None) -> bytes:
        length = b"" if body is None else b"Content-Length: %d\r\n" % len(body)
        start = f"{method} {self._target} HTTP/1.1\r\n".encode("ascii")
        return start + self._headers + length + b"\r\n" + (body or b"")

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = _new_context(**self._tls)
        return self._context

    def _after_fork(self) -> None:
        # The parent goes on with its connections. Not a byte of ours may get into them.
        connections, self._open, self._idle = self._open, [], None
        for connection in connections:
            connection.abandon()


async def request(
    method: str,
    url: str,
    *,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 15.0,
    max_body: int = 1 << 20,
    **tls: Any,
) -> Response:
    """Make one request over a connection of its own. For parameters see :class:`Client`.

    :raises HTTPFailure: as :meth:`Client.request`, and for a URL that is none
    """
    try:
        client = Client(
            url, headers=headers, timeout=timeout, max_body=max_body, keep_alive=False, **tls
        )
    except ValueError as exc:
        raise HTTPFailure(f"{method} {shown(url)}: {exc}") from None
    return await client.request(method, body)


def basic_authorization(user: str, password: str) -> str:
    """Return the header ``Authorization`` of a user."""
    pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
    return f"Basic {pair}"


def shown(url: str) -> str:
    """Return *url* without a user, a password or a query."""
    return re.sub(r"//.*@", "//***@", url.partition("?")[0], flags=re.DOTALL)


def _target(parts: SplitResult) -> str:
    target = quote(parts.path or "/", _SAFE_IN_A_TARGET)
    return target + (f"?{quote(parts.query, _SAFE_IN_A_TARGET)}" if parts.query else "")


def _headers(parts: SplitResult, keep_alive: bool, more: Mapping[str, str]) -> bytes:
    host = parts.netloc.rpartition("@")[2]
    found = {
        "Host": host if host.isascii() else host.encode("idna").decode("ascii"),
        "User-Agent": f"jaeger-like/{__version__}",
        # Bodies are read as they come.
        "Accept-Encoding": "identity",
        "Connection": "keep-alive" if keep_alive else "close",
    }
    if parts.username is not None:
        password = unquote(parts.password or "")
        found["Authorization"] = basic_authorization(unquote(parts.username), password)
    for name, value in more.items():
        # Without the value in the message: it may be a secret.
        if not _TOKEN.fullmatch(name) or _NO_HEADER.search(value):
            raise ValueError(f"the header {name!r} is none, or its value has more than one line")
        for given in [known for known in found if known.lower() == name.lower()]:
            del found[given]
        found[name] = value
    return b"".join(
        f"{name}: ".encode() + _encoded(value) + b"\r\n" for name, value in found.items()
    )


def _encoded(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()


def _new_context(
    ssl_options: dict[str, Any] | ssl.SSLContext | None = None,
    validate_cert: bool = True,
    ca_certs: str | None = None,
    client_cert: str | None = None,
    client_key: str | None = None,
) -> ssl.SSLContext:
    if ssl_options is not None:
        return ssl_options_to_context(ssl_options, server_side=False)
    try:
        context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=ca_certs)
    except OSError as exc:
        raise _unreadable("certificates to trust", ca_certs, exc) from None
    if not validate_cert:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert is not None:
        try:
            # For a key with a password OpenSSL would ask at the terminal, and wait.
            context.load_cert_chain(client_cert, client_key, password=lambda: b"no password")
        except OSError as exc:
            raise _unreadable("the client's certificate or key", client_cert, exc) from None
    return context


def _unreadable(what: str, path: str | None, exc: OSError) -> OSError:
    # Neither OpenSSL nor Python says which file it was.
    return OSError(f"cannot load {what} from {path}: {exc}")


def _retry_after(value: str, now: float) -> float | None:
    """Read the header ``Retry-After``: seconds, or a date. *now* in seconds since 1970."""
    value = value.strip()
    if re.fullmatch("[0-9]{1,9}", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
