"""How figures look: one colour, mark and name for each start, spread as bands, and the same bytes for the same data."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt

mpl.use("Agg")
mpl.rcParams |= {
    "svg.hashsalt": "zero_array",
    "svg.fonttype": "none",
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "lines.markersize": 4,
}


class Look(NamedTuple):
    """How one start looks, in every figure: colours of Okabe and Ito, which all can tell apart."""

    label: str
    color: str
    marker: str


LOOKS = {
    "zero": Look("ZerO", "#0072B2", "o"),
    "distinct": Look("distinct columns", "#56B4E9", "s"),
    "identity": Look("partial identity", "#E69F00", "^"),
    "kaiming": Look("Kaiming", "#D55E00", "D"),
    "default": Look("PyTorch's default", "#009E73", "v"),
    "orthogonal": Look("orthogonal", "#CC79A7", "P"),
    "xavier": Look("Xavier", "#000000", "X"),
}


def panels(count: int, height: float = 3.0) -> Any:
    """That many axes, two in a row, on a new figure."""
    rows = (count + 1) // 2
    figure = plt.figure(figsize=(7, height * rows))
    return figure.subplots(rows, min(count, 2), squeeze=False).flatten()[:count]


def legend(axes: Any) -> None:
    """Name the lines of one panel, for all, below the figure."""
    lines, labels = axes.get_legend_handles_labels()
    axes.figure.legend(lines, labels, loc="outside lower center", ncols=len(labels), fontsize=8)


def ticks(axis: Any, values: Sequence[float]) -> None:
    """Mark these values, and no others."""
    axis.set_ticks(values, [f"{value:g}" for value in values])
    axis.set_ticks([], minor=True)


def band(axes: Any, x: Sequence[float], runs: Sequence[Sequence[float]], look: Look, *, line: str = "-") -> None:
    """The mean of some runs over `x`, and one standard deviation to both sides as a band."""
    columns = list(zip(*runs, strict=True))
    middle = [mean(column) for column in columns]
    spread = [stdev(column) if len(column) > 1 else 0.0 for column in columns]
    low, high = ([m + s * sign for m, s in zip(middle, spread, strict=True)] for sign in (-1, 1))
    every = max(1, len(middle) // 8)
    axes.plot(x, middle, line, color=look.color, marker=look.marker, markevery=every, label=look.label)
    axes.fill_between(x, low, high, color=look.color, alpha=0.2, linewidth=0)


def save(folder: Path, name: str) -> None:
    """Write matplotlib's current figure as SVG and PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    figure = plt.gcf()
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    figure.savefig(folder / f"{name}.png", dpi=130, metadata={"Software": None})
    plt.close(figure)


def plus_minus(values: Sequence[float], digits: int = 1) -> str:
    """A mean and a standard deviation."""
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"
