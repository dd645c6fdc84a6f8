"""Figure 3 of the paper: how far the rank of ``W_3 - I`` rises, for several first weights."""

from collections.abc import Sequence
from itertools import pairwise
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from . import data, starts, training
from .figures import LOOKS, band, legend, panels, plus_minus
from .runner import Config, Done, Experiment, Finding, Job

TOLERANCE = 1e-4
STARTS = ("identity", "zero", "distinct", "kaiming")
PIXELS = {"digits48": 48, "digits": 64, "mnist": 784}
HEADS = {"algorithm1": "head by Algorithm 1", "zeros": "head of zeros"}
CAPTION = """After training. ZerO and the identity start at `W_3 = I`; with a random start `W_3 - I` has full rank from
the beginning, which says nothing. The number of different rows in ZerO's `W_2` is the least power of two that is not
below the number of pixels, whatever n: 64 for 48 and for 64 pixels, where there is little to gain, and 1024 for the 784
of MNIST."""


def jobs(config: Config) -> list[Job]:
    """Each start on each data set, with the paper's head and with a head of zeros."""
    seeds, epochs = ([0], 1) if config.quick else ([0, 1, 2, 3, 4], 20)
    if config.dataset == "mnist":
        cases = [("mnist", width, "algorithm1", 3) for width in (1024, 2048)]
        seeds = [0, 1, 2]
    else:
        width = 64 if config.quick else 256
        cases = [(name, width, head, epochs) for name in ("digits48", "digits") for head in ("algorithm1", "zeros")]
    where = {"folder": config.data} if config.dataset == "mnist" else {}
    return [
        {"images": name, "start": start, "width": width, "head": head, "epochs": turns, "seeds": seeds, "weight": 4}
        | where
        for name, width, head, turns in cases
        for start in STARTS
    ]


def run(
    *, images: str, start: str, width: int, head: str, epochs: int, seeds: list[int], folder: str | None = None
) -> dict[str, Any]:
    """Train some networks; the ranks of ``W_3 - I`` and of ``W_3 - W_3(0)`` on the way, and the accuracy."""
    found = data.load(images, folder)
    shapes = [(found.pixels, found.pixels), (width, found.pixels), (width, width), (10, width)]
    weights = starts.ensemble(start, shapes, seeds, zeros=[-1] if head == "zeros" else [])
    first = weights[2].detach().clone()
    steps: list[int] = []
    ranks: list[list[list[int]]] = []
    total = epochs * (len(found.train[0]) // 64)
    looks = 15 if width <= 256 else 6  # the rank of a large matrix takes seconds

    def watch(step: int, now: Sequence[Tensor]) -> None:
        if step % max(1, total // looks) == 0 or step == total:
            steps.append(step)
            moved = now[2].detach()
            ranks.append([_ranks(moved - torch.eye(width)), _ranks(moved - first)])

    training.descend(
        training.mlp, weights, training.batches(found.train, seeds, 64, epochs), [0.1] * len(seeds), watch=watch
    )
    accuracy, _ = training.score(training.mlp, weights, found.test)
    from_identity, from_start = (
        [list(row) for row in zip(*(rank[which] for rank in ranks), strict=True)] for which in (0, 1)
    )
    return {"steps": steps, "from_identity": from_identity, "from_start": from_start, "accuracy": accuracy}


def _ranks(matrices: Tensor) -> list[int]:
    return [int(rank) for rank in torch.linalg.matrix_rank(matrices, atol=TOLERANCE, rtol=0.0)]


def _cases(done: Sequence[Done]) -> dict[tuple[str, int, str], dict[str, Done]]:
    """The runs of each panel, by start."""
    cases: dict[tuple[str, int, str], dict[str, Done]] = {}
    for item in done:
        cases.setdefault((item.job["images"], item.job["width"], item.job["head"]), {})[item.job["start"]] = item
    return cases


def find(done: Sequence[Done]) -> Finding:
    """By the rule."""
    rows, holds = [], {}
    for (images, width, head), runs in _cases(done).items():
        final = {name: [ranks[-1] for ranks in runs[name].result["from_start"]] for name in STARTS}
        ordered = all(max(final[low]) < min(final[high]) for low, high in pairwise(STARTS))
        holds[images, width, head] = ordered and max(final["identity"]) <= PIXELS[images] < min(final["zero"])
        full = mean(ranks[-1] for ranks in runs["kaiming"].result["from_identity"])
        for name in STARTS:
            label = LOOKS[name].label + (f" (of `W_3 - I`: {full:.0f})" if name == "kaiming" else "")
            accuracy = plus_minus(runs[name].result["accuracy"])
            rows.append([str(PIXELS[images]), str(width), HEADS[head], label, plus_minus(final[name], 0), accuracy])
    (images, width, _), runs = next(iter(_cases(done).items()))
    ranks = {name: mean(run[-1] for run in runs[name].result["from_start"]) for name in STARTS}
    text = f"rank of the update, {PIXELS[images]} pixels, n = {width}: "
    text += ", ".join(f"{LOOKS[name].label} {rank:.0f}" for name, rank in ranks.items())
    failing = [
        f"{PIXELS[images]} pixels, n = {width} and a {HEADS[head]}"
        for (images, width, head), held in holds.items()
        if not held
    ]
    text += f"; not seen with {', nor with '.join(failing)}" if failing else ""
    verdict = "holds" if not failing else "weakly" if next(iter(holds.values())) else "not here"
    heads = ["pixels", "n", "head", "start", "rank of `W_3 - W_3(0)`", "accuracy, %"]
    return Finding(verdict, text, [(CAPTION, heads, rows)])


def draw(done: Sequence[Done]) -> None:
    """The ranks over the steps, a panel per case."""
    cases = _cases(done)
    for axes, ((images, width, head), runs) in zip(panels(len(cases)), cases.items(), strict=True):
        for name, item in runs.items():
            band(axes, item.result["steps"], item.result["from_start"], LOOKS[name])
        pixels = PIXELS[images]
        axes.axhline(pixels, color="gray", linestyle=":")
        axes.annotate(
            f"{pixels} pixels", (item.result["steps"][-1], pixels), fontsize=7, va="bottom", ha="right", color="gray"
        )
        axes.set(xlabel="step", ylabel="rank of $W_3 - W_3(0)$", title=f"{pixels} pixels, n = {width}, {HEADS[head]}")
    legend(axes)


EXPERIMENT = Experiment(
    claim="ZerO breaks the bound that the input width sets to the rank of `W_3 - I` (Figure 3)",
    setting="MLP p-p-n-n-10 without biases, SGD 0.1, batch 64; the paper's tolerance 1e-4",
    rule="holds: partial identity <= input width < ZerO < distinct columns < random, whatever the seeds, in "
    "every case; weakly: in the first case",
    jobs=jobs,
    run=run,
    find=find,
    draw=draw,
    datasets=("digits", "mnist"),
)
