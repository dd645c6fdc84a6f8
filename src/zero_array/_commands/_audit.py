"""`zero-array audit FILE`: the report of a checkpoint on disk."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .._auditing import _checkpoint
from .._auditing._audit import audit


class Shown(Mapping[str, Any]):
    """Arrays by name, which say on a terminal how far one has come."""

    def __init__(self, arrays: Mapping[str, Any]) -> None:
        self._arrays = arrays

    def __getitem__(self, name: str) -> Any:
        """An array."""
        return self._arrays[name]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._arrays)

    def __iter__(self) -> Iterator[str]:
        """Their names; each is shown when its turn comes."""
        for number, name in enumerate(self._arrays, start=1):
            print(f"\r\x1b[K[{number}/{len(self)}] {ascii(name)[1:61]}", end="", file=sys.stderr, flush=True)
            yield name
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def run(file: str, *, as_json: bool, html: str | None, **options: Any) -> int:
    """Print the report, and write it as a page to `html`; 1 where a finding is an error, else 0."""
    with _checkpoint.opened(file) as arrays:
        report = audit(Shown(arrays) if sys.stderr.isatty() else arrays, **options)
    if html is not None:
        Path(html).write_text(report.to_html(), encoding="utf-8")
    print(report.to_json() if as_json else report.to_text(color=sys.stdout.isatty()))
    return 1 if report.worst == "error" else 0
