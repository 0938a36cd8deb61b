"""Plain values as generated Thrift objects, for programs and tests that want to look at them.

Nothing here is on the way of a span: spans are written straight to bytes, see ``encoding``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._clock import to_micros
from .encoding.values import plain, text
from .thrift_gen.jaeger import ttypes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_MASK = (1 << 64) - 1
_SIGN = 1 << 63

_TAG_FIELDS = {
    bool: (ttypes.TagType.BOOL, "vBool"),
    int: (ttypes.TagType.LONG, "vLong"),
    float: (ttypes.TagType.DOUBLE, "vDouble"),
    str: (ttypes.TagType.STRING, "vStr"),
}
_FIELDS = {
    **dict(_TAG_FIELDS.values()),
    ttypes.TagType.BINARY: "vBinary",
}
_REFERENCE_TYPES = {
    "child_of": ttypes.SpanRefType.CHILD_OF,
    "follows_from": ttypes.SpanRefType.FOLLOWS_FROM,
}


def make_tag(key: object, value: object, max_length: int, max_traceback_length: int) -> Any:
    """Return a ``Tag``. Limits are of text and of formatted tracebacks, in characters."""
    value = plain(value, max_length, max_traceback_length)
    kind, field = _TAG_FIELDS[type(value)]
    return ttypes.Tag(key=text(key), vType=kind, **{field: value})


def make_tags(tags: Mapping[Any, Any], max_length: int, max_traceback_length: int) -> list[Any]:
    """Return a list of ``Tag`` in the order of *tags*."""
    return [
        make_tag(key, value, max_length, max_traceback_length)
        for key, value in (tags or {}).items()
    ]


def make_log(
    timestamp: float, fields: Mapping[Any, Any], max_length: int, max_traceback_length: int
) -> Any:
    """Return a ``Log`` of a time in seconds since 1970."""
    return log_at(to_micros(timestamp), fields, max_length, max_traceback_length)


def log_at(
    micros: int, fields: Mapping[Any, Any], max_length: int, max_traceback_length: int
) -> Any:
    """Return a ``Log`` of a time in microseconds since 1970."""
    return ttypes.Log(timestamp=micros, fields=make_tags(fields, max_length, max_traceback_length))


def values_of(tags: Iterable[Any]) -> dict[Any, Any]:
    """Return the values of generated ``Tag`` objects by their keys."""
    return {tag.key: getattr(tag, _FIELDS[tag.vType]) for tag in tags}


def make_process(service_name: str, tags: Mapping[str, Any], max_length: int) -> Any:
    """Return a ``Process``."""
    return ttypes.Process(
        serviceName=text(service_name), tags=make_tags(tags, max_length, max_length)
    )


def make_ref_type(span_ref_type: str) -> int:
    """Return the number of an opentracing reference type; CHILD_OF for one that is unknown."""
    number: int = _REFERENCE_TYPES.get(span_ref_type, ttypes.SpanRefType.CHILD_OF)
    return number


def make_references(references: Iterable[Any] | None) -> list[Any] | None:
    """Return a list of ``SpanRef``, or None when there are no references at all."""
    if references is None:
        return None
    return [
        ttypes.SpanRef(
            refType=make_ref_type(reference.type),
            traceIdLow=id_to_int(_id_to_low(reference.referenced_context.trace_id)),
            traceIdHigh=id_to_int(_id_to_high(reference.referenced_context.trace_id)),
            spanId=id_to_int(reference.referenced_context.span_id),
        )
        for reference in references
    ]


def make_span(span: Any) -> Any:
    """Return a ``Span`` of one of our finished spans."""
    return ttypes.Span(
        traceIdLow=id_to_int(_id_to_low(span.trace_id)),
        traceIdHigh=id_to_int(_id_to_high(span.trace_id)),
        spanId=id_to_int(span.span_id),
        parentSpanId=id_to_int(span.parent_id) or 0,
        operationName=text(span.operation_name),
        references=make_references(span.references or None),
        flags=span.flags & 0xFF,
        startTime=span._start // 1000,
        duration=max(0, span._duration),
        tags=span.tags,
        logs=span.logs,
    )


def make_jaeger_batch(spans: Iterable[Any], process: Any) -> Any:
    """Return a ``Batch`` of finished spans and a ``Process``."""
    return ttypes.Batch(process=process, spans=[make_span(span) for span in spans])


def timestamp_micros(seconds: float) -> int:
    """Return seconds as whole microseconds."""
    return to_micros(seconds)


def id_to_int(big_id: int | None) -> int | None:
    """Return an unsigned 64-bit id as the signed number of the same bits; None stays None."""
    if big_id is None:
        return None
    big_id &= _MASK
    return big_id - (1 << 64) if big_id & _SIGN else big_id


def _id_to_low(big_id: int | None) -> int | None:
    """Return the lower 64 bits of an id, unsigned; None stays None."""
    return None if big_id is None else big_id & _MASK


def _id_to_high(big_id: int | None) -> int | None:
    """Return the 64 bits of an id above the lower 64, unsigned; None stays None."""
    return None if big_id is None else big_id >> 64 & _MASK


def parse_sampling_strategy(response: Any) -> tuple[Any, str | None]:
    """Return the sampler for a generated ``SamplingStrategyResponse``.

    :return: a pair of sampler and None, or of None and what is wrong with the response
    """
    from .sampler import ProbabilisticSampler, RateLimitingSampler
    from .thrift_gen.sampling.ttypes import SamplingStrategyType

    if response.strategyType == SamplingStrategyType.PROBABILISTIC:
        rate = getattr(response.probabilisticSampling, "samplingRate", None)
        if rate is not None and 0 <= rate <= 1:
            return ProbabilisticSampler(rate=rate), None
        return None, f"Probabilistic sampling rate not in [0, 1] range: {rate}"
    if response.strategyType == SamplingStrategyType.RATE_LIMITING:
        limit = getattr(response.rateLimitingSampling, "maxTracesPerSecond", None)
        if limit is not None and 0 <= limit < 500:
            return RateLimitingSampler(max_traces_per_second=limit), None
        return None, f"Rate limiting parameter not in [0, 500) range: {limit}"
    return None, f"Unsupported sampling strategy type: {response.strategyType}"
