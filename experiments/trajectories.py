"""Low-rank learning trajectories: the stable and the effective rank of what has been learned, over training."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

import torch
from scipy.stats import ttest_ind
from torch import Tensor

from . import data, hidden, training
from .figures import LOOKS, band, legend, panels, plus_minus
from .runner import Config, Done, Experiment, Finding, Job

STARTS = ("zero", "distinct", "kaiming", "default")
MEASURES = ("stable", "effective")


def jobs(config: Config) -> list[Job]:
    """One job per start."""
    seeds = [0, 1] if config.quick else list(range(10))
    return [{"start": start, "seeds": seeds, "weight": 8, **hidden.size(config)} for start in STARTS]


def run(
    *, start: str, width: int, epochs: int, seeds: list[int], images: str, folder: str | None = None
) -> dict[str, Any]:
    """Train one network per seed; the ranks of ``W - W(0)`` of the hidden layer on the way."""
    found = data.load(images, folder)
    steps: list[int] = []
    ranks: dict[str, list[list[float]]] = {name: [] for name in MEASURES}
    total = epochs * (len(found.train[0]) // 64)
    first: list[Tensor] = []

    def watch(step: int, now: Sequence[Tensor]) -> None:
        if step == 0:
            first.append(now[1].detach().clone())
        elif step == 1 or step % max(1, total // 20) == 0 or step == total:
            steps.append(step)
            for name, values in measures(now[1].detach() - first[0]).items():
                ranks[name].append(values)

    trained = hidden.train(found, start, width, epochs, seeds, seeds, watch)
    accuracy, _ = training.score(training.mlp, trained.weights, found.test)
    result = {name: [list(row) for row in zip(*values, strict=True)] for name, values in ranks.items()}
    return {"rate": trained.rate, "grid": trained.grid, "steps": steps, "accuracy": accuracy} | result


def measures(updates: Tensor) -> dict[str, list[float]]:
    """The stable rank, squared Frobenius over squared spectral norm, and the effective, ``exp`` of the entropy."""
    singular = torch.linalg.svdvals(updates.double())
    share = singular / singular.sum(1, keepdim=True)
    entropy = -torch.special.xlogy(share, share).sum(1)
    stable = singular.square().sum(1) / singular.square().amax(1)
    return {"stable": stable.tolist(), "effective": entropy.exp().tolist()}


def _final(item: Done, name: str) -> list[float]:
    return [run[-1] for run in item.result[name]]


def find(done: Sequence[Done]) -> Finding:
    """By the rule."""
    runs = {item.job["start"]: item for item in done}
    effective = {name: _final(item, "effective") for name, item in runs.items()}
    means = {name: mean(values) for name, values in effective.items()}
    p = {
        name: float(ttest_ind(effective["zero"], effective[name], equal_var=False).pvalue)
        for name in ("kaiming", "default")
    }
    below = {name: means["zero"] < means[name] and p[name] < 0.01 for name in p}
    verdict = "holds" if all(below.values()) else "weakly" if any(below.values()) else "not here"
    text = "effective rank of `W - W(0)`: " + ", ".join(f"{LOOKS[n].label} {m:.0f}" for n, m in means.items())
    text += f" (p = {p['kaiming']:.1g} against Kaiming, {p['default']:.1g} against the default)"
    rows = [
        [
            LOOKS[name].label,
            f"{item.result['rate']:g}",
            *(plus_minus(_final(item, m)) for m in MEASURES),
            plus_minus(item.result["accuracy"]),
        ]
        for name, item in runs.items()
    ]
    heads = ["start", "rate", "stable rank", "effective rank", "accuracy, %"]
    return Finding(verdict, text, [("At the end of training.", heads, rows)])


def draw(done: Sequence[Done]) -> None:
    """Both ranks over the steps."""
    for axes, name in zip(panels(2), MEASURES, strict=True):
        for item in done:
            band(axes, item.result["steps"], item.result[name], LOOKS[item.job["start"]])
        axes.set(xlabel="step", ylabel=f"{name} rank of $W - W(0)$", ylim=(0, None), title="hidden layer")
    legend(axes)


EXPERIMENT = Experiment(
    claim="ZerO learns along low-rank trajectories",
    setting="MLP 64-256-256-10 without biases, SGD, batch 64, the rate of each start chosen on a grid",
    rule="holds: the effective rank of the hidden layer's update ends lower for ZerO than for Kaiming and than"
    " for PyTorch's default (p < 0.01, Welch); weakly: than for one of them",
    jobs=jobs,
    run=run,
    find=find,
    draw=draw,
    datasets=("digits", "mnist"),
)
