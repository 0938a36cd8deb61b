"""Readers of single values: a value of a configuration, or a text of the environment, in; the
setting out, or ValueError. None of them says which setting it was: the table's reader does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from .._lazy import Pattern
from ..utils import get_boolean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Parser = Callable[[Any], Any]

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
_QUANTITY = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)"
_DURATION = Pattern(f"(?:{_QUANTITY})+")
_QUANTITIES = Pattern(_QUANTITY)
_TOKEN = Pattern(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a header's name, RFC 7230 section 3.2.6
_NO_HEADER_TEXT = Pattern(r"[\r\n\0]")
_BLANK = Pattern(r"\s")
_CREDENTIALS = Pattern(r"(?s)(^|//).*@")
_QUERY = Pattern(r"(?s)\?.*")


PROPAGATION_NAMES = ("jaeger", "b3", "b3-single", "w3c")

OTLP = "otlp"
OTLP_PATH = "/v1/traces"
PROTOCOLS = ("thrift", OTLP)
SOCKET_TYPES = ("udp4", "udp6")


def boolean(default: bool) -> Parser:
    """Return the reader of boolean-ish values, which takes anything."""
    return lambda value: get_boolean(value, default)


def boolean_text(value: str) -> bool:
    """Read what the Jaeger clients of any language take for a boolean, in any case."""
    text = value.strip().lower()
    if text in ("1", "t", "true", "yes", "on"):
        return True
    if text in ("0", "f", "false", "no", "off"):
        return False
    raise ValueError(value)


def negated(value: str) -> bool:
    """Read a boolean that says the opposite of the setting."""
    return not boolean_text(value)


def integer(low: int, high: int | None = None) -> Parser:
    """Return the reader of whatever ``int()`` takes, within *low* and *high* inclusive."""

    def read(value: Any) -> int:
        number = int(value)
        if number < low or (high is not None and number > high):
            raise ValueError(value)
        return number

    return read


def seconds(value: Any) -> float | None:
    """Read a number of seconds, 0 or more; None stays None, and an integer an integer."""
    if value is None or (type(value) in (int, float) and 0 <= value < math.inf):
        number: float | None = value
        return number
    number = float(value)
    if not 0 <= number < math.inf:
        raise ValueError(value)
    return number


def positive_seconds(value: Any) -> float:
    """Read a number of seconds above 0."""
    number = float(value)
    if not 0 < number < math.inf:
        raise ValueError(value)
    return number


def duration_text(value: str) -> float:
    """Return the seconds of ``1m30s`` as Go writes it, or of a plain integer, milliseconds."""
    text = value.strip()
    if text.isascii() and text.isdigit():
        return int(text) / 1000
    if not _DURATION.fullmatch(text):
        raise ValueError(value)
    return sum(float(number) * _UNITS[unit] for number, unit in _QUANTITIES.findall(text))


def positive_duration_text(value: str) -> float:
    """Return the seconds of a duration that is not 0."""
    return positive_seconds(duration_text(value))


def number(value: Any) -> float:
    """Read a finite number."""
    result = float(value)
    if not math.isfinite(result):
        raise ValueError(value)
    return result


def text(value: Any) -> str:
    """Read a text that is not blank; blanks around it are dropped."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(value)
    return value.strip()


def verbatim(value: Any) -> str:
    """Read a text, blanks and all."""
    if not isinstance(value, str):
        raise ValueError(value)  # noqa: TRY004  one error for every kind of bad value
    return value


def header_name(value: Any) -> str:
    """Read the name of a header, or the beginning of one."""
    name = text(value)
    if not _TOKEN.fullmatch(name):
        raise ValueError(value)
    return name


def headers(value: Any) -> dict[str, str]:
    """Read a mapping of header names to texts."""
    result = {header_name(name): verbatim(content) for name, content in mapping(value).items()}
    if any(_NO_HEADER_TEXT.search(content) for content in result.values()):
        raise ValueError(value)
    return result


def credential(value: Any) -> str:
    """Read a token that goes into a header; the line end that files add is dropped."""
    token = text(value)
    if _NO_HEADER_TEXT.search(token):
        raise ValueError(value)
    return token


def url(value: Any) -> str:
    """Read an absolute http or https URL."""
    from urllib.parse import urlsplit

    result = text(value)
    parts = urlsplit(result)  # raises ValueError itself
    _ = parts.port  # likewise
    if parts.scheme not in ("http", "https") or not parts.hostname or _BLANK.search(result):
        raise ValueError(value)
    return result


def host_port(value: Any) -> str:
    """Read ``host:port`` or an http URL; return the URL."""
    address = text(value)
    return url(address if "://" in address else f"http://{address}")


def protocol(value: Any) -> str:
    """Read the name of a protocol to collectors, in any case."""
    name = text(value).lower()
    if name not in PROTOCOLS:
        raise ValueError(value)
    return name


def socket_type(value: Any) -> str:
    """Read the name of a kind of socket, in any case."""
    name = text(value).lower()
    if name not in SOCKET_TYPES:
        raise ValueError(value)
    return name


def mapping(value: Any) -> dict[str, Any]:
    """Read a mapping; return a copy."""
    if not isinstance(value, Mapping):
        raise ValueError(value)  # noqa: TRY004  one error for every kind of bad value
    return dict(value)


def texts(value: Any) -> tuple[str, ...]:
    """Read a comma-separated text, or a list of texts that are not blank."""
    return tuple(text(part) for part in (value.split(",") if isinstance(value, str) else value))


def names(value: Any) -> tuple[str, ...]:
    """Read a comma-separated text, or a list of texts, of propagation formats, in any case."""
    text = value if isinstance(value, str) else ",".join(map(verbatim, value))
    known, unknown = sort_names(text)
    if unknown:
        raise ValueError(value)
    return known


def sort_names(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the known and the unknown ones of a comma-separated text of propagation formats."""
    found = dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip())
    known = tuple(name for name in found if name in PROPAGATION_NAMES)
    return known, tuple(name for name in found if name not in PROPAGATION_NAMES)


def without_credentials(address: str) -> str:
    """Return what may be a URL without user, password and query, fit for logs."""
    # A bad one may have its credentials anywhere before the last "@".
    bare: str = _CREDENTIALS.sub(r"\1***@", address)
    return str(_QUERY.sub("?***", bare)) if "://" in bare else bare
