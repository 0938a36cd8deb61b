"""What a configuration says, property by property."""

from __future__ import annotations

import os
from collections.abc import Mapping

from opentracing import Format

from . import _settings
from ._assembly import local_baggage_restrictions, local_sampler
from ._log import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._settings import Settings

_SIMPLE = (bool, int, float, str, type(None))

# What the properties report when nothing is set; programs compute with these numbers.
_BATCH_SIZE = 10
_QUEUE_SIZE = 100

_warned: set[str] = set()


def warn_once(message: str) -> None:
    """Log a warning unless this process has logged the same one."""
    if message not in _warned:
        _warned.add(message)
        log.warning("%s", message)


class ConfigProperties:
    """The settings, each read from :attr:`config` and the environment when it is asked for.

    Every property raises ConfigError when the configuration has a value that cannot be.

    :ivar config: settings by key; never changed
    """

    config: Mapping[str, Any]

    def _read(self, key: str) -> Any:
        return _settings.read(key, self.config, os.environ, warn_once)

    def _overrides(self, name: str) -> bool:
        """Return whether a program's subclass, or a test, has put something else in place."""
        return getattr(type(self), name, None) is not vars(ConfigProperties)[name]

    def _overridden(self, settings: Settings) -> dict[str, Any]:
        """Return what a subclass says of its own, by the names that *settings* have."""
        return {
            name: getattr(self, name)
            for name, value in vars(ConfigProperties).items()
            # A tracer asks the others itself.
            if isinstance(value, property) and type(vars(settings).get(name)) in _SIMPLE
            if self._overrides(name)
        }

    @property
    def enabled(self) -> bool:
        """Whether to trace; if not, :meth:`new_tracer` returns a tracer that does nothing."""
        return bool(self._read("enabled"))

    @property
    def logging(self) -> bool:
        """Whether every reported span is logged."""
        return bool(self._read("logging"))

    @property
    def reporter_batch_size(self) -> int:
        """Most spans of a packet; 10 is reported when it is not set.

        A tracer is then made without that limit: packets are filled up to their size in bytes.
        """
        size: int | None = self._read("reporter_batch_size")
        return _BATCH_SIZE if size is None else size

    @property
    def reporter_queue_size(self) -> int:
        """Most finished spans that wait; 100 is reported when it is not set.

        A tracer is then made with a larger buffer, which is bounded too.
        """
        size: int | None = self._read("reporter_queue_size")
        return _QUEUE_SIZE if size is None else size

    @property
    def reporter_flush_interval(self) -> float | None:
        """Seconds that a finished span waits at most; 0 or None: until a packet is full."""
        interval: float | None = self._read("reporter_flush_interval")
        return interval

    @property
    def sampling_refresh_interval(self) -> float | None:
        """Seconds between two questions of the remote sampler; 0 and None mean 60."""
        interval: float | None = self._read("sampling_refresh_interval")
        return interval

    @property
    def max_operations(self) -> int | None:
        """How many operations per-operation sampling tells apart; None means 2000."""
        count: int | None = self._read("max_operations")
        return count

    @property
    def max_tag_value_length(self) -> int:
        return int(self._read("max_tag_value_length"))

    @property
    def max_traceback_length(self) -> int:
        return int(self._read("max_traceback_length"))

    @property
    def max_logs_per_span(self) -> int:
        """Most log entries of a span that are sent; 0: all."""
        return int(self._read("max_logs_per_span"))

    @property
    def operation_name_late_binding(self) -> bool:
        """Whether the sampler is asked again when the first span of a trace is renamed."""
        return bool(self._read("operation_name_late_binding"))

    @property
    def rpc_metrics(self) -> bool:
        """Whether the requests that are answered are counted and timed."""
        return bool(self._read("rpc_metrics"))

    @property
    def baggage_restrictions(self) -> Any:
        """The limits of baggage that are known without asking, or None."""
        keys = self._read("baggage.allowed_keys")
        length = self._read("baggage.max_value_length")
        return local_baggage_restrictions(keys, length)

    @property
    def tags(self) -> dict[str, Any]:
        """Tags of the process: a new dict of the configured ones and those of ``JAEGER_TAGS``."""
        return _settings.read_tags(self.config, os.environ, warn_once)

    @property
    def trace_id_header(self) -> str:
        return str(self._read("trace_id_header"))

    @property
    def baggage_header_prefix(self) -> str:
        return str(self._read("baggage_header_prefix"))

    @property
    def debug_id_header(self) -> str:
        return str(self._read("debug_id_header"))

    @property
    def generate_128bit_trace_id(self) -> bool:
        return bool(self._read("generate_128bit_trace_id"))

    @property
    def propagation(self) -> dict[str, Any]:
        """Codecs by format, in place of the tracer's own; empty for the default, ``jaeger``.

        ``b3`` alone concerns ``HTTP_HEADERS`` only, as it always has; any other choice also
        ``TEXT_MAP``.
        """
        names = _settings.read_propagation(self.config, os.environ, warn_once)
        if names in ((), ("jaeger",)):
            return {}
        from .codecs import B3Codec, propagation_codec

        wide = self.generate_128bit_trace_id
        if names == ("b3",):
            return {Format.HTTP_HEADERS: B3Codec(generate_128bit_trace_id=wide)}
        return {
            carrier: propagation_codec(
                names,
                url_encoding=carrier == Format.HTTP_HEADERS,
                generate_128bit_trace_id=wide,
                trace_id_header=self.trace_id_header,
                baggage_header_prefix=self.baggage_header_prefix,
                debug_id_header=self.debug_id_header,
            )
            for carrier in (Format.HTTP_HEADERS, Format.TEXT_MAP)
        }

    @property
    def sampler(self) -> Any:
        """A sampler, new each time unless it is the user's own; None for the remote one."""
        return local_sampler(_settings.read_sampler(self.config, os.environ, warn_once))

    def local_agent_group(self) -> Any:
        """Return what stands under ``local_agent``, or None."""
        return self.config.get("local_agent")

    @property
    def local_agent_enabled(self) -> bool:
        return bool(self._read("local_agent.enabled"))

    @property
    def local_agent_reporting_host(self) -> str:
        return str(self._read("local_agent.reporting_host"))

    @property
    def local_agent_reporting_port(self) -> int:
        return int(self._read("local_agent.reporting_port"))

    @property
    def local_agent_sampling_port(self) -> int:
        return int(self._read("local_agent.sampling_port"))

    def throttler_group(self) -> Any:
        """Return what stands under ``throttler``, or None: no throttling."""
        return self.config.get("throttler")

    @property
    def throttler_port(self) -> int | None:
        """Port to ask for credits; None without throttling."""
        return None if self.throttler_group() is None else int(self._read("throttler.port"))

    @property
    def throttler_refresh_interval(self) -> int | None:
        """Seconds between two questions for credits; None without throttling."""
        if self.throttler_group() is None:
            return None
        return int(self._read("throttler.refresh_interval"))
