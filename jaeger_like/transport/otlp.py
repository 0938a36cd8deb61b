"""Spans as OTLP over HTTP: ``POST /v1/traces`` with protobuf, to what speaks OpenTelemetry.

An OpenTelemetry Collector takes it, and Jaeger from version 1.35 on, on port 4318
(https://opentelemetry.io/docs/specs/otlp/#otlphttp).
"""

from __future__ import annotations

import logging
from typing import Any

from .._log import Throttled
from ..encoding.otlp import Messages, export_request
from .collector import batch_of
from .http import Response
from .posting import PostingSender


class OTLPSender(PostingSender):
    """Posts packets to an OTLP receiver, ``http://host:4318/v1/traces``. Parameters as there.

    What the receiver takes only in part counts as sent; what it says about the rest is logged.

    :raises ImportError: the package opentelemetry-proto is not installed
    """

    content_type = "application/x-protobuf"
    usual_path = "/v1/traces"

    def __init__(self, url: str, **options: Any) -> None:
        super().__init__(url, **options)
        # Now, and not on the loop's thread: a fork in the middle of an import leaves the child
        # with half a module.
        self._messages = Messages()
        self._refusals = Throttled(logging.WARNING)

    def body(self, packet: bytes) -> bytes:
        """Return the spans of a packet as an ``ExportTraceServiceRequest``."""
        return export_request(batch_of(packet), self._messages)

    def accepted(self, response: Response) -> None:
        """Log which spans were refused, and why."""
        try:
            partial = self._messages.service.ExportTraceServiceResponse.FromString(
                response.body
            ).partial_success
        except Exception:  # an answer of something that is no OTLP receiver, but took it
            return
        if partial.rejected_spans or partial.error_message:
            self._refusals.log(
                "The OTLP receiver rejected %d spans: %s",
                partial.rejected_spans,
                partial.error_message or "no reason given",
            )
