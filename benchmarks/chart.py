"""A picture of the ratios: groups of horizontal bars on a logarithmic scale, as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10
from xml.sax.saxutils import escape

from figures import FIGURES, REFERENCE, lines
from report import NAMES, Rounds, shown

_COLOURS = {
    "jaeger_like_c": "#1a7f5a",
    "jaeger_like": "#5bb98c",
    "jaeger_client": "#8a8f98",
    "opentelemetry": "#4f6bb5",
    "ddtrace": "#8b5fb0",
}
_LEFT, _WIDTH, _RIGHT = 190, 480, 130
_BAR, _GAP, _HEAD = 15, 18, 22

#: One group of bars: a heading, and for each bar its peer, its length as a ratio, and its label.
Group = tuple[str, Sequence[tuple[str, float, str]]]


def groups(rounds: Rounds) -> list[Group]:
    """Return what the chart shows: the figures marked for it, of the peers that have a colour."""
    found: list[Group] = []
    for figure in FIGURES:
        if not figure.chart:
            continue
        bars = [
            (line.peer, line.ratio, f"{shown(line.middle)} {figure.unit}")
            for line in lines(figure, rounds)
            if line.peer in _COLOURS and line.ratio and line.ratio > 0
        ]
        bars.sort(key=lambda bar: list(_COLOURS).index(bar[0]))
        if bars:
            found.append((figure.title, bars))
    return found


def svg(found: Sequence[Group]) -> str:
    """Return the picture."""
    ratios = [ratio for _, bars in found for _, ratio, _ in bars] or [1.0]
    low = next(d for d in (0.1, 0.01, 0.001, 0.0001) if d < min(ratios) or d == 0.0001)
    high = next(d for d in (1, 10, 100, 1000) if d >= max(ratios) or d == 1000)

    def x(ratio: float) -> float:
        share = log10(min(max(ratio, low), high) / low) / log10(high / low)
        return _LEFT + _WIDTH * share

    out: list[str] = []
    y = 58
    for title, bars in found:
        out.append(f'<text class="head" x="12" y="{y + 12}">{escape(title)}</text>')
        y += _HEAD
        for peer, ratio, label in bars:
            length = x(ratio) - _LEFT
            out.append(
                f'<text x="{_LEFT - 8}" y="{y + 11}" text-anchor="end">{escape(NAMES[peer])}</text>'
                f'<rect x="{_LEFT}" y="{y}" width="{length:.1f}" height="{_BAR - 3}" '
                f'fill="{_COLOURS[peer]}"/>'
                f'<text x="{_LEFT + length + 6:.1f}" y="{y + 11}">{escape(label)}</text>'
            )
            y += _BAR
        y += _GAP
    bottom = y - _GAP + 4
    axis = []
    tick: float = low
    while tick <= high * 1.001:
        axis.append(
            f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="50" y2="{bottom}" '
            f'stroke="{"#888" if tick == 1 else "#ddd"}"/>'
            f'<text class="tick" x="{x(tick):.1f}" y="44" text-anchor="middle">{tick:g}</text>'
        )
        tick *= 10
        tick = round(tick, 6)
    width, height = _LEFT + _WIDTH + _RIGHT, bottom + 12
    title = (
        f"Cost as a ratio to {escape(NAMES[REFERENCE])} (logarithmic; shorter is better), "
        "with the measured median"
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" \
width="{width}" height="{height}" role="img">
<style>text{{font:12px sans-serif;fill:#222}} .head{{font-weight:bold}} \
.tick{{fill:#666;font-size:11px}}</style>
<rect width="{width}" height="{height}" fill="#fff"/>
<text x="12" y="20">{title}</text>
{chr(10).join([*axis, *out])}
</svg>
"""
