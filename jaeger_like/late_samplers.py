"""Samplers that decide about a trace after its start; see :mod:`jaeger_like.late_binding`."""

# ruff: noqa: ARG002  a sampler is told all there is, and each rule needs a part of it

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .constants import SAMPLED_FLAG
from .errors import ConfigError
from .sampler import ConstSampler, ProbabilisticSampler, RateLimitingSampler, Sampler
from .sampler.base import sampler_tags
from .sampler.remote import RemoteControlledSampler

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from .span import Span

FIREHOSE_FLAG = 8
"""Set in :attr:`Decision.flags`, it keeps a trace out of the backend's indexes."""

_NAME_DOES_NOT_MATTER = (ConstSampler, ProbabilisticSampler, RateLimitingSampler)


class Decision(NamedTuple):
    """What a sampler says about a trace.

    :ivar sampled: whether to sample it; if so, that is final
    :ivar retryable: of a no: whether to ask again
    :ivar tags: to be set on the span with which the sampler was asked
    :ivar flags: bits that a sampled trace gets
    """

    sampled: bool
    retryable: bool = True
    tags: Mapping[str, Any] | None = None
    flags: int = SAMPLED_FLAG


class LateSampler(Sampler):
    """A sampler that decides about traces by what happens to their spans; to be derived from.

    As it is, it says "nothing new" to everything.
    """

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Sample nothing where decisions cannot wait."""
        return False, {}

    def on_create_span(self, span: Span) -> Decision | None:
        """Return a decision at the start of a span, or None."""
        return None

    def on_set_operation_name(self, span: Span, operation_name: str) -> Decision | None:
        """Return a decision when a span is renamed, or None."""
        return None

    def on_set_tag(self, span: Span, key: str, value: Any) -> Decision | None:
        """Return a decision when a tag is set, or None. Tags of the start are among them."""
        return None

    def on_finish_span(self, span: Span) -> Decision | None:
        """Return a decision when a span finishes, or None."""
        return None

    def close(self) -> None:
        """Do nothing."""


class TagMatchingSampler(LateSampler):
    """Samples traces that have a span with a certain tag.

    :param key: of the tag
    :param values: of the tag, each with whether the trace is to get the firehose flag
    :raises ConfigError: *values* cannot be looked up
    """

    def __init__(self, key: str, values: Mapping[Any, bool] | Iterable[Any]) -> None:
        super().__init__()
        self.key = key
        try:
            self.values: dict[Any, bool] = (
                dict(values) if hasattr(values, "keys") else dict.fromkeys(values, False)
            )
        except TypeError:
            raise ConfigError("values", values, "a mapping, or values that can be hashed") from None

    @classmethod
    def from_json(cls, options: Mapping[str, Any]) -> TagMatchingSampler:
        """Return the sampler for an object as the Go and Node clients read it.

        ``{"key": k, "matchers": [{"value": v, "firehose": false}]}``, or in place of ``matchers``
        ``"values": {v: {"firehose": false}}``.

        :raises ConfigError: it is none
        """
        try:
            values = {m["value"]: bool(m.get("firehose")) for m in options.get("matchers") or ()}
            for value, more in (options.get("values") or {}).items():
                values[value] = bool(more.get("firehose"))
            return cls(options["key"], values)
        except (KeyError, TypeError, AttributeError):
            raise ConfigError("sampler", options, "an object with key, and matchers") from None

    def on_set_tag(self, span: Span, key: str, value: Any) -> Decision | None:
        """Sample if it is the tag."""
        try:
            firehose = self.values.get(value) if key == self.key else None
        except TypeError:  # a value that cannot be hashed
            return None
        if firehose is None:
            return None
        tags = sampler_tags("TagMatchingSampler", f"{key}={value}")
        return Decision(True, False, tags, SAMPLED_FLAG | (FIREHOSE_FLAG if firehose else 0))


class PrioritySampler(LateSampler):
    """Asks several samplers, in order; the first that samples wins.

    :param delegates: samplers of any kind; closed with this one
    """

    def __init__(self, *delegates: Any) -> None:
        super().__init__()
        self.delegates = delegates

    def is_sampled(self, trace_id: int, operation: str = "") -> tuple[bool, dict[str, Any]]:
        """Ask where decisions cannot wait."""
        for delegate in self.delegates:
            sampled, tags = delegate.is_sampled(trace_id, operation)
            if sampled:
                return True, tags
        return False, {}

    def on_create_span(self, span: Span) -> Decision | None:
        return self._ask("on_create_span", span)

    def on_set_operation_name(self, span: Span, operation_name: str) -> Decision | None:
        return self._ask("on_set_operation_name", span, operation_name)

    def on_set_tag(self, span: Span, key: str, value: Any) -> Decision | None:
        return self._ask("on_set_tag", span, key, value)

    def on_finish_span(self, span: Span) -> Decision | None:
        return self._ask("on_finish_span", span)

    def close(self) -> None:
        """Close all."""
        for delegate in self.delegates:
            delegate.close()

    def _ask(self, event: str, span: Span, *arguments: Any) -> Decision | None:
        # Whose no is final is not asked again about this trace.
        finished: set[int] = _state(span).memory.setdefault(id(self), set())
        for index, delegate in enumerate(self.delegates):
            if index in finished:
                continue
            decision = ask(delegate, event, span, arguments)
            if decision is None:
                continue
            if decision.sampled:
                return decision
            if not decision.retryable:
                finished.add(index)
        return Decision(False, len(finished) < len(self.delegates))


def ask(sampler: Any, event: str, span: Span, arguments: tuple[Any, ...]) -> Decision | None:
    """Tell a sampler of any kind what happened to *span*.

    :param event: name of the method
    :param arguments: of the method, but for the span
    """
    if callable(getattr(sampler, "on_create_span", None)):
        method = getattr(sampler, event, None)
        answer = None if method is None else method(span, *arguments)
        return None if answer is None else Decision(*answer)
    if event not in ("on_create_span", "on_set_operation_name") or not is_local_root(span):
        return None
    sampled, tags = sampler.is_sampled(span.trace_id, span.operation_name)
    # The second name is the one that counts.
    retryable = event == "on_create_span" and _depends_on_name(sampler)
    return Decision(bool(sampled), retryable, tags)


def is_local_root(span: Span) -> bool:
    """Whether *span* is the first in this process of a trace whose decision may wait."""
    state = _state(span)
    return state is not None and state.root_id == span.span_id


def _state(span: Span) -> Any:
    return getattr(span._current_trace(), "state", None)


def _depends_on_name(sampler: Any) -> bool:
    if isinstance(sampler, RemoteControlledSampler):
        sampler = sampler.sampler
    return not isinstance(sampler, _NAME_DOES_NOT_MATTER)
