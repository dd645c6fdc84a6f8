"""A report as one page of HTML that stands alone."""

from collections.abc import Sequence
from html import escape

from ._findings import Depth, Facts, Finding, Reach


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
    rows = "".join(
        f"<tr class={item.severity}>"
        + "".join(
            f"<td>{escape(visible(cell))}"
            for cell in (item.severity, item.parameter, item.what, item.evidence, item.remedy)
        )
        for item in findings
    )
    return f"<!doctype html><meta charset=utf-8><title>zero_array audit</title><h1>{escape(summary)}</h1><table>{rows}</table>"
