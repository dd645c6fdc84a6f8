"""The pictures of the site, each for a light page and a dark one: ``python docs/pictures.py FOLDER``."""

import sys
from pathlib import Path
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

import zero_array

INK = {"light": "#24292f", "dark": "#cfd0d0"}
MINUS, ZERO, PLUS = "#d9822b", "#8883", "#2b7bba"  # tell apart without hues too, on light and on dark


def draw(folder: Path) -> None:
    """Write all pictures."""
    mpl.rcParams |= {"svg.hashsalt": "zero_array", "svg.fonttype": "path"}  # the same picture, the same bytes
    for theme, ink in INK.items():
        inked = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
        with mpl.rc_context({**dict.fromkeys(inked, ink), "font.size": 9, "axes.titlesize": 9}):
            for picture in (matrices, kernels, twins, singular_values):
                file = folder / f"{picture.__name__}-{theme}.svg"
                picture(ink).savefig(file, transparent=True, metadata={"Date": None})


def signs(axes: Any, array: Any, title: str) -> None:
    """One colour per value: minus, zero, plus."""
    axes.imshow(np.sign(array), cmap=mpl.colors.ListedColormap([MINUS, ZERO, PLUS]), vmin=-1, vmax=1)
    axes.set(title=title, xticks=[], yticks=[])
    axes.spines[:].set_linewidth(0.5)


def row(height: float, panels: int) -> tuple[Figure, Any]:
    """A figure, and its axes side by side."""
    figure = Figure(figsize=(7.4, height), layout="constrained")
    return figure, figure.subplots(1, panels, squeeze=False)[0]


def matrices(_: str) -> Figure:
    """Four weights."""
    figure, axes = row(2.6, 4)
    signs(axes[0], zero_array.zero_init((16, 32)), "16 x 32, identity")
    signs(axes[1], zero_array.zero_init((32, 16)), "32 x 16, Hadamard")
    signs(axes[2], zero_array.zero_init((32, 12), columns="distinct"), 'columns="distinct"')
    signs(axes[3], zero_array.zero_init((28, 16), order="exact"), '28 x 16, order="exact"')
    return figure


def kernels(_: str) -> Figure:
    """Every tap of two kernels: one block of taps for each output and input."""
    figure, axes = row(2.8, 2)
    for place, shape in zip(axes, ((4, 8, 3, 3), (8, 4, 3, 3)), strict=True):
        array = np.pad(zero_array.zero_init(shape), ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
        montage = array.transpose(0, 2, 1, 3).reshape(shape[0] * 4, shape[1] * 4)[:-1, :-1]
        signs(place, montage, f"{' x '.join(map(str, shape))}")
        place.set(xlabel="inputs", ylabel="outputs")
    return figure


def twins(_: str) -> Figure:
    """Which outputs start equal."""
    figure, axes = row(3.2, 2)
    ways = {
        "first": zero_array.hadamard_init((64, 12)),
        "distinct": zero_array.hadamard_init((64, 12), columns="distinct"),
    }
    for place, (columns, weight) in zip(axes, ways.items(), strict=True):
        equal = (weight[:, None] == weight[None]).all(axis=2)
        place.imshow(equal, cmap=mpl.colors.ListedColormap([ZERO, PLUS]))
        different = len(np.unique(weight, axis=0))
        place.set(title=f'columns="{columns}": {different} different rows', xlabel="output", ylabel="output")
    return figure


def singular_values(ink: str) -> Figure:
    """Those of padded slices, and of an exact one."""
    figure, (axes,) = row(3.0, 1)
    ways: list[tuple[tuple[int, int], Literal["pad", "exact"], str, str]] = [
        ((512, 128), "pad", "-", PLUS),
        ((768, 192), "pad", "--", PLUS),
        ((1000, 784), "pad", "-.", MINUS),
        ((83, 82), "pad", ":", MINUS),
        ((1000, 784), "exact", "-", ink),
    ]
    for (rows, cols), order, line, colour in ways:
        weight = zero_array.hadamard_init((rows, cols), order=order)
        values = np.linalg.svd(weight).S
        thick, alpha = (3.0, 0.6) if order == "exact" else (1.5, 1.0)
        label = f'{rows} x {cols}, order="{order}"'
        place = np.linspace(0, 1, len(values))
        axes.plot(place, values, label=label, linestyle=line, linewidth=thick, color=colour, alpha=alpha)
    axes.set(ylim=(0, 1.05), xticks=[], xlabel="singular values, in descending order")
    axes.legend(frameon=False, loc="lower left")
    axes.spines[["top", "right"]].set_visible(False)
    return figure


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
