"""Ultra-deep residual convolutional networks without normalisation, and what zeros at the ends of branches do there."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

import torch
from torch import Tensor, nn

from . import data, starts, training
from .figures import LOOKS, panels, plus_minus, ticks
from .runner import Config, Done, Experiment, Finding, Job

CHANNELS, BATCH = 8, 32
CAPTION = "Grid: means of two seeds, on held-out images. Last column: three other seeds. What diverged counts as 0."
WAYS = {  # the start, whether branches end in zeros
    "ZerO": ("zero", True),
    "ZerO without zero ends": ("zero", False),
    "Kaiming": ("kaiming", False),
    "Kaiming with zero ends": ("kaiming", True),
    "Xavier": ("xavier", False),
}
RATES = (0.01, 0.03, 0.1, 0.3)


def jobs(config: Config) -> list[Job]:
    """One job per depth and way."""
    size = {"epochs": 1, "seeds": [0], "tuning": [100]}
    if not config.quick:
        size = {"epochs": 6, "seeds": [0, 1, 2], "tuning": [100, 101]}
    depths = (6, 20) if config.quick else (50, 200, 500)
    return [{"way": way, "depth": depth, "weight": depth / 4} | size for depth in depths for way in WAYS]


def run(*, way: str, depth: int, epochs: int, seeds: list[int], tuning: list[int]) -> dict[str, Any]:
    """Choose the rate, then train a network for each seed; and the largest output before training."""
    found = data.load("digits")
    start, zeros = WAYS[way]
    blocks = (depth - 2) // 2
    shapes = [(CHANNELS, 1, 3, 3), *[(CHANNELS, CHANNELS, 3, 3)] * (2 * blocks), (10, CHANNELS)]
    ends = range(2, 2 * blocks + 1, 2) if zeros else ()

    def train(seeds: Sequence[int], rates: Sequence[float]) -> list[Tensor]:
        weights, steps = starts.ensemble(start, shapes, seeds, ends), epochs * (len(found.train[0]) // BATCH)
        samples = training.batches(found.train, seeds, BATCH, epochs)
        training.descend_carefully(network, weights, samples, rates, steps)
        return weights

    with torch.no_grad():
        largest = network(starts.ensemble(start, shapes, [0], ends), found.test[0][None]).abs().max().item()
    rate, grid = training.tune(network, train, RATES, tuning, found.choose)
    weights = train(seeds, [rate] * len(seeds))
    accuracy, _ = training.score(network, weights, found.test)
    return {"rate": rate, "grid": grid, "accuracy": accuracy, "largest": largest}


def network(weights: Sequence[Tensor], x: Tensor) -> Tensor:
    """A stem of stride two, blocks of two convolutions, the mean over the image, and the head.

    The networks of an ensemble are the groups of one convolution.
    """
    members = x.shape[0]
    image = x.transpose(0, 1).unflatten(2, (8, 8))
    image = nn.functional.conv2d(image, weights[0].flatten(0, 1), stride=2, padding=1, groups=members).relu()
    for first, second in zip(weights[1:-1:2], weights[2:-1:2], strict=True):
        inner = nn.functional.conv2d(image, first.flatten(0, 1), padding=1, groups=members).relu()
        image = image + nn.functional.conv2d(inner, second.flatten(0, 1), padding=1, groups=members)
    return torch.bmm(image.mean((2, 3)).unflatten(1, (members, -1)).transpose(0, 1), weights[-1].mT)


def find(done: Sequence[Done]) -> Finding:
    """By the rule."""
    runs = {(item.job["depth"], item.job["way"]): item.result for item in done}
    depths = sorted({depth for depth, _ in runs})
    means = {key: mean(result["accuracy"]) for key, result in runs.items()}
    trains = all(means[depth, "ZerO"] > 50 for depth in depths)
    fails = all(means[depths[-1], way] < 50 for way in ("Kaiming", "Xavier"))
    control = all(means[depth, "Kaiming with zero ends"] > 50 for depth in depths)
    verdict = "holds" if trains and fails and not control else "weakly" if trains and fails else "not here"
    text = f"accuracy at {depths[-1]} layers: " + ", ".join(f"{way} {means[depths[-1], way]:.0f} %" for way in WAYS)
    lost, gap = means[depths[-1], "ZerO without zero ends"], means[depths[-1], "Kaiming with zero ends"]
    if lost < 50 < gap:
        ahead = gap - means[depths[-1], "ZerO"]
        text += "; the zeros at the ends of branches do it: without them ZerO fails too, and with them Kaiming trains, "
        text += f"{abs(ahead):.0f} points {'better' if ahead > 0 else 'worse'} than ZerO"
    rows = []
    for depth in depths:
        for way in WAYS:
            result = runs[depth, way]
            tried = ", ".join(f"{score:.0f}" for score in result["grid"])
            largest = "overflow" if result["largest"] is None else f"{result['largest']:.2g}"
            rows.append([str(depth), way, largest, tried, f"{result['rate']:g}", plus_minus(result["accuracy"])])
    heads = ["layers", "start", "largest output at the start", f"accuracy by rate {', '.join(f'{r:g}' for r in RATES)}"]
    heads += ["rate", "test accuracy, %"]
    return Finding(
        verdict,
        text,
        [(CAPTION, heads, rows)],
    )


def draw(done: Sequence[Done]) -> None:
    """The accuracy over the depth."""
    looks = dict(zip(WAYS, (LOOKS[name] for name in ("zero", "distinct", "kaiming", "default", "xavier")), strict=True))
    (axes,) = panels(1)
    for way, look in looks.items():
        runs = sorted((item.job["depth"], item.result["accuracy"]) for item in done if item.job["way"] == way)
        depths = [depth for depth, _ in runs]
        axes.plot(depths, [mean(values) for _, values in runs], "-", color=look.color, marker=look.marker, label=way)
        axes.fill_between(
            depths, *zip(*((min(v), max(v)) for _, v in runs), strict=True), color=look.color, alpha=0.2, linewidth=0
        )
    axes.set(
        xscale="log",
        xlabel="layers",
        ylabel="test accuracy, %",
        ylim=(-3, 103),
        title="no normalisation (bands: range)",
    )
    ticks(axes.xaxis, depths)
    axes.legend(fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))


EXPERIMENT = Experiment(
    claim="ZerO trains ultra-deep residual networks without normalisation",
    setting=f"convolutions of {CHANNELS} channels on the digits (4 x 4 after the stem), no normalisation, biases "
    "or scalars, SGD with momentum 0.9, batch 32, 6 epochs, the rate falling to zero, gradients clipped "
    "to a norm of 1; the rate of each start and depth chosen on one grid; the stem widens one channel, so"
    " that ZerO starts with eight equal ones",
    rule="holds: ZerO above 50 % at every depth, Kaiming and Xavier below 50 % at the largest, and Kaiming "
    "with zero branch ends below 50 % somewhere; weakly: if that control trains too, so that the zeros "
    "alone explain it",
    jobs=jobs,
    run=run,
    find=find,
    draw=draw,
)
