"""Small drawings for the page of a report, as text: no library, so that a page has its plots wherever it is made."""

from collections.abc import Mapping, Sequence
from html import escape
from math import floor, isfinite, log10

WIDTH, HEIGHT, LEFT = 720, 260, 60
"""The size of a drawing, and of the room for its numbers, in pixels."""

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00")
"""Okabe and Ito's, which the colour-blind tell apart."""


def lines(series: Mapping[str, Sequence[float]], *, hints: Sequence[str] = ()) -> str:
    """Lines over one logarithmic scale, each as wide as the drawing; what is zero or no number leaves a gap.

    Two or fewer are named in the drawing, all where the pointer rests on them; `hints` name the places along the axis.
    """
    shown = [value for values in series.values() for value in values if value > 0 and isfinite(value)]
    if not shown:
        return "<p>nothing but zeros</p>"
    low, high = floor(log10(min(shown))), floor(log10(max(shown))) + 1
    marks = "".join(_mark(power, low, high) for power in range(low, high + 1, max(1, (high - low) // 6)))
    drawn = "".join(
        _line(name, values, COLORS[number % len(COLORS)], low, high)
        for number, (name, values) in enumerate(series.items())
    )
    names = "".join(
        f'<text x="{LEFT + 10 + 110 * number}" y="14" style="fill:{COLORS[number]}">{escape(name)}</text>'
        for number, name in enumerate(series if len(series) <= 2 else ())
    )
    places = "".join(
        f'<rect x="{_x(number, len(hints)) - 4:.1f}" width="8" height="{HEIGHT}" opacity="0"><title>{escape(hint)}'
        "</title></rect>"
        for number, hint in enumerate(hints)
    )
    return _drawing(HEIGHT, marks + drawn + names + places)


def _line(name: str, values: Sequence[float], color: str, low: int, high: int) -> str:
    """One line, in pieces between gaps."""
    runs: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value > 0 and isfinite(value):
            runs[-1].append(f"{_x(number, len(values)):.1f},{_y(log10(value), low, high):.1f}")
        elif runs[-1]:
            runs.append([])
    drawn = "".join(
        f'<polyline points="{" ".join(run if len(run) > 1 else run * 2)}" stroke="{color}"/>' for run in runs if run
    )
    return f"<g><title>{escape(name)}</title>{drawn}</g>"


def _mark(power: int, low: int, high: int) -> str:
    y = _y(power, low, high)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH}" y1="{y:.1f}" y2="{y:.1f}" class="grid"/>'
        f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">1e{power}</text>'
    )


def _x(number: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - 10) * (number / (count - 1) if count > 1 else 0.5)


def _y(value: float, low: int, high: int) -> float:
    return 24 + (HEIGHT - 34) * (high - value) / (high - low)


def strips(rows: Mapping[str, Sequence[float]]) -> str:
    """A strip of cells for each name: the darker, the nearer to one."""
    drawn = "".join(_strip(name, shares, 20 * number) for number, (name, shares) in enumerate(rows.items()))
    return _drawing(20 * len(rows), drawn)


def _strip(name: str, shares: Sequence[float], top: int) -> str:
    left, width = WIDTH // 2, WIDTH / 2 / len(shares)
    cells = "".join(
        f'<rect x="{left + number * width:.2f}" y="{top + 2}" width="{width:.2f}" height="16" fill="{COLORS[1]}" '
        f'fill-opacity="{share:.2f}" shape-rendering="crispEdges"/>'
        for number, share in enumerate(shares)
    )
    short = name if len(name) <= 48 else "..." + name[-45:]
    return (
        f'<g><title>{escape(name)}</title><text x="{left - 8}" y="{top + 14}" text-anchor="end">{escape(short)}</text>'
        f'<rect x="{left}" y="{top + 2}" width="{WIDTH / 2}" height="16" class="frame"/>{cells}</g>'
    )


def _drawing(height: int, inside: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">{inside}</svg>'
