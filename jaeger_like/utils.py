"""Small helpers: boolean-ish values, this host's address, and errors logged at a bearable rate."""

from __future__ import annotations

import _socket
import sys
import time
from collections.abc import Callable

from ._log import get_logger, log

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging
    from typing import Any

_FALSE = ("false", "0", "none")
_TRUE = ("true", "1")
_MAX_MESSAGES = 100
_LOOPBACK = "127."


def get_boolean(value: Any, default: bool) -> bool:
    """Read a boolean-ish value: ``true`` and ``1``, ``false``, ``0`` and ``none``, in any case.

    :param value: anything; its text is what counts, so True, 1 and ``"TRUE"`` are the same
    :param default: returned for everything else, ``"yes"``, ``"on"`` and the empty text included
    """
    text = str(value).lower()
    if text in _FALSE:
        return False
    if text in _TRUE:
        return True
    return default


class ErrorReporter:
    """Logs errors that may come by the thousand: each kind at once, then once per interval.

    What is not logged is counted, and the count is added to the next message. A kind is a format
    text. Any thread may call; two that race may both log.

    :param metrics: unused, kept for programs that pass it
    :param logger: where to log; None: the logger ``jaeger_tracing``
    :param log_interval_minutes: the shortest time between two messages of one kind; 0: log all
    :param clock: returns seconds that never go back
    """

    def __init__(
        self,
        metrics: Any,
        logger: logging.Logger | None = None,
        log_interval_minutes: float = 15,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.metrics = metrics
        self._logger: Any = log if logger is None else logger
        self.log_interval_minutes = log_interval_minutes
        self._clock = clock
        self._last: dict[str, float] = {}
        self._suppressed: dict[str, int] = {}
        self._announced = False

    @property
    def logger(self) -> Any:
        """Where to log."""
        return get_logger() if self._logger is log else self._logger

    @logger.setter
    def logger(self, value: Any) -> None:
        self._logger = value

    def error(self, fmt: str, *args: Any) -> None:
        """Log an error, unless one of its kind was logged within the interval. Never raises."""
        try:
            now = self._clock()
            last = self._last.get(fmt)
            if last is not None and now - last < self.log_interval_minutes * 60:
                self._suppressed[fmt] = self._suppressed.get(fmt, 0) + 1
                return
            if len(self._last) >= _MAX_MESSAGES:  # somebody formats before calling
                self._last.clear()
                self._suppressed.clear()
            self._last[fmt] = now
            suppressed = self._suppressed.pop(fmt, 0)
            if suppressed:
                fmt += " (and %d more like it since the last message)"
                args += (suppressed,)
            self._announced = True
            self._logger.error(fmt, *args)
        except Exception:
            return

    def recovered(self, fmt: str, *args: Any) -> None:
        """Log, as information, that what failed works again. Never raises.

        Says nothing if no error was logged since the last time: what comes and goes is then as
        quiet as what is down.
        """
        if not self._announced:
            return
        self._announced = False
        try:
            self._logger.info(fmt, *args)
        except Exception:
            return


def local_ip() -> str | None:
    """Return an address under which this host is known to others, or None when there is none.

    Never asks a name server and sends nothing, so it takes microseconds. On a host without a
    network the answer is that of the loopback interface.
    """
    return get_local_ip_by_socket() or get_local_ip_by_interfaces()


def get_local_ip_by_socket() -> str | None:
    """Return the address this host would send from, IPv4 preferred, or None without a route."""
    # Connecting a UDP socket looks up the route and sends nothing. The first address is private
    # and need not exist; the second is one that documentation uses (RFC 3849).
    for family, peer in (
        (_socket.AF_INET, ("10.255.255.255", 1)),
        (_socket.AF_INET6, ("2001:db8::1", 1)),
    ):
        try:
            sock = _socket.socket(family, _socket.SOCK_DGRAM)
            try:
                sock.connect(peer)
                address = str(sock.getsockname()[0])
            finally:
                sock.close()
        except OSError:
            continue
        if address not in ("0.0.0.0", "::"):
            return address
    return None


def get_local_ip_by_interfaces() -> str | None:
    """Return the IPv4 address of the first interface that has one, loopback last, or None."""
    loopback = None
    for name in _interfaces():
        address = interface_ip(name)
        if address is None:
            continue
        if not address.startswith(_LOOPBACK):
            return address
        loopback = loopback or address
    return loopback


def interface_ip(interface: str | bytes) -> str | None:
    """Return the IPv4 address of a network interface such as ``eth0``, or None if it has none."""
    try:
        import fcntl  # Unix only
    except ImportError:
        return None
    name = interface.encode() if isinstance(interface, str) else interface
    # SIOCGIFADDR: Linux, and the BSDs with macOS among them. The address stands behind the
    # interface's 16-byte name, the family and the port.
    request = 0x8915 if sys.platform.startswith("linux") else 0xC0206921
    try:
        sock = _socket.socket(_socket.AF_INET, _socket.SOCK_DGRAM)
        try:
            answer = fcntl.ioctl(sock.fileno(), request, name[:15].ljust(256, b"\0"))
        finally:
            sock.close()
    except OSError:
        return None
    return _socket.inet_ntoa(answer[20:24])


def _interfaces() -> list[str]:
    try:
        return [name for _, name in _socket.if_nameindex()]
    except (AttributeError, OSError):
        return []
