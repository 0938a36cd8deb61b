"""One HTTP/1.1 connection to a server, for one request after the other.

Made of tornado's streams and nothing else: its HTTP client takes a new connection for each request.
Everything here runs on the thread of the loop that the connection was opened on, except
:meth:`Connection.close` and :meth:`Connection.abandon`.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import time
from typing import Any, NamedTuple

from tornado.httputil import HTTPHeaders
from tornado.iostream import IOStream, SSLIOStream, StreamClosedError

from .resolver import look_up

#: Seconds after which an idle connection is not used again: routers and balancers on the way
#: forget it without a word.
MAX_IDLE = 30.0

_MAX_HEAD = 64 * 1024
_MAX_CHUNK_LINE = 1024
_MAX_INFORMATIONAL = 10
_END_OF_HEAD = rb"\r?\n\r?\n"
_STATUS_LINE = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (.*))?")


class Answer(NamedTuple):
    """What a server answered, whatever the status.

    :ivar problem: why the body could not be had, or None; it is empty then
    """

    code: int
    reason: str
    headers: HTTPHeaders
    body: bytes
    problem: Exception | None


class StaleError(OSError):
    """The server closed a connection that had been used before, and answered nothing."""


class MalformedError(ValueError):
    """What the server sent is not HTTP as we know it, or too much of it."""


class Connection:
    """A connection that is open; :func:`connect` makes it.

    :param stream: connected
    :param max_body: most bytes of a body that is taken
    """

    def __init__(self, stream: IOStream, max_body: int) -> None:
        self.loop = asyncio.get_running_loop()
        self._stream = stream
        # abandon() must not ask the stream, which may be in the middle of something.
        self._socket = stream.socket
        self._max_body = max_body
        self._used = False
        self._idle_since = time.monotonic()
        self._head = self._read_head()

    def is_usable(self) -> bool:
        """Whether the next request may go this way, as far as can be known."""
        return (
            self.loop is asyncio.get_running_loop()
            # Done: the server closed it, or said something that nobody had asked for.
            and not self._head.done()
            and not self._stream.closed()
            and time.monotonic() - self._idle_since < MAX_IDLE
        )

    async def ask(self, message: bytes) -> tuple[Answer, bool]:
        """Send a request and read its answer; return it, and whether there may be another one.

        :raises StaleError: there is no answer, and a new connection may well get one
        :raises OSError: there is no answer
        :raises MalformedError: it is no HTTP
        """
        try:
            _ignore(self._stream.write(message))
            version, code, reason, headers = _parse_head(await self._head)
            for _ in range(_MAX_INFORMATIONAL):
                if code >= 200:
                    break
                self._head = self._read_head()
                version, code, reason, headers = _parse_head(await self._head)
            else:
                raise MalformedError("no answer after many informational ones")
        except StreamClosedError as exc:
            if self._used and not isinstance(exc.real_error, ssl.SSLError):
                raise StaleError(str(exc)) from None
            raise _as_oserror(exc.real_error) from None
        self._used = True
        body, reusable = b"", False
        problem: Exception | None = None
        try:
            body, ends = await self._read_body(code, headers)
            reusable = ends and _stays_open(version, headers)
        except StreamClosedError as exc:
            problem = _as_oserror(exc.real_error)
        except MalformedError as exc:
            problem = exc
        if reusable and not self._stream.closed() and not self._stream.writing():
            self._idle_since = time.monotonic()
            self._head = self._read_head()
        else:
            reusable = False
        return Answer(code, reason, headers, body, problem), reusable

    def close(self) -> None:
        """Close it. Any thread."""
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        if running is self.loop:
            self._stream.close()
            return
        try:
            self.loop.call_soon_threadsafe(self._stream.close)
        except RuntimeError:  # the loop is closed
            self.abandon()

    def abandon(self) -> None:
        """Close the descriptor, without a word to the server or to the loop."""
        self._socket.close()

    def _read_head(self) -> Any:
        """Begin to read the next answer's head. Also before anything is asked: the read that fails
        then is how the end of an idle connection is noticed."""
        return _ignore(self._stream.read_until_regex(_END_OF_HEAD, max_bytes=_MAX_HEAD))

    async def _read_body(self, code: int, headers: HTTPHeaders) -> tuple[bytes, bool]:
        """Return the body, and whether its end is not the connection's."""
        if code in (204, 304):
            return b"", True
        encoding = headers.get("Transfer-Encoding")
        length = headers.get("Content-Length")
        if encoding is not None:
            if encoding.strip().lower() != "chunked" or length is not None:
                raise MalformedError("cannot tell where the answer ends")
            return await self._read_chunks(), True
        if length is not None:
            return await self._read_bytes(_content_length(length), b""), True
        return await self._read_until_closed(), False

    async def _read_bytes(self, count: int, before: bytes) -> bytes:
        if len(before) + count > self._max_body:
            raise MalformedError(f"the answer has more than {self._max_body} bytes")
        return before + await self._stream.read_bytes(count) if count else before

    async def _read_chunks(self) -> bytes:
        body = b""
        while True:
            line = await self._stream.read_until(b"\n", max_bytes=_MAX_CHUNK_LINE)
            size = line.partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", size):
                raise MalformedError("a chunk without a size")
            count = int(size, 16)
            if count == 0:
                break
            body = await self._read_bytes(count, body)
            if (await self._stream.read_until(b"\n", max_bytes=2)).strip():
                raise MalformedError("a chunk without an end")
            await asyncio.sleep(0)  # others want the loop, too
        for _ in range(100):  # headers after the body
            if not (await self._stream.read_until(b"\n", max_bytes=_MAX_HEAD)).strip():
                return body
        raise MalformedError("an answer without an end")

    async def _read_until_closed(self) -> bytes:
        body = b""
        while True:
            try:
                part = await self._stream.read_bytes(64 * 1024, partial=True)
            except StreamClosedError:
                return body
            body += part
            if len(body) > self._max_body:
                raise MalformedError(f"the answer has more than {self._max_body} bytes")
            await asyncio.sleep(0)


async def connect(
    host: str, port: int, context: ssl.SSLContext | None, max_body: int, timeout: float
) -> Connection:
    """Return a new connection.

    :param context: None: without TLS
    :param timeout: seconds; of several addresses each gets its share
    :raises OSError: no address of *host* takes one, or TLS fails
    """
    deadline = time.monotonic() + timeout
    addresses = await look_up(host, port)
    failure: OSError | None = None
    for number, (family, address) in enumerate(addresses):
        share = (deadline - time.monotonic()) / (len(addresses) - number)
        stream = None
        try:
            stream = _new_stream(family, context, max_body)
            await asyncio.wait_for(_connected(stream, address, host), share)
            stream.set_nodelay(True)
            return Connection(stream, max_body)
        except asyncio.TimeoutError:
            failure = failure or TimeoutError("no connection in time")
        except StreamClosedError as exc:
            failure = failure or _as_oserror(exc.real_error)
        except OSError as exc:
            failure = failure or exc
        except BaseException:
            _close(stream)
            raise
        _close(stream)
    raise failure or OSError(f"no address of {host}")


def _new_stream(family: int, context: ssl.SSLContext | None, max_body: int) -> IOStream:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        most = max_body + _MAX_HEAD
        if context is None:
            return IOStream(sock, max_buffer_size=most)
        return SSLIOStream(sock, ssl_options=context, max_buffer_size=most)
    except BaseException:
        sock.close()
        raise


async def _connected(stream: IOStream, address: Any, host: str) -> None:
    # A future of tornado's is awaited in a coroutine, so that a timeout cancels only the waiting.
    await _ignore(stream.connect(address, server_hostname=host))


def _close(stream: IOStream | None) -> None:
    if stream is None:
        return
    try:
        stream.close()
    except (
        asyncio.CancelledError
    ):  # no wish of anybody: tornado has asked a future that was given up
        pass


def _as_oserror(error: BaseException | None) -> OSError:
    if isinstance(error, OSError):
        return error
    return ConnectionResetError("the server closed the connection")


def _ignore(future: Any) -> Any:
    """Return *future*, whose failure nobody needs to look at: a closed stream says it again."""
    future.add_done_callback(lambda done: done.cancelled() or done.exception())
    return future


def _parse_head(data: bytes) -> tuple[str, int, str, HTTPHeaders]:
    start, _, rest = data.decode("latin-1").lstrip("\r\n").partition("\n")
    match = _STATUS_LINE.fullmatch(start.rstrip("\r"))
    if match is None:
        raise MalformedError("the answer is no HTTP")
    try:
        headers = HTTPHeaders.parse(rest)
    except Exception:  # of several kinds, by tornado's version
        raise MalformedError("the answer's headers are no HTTP") from None
    return match[1], int(match[2]), match[3] or "", headers


def _content_length(value: str) -> int:
    # The same header twice is joined with a comma.
    lengths = {part.strip() for part in value.split(",")}
    length = lengths.pop()
    if lengths or not re.fullmatch("[0-9]{1,15}", length):
        raise MalformedError("the answer's length is no number")
    return int(length)


def _stays_open(version: str, headers: HTTPHeaders) -> bool:
    tokens = [token.strip().lower() for token in headers.get("Connection", "").split(",")]
    return "keep-alive" in tokens if version == "0" else "close" not in tokens
