"""What reporters have in common, and those that send nothing."""

from __future__ import annotations

from . import _native
from ._log import ERROR, Throttled, get_logger
from ._signals import let_through

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Callable

    from .closing import CloseFuture
    from .span import Span


class BaseReporter:
    """What the tracer wants of a reporter."""

    def report_span(self, span: Span) -> None:
        """Take a finished, sampled span. Called on the thread that finished it."""
        raise NotImplementedError

    def set_process(self, service_name: str, tags: Mapping[str, Any], max_length: int) -> None:
        """Learn whose spans these are; called by the tracer once, and again in a forked child.

        :param max_length: of text values of *tags*, in characters
        """

    def flush(self, timeout: float | None = None) -> bool:  # noqa: ARG002  nothing to wait for
        """Wait until what was reported is delivered. Return whether it is."""
        return True

    def close(self) -> Any:
        """Deliver what is waiting and release everything. Return a future."""
        from .closing import resolved

        return resolved(True)


class NullReporter(BaseReporter):
    """Forgets every span."""

    def report_span(self, span: Span) -> None:
        """Do nothing."""


class InMemoryReporter(BaseReporter):
    """Keeps finished spans, for tests. Any thread."""

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[Span] = []
        self.lock = _native.allocate_lock()

    def report_span(self, span: Span) -> None:
        """Keep *span* as it is now."""
        seal = getattr(span, "_seal", None)  # or it is a test's mock
        if seal is not None:
            seal()
        with self.lock:
            self.spans.append(span)

    def get_spans(self) -> list[Span]:
        """Return a copy of the list of spans, in the order in which they were finished."""
        with self.lock:
            return self.spans[:]

    def clear(self) -> None:
        """Forget the spans kept so far."""
        with self.lock:
            self.spans.clear()


class LoggingReporter(BaseReporter):
    """Logs every span at level INFO.

    :param logger: logger of the package by default
    """

    def __init__(self, logger: Any = None) -> None:
        super().__init__()
        self.logger = logger or get_logger()

    def report_span(self, span: Span) -> None:
        """Log *span*."""
        self.logger.info("Reporting span %s", span)


class CompositeReporter(BaseReporter):
    """Hands each span to several reporters, in order; the failure of one is not the others'."""

    def __init__(self, *reporters: Any) -> None:
        super().__init__()
        self.reporters = reporters
        self._errors = Throttled(ERROR)

    def set_process(self, service_name: str, tags: Mapping[str, Any], max_length: int) -> None:
        """Tell all."""
        self._each(lambda r: r.set_process(service_name, tags, max_length))

    def report_span(self, span: Span) -> None:
        """Give *span* to all."""
        self._each(lambda r: r.report_span(span))

    def flush(self, timeout: float | None = None) -> bool:
        """Flush all that can be; *timeout* is for each."""
        done = self._each(lambda r: r.flush(timeout) if hasattr(r, "flush") else True)
        return len(done) == len(self.reporters) and all(done)

    def close(self) -> CloseFuture:
        """Close all."""
        from .closing import all_of

        return all_of(self._each(lambda r: r.close()))

    def _each(self, do: Callable[[Any], Any]) -> list[Any]:
        """Return what *do* returns for each reporter that does not fail."""
        results = []
        for reporter in self.reporters:
            try:
                results.append(do(reporter))
            except Exception as exc:
                let_through(exc)
                self._errors.log("Reporter %s failed: %r", type(reporter).__name__, exc)
        return results
