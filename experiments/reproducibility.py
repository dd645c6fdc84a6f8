"""Reproducibility: how much the results of equal runs differ, where only the order of the samples is random."""

from collections.abc import Sequence
from hashlib import sha256
from statistics import mean, stdev
from typing import Any

from scipy.stats import levene, ttest_ind

from . import data, hidden, training
from .figures import LOOKS, panels
from .runner import Config, Done, Experiment, Finding, Job

WAYS = {
    "zero": ("zero", "ZerO, order varies"),
    "seeds": ("kaiming", "Kaiming, order and seed vary"),
    "fixed": ("kaiming", "Kaiming, seed fixed, order varies"),
}


def jobs(config: Config) -> list[Job]:
    """One job per way, and two equal ones."""
    size = {"runs": 3 if config.quick else 40, **hidden.size(config)}
    spread = [{"way": way, "again": 0, "weight": 20, **size} for way in WAYS]
    equal = [{"way": "zero", "again": again, "weight": 2, **size, "runs": 2} for again in (1, 2)]
    return spread + equal


def run(
    *,
    way: str,
    width: int,
    epochs: int,
    runs: int,
    images: str,
    again: int,  # noqa: ARG001  # it tells equal jobs apart
    folder: str | None = None,
) -> dict[str, Any]:
    """The accuracy and the loss of some runs, and a digest of all their weights; `again` tells equal jobs apart."""
    found = data.load(images, folder)
    seeds = [0] * runs if way == "fixed" else list(range(runs))
    trained = hidden.train(found, WAYS[way][0], width, epochs, seeds, list(range(runs)))
    accuracy, loss = training.score(training.mlp, trained.weights, found.test)
    digest = sha256(b"".join(weight.numpy().tobytes() for weight in trained.weights)).hexdigest()
    return {"rate": trained.rate, "accuracy": accuracy, "loss": loss, "digest": digest}


def find(done: Sequence[Done]) -> Finding:
    """By the rule."""
    runs = {item.job["way"]: item.result for item in done if not item.job["again"]}
    first, second = (item.result["digest"] for item in done if item.job["again"])
    spread = {way: stdev(result["accuracy"]) for way, result in runs.items()}
    tests = {
        (way, figure): float(levene(runs["zero"][figure], runs[way][figure], center="median").pvalue)
        for way in ("seeds", "fixed")
        for figure in ("accuracy", "loss")
    }
    below = {way: spread["zero"] < spread[way] and tests[way, "accuracy"] < 0.05 for way in ("seeds", "fixed")}
    smaller = all(spread["zero"] < spread[way] for way in below)
    verdict = "holds" if all(below.values()) else "weakly" if smaller or any(below.values()) else "not here"
    text = "standard deviation of the accuracy: " + ", ".join(f"{WAYS[way][1]} {s:.2f}" for way, s in spread.items())
    means = ", ".join(f"{mean(result['accuracy']):.1f}" for result in runs.values())
    text += f" points, of means {means} %"
    text += f" (p = {tests['seeds', 'accuracy']:.2g} and {tests['fixed', 'accuracy']:.2g} of the spreads)"
    text += f"; two runs of equal order: {'equal to the bit' if first == second else 'DIFFERENT'}"
    rows = []
    for way, result in runs.items():
        means = (
            ""
            if way == "zero"
            else f"{ttest_ind(runs['zero']['accuracy'], result['accuracy'], equal_var=False).pvalue:.2g}"
        )
        p = ["", ""] if way == "zero" else [f"{tests[way, figure]:.2g}" for figure in ("accuracy", "loss")]
        low, high = min(result["accuracy"]), max(result["accuracy"])
        rows.append(
            [
                *(WAYS[way][1], f"{result['rate']:g}", f"{mean(result['accuracy']):.2f}", means),
                *(f"{spread[way]:.3f}", p[0], f"{low:.1f} to {high:.1f}"),
                *(f"{stdev(result['loss']):.4f}", p[1]),
            ]
        )
    heads = [
        "runs",
        "rate",
        "accuracy, %",
        "p of the means",
        "standard deviation",
        "p",
        "range",
        "that of the loss",
        "p",
    ]
    caption = (
        f"{len(runs['zero']['accuracy'])} runs each (the paper has 10). p against ZerO: Brown-Forsythe for spreads, "
    )
    caption += "Welch for means."
    return Finding(verdict, text, [(caption, heads, rows)])


def draw(done: Sequence[Done]) -> None:
    """Every run as a dot, by its accuracy and its loss."""
    runs = {item.job["way"]: item.result for item in done if not item.job["again"]}
    looks = {"zero": LOOKS["zero"], "seeds": LOOKS["kaiming"], "fixed": LOOKS["orthogonal"]}
    for axes, figure in zip(panels(2), ("accuracy", "loss"), strict=True):
        for place, (way, result) in enumerate(runs.items()):
            values = result[figure]
            shifts = [place + 0.3 * ((number * 0.618) % 1 - 0.5) for number in range(len(values))]
            axes.plot(shifts, values, looks[way].marker, color=looks[way].color, alpha=0.5, markeredgewidth=0)
            axes.errorbar(place + 0.3, mean(values), stdev(values), color="black", marker="_", capsize=3)
        names = [WAYS[way][1].replace(", ", ",\n") for way in runs]
        axes.set_xticks(range(len(runs)), names, fontsize=7)
        axes.set(
            ylabel={"accuracy": "test accuracy, %", "loss": "test loss, nats"}[figure], title=f"{len(values)} runs each"
        )


EXPERIMENT = Experiment(
    claim="ZerO improves reproducibility: runs differ less",
    setting="MLP 64-256-256-10 as above; what is random in each group of runs is said with it",
    rule="holds: the standard deviation of the accuracy is smaller than Kaiming's, with its seed varied and "
    "with it fixed (p < 0.05, Brown-Forsythe); weakly: smaller than both, or significantly than one",
    jobs=jobs,
    run=run,
    find=find,
    draw=draw,
    datasets=("digits", "mnist"),
)
