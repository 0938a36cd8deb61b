"""Pages for a browser: a list of the newest traces, and one trace as a tree with bars.

Plain HTML without scripts or anything fetched from elsewhere; whatever spans contain is escaped.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from html import escape

from . import tree
from .model import Span, Tag, Trace, trace_id_text

_MAX_ROWS = 2000
_MAX_VALUE = 2000

# What pages may load and do: their own style, nothing else.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'"
)

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:1.5em;color:#222;background:#fff}
a{color:#0b5cad;text-decoration:none}a:hover{text-decoration:underline}
h1{font-size:1.2em;margin:0 0 .8em}small,.dim{color:#777}.error{color:#b00020;font-weight:600}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3em .8em .3em 0;
border-bottom:1px solid #eee;vertical-align:top}td.n{text-align:right;white-space:nowrap}
details{border-bottom:1px solid #eee}summary{display:flex;cursor:pointer;list-style:none;
align-items:center;padding:.15em 0}summary:hover{background:#f5f8fb}
.name{flex:0 0 42%;overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.lane{flex:1;position:relative;height:1.4em;background:#fafafa}
.bar{position:absolute;top:.25em;height:.9em;min-width:2px;border-radius:2px}
.time{flex:0 0 6.5em;text-align:right;font-variant-numeric:tabular-nums}
.more{margin:.2em 0 .8em 2em}.more td{padding:.1em 1em .1em 0;border:0;word-break:break-word}
.more td:first-child{color:#555;white-space:nowrap;width:1%}
select,button{font:inherit}form{margin:0 0 1em}
"""


def listing(traces: Sequence[Trace], services: Sequence[str], service: str | None = None) -> str:
    """Return the page that lists traces.

    :param services: what may be chosen from
    :param service: what was chosen
    """
    options = "".join(
        f"<option{' selected' if name == service else ''}>{escape(name)}</option>"
        for name in services
    )
    form = (
        '<form action="/"><select name="service"><option value="">all services</option>'
        f"{options}</select> <button>Show</button></form>"
    )
    rows = "".join(_trace_row(trace) for trace in traces)
    table = (
        "<table><tr><th>Trace</th><th>Services</th><th>Spans</th><th>Duration</th>"
        f"<th>Start</th></tr>{rows}</table>"
    )
    nothing = '<p class="dim">No traces yet. Send some, then reload this page.</p>'
    return _page("Traces", f"<h1>Traces</h1>{form}{table if rows else nothing}")


def _trace_row(trace: Trace) -> str:
    _, root = tree.rows(trace)[0]
    errors = sum(span.is_error for span in trace.spans)
    mark = f' <span class="error">{tree.count(errors, "error")}</span>' if errors else ""
    trace_id = trace_id_text(trace.trace_id)
    return (
        f'<tr><td><a href="/trace/{trace_id}">{_title(root)}</a>{mark}'
        f"<br><small>{trace_id}</small></td><td>{_text(', '.join(trace.services))}</td>"
        f'<td class="n">{len(trace.spans)}</td>'
        f'<td class="n">{tree.duration(trace.end - trace.start)}</td>'
        f'<td class="n">{tree.moment(trace.start)}</td></tr>'
    )


def detail(trace: Trace) -> str:
    """Return the page that shows one trace; a click on a span opens its tags and logs."""
    rows = tree.rows(trace)
    start, length = trace.start, max(trace.end - trace.start, 1)
    trace_id = trace_id_text(trace.trace_id)
    _, root = rows[0]
    head = (
        f'<p><a href="/">All traces</a> · <a href="/api/traces/{trace_id}">JSON</a></p>'
        f"<h1>{_title(root)} <small>{trace_id}</small></h1>"
        f'<p class="dim">{tree.moment(start)} · {tree.duration(trace.end - start)} · '
        f"{tree.count(len(trace.services), 'service')} · {tree.count(len(rows), 'span')}</p>"
    )
    body = [head]
    body.extend(_span_row(depth, span, start, length) for depth, span in rows[:_MAX_ROWS])
    if len(rows) > _MAX_ROWS:
        body.append(f"<p>… and {tree.count(len(rows) - _MAX_ROWS, 'span')} more</p>")
    return _page(f"{root.service}: {root.operation}", "".join(body))


def _span_row(depth: int, span: Span, start: int, length: int) -> str:
    left = 100 * (span.start - start) / length
    width = max(0.0, 100 * span.duration / length)
    hue = zlib.crc32(span.service.encode("utf-8", "replace")) % 360
    error = ' <span class="error">error</span>' if span.is_error else ""
    return (
        f'<details><summary><span class="name" style="padding-left:{min(depth, 40)}em">'
        f"<b>{_text(span.service)}</b> {_text(span.operation)}{error}</span>"
        f'<span class="lane"><span class="bar" style="left:{left:.3f}%;width:{width:.3f}%;'
        f'background:hsl({hue},55%,55%)"></span></span>'
        f'<span class="time">{tree.duration(span.duration)}</span></summary>'
        f'<div class="more">{_details(span, start)}</div></details>'
    )


def _details(span: Span, start: int) -> str:
    facts = [
        ("span", f"{span.span_id:016x}"),
        ("starts after", tree.duration(span.start - start)),
        *(
            (ref.type, f"{trace_id_text(ref.trace_id)}:{ref.span_id:016x}")
            for ref in span.references
        ),
        *(("warning", warning) for warning in span.warnings),
    ]
    parts = [_table("", facts), _table("Tags", _pairs(span.tags))]
    parts.extend(
        _table(f"Log, {tree.duration(log.timestamp - start)}", _pairs(log.fields))
        for log in span.logs
    )
    parts.append(_table("Process", _pairs(span.process.tags)))
    return "".join(parts)


def _pairs(tags: tuple[Tag, ...]) -> list[tuple[str, str]]:
    return [(tag.key, tree.value(tag, _MAX_VALUE)) for tag in tags]


def _table(title: str, pairs: Sequence[tuple[str, str]]) -> str:
    if not pairs:
        return ""
    rows = "".join(f"<tr><td>{_text(key)}</td><td>{_text(value)}</td></tr>" for key, value in pairs)
    heading = f"<b>{escape(title)}</b>" if title else ""
    return f"{heading}<table>{rows}</table>"


def missing(trace_id: str) -> str:
    """Return the page for a trace that is not known."""
    return _page(
        "No such trace",
        f"<h1>No such trace</h1><p>{_text(trace_id)} is not in memory: it never came, or had to "
        f'make room for newer ones.</p><p><a href="/">All traces</a></p>',
    )


def _title(root: Span) -> str:
    return _text(f"{root.service}: {root.operation}")


def _text(words: str) -> str:
    return escape(tree.shorten(words, _MAX_VALUE))


def _page(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>{body}</body></html>"
    )
