"""A trace as a tree: which span is below which, and as text for a terminal."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta, timezone

from .model import Span, Tag, Trace, trace_id_text

_MAX_ROWS = 300
_MAX_INDENT = 40
_MAX_TAGS = 6
_MAX_VALUE = 60
_MAX_NAME = 120
# Said elsewhere in the row, or of no use to somebody who reads one trace.
_HIDDEN = frozenset(["error", "sampler.type", "sampler.param", "internal.span.format"])


def rows(trace: Trace) -> list[tuple[int, Span]]:
    """Return (depth, span) in the order of a tree, children by start.

    Every span occurs once: one whose parent is missing is a root, and a circle of parents is cut
    at its earliest span. Of two spans with one id (Zipkin's shared spans) the server's is below the
    client's, and what either started is below the server's.
    """
    by_id: dict[int, list[int]] = defaultdict(list)
    spans = sorted(trace.spans, key=lambda span: (span.start, -span.duration))
    for index, span in enumerate(spans):
        by_id[span.span_id].append(index)
    for same in by_id.values():
        same.sort(key=lambda index: spans[index].tag("span.kind") == "server")

    children: dict[int | None, list[int]] = defaultdict(list)
    for index, span in enumerate(spans):
        children[_parent(index, span, by_id)].append(index)

    result: list[tuple[int, Span]] = []
    seen: set[int] = set()

    def walk(start: int) -> None:
        # No recursion: a trace may be deeper than Python's stack.
        stack = [(0, start)]
        while stack:
            depth, index = stack.pop()
            if index in seen:
                continue
            seen.add(index)
            result.append((depth, spans[index]))
            stack.extend((depth + 1, child) for child in reversed(children.get(index, ())))

    for index in children.get(None, ()):
        walk(index)
    for index in range(len(spans)):
        if index not in seen:
            walk(index)
    return result


def _parent(index: int, span: Span, by_id: dict[int, list[int]]) -> int | None:
    same = by_id[span.span_id]
    position = same.index(index) if len(same) < 3 else 0  # more than two are no pair
    if position:
        return same[position - 1]
    parent_id = span.parent_id
    if parent_id is None or parent_id == span.span_id or parent_id not in by_id:
        return None
    return by_id[parent_id][-1]


def text(trace: Trace) -> str:
    """Return *trace* as indented lines, one per span, without a newline at the end.

    A row: service and operation, offset from the start of the trace, duration, ``!`` for an error,
    tags in short. Control characters are escaped, so that no span can play with a terminal.
    """
    tree = rows(trace)
    start = trace.start
    head = (
        f"trace {trace_id_text(trace.trace_id)}  {count(len(tree), 'span')}"
        f"  {duration(trace.end - start)}  {moment(start)}"
    )
    lines = [head]
    names = [
        "  " * min(depth + 1, _MAX_INDENT) + shorten(f"{span.service} {span.operation}", _MAX_NAME)
        for depth, span in tree[:_MAX_ROWS]
    ]
    width = min(max(len(name) for name in names), 60)
    for name, (_, span) in zip(names, tree):
        mark = "!" if span.is_error else " "
        line = (
            f"{name:<{width}} {mark} {'+' + duration(span.start - start):>10}"
            f" {duration(span.duration):>10}  {tags(span.tags)}"
        )
        lines.append(line.rstrip())
    if len(tree) > _MAX_ROWS:
        lines.append(f"  ... and {count(len(tree) - _MAX_ROWS, 'span')} more")
    return "\n".join(lines)


def tags(values: tuple[Tag, ...]) -> str:
    """Return the first few tags as ``key=value``, long values cut."""
    shown = [tag for tag in values if tag.key not in _HIDDEN]
    parts = [f"{shorten(tag.key, _MAX_VALUE)}={value(tag)}" for tag in shown[:_MAX_TAGS]]
    if len(shown) > _MAX_TAGS:
        parts.append("...")
    return " ".join(parts)


def value(tag: Tag, limit: int = _MAX_VALUE) -> str:
    """Return the value of a tag in one line of at most *limit* characters."""
    if isinstance(tag.value, bytes):
        return shorten(tag.value[:limit].hex(), limit)
    if isinstance(tag.value, bool):
        return "true" if tag.value else "false"
    return shorten(str(tag.value), limit)


def duration(microseconds: int) -> str:
    """Return a duration in a unit that suits it: ``17us``, ``1.5ms``, ``2.25s``."""
    size = abs(microseconds)
    if size < 1000:
        return f"{microseconds}us"
    if size < 1_000_000:
        return f"{microseconds / 1000:.4g}ms" if size < 999_950 else "1s"
    return f"{microseconds / 1_000_000:.2f}".rstrip("0").rstrip(".") + "s"


def moment(microseconds: int) -> str:
    """Return a time since the epoch as date and time in UTC; the number when there is none."""
    try:
        then = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
    except (OverflowError, ValueError):
        return str(microseconds)
    return then.strftime("%Y-%m-%d %H:%M:%S.%f") + "Z"


def count(number: int, noun: str) -> str:
    """Return ``1 span``, ``2 spans``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def shorten(words: str, limit: int) -> str:
    """Return *words* in one line, cut to *limit* characters, control characters escaped."""
    if len(words) > limit:
        words = words[: limit - 3] + "..."
    if words.isprintable():
        return words
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
