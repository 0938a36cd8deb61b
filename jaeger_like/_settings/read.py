"""Reading one row: the configuration beats the environment, which beats the default.

A bad value in the configuration is an error. A bad value in the environment, which another team may
have written for another program, is a warning, and the default is used. None and empty texts count
as absent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..errors import ConfigError
from .parse import without_credentials
from .row import Row
from .table import BY_KEY, ROWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

Warn = Callable[[str], object]

_ABSENT: Any = object()
_BAD = (ValueError, TypeError, OverflowError)


def error(message: str, key: str, value: Any, expected: str) -> ConfigError:
    """Return a :class:`ConfigError` with a message that programs may know from before."""
    result = ConfigError(key, value, expected)
    result.args = (message,)
    return result


def group(mapping: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    """Return the mapping under *name*, or None when there is none.

    :raises ConfigError: there is something else
    """
    value = mapping.get(name)
    if value is None or isinstance(value, Mapping):
        return value
    raise ConfigError(name, value, "a mapping")


def find(row: Row, mapping: Mapping[str, Any]) -> Any:
    """Return the raw value of *row* in the configuration, or a mark that :func:`given` knows."""
    name, _, key = row.key.rpartition(".")
    holder = group(mapping, name) if name else mapping
    value = _ABSENT if holder is None else holder.get(key, _ABSENT)
    if value is None and not row.takes_none:
        return _ABSENT
    if isinstance(value, str) and not value:
        return _ABSENT
    return value


def given(value: Any) -> bool:
    """Whether :func:`find` found something."""
    return value is not _ABSENT


def shown(row: Row, value: Any) -> Any:
    """Return what may be shown of a value of *row*."""
    if row.secret:
        return "***"
    return without_credentials(value) if isinstance(value, str) else value


def read(key: str, mapping: Mapping[str, Any], environ: Mapping[str, str], warn: Warn) -> Any:
    """Return one setting.

    :param mapping: the user's configuration; only read
    :param warn: called with a sentence about each bad variable
    :raises ConfigError: the configuration's value is not what the table says
    """
    row = BY_KEY[key]
    value = find(row, mapping)
    if given(value):
        try:
            return row.parse(value)
        except _BAD:
            # From None: the cause's text may hold a secret.
            raise ConfigError(key, shown(row, value), row.type) from None
    return from_environment(row, environ, warn)


def from_environment(row: Row, environ: Mapping[str, str], warn: Warn) -> Any:
    """Return what the environment says about a row, else its default."""
    for position, name in enumerate(row.env):
        text = environ.get(name, "")
        if not text.strip():
            continue
        if position:
            warn(f"{name} is an old spelling of {row.env[0]}")
        try:
            return (row.parse_env or row.parse)(text)
        except _BAD:
            warn(
                f"{name}: expected {row.type_env or row.type}, got {shown(row, text)!r}; "
                f"the default is used: {row.default!r}"
            )
            break
    return dict(row.default) if isinstance(row.default, dict) else row.default


def unknown_keys(mapping: Mapping[str, Any]) -> list[str]:
    """Return the keys that no row has, nested ones dotted, in the order of the configuration."""
    known = {row.key for row in ROWS}
    groups = {key.rpartition(".")[0] for key in known} - {""}
    unknown = []
    for key, value in mapping.items():
        if key in groups:
            if isinstance(value, Mapping):
                unknown += [f"{key}.{sub}" for sub in value if f"{key}.{sub}" not in known]
        elif key not in known:
            unknown.append(str(key))
    return unknown
