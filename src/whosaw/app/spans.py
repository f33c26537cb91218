"""Spans for OpenTelemetry, where an address to send them to is set; they say what kind, what outcome, how long.

A span has no link to the request it came from, no text of an error, and nothing of the machine but the service's name:
what is sent leaves the house.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar

from whosaw import __version__
from whosaw.app.errors import AppError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_UNWELL = frozenset({"failed", "cancelled"})


class SpansMissing(AppError, RuntimeError):
    """Spans were asked for and the extra that sends them is not installed."""

    code: ClassVar[str] = "app.spans_missing"
    hint = "pip install 'whosaw[otel]', or unset WHOSAW_OTLP_ENDPOINT"


class Spans:
    """Sends a span for every answer; `close` sends what waits."""

    def __init__(self, exporter: SpanExporter) -> None:
        """Send through `exporter`, in the background."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        # not `Resource.create`: it adds what detectors find of process and host
        self._provider = TracerProvider(resource=Resource({"service.name": "whosaw", "service.version": __version__}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("whosaw", __version__)

    @classmethod
    def to(cls, endpoint: str) -> Spans:
        """Send to an OTLP receiver over HTTP.

        Raises:
            SpansMissing: the extra `otel` is not installed.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        except ImportError as cause:
            raise SpansMissing("spans cannot be sent: the OpenTelemetry exporter is not installed") from cause
        return cls(OTLPSpanExporter(endpoint=endpoint))

    def answered(self, kind: str, outcomes: dict[str, int], started_ns: int) -> None:
        """Tell of asks that were answered together."""
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind, Status, StatusCode

        span = self._tracer.start_span(f"whosaw.{kind}", Context(), SpanKind.SERVER, start_time=started_ns)
        for outcome, count in outcomes.items():
            span.set_attribute(f"whosaw.outcome.{outcome}", count)
        if _UNWELL & outcomes.keys():
            span.set_status(Status(StatusCode.ERROR))
        span.end(time.time_ns())

    def close(self) -> None:
        """Send what waits, and stop."""
        self._provider.shutdown()
