"""The active span's ids in the program's own log lines.

For :mod:`logging`, a filter, on the handlers whose lines are to have the ids::

    handler.addFilter(TraceContextFilter())
    handler.setFormatter(logging.Formatter("%(message)s trace=%(trace_id)s span=%(span_id)s"))

For structlog, a processor, anywhere before the renderer::

    structlog.configure(processors=[TraceContextProcessor(), structlog.processors.JSONRenderer()])

Ids are hexadecimal, padded with zeros to 16 digits, wide trace ids to 32, as the backend shows
them; ``sampled`` is ``true`` or ``false``, as in other Jaeger clients.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import opentracing

from .span import Span

if TYPE_CHECKING:
    from collections.abc import MutableMapping


def trace_fields(tracer: Any = None) -> tuple[str, str, str] | None:
    """Return trace id, span id and sampled as texts; None when no span of ours is active.

    Never raises. Any thread.

    :param tracer: None: the global tracer of opentracing
    """
    try:
        if tracer is None:
            tracer = opentracing.global_tracer()
        span = tracer.active_span
        if not isinstance(span, Span):
            return None
        trace_id = span.trace_id or 0
        width = 32 if trace_id >> 64 else 16
        sampled = "true" if span.is_sampled() else "false"
        return f"{trace_id:0{width}x}", f"{span.span_id or 0:016x}", sampled
    except Exception:  # a scope manager or a context that the program has made itself
        return None


class _Names:
    def __init__(
        self,
        tracer: Any = None,
        trace_id: str = "trace_id",
        span_id: str = "span_id",
        sampled: str = "sampled",
    ) -> None:
        self._tracer = tracer
        self._names = (trace_id, span_id, sampled)


class TraceContextFilter(_Names, logging.Filter):
    """Puts trace id, span id and sampled into each record; lets every record pass.

    Where no span is active the values are empty, so that formats that name them work everywhere. A
    record that has the attributes already keeps them: with a ``QueueHandler``, put the filter on
    that, for the handler behind the queue works on another thread.

    :param tracer: None: the global tracer of opentracing, looked up for each record
    :param trace_id: name of the attribute; likewise *span_id* and *sampled*
    """

    def __init__(
        self,
        tracer: Any = None,
        trace_id: str = "trace_id",
        span_id: str = "span_id",
        sampled: str = "sampled",
    ) -> None:
        _Names.__init__(self, tracer, trace_id, span_id, sampled)
        logging.Filter.__init__(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the attributes."""
        known = record.__dict__
        if not all(name in known for name in self._names):
            for name, value in zip(self._names, trace_fields(self._tracer) or ("", "", "")):
                known.setdefault(name, value)
        return True


class TraceContextProcessor(_Names):
    """Adds trace id, span id and sampled to structlog's events while a span is active.

    What an event has already, stays.

    :param tracer: None: the global tracer of opentracing, looked up for each event
    :param trace_id: name of the key; likewise *span_id* and *sampled*
    """

    def __call__(
        self,
        logger: Any,  # noqa: ARG002  structlog's signature
        method_name: str,  # noqa: ARG002  the interface has it
        event_dict: MutableMapping[str, Any],
    ) -> MutableMapping[str, Any]:
        """Return *event_dict* with the keys."""
        fields = trace_fields(self._tracer)
        if fields is not None:
            for name, value in zip(self._names, fields):
                event_dict.setdefault(name, value)
        return event_dict
