"""Name look-ups that never block the loop.

A look-up can hang for half a minute. It runs on a daemon thread of its own, so that neither a
loop, ours or a user's, nor the end of the program ever waits for it: threads of an executor would
be joined at exit.
"""

from __future__ import annotations

# The C module: gevent and eventlet replace what is in ``socket``, and would look up on a hub.
import _socket

from .. import _native
from .._held_off import HeldOff

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from typing import Any

    Address = tuple[int, Any]


# A fork while another thread is in the C library's resolver leaves the child locks that nobody will
# open, and every look-up there hangs, the program's own too. So forks wait for us, mostly a few
# milliseconds. No longer than this where no name server answers: that wait is without those locks.
_looking_up = HeldOff(patience=0.3)

_LOOPBACK = ((_socket.AF_INET, "127.0.0.1"), (_socket.AF_INET6, "::1"))


async def look_up(
    host: str, port: int, family: int = _socket.AF_UNSPEC, kind: int = _socket.SOCK_STREAM
) -> list[Address]:
    """Return ``(family, address)`` pairs for *host*, best first.

    :raises OSError: the host name is unknown (:class:`socket.gaierror`)
    """
    import asyncio

    if host.lower() == "localhost":  # RFC 6761: always these, so nobody need be asked
        return [
            (own, (address, port) if own == _socket.AF_INET else (address, port, 0, 0))
            for own, address in _LOOPBACK
            if family in (_socket.AF_UNSPEC, own)
        ]
    try:
        return _get_addresses(host, port, family, kind, _socket.AI_NUMERICHOST)
    except OSError:
        pass  # not a number, so ask, somewhere else
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[list[Address]] = loop.create_future()

    def deliver(result: list[Address] | None, error: Exception | None) -> None:
        if answer.done():  # nobody waits any more
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result or [])

    def ask() -> None:
        result, error = None, None
        try:
            with _looking_up:
                result = _get_addresses(host, port, family, kind, 0)
        except Exception as exc:
            error = exc
        try:
            loop.call_soon_threadsafe(deliver, result, error)
        except RuntimeError:
            pass  # the loop was closed meanwhile

    try:
        _native.start_thread(ask)
    except RuntimeError as exc:  # the interpreter is ending and gives no thread
        if getattr(loop, "may_block_at_exit", False):
            return _get_addresses(host, port, family, kind, 0)
        raise OSError(f"cannot look up {host}: {exc}") from exc
    return await answer


def _get_addresses(host: str, port: int, family: int, kind: int, flags: int) -> list[Address]:
    found: list[Address] = []
    try:
        rows = _socket.getaddrinfo(host, port, family, kind, 0, flags)
    except UnicodeError as exc:  # a label that is empty or longer than 63 characters
        raise _socket.gaierror(_socket.EAI_NONAME, f"{host!r} is no host name: {exc}") from exc
    for row in rows:
        if (row[0], row[4]) not in found:
            found.append((row[0], row[4]))
    return found
