"""A report as one page of HTML that stands alone: its style and its plots are in it, and it may ask no network."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Any

from . import _svg
from ._findings import Depth, Facts, Finding, Reach

_HEAD = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>zero_array audit</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<style>
:root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
body { max-width: 1100px; margin: 2em auto; padding: 0 1em }
table { border-collapse: collapse; width: 100% } td { overflow-wrap: anywhere }
td, th { text-align: left; vertical-align: top; padding: .3em .8em .3em 0; border-bottom: 1px solid #8884 }
.short td, td:nth-child(3) { white-space: nowrap }
.error td:first-child { color: #d33; font-weight: bold } .warning td:first-child { color: #b60 }
.note td:first-child { opacity: .7 } .short { overflow-x: auto }
@media (max-width: 40em) { .long th { display: none } .long tr { display: block; border-bottom: 1px solid #8884 }
  .long tr td { display: block; border: 0; padding: .1em 0; white-space: normal } }
svg { max-width: 100%; height: auto } svg text { font-size: 12px; fill: currentColor }
svg polyline { fill: none; stroke-width: 1.5 } .grid, .frame { stroke: #8886; fill: none }
</style></head><body>
"""


def visible(text: str) -> str:
    """A name out of a file as something that a terminal shows and does not obey."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape", "backslashreplace").decode()
        for character in text
    )


def page(
    summary: str,
    findings: Sequence[Finding],
    weights: Sequence[Facts],
    depth: Sequence[Depth],
    reach: Sequence[Reach],
) -> str:
    """The whole page."""
    parts = [_HEAD, f"<h1>{escape(summary)}</h1>", _findings(findings)]
    for title, text, inside in _plots(weights, depth, reach):
        parts.append(f"<h2>{title}</h2><p>{text}</p>{inside}")
    return "".join([*parts, _weights(weights), "</body></html>\n"])


def _findings(findings: Sequence[Finding]) -> str:
    rows = (
        (item.severity, (item.severity, item.parameter, item.what, item.evidence, item.remedy)) for item in findings
    )
    heads = ("severity", "parameter", "what", "evidence", "remedy")
    return f'<div class="long">{_table(heads, rows)}</div>' if findings else ""


def _plots(weights: Sequence[Facts], depth: Sequence[Depth], reach: Sequence[Reach]) -> Iterator[tuple[str, str, str]]:
    """Title, legend and drawing of each plot for which there is anything to draw."""
    spectra = {visible(facts.parameter): facts.spectrum for facts in weights if facts.spectrum}
    if spectra:
        text = "Of each weight, from the largest to the least; the name is shown where the pointer rests."
        yield "Singular values", text, _svg.lines(spectra)
    twins = {visible(facts.parameter): facts.twins for facts in weights if facts.twins}
    if twins:
        text = "The rows of a weight from left to right: coloured are those that equal an earlier one."
        yield "Twins", text, _svg.strips(twins)
    if depth:
        scales = {"signal": [item.signal for item in depth], "gradient": [item.gradient for item in depth]}
        text = "The root mean square behind each module, in the order of the calls."
        yield "Signal by depth", text, _svg.lines(scales, hints=[visible(item.module) for item in depth])
    if reach:
        sizes = {"now": [item.now for item in reach]}
        if any(item.after is not None for item in reach):
            sizes["after"] = [item.after or 0.0 for item in reach]
        text = "The largest entry of each parameter's gradient; gaps are exact zeros."
        yield "Gradient reach", text, _svg.lines(sizes, hints=[visible(item.parameter) for item in reach])


def _weights(weights: Sequence[Facts]) -> str:
    heads = ("parameter", "shape", "dtype", "fill", "distinct rows", "rank", "singular values")
    rows = (("", _row(facts)) for facts in weights)
    return f'<h2>Weights</h2><div class="short">{_table(heads, rows)}</div>' if weights else ""


def _row(facts: Facts) -> tuple[str, ...]:
    distinct = "" if facts.distinct is None else str(facts.distinct[0])
    rank = "" if facts.rank is None else str(facts.rank)
    singular = "" if facts.singular is None else f"{facts.singular[0]:.4g} to {facts.singular[1]:.4g}"
    sampled = f" (of {facts.sampled} sampled)" if facts.sampled else ""
    shape = " x ".join(map(str, facts.shape)) or "1"
    return facts.parameter, shape, facts.dtype, facts.fill, distinct, rank, singular + sampled


def _table(heads: Sequence[str], rows: Iterable[tuple[str, Sequence[Any]]]) -> str:
    """A table, each of its rows with the class it is given."""
    head = "".join(f"<th>{name}</th>" for name in heads)
    body = "".join(
        f'<tr class="{kind}">' + "".join(f"<td>{escape(visible(cell))}</td>" for cell in cells) + "</tr>"
        for kind, cells in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
