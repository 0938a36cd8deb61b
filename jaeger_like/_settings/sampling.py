"""Which sampler, and where the remote one asks: settings that several keys and variables make."""

from __future__ import annotations

import math
from collections.abc import Mapping

from .. import constants
from ..errors import ConfigError
from ..utils import get_boolean
from . import parse
from .read import Warn, error, find, from_environment, given, group, shown
from .table import BY_KEY, MANAGER_HOST_PORT, SAMPLER_HOST, SAMPLER_PORT, SAMPLING_PATH

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

CONST = constants.SAMPLER_TYPE_CONST
PROBABILISTIC = constants.SAMPLER_TYPE_PROBABILISTIC
RATE_LIMITING = constants.SAMPLER_TYPE_RATE_LIMITING
REMOTE = constants.SAMPLER_TYPE_REMOTE

_TYPES = {t: t for t in (CONST, PROBABILISTIC, RATE_LIMITING, REMOTE)}
_TYPES["rate_limiting"] = RATE_LIMITING

_EXPECTED = {
    PROBABILISTIC: "a number from 0 to 1",
    RATE_LIMITING: "a number of traces per second, 0 or more",
    REMOTE: "a number from 0 to 1, the probability until the agent has answered",
}
#: Where the environment names a type and no usable parameter; what other samplers start with.
_DEFAULT_PARAM: dict[str, Any] = {CONST: False, PROBABILISTIC: 0.001, RATE_LIMITING: 10.0}


class SamplerChoice:
    """How traces are to be chosen.

    :ivar type: ``const``, ``probabilistic``, ``ratelimiting`` or ``remote``
    :ivar param: bool, probability, traces per second; for ``remote`` the initial probability or
        None
    :ivar instance: a sampler that the user made; the rest does not matter then
    """

    __slots__ = ("instance", "param", "type")

    def __init__(self, type: str, param: Any = None, instance: Any = None) -> None:
        self.type = type
        self.param = param
        self.instance = instance

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SamplerChoice) and self._key() == other._key()

    __hash__ = None  # type: ignore[assignment]  # samplers have none

    def _key(self) -> tuple[Any, ...]:
        return self.type, self.param, self.instance


def sampler(mapping: Mapping[str, Any], environ: Mapping[str, str], warn: Warn) -> SamplerChoice:
    """Return the sampler that is asked for.

    :raises ConfigError: unknown type, or a parameter that does not suit it
    """
    value = mapping.get("sampler")
    if callable(getattr(value, "is_sampled", None)):
        return SamplerChoice("", instance=value)
    group(mapping, "sampler")
    kind = find(BY_KEY["sampler.type"], mapping)
    param = find(BY_KEY["sampler.param"], mapping)
    # A falsy type means "none given", as it always has.
    if not given(kind) or not kind:
        return _from_environment(param, environ, warn)
    if not isinstance(kind, str) or kind not in _TYPES:
        expected = BY_KEY["sampler.type"].type
        message = f"Unknown sampler type {kind}: sampler.type: expected {expected}"
        raise error(message, "sampler.type", kind, expected)
    return _choice(_TYPES[kind], param if given(param) else None)


def _choice(kind: str, param: Any) -> SamplerChoice:
    if kind == CONST:
        return SamplerChoice(kind, get_boolean(param, False))
    if kind == REMOTE and param is None:
        return SamplerChoice(kind)
    limit = math.inf if kind == RATE_LIMITING else 1.0
    try:
        result = parse.number(param)
    except (ValueError, TypeError, OverflowError):
        raise ConfigError("sampler.param", param, _EXPECTED[kind]) from None
    if not 0 <= result <= limit:
        raise ConfigError("sampler.param", param, _EXPECTED[kind])
    return SamplerChoice(kind, result)


def _from_environment(param: Any, environ: Mapping[str, str], warn: Warn) -> SamplerChoice:
    """The configuration names no type; *param* is its parameter or the mark of absence."""
    name = BY_KEY["sampler.type"].env[0]
    text = environ.get(name, "").strip()
    kind = _TYPES.get(text.lower(), REMOTE)
    if text and text.lower() not in _TYPES:
        warn(f"{name}: expected {BY_KEY['sampler.type'].type}, got {text!r}; remote is used")
    if given(param):
        return _choice(kind, param)
    name = BY_KEY["sampler.param"].env[0]
    param = environ.get(name, "").strip()
    if not param:
        if kind in (PROBABILISTIC, RATE_LIMITING):
            warn(f"{name} is not set; for {kind} the default is used: {_DEFAULT_PARAM[kind]!r}")
        return SamplerChoice(kind, _DEFAULT_PARAM.get(kind))
    try:
        return SamplerChoice(kind, _decision(param)) if kind == CONST else _choice(kind, param)
    except ValueError:
        default = _DEFAULT_PARAM.get(kind)
        expected = _EXPECTED.get(kind, "a boolean or a number")
        warn(f"{name}: expected {expected}, got {param!r}; the default is used: {default!r}")
        return SamplerChoice(kind, default)


def _decision(text: str) -> bool:
    try:
        return parse.boolean_text(text)
    except ValueError:
        return parse.number(text) != 0


def endpoint(
    mapping: Mapping[str, Any], environ: Mapping[str, str], warn: Warn, agent_host: str
) -> str | None:
    """Return the URL that the remote sampler asks, or None: the agent's own address.

    In falling precedence: ``sampling_endpoint``, the agent's host or sampling port as configured,
    ``JAEGER_SAMPLING_ENDPOINT``, ``JAEGER_SAMPLER_MANAGER_HOST_PORT``, the agent.

    :raises ConfigError: ``sampling_endpoint`` is no URL
    """
    row = BY_KEY["sampling_endpoint"]
    value = find(row, mapping)
    if given(value):
        try:
            return parse.url(value)
        except ValueError:
            raise ConfigError(row.key, shown(row, value), row.type) from None
    for key in ("local_agent.reporting_host", "local_agent.sampling_port"):
        if given(find(BY_KEY[key], mapping)):
            return None
    result: str | None = from_environment(row, environ, warn)
    if result is not None:
        return result
    return _from_parts(environ, warn, agent_host)


def _from_parts(environ: Mapping[str, str], warn: Warn, agent_host: str) -> str | None:
    path = environ.get(SAMPLING_PATH, "").strip()
    address = environ.get(MANAGER_HOST_PORT, "").strip()
    name = MANAGER_HOST_PORT
    if not address:
        host = environ.get(SAMPLER_HOST, "").strip()
        port = environ.get(SAMPLER_PORT, "").strip()
        if host or port:
            name = SAMPLER_HOST if host else SAMPLER_PORT
            warn(f"{name} is an old spelling of {MANAGER_HOST_PORT}")
            address = f"{_bracketed(host or agent_host)}:{port or 5778}"
        elif path:
            address = f"{_bracketed(agent_host)}:5778"
        else:
            return None
    from urllib.parse import urlsplit

    try:
        base = parse.host_port(address)
    except ValueError:
        found = parse.without_credentials(address)
        warn(f"{name}: expected host:port or a URL, got {found!r}; the agent is asked")
        return None
    if urlsplit(base).path.strip("/"):
        return base
    return f"{base.rstrip('/')}/{(path or 'sampling').lstrip('/')}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and not host.startswith("[") else host
