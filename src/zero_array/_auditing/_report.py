"""What an audit found, put together: as text, JSON and a page."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from math import isfinite
from typing import Any

from . import _page
from ._findings import SEVERITIES, Depth, Facts, Finding, Reach, Severity

_COLORS = {"error": "\x1b[31m", "warning": "\x1b[33m", "note": "\x1b[2m"}


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit found. It prints as an aligned table, the worst findings first.

    Attributes
    ----------
    findings : tuple of Finding
        What is wrong, or worth knowing.
    weights : tuple of Facts
        What is known about each weight.
    depth : tuple of Depth
        The scale of signal and gradient behind each module; empty if no model was run.
    reach : tuple of Reach
        The largest gradient of each parameter; empty if no model was run.
    """

    findings: tuple[Finding, ...]
    weights: tuple[Facts, ...] = ()
    depth: tuple[Depth, ...] = ()
    reach: tuple[Reach, ...] = ()

    def __iter__(self) -> Iterator[Finding]:
        """The findings in order."""
        return iter(self.findings)

    def __len__(self) -> int:
        """The number of findings."""
        return len(self.findings)

    @property
    def worst(self) -> Severity | None:
        """The worst severity among the findings; None without findings."""
        found = {finding.severity for finding in self.findings}
        return next((severity for severity in SEVERITIES if severity in found), None)

    def filter(self, pattern: str = "*", *, severity: Severity | None = None, what: str | None = None) -> "Report":
        """The part of the report on parameters whose names match a pattern such as ``"layer1.*"``.

        With `severity` or `what`, only the findings of that severity or kind; the facts stay.
        """
        return Report(
            tuple(
                finding
                for finding in self.findings
                if fnmatchcase(finding.parameter, pattern)
                and severity in (None, finding.severity)
                and what in (None, finding.what)
            ),
            tuple(facts for facts in self.weights if fnmatchcase(facts.parameter, pattern)),
            tuple(depth for depth in self.depth if fnmatchcase(depth.module, pattern)),
            tuple(reach for reach in self.reach if fnmatchcase(reach.parameter, pattern)),
        )

    def to_json(self) -> str:
        """The report as JSON; numbers that JSON does not have are null."""
        return json.dumps({"worst": self.worst, **_plain(asdict(self))}, indent=1, allow_nan=False)

    def to_html(self) -> str:
        """The report as one page of HTML with its plots, which needs no other file and no network."""
        return _page.page(self.summary(), sorted_findings(self.findings), self.weights, self.depth, self.reach)

    def summary(self) -> str:
        """One line: how many findings of each severity, and in how many weights."""
        counts = {severity: sum(finding.severity == severity for finding in self.findings) for severity in SEVERITIES}
        words = [f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items() if count]
        count = len(self.weights)
        among = f" in {count} parameter{'' if count == 1 else 's'}" if count else ""
        return (", ".join(words) or "nothing found") + among

    def to_text(self, *, color: bool = False) -> str:
        """The report as an aligned table, two lines to a finding; with `color`, for a terminal."""
        findings = sorted_findings(self.findings)
        heads = [[_page.visible(cell) for cell in (item.severity, item.parameter, item.what)] for item in findings]
        widths = [max(map(len, column)) for column in zip(*heads, strict=True)]
        lines = []
        for item, cells in zip(findings, heads, strict=True):
            head = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append(f"{_COLORS[item.severity]}{head}\x1b[0m" if color else head)
            lines[-1] += f"  {_page.visible(item.evidence)}"
            lines.append(f"{'':{len(head)}}  -> {_page.visible(item.remedy)}")
        return "\n".join([*lines, self.summary()])

    def __str__(self) -> str:
        """An aligned table: severity, parameter, what; evidence, and below it the remedy."""
        return self.to_text()


def sorted_findings(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The worst first; else in their own order."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _plain(value: Any) -> Any:
    """What JSON can say: no infinities, and nothing that is no number."""
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
