"""Sparse and low-rank solutions: the accuracy that is left without small weights, or small singular values."""

from collections.abc import Iterable, Sequence
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from . import data, hidden, training
from .figures import LOOKS, band, legend, panels, ticks
from .runner import Config, Done, Experiment, Finding, Job

STARTS = ("zero", "distinct", "kaiming", "default")
KEPT = (1.0, 0.5, 0.3, 0.2, 0.15, 0.1, 0.07, 0.05, 0.03, 0.02, 0.01)
RANKS = (256, 128, 64, 48, 32, 24, 16, 12, 8, 4, 2, 1)


def jobs(config: Config) -> list[Job]:
    """One job per start."""
    seeds = [0, 1] if config.quick else list(range(10))
    return [{"start": start, "seeds": seeds, "weight": 6, **hidden.size(config)} for start in STARTS]


def run(
    *, start: str, width: int, epochs: int, seeds: list[int], images: str, folder: str | None = None
) -> dict[str, Any]:
    """Train one network per seed; its accuracy at each level."""
    found = data.load(images, folder)
    trained = hidden.train(found, start, width, epochs, seeds, seeds)

    first, middle, head = trained.weights

    def curves(changed: Iterable[Tensor]) -> list[list[float]]:
        levels = [training.score(training.mlp, [first, weight, head], found.test)[0] for weight in changed]
        return [list(curve) for curve in zip(*levels, strict=True)]

    pruned, cut = (prune(middle, share) for share in KEPT), (truncate(middle, rank) for rank in RANKS)
    return {"rate": trained.rate, "pruned": curves(pruned), "cut": curves(cut)}


def prune(weights: Tensor, share: float) -> Tensor:
    """Each matrix with its largest entries alone, that share of them; of equal ones, those that come first."""
    flat = weights.flatten(1)
    count = max(1, round(share * flat.shape[1]))
    largest = flat.abs().argsort(dim=1, descending=True, stable=True)[:, :count]
    return torch.zeros_like(flat).scatter(1, largest, flat.gather(1, largest)).view_as(weights)


def truncate(weights: Tensor, rank: int) -> Tensor:
    """The nearest matrices of a rank."""
    left, singular, right = torch.linalg.svd(weights)
    return left[:, :, :rank] * singular[:, None, :rank] @ right[:, :rank]


def _least(item: Done, name: str, levels: Sequence[float]) -> float:
    """The lowest level down to which the mean accuracy stays within one point of the whole network's."""
    curve = [mean(column) for column in zip(*item.result[name], strict=True)]
    kept = levels[0]
    for level, accuracy in zip(levels, curve, strict=True):
        if accuracy < curve[0] - 1:
            break
        kept = level
    return kept


def find(done: Sequence[Done]) -> Finding:
    """By the rule."""
    runs = {item.job["start"]: item for item in done}
    sparse = {name: _least(item, "pruned", KEPT) for name, item in runs.items()}
    low = {name: _least(item, "cut", RANKS) for name, item in runs.items()}
    others = ("kaiming", "default")
    wins = [all(found["zero"] < found[name] for name in others) for found in (sparse, low)]
    verdict = "holds" if all(wins) else "weakly" if any(wins) else "not here"
    names = ("zero", *others)
    text = "within one point of accuracy, share of weights " + ", ".join(
        f"{LOOKS[n].label} {sparse[n]:.0%}" for n in names
    )
    text += "; rank " + ", ".join(f"{LOOKS[n].label} {low[n]:g}" for n in names)
    rows = []
    for name, item in runs.items():
        levels = zip(KEPT, zip(*item.result["pruned"], strict=True), strict=True)
        some = {level: mean(values) for level, values in levels}
        ranks = {level: mean(v) for level, v in zip(RANKS, zip(*item.result["cut"], strict=True), strict=True)}
        rows.append(
            [
                LOOKS[name].label,
                f"{sparse[name]:.0%}",
                f"{low[name]:g}",
                *(f"{some[level]:.1f}" for level in (1.0, 0.1, 0.03)),
            ]
            + [f"{ranks[level]:.1f}" for level in (32, 16, 8)]
        )
    heads = ["start", "weights needed", "rank needed", "all", "10 %", "3 %", "rank 32", "rank 16", "rank 8"]
    return Finding(verdict, text, [("Of the hidden layer; accuracies in percent, means of the seeds.", heads, rows)])


def draw(done: Sequence[Done]) -> None:
    """The accuracy over both levels."""
    prunes, cuts = panels(2)
    for item in done:
        look = LOOKS[item.job["start"]]
        band(prunes, [100 * share for share in KEPT], item.result["pruned"], look)
        band(cuts, RANKS, item.result["cut"], look)
    prunes.set(
        xscale="log", xlabel="weights kept, %", ylabel="test accuracy, %", title="largest weights of the hidden layer"
    )
    cuts.set(xlabel="rank kept", ylabel="test accuracy, %", title="truncated SVD of the hidden layer")
    cuts.set_xscale("log", base=2)
    for axes, levels in ((prunes, (1, 2, 5, 10, 20, 50, 100)), (cuts, (1, 2, 4, 8, 16, 32, 64, 128, 256))):
        axes.set_ylim(0, 103)
        ticks(axes.xaxis, levels)
    legend(prunes)


EXPERIMENT = Experiment(
    claim="ZerO ends in sparse and low-rank solutions",
    setting="MLP 64-256-256-10 as above; after training, the hidden layer is pruned or truncated, and nothing "
    "retrained",
    rule="holds: to stay within one point of the whole network's accuracy, ZerO needs fewer weights and a "
    "lower rank than Kaiming and PyTorch's default; weakly: one of the two",
    jobs=jobs,
    run=run,
    find=find,
    draw=draw,
    datasets=("digits", "mnist"),
)
