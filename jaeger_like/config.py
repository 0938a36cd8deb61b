"""From a configuration to a tracer: the one place where settings meet sockets."""

from __future__ import annotations

import os
from collections.abc import Mapping

import opentracing

from . import _lazy, _settings
from ._assembly import new_reporter, new_sampler, observers, remote_baggage_restrictions
from ._config_properties import ConfigProperties, warn_once
from ._late_lock import LateLock
from ._log import log
from ._settings import Settings
from .constants import (
    DEFAULT_FLUSH_INTERVAL,
    DEFAULT_SAMPLING_INTERVAL,
    DEFAULT_THROTTLER_REFRESH_INTERVAL,
    MAX_TAG_VALUE_LENGTH,
    MAX_TRACEBACK_LENGTH,
    SAMPLER_TYPE_CONST,
    SAMPLER_TYPE_PROBABILISTIC,
    SAMPLER_TYPE_RATE_LIMITING,
    SAMPLER_TYPE_REMOTE,
)
from .errors import ConfigError
from .local_agent_net import LocalAgentSender
from .metrics import LegacyMetricsFactory, Metrics, MetricsFactory, does_nothing
from .reporter import (
    CompositeReporter,
    LoggingReporter,
    NullReporter,
    Reporter,
)
from .sampler import (
    ConstSampler,
    ProbabilisticSampler,
    RateLimitingSampler,
    Sampler,
)
from .tracer import Tracer
from .utils import ErrorReporter, get_boolean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._log import logger
    from .codecs import B3Codec
    from .sampler import RemoteControlledSampler
    from .throttler import RemoteThrottler

__all__ = [
    "DEFAULT_FLUSH_INTERVAL",
    "DEFAULT_REPORTING_HOST",
    "DEFAULT_REPORTING_PORT",
    "DEFAULT_SAMPLING_INTERVAL",
    "DEFAULT_SAMPLING_PORT",
    "DEFAULT_THROTTLER_PORT",
    "DEFAULT_THROTTLER_REFRESH_INTERVAL",
    "LOCAL_AGENT_DEFAULT_ENABLED",
    "MAX_TAG_VALUE_LENGTH",
    "MAX_TRACEBACK_LENGTH",
    "SAMPLER_TYPE_CONST",
    "SAMPLER_TYPE_PROBABILISTIC",
    "SAMPLER_TYPE_RATE_LIMITING",
    "SAMPLER_TYPE_REMOTE",
    "B3Codec",
    "CompositeReporter",
    "Config",
    "ConfigError",
    "ConstSampler",
    "ErrorReporter",
    "LegacyMetricsFactory",
    "LocalAgentSender",
    "LoggingReporter",
    "Metrics",
    "MetricsFactory",
    "NullReporter",
    "ProbabilisticSampler",
    "RateLimitingSampler",
    "RemoteControlledSampler",
    "RemoteThrottler",
    "Reporter",
    "Sampler",
    "Tracer",
    "get_boolean",
    "logger",
]

DEFAULT_REPORTING_HOST = "localhost"
DEFAULT_REPORTING_PORT = 6831
DEFAULT_SAMPLING_PORT = 5778
DEFAULT_THROTTLER_PORT = DEFAULT_SAMPLING_PORT
LOCAL_AGENT_DEFAULT_ENABLED = True


class Config(ConfigProperties):
    """Makes tracers from a configuration and the environment.

    The keys, their defaults and the ``JAEGER_*`` variables are listed in ``docs/configuration.md``.
    A key beats its variable, which beats the default. Values are read when they are asked for: a
    change of *config* before :meth:`new_tracer` has effect, but for ``service_name`` and
    ``metrics``, which are read here. *config* itself is never changed.

    :param config: settings by key; None: none, all comes from the environment and the defaults
    :param metrics: deprecated, a :class:`Metrics`; *metrics_factory* beats it
    :param service_name: name of the service, unless *config* has the key ``service_name``
    :param metrics_factory: makes the counters of what is made here
    :param validate: whether a key that nobody knows is an error
    :param scope_manager: keeps the active span; None: each thread, task and greenlet has
        its own, and tasks begin with that of who made them
    :raises ConfigError: (a ValueError) no service name. Properties and methods raise it too, for a
        value that cannot be.
    :raises ValueError: with *validate*, an unknown key
    """

    _initialized = False
    _initialized_lock = LateLock()

    def __init__(
        self,
        config: Mapping[str, Any] | None,
        metrics: Metrics | None = None,
        service_name: str | None = None,
        metrics_factory: MetricsFactory | None = None,
        validate: bool = False,
        scope_manager: Any = None,
    ) -> None:
        if config is None:
            config = {}
        if not isinstance(config, Mapping):
            raise ConfigError("config", type(config).__name__, "a mapping of keys to values")
        self.config = config
        if validate:
            self._validate_config(config)
        if get_boolean(config.get("metrics", True), True):
            self._metrics_factory = metrics_factory or LegacyMetricsFactory(metrics or Metrics())
        else:
            self._metrics_factory = MetricsFactory()
        # What it makes is not even called.
        idle = does_nothing(self._metrics_factory)
        self._parts_metrics_factory = MetricsFactory() if idle else self._metrics_factory
        self._service_name = self._find_service_name(service_name)
        self._error_reporter = ErrorReporter(metrics=None, log_interval_minutes=1)
        self._scope_manager = scope_manager

    @classmethod
    def from_env(cls, service_name: str | None = None, **overrides: Any) -> Config:
        """Return a configuration from the environment alone.

        :param service_name: None: that of ``JAEGER_SERVICE_NAME``
        :param overrides: keys of a configuration, which beat the environment
        :raises ConfigError: no service name
        """
        return cls(overrides, service_name=service_name)

    @staticmethod
    def _validate_config(config: Mapping[str, Any]) -> None:
        unknown = _settings.unknown_keys(config)
        if unknown:
            raise ValueError(f"Unexpected keys found in config:{','.join(unknown)}")

    def _find_service_name(self, argument: str | None) -> str:
        try:
            return _settings.read_service_name(self.config, argument, os.environ, warn_once)
        except ConfigError:
            # Who switches tracing off by a variable need not set the others.
            if self.enabled:
                raise
            return ""

    def _resolve(self) -> Settings:
        settings = _settings.resolve(self.config, os.environ, warn_once, self._service_name)
        return settings.replace(**self._overridden(settings))

    @property
    def service_name(self) -> str:
        return self._service_name

    @property
    def metrics(self) -> None:
        """Deprecated. None."""

    @property
    def error_reporter(self) -> ErrorReporter:
        """What reporters, samplers and throttlers made here log their failures with."""
        return self._error_reporter

    @staticmethod
    def initialized() -> bool:
        """Whether :meth:`initialize_tracer` has made this process's global tracer."""
        return Config._initialized

    def initialize_tracer(self, io_loop: Any = None) -> Any:
        """Make a tracer and set it as ``opentracing.tracer``, once in a process.

        Later calls, from whatever :class:`Config`, log a warning and return None. A call that
        raises does not count.

        :param io_loop: tornado loop to work on; None: a thread of our own, started when needed
        :raises ConfigError: a setting cannot be
        """
        with Config._initialized_lock:
            if Config._initialized:
                log.warning("Jaeger tracer already initialized, skipping")
                return None
            tracer = self.new_tracer(io_loop=io_loop)
            self._initialize_global_tracer(tracer)
            Config._initialized = True
            return tracer

    def _initialize_global_tracer(self, tracer: Any) -> None:
        opentracing.set_global_tracer(tracer)
        log.info("opentracing.tracer initialized to %s[app_name=%s]", tracer, self.service_name)

    def new_tracer(self, io_loop: Any = None) -> Any:
        """Return a new tracer with sampler and reporter as configured; sets nothing global.

        Starts no thread and waits for nothing. When tracing is disabled the result is a
        :class:`NoopTracer`, else a :class:`Tracer`.

        :param io_loop: tornado loop to work on; None: a thread of our own, started when needed
        :raises ConfigError: a setting cannot be
        """
        settings = self._resolve()
        if not settings.enabled:
            from .noop import NoopTracer

            log.info("Tracing is disabled")
            return NoopTracer(self.service_name)
        channel = None
        if settings.local_agent_enabled:
            channel = self._create_local_agent_channel(io_loop)
        services = (self._parts_metrics_factory, self.error_reporter)
        sampler = self.sampler if self._overrides("sampler") else None
        if sampler is None:
            sampler = new_sampler(settings, channel, io_loop, *services)
        log.info("Using sampler %s", sampler)
        reporter = self._new_reporter(settings, channel, io_loop, *services)
        if settings.logging:
            reporter = CompositeReporter(reporter, LoggingReporter())
        throttler = None
        if settings.throttler and channel is not None:
            from .throttler import RemoteThrottler

            throttler = RemoteThrottler(
                channel,
                self.service_name,
                refresh_interval=settings.throttler_refresh_interval,
                metrics_factory=self._parts_metrics_factory,
                error_reporter=self.error_reporter,
            )
        tracer = self.create_tracer(reporter, sampler, throttler)
        if settings.baggage_remote and channel is not None:
            tracer.restrict_baggage(remote_baggage_restrictions(settings, io_loop, *services))
        return tracer

    def _new_reporter(self, settings: Settings, channel: Any, *rest: Any) -> Any:
        try:
            return new_reporter(settings, channel, *rest)
        except ConfigError as exc:
            # Whoever wrote the variable may not know what is installed here. No crash for that.
            if settings.endpoint is None or self.config.get("endpoint"):
                raise
            warn_once(f"JAEGER_ENDPOINT: {exc}; spans go to the agent")
            return new_reporter(settings.replace(endpoint=None), channel, *rest)

    def create_tracer(self, reporter: Any, sampler: Any, throttler: Any = None) -> Tracer:
        """Return a tracer with the given parts and all else as configured. No network.

        :raises ConfigError: a setting cannot be
        """
        return Tracer(
            service_name=self.service_name,
            reporter=reporter,
            sampler=sampler,
            metrics_factory=self._parts_metrics_factory,
            trace_id_header=self.trace_id_header,
            generate_128bit_trace_id=self.generate_128bit_trace_id,
            baggage_header_prefix=self.baggage_header_prefix,
            debug_id_header=self.debug_id_header,
            tags=self.tags,
            max_tag_value_length=self.max_tag_value_length,
            max_traceback_length=self.max_traceback_length,
            extra_codecs=self.propagation,
            throttler=throttler,
            scope_manager=self._scope_manager,
            observers=observers(self.rpc_metrics, self._parts_metrics_factory),
            max_logs_per_span=self.max_logs_per_span,
            baggage_restrictions=self.baggage_restrictions,
            operation_name_late_binding=self.operation_name_late_binding,
        )

    def _create_local_agent_channel(self, io_loop: Any) -> LocalAgentSender:
        return LocalAgentSender(
            host=self.local_agent_reporting_host,
            sampling_port=self.local_agent_sampling_port,
            reporting_port=self.local_agent_reporting_port,
            throttling_port=self.throttler_port,
            io_loop=io_loop,
            family=self._read("local_agent.socket_type"),
            resolve_interval=(
                self._read("local_agent.reconnect_interval")
                if self._read("local_agent.reconnect")
                else None
            ),
        )


# Part of what jaeger_client.config has or imports, and of use to few.
__getattr__ = _lazy.names(
    __name__,
    {
        "._log": ("logger",),
        ".codecs": ("B3Codec",),
        ".constants": ("BAGGAGE_HEADER_PREFIX", "DEBUG_ID_HEADER_KEY", "TRACE_ID_HEADER"),
        ".noop": ("NoopTracer",),
        ".reporter": ("BaseReporter",),
        ".sampler": ("RemoteControlledSampler",),
        ".throttler": ("RemoteThrottler", "Throttler"),
    },
)
