"""From a configuration and an environment to one frozen :class:`Settings`. Pure.

One row per setting stands in :mod:`.table`; everything that is known about a setting is there.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ConfigError
from . import parse, sampling, tags
from .read import Warn, error, find, from_environment, given, group, read, unknown_keys
from .sampling import SamplerChoice
from .sampling import sampler as read_sampler
from .table import BY_KEY, ROWS, WITHOUT_EFFECT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ROWS",
    "SamplerChoice",
    "Settings",
    "read",
    "read_propagation",
    "read_sampler",
    "read_service_name",
    "read_tags",
    "resolve",
    "unknown_keys",
]


#: Not to be shown; URLs may hold a user and a password.
_SECRET = ("sampling_endpoint", "endpoint", "password", "auth_token", "headers")


class Settings:
    """Everything that can be set, checked and in its final form. Names as in the table, with
    ``_`` for the dot; secrets are not in the repr."""

    service_name: str
    enabled: bool
    sampler: SamplerChoice
    sampling_refresh_interval: float | None
    max_operations: int | None
    sampling_endpoint: str | None
    operation_name_late_binding: bool
    tags: dict[str, Any]
    logging: bool
    metrics: bool
    rpc_metrics: bool
    reporter_batch_size: int | None
    reporter_queue_size: int | None
    reporter_flush_interval: float | None
    max_tag_value_length: int
    max_traceback_length: int
    max_logs_per_span: int
    baggage_allowed_keys: tuple[str, ...] | None
    baggage_max_value_length: int | None
    baggage_remote: bool
    baggage_refresh_interval: float
    baggage_deny_until_known: bool
    propagation: tuple[str, ...]
    trace_id_header: str
    baggage_header_prefix: str
    debug_id_header: str
    generate_128bit_trace_id: bool
    local_agent_enabled: bool
    local_agent_reporting_host: str
    local_agent_reporting_port: int
    local_agent_socket_type: str | None
    local_agent_reconnect: bool
    local_agent_reconnect_interval: float
    local_agent_sampling_port: int
    throttler: bool
    throttler_port: int
    throttler_refresh_interval: int
    endpoint: str | None
    protocol: str | None
    user: str | None
    password: str | None
    auth_token: str | None
    headers: dict[str, str]
    timeout: float
    tls_validate_cert: bool
    tls_ca_certs: str | None
    tls_client_cert: str | None
    tls_client_key: str | None

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def replace(self, **values: Any) -> Settings:
        """Return the same with other values for some."""
        return Settings(**{**vars(self), **values})

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"settings are final: {name}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Settings) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # there are dicts in it

    def __repr__(self) -> str:
        shown = (f"{key}={value!r}" for key, value in vars(self).items() if key not in _SECRET)
        return f"Settings({', '.join(shown)})"


_COMBINED = (
    "service_name",
    "sampler.type",
    "sampler.param",
    "sampling_endpoint",
    "tags",
    "propagation",
)


def read_tags(mapping: Mapping[str, Any], environ: Mapping[str, str], warn: Warn) -> dict[str, Any]:
    """Return a new dict of process tags: the configuration's, with those of the environment on
    top."""
    row = BY_KEY["tags"]
    value = find(row, mapping)
    result: dict[str, Any] = {}
    if given(value):
        try:
            result = row.parse(value)
        except ValueError:
            raise ConfigError(row.key, value, row.type) from None
    result.update(tags.tags(environ, warn))
    return result


def read_propagation(
    mapping: Mapping[str, Any], environ: Mapping[str, str], warn: Warn
) -> tuple[str, ...]:
    """Return the names of propagation formats; empty: the default.

    Of the environment's, unknown ones are left out with a warning.
    """
    row = BY_KEY["propagation"]
    if not given(find(row, mapping)):
        text = environ.get(row.env[0], "")
        known, unknown = parse.sort_names(text)
        if unknown:
            warn(f"{row.env[0]}: expected {row.type}, ignored {', '.join(map(repr, unknown))}")
        return known
    result: tuple[str, ...] = read(row.key, mapping, environ, warn)
    return result


def read_service_name(
    mapping: Mapping[str, Any], argument: Any, environ: Mapping[str, str], warn: Warn
) -> str:
    """Return the name of the service.

    The configuration's key, be it empty, beats *argument*, which beats the environment.

    :raises ConfigError: there is none, or it is no text
    """
    row = BY_KEY["service_name"]
    if row.key in mapping:
        name = mapping[row.key]
    else:
        name = argument or from_environment(row, environ, warn)
    if name and not isinstance(name, str):
        raise ConfigError(row.key, name, row.type)
    if not name:
        message = (
            "service_name required in the config or param, "
            f"or in the variable {row.env[0]}: got {name!r}"
        )
        raise error(message, row.key, name, row.type)
    return str(name)


def resolve(
    mapping: Mapping[str, Any],
    environ: Mapping[str, str],
    warn: Warn,
    service_name: str = "",
) -> Settings:
    """Return all settings.

    :param mapping: the user's configuration; only read
    :param environ: the environment
    :param warn: called with a sentence about each variable that cannot be used
    :param service_name: as :func:`read_service_name` found it
    :raises ConfigError: the configuration has a value that cannot be
    """
    values = {
        row.key.replace(".", "_"): read(row.key, mapping, environ, warn)
        for row in ROWS
        if row.key not in _COMBINED
    }
    for name, reason in WITHOUT_EFFECT.items():
        if environ.get(name, "").strip():
            warn(f"{name} has no effect: {reason}")
    host = values["local_agent_reporting_host"]
    settings = Settings(
        service_name=service_name,
        propagation=read_propagation(mapping, environ, warn),
        sampler=read_sampler(mapping, environ, warn),
        sampling_endpoint=sampling.endpoint(mapping, environ, warn, host),
        tags=read_tags(mapping, environ, warn),
        throttler=group(mapping, "throttler") is not None,
        **values,
    )
    _check_together(settings, mapping, warn)
    return settings


def _check_together(settings: Settings, mapping: Mapping[str, Any], warn: Warn) -> None:
    queue, batch = settings.reporter_queue_size, settings.reporter_batch_size
    if queue is not None and batch is not None and queue < batch:
        raise error(
            "Queue capacity cannot be less than batch size: "
            f"reporter_queue_size is {queue}, reporter_batch_size is {batch}",
            "reporter_queue_size",
            queue,
            f"an integer not below reporter_batch_size, {batch}",
        )
    if settings.protocol == parse.OTLP and not settings.endpoint:
        raise ConfigError("endpoint", None, f"a URL to be set because protocol is {parse.OTLP}")
    if settings.endpoint and (settings.user is None) != (settings.password is None):
        key = "user" if settings.user is None else "password"
        other = "password" if key == "user" else "user"
        if given(find(BY_KEY[other], mapping)):
            raise ConfigError(key, None, f"to be set because {other} is")
        warn(f"{BY_KEY[key].env[0]} is not set; {BY_KEY[other].env[0]} is not used without it")
