"""The parts of a tracer, made from settings."""

from __future__ import annotations

from ._log import log
from ._settings.parse import OTLP, OTLP_PATH, without_credentials
from .constants import (
    SAMPLER_TYPE_CONST,
    SAMPLER_TYPE_PROBABILISTIC,
    SAMPLER_TYPE_RATE_LIMITING,
)
from .errors import ConfigError
from .metrics import does_nothing
from .reporter import NullReporter, Reporter
from .sampler import (
    DEFAULT_SAMPLING_PROBABILITY,
    ConstSampler,
    ProbabilisticSampler,
    RateLimitingSampler,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._settings import SamplerChoice, Settings

_LOCAL_SAMPLERS = {
    SAMPLER_TYPE_CONST: ConstSampler,
    SAMPLER_TYPE_PROBABILISTIC: ProbabilisticSampler,
    SAMPLER_TYPE_RATE_LIMITING: RateLimitingSampler,
}


def local_sampler(choice: SamplerChoice) -> Any:
    """Return the sampler of a choice, or None when the backend is to say how to sample."""
    if choice.instance is not None:
        return choice.instance
    make = _LOCAL_SAMPLERS.get(choice.type)
    return None if make is None else make(choice.param)


def new_sampler(
    settings: Settings,
    channel: Any,
    io_loop: Any,
    metrics_factory: Any,
    error_reporter: Any,
) -> Any:
    """Return the sampler of a tracer.

    :param channel: to the agent, or None; a sampling endpoint is asked in its place
    """
    choice = settings.sampler
    sampler = local_sampler(choice)
    if sampler is not None:
        return sampler
    rate = DEFAULT_SAMPLING_PROBABILITY if choice.param is None else choice.param
    initial = ProbabilisticSampler(rate)
    if settings.sampling_endpoint is not None:
        from .transport.sampling import SamplingEndpoint

        channel = SamplingEndpoint(settings.sampling_endpoint, io_loop)
    if channel is None:
        return initial
    from .sampler import RemoteControlledSampler

    return RemoteControlledSampler(
        channel,
        settings.service_name,
        metrics_factory=metrics_factory,
        error_reporter=error_reporter,
        sampling_refresh_interval=settings.sampling_refresh_interval or None,
        max_operations=settings.max_operations,
        init_sampler=initial,
    )


def local_baggage_restrictions(
    allowed_keys: tuple[str, ...] | None, max_value_length: int | None
) -> Any:
    """Return the limits of baggage, or None when there are none."""
    if allowed_keys is None and max_value_length is None:
        return None
    from .baggage_limits import LocalBaggageRestrictions

    return LocalBaggageRestrictions(allowed_keys, max_value_length)


def remote_baggage_restrictions(
    settings: Settings,
    io_loop: Any,
    metrics_factory: Any,
    error_reporter: Any,
) -> Any:
    """Return the limits of baggage that the agent gives, and those that are configured."""
    from .baggage_limits import RemoteBaggageRestrictions
    from .transport.baggage import BaggageEndpoint

    host, port = settings.local_agent_reporting_host, settings.local_agent_sampling_port
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return RemoteBaggageRestrictions(
        BaggageEndpoint(f"http://{address}/baggageRestrictions", io_loop),
        settings.service_name,
        refresh_interval=settings.baggage_refresh_interval,
        deny_until_known=settings.baggage_deny_until_known,
        local=local_baggage_restrictions(
            settings.baggage_allowed_keys, settings.baggage_max_value_length
        ),
        metrics_factory=metrics_factory,
        error_reporter=error_reporter,
    )


def observers(rpc_metrics: bool, metrics_factory: Any) -> list[Any]:
    """Return the observers that the settings ask for."""
    if not rpc_metrics:
        return []
    if does_nothing(metrics_factory):
        log.warning("rpc_metrics has no effect without a metrics factory")
        return []
    from .rpc_metrics import RPCMetrics

    return [RPCMetrics(metrics_factory)]


def new_reporter(
    settings: Settings,
    channel: Any,
    io_loop: Any,
    metrics_factory: Any,
    error_reporter: Any,
) -> Any:
    """Return the reporter of a tracer: to the collector, else to the agent, else to nowhere."""
    sender = None
    if settings.endpoint is not None:
        sender = _http_sender(settings)
        log.info("Initializing Jaeger Tracer with HTTP reporter")
    elif channel is not None:
        log.info("Initializing Jaeger Tracer with UDP reporter")
    else:
        return NullReporter()
    return Reporter(
        channel=channel,
        queue_capacity=settings.reporter_queue_size,
        batch_size=settings.reporter_batch_size,
        flush_interval=settings.reporter_flush_interval,
        io_loop=io_loop,
        error_reporter=error_reporter,
        metrics_factory=metrics_factory,
        **({} if sender is None else {"sender": sender}),
    )


def _http_sender(settings: Settings) -> Any:
    # Here and not at the top: they import tornado and thrift. And here and not on the loop's
    # thread: a fork in the middle of an import leaves the child with half a module.
    url, otlp = _collector(str(settings.endpoint), settings.protocol)
    options: dict[str, Any] = {
        "user": settings.user,
        "password": settings.password,
        "auth_token": settings.auth_token,
        "headers": settings.headers,
        "timeout": settings.timeout,
        "validate_cert": settings.tls_validate_cert,
        "ca_certs": settings.tls_ca_certs,
        "client_cert": settings.tls_client_cert,
        "client_key": settings.tls_client_key,
    }
    if not otlp:
        from .transport.collector import HTTPSender

        return HTTPSender(url, **options)
    from .transport.otlp import OTLPSender

    try:
        return OTLPSender(url, **options)
    except ImportError as exc:
        raise ConfigError(
            "endpoint",
            without_credentials(url).partition("?")[0],
            "the package opentelemetry-proto for OTLP (pip install 'jaeger-like[otlp]')",
        ) from exc


def _collector(endpoint: str, protocol: str | None) -> tuple[str, bool]:
    """Return the URL to post to, and whether that takes OTLP."""
    from urllib.parse import urlsplit

    path = urlsplit(endpoint).path.rstrip("/")
    if protocol == OTLP and not path:
        return urlsplit(endpoint)._replace(path=OTLP_PATH).geturl(), True
    return endpoint, protocol == OTLP or (protocol is None and path.endswith(OTLP_PATH))
