"""Ultra-deep plain ReLU networks: no skips, no normalisation, the learning rate tuned for each start on one grid."""

from collections.abc import Sequence
from statistics import mean
from typing import Any

from torch import Tensor

from . import data, starts, training
from .figures import LOOKS, legend, panels, plus_minus, ticks
from .runner import Config, Done, Experiment, Finding, Job

STARTS = ("zero", "kaiming", "orthogonal", "xavier")
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
WIDTH, BATCH = 64, 64


def jobs(config: Config) -> list[Job]:
    """One job per depth and start."""
    size = {"epochs": 1, "seeds": [0], "tuning": [100]}
    if not config.quick:
        size = {"epochs": 30, "seeds": [0, 1, 2], "tuning": [100, 101]}
    depths = (5, 20) if config.quick else (20, 50, 100, 200)
    return [{"start": start, "depth": depth, "weight": depth / 2} | size for depth in depths for start in STARTS]


def run(*, start: str, depth: int, epochs: int, seeds: list[int], tuning: list[int]) -> dict[str, Any]:
    """Choose the rate on seeds that do not count, then train a network for each seed."""
    found = data.load("digits")

    def train(seeds: Sequence[int], rates: Sequence[float]) -> list[Tensor]:
        shapes = [(WIDTH, found.pixels), *[(WIDTH, WIDTH)] * (depth - 2), (10, WIDTH)]
        weights, steps = starts.ensemble(start, shapes, seeds), epochs * (len(found.train[0]) // BATCH)
        samples = training.batches(found.train, seeds, BATCH, epochs)
        training.descend_carefully(training.mlp, weights, samples, rates, steps)
        return weights

    rate, grid = training.tune(training.mlp, train, RATES, tuning, found.choose)
    weights = train(seeds, [rate] * len(seeds))
    accuracy, _ = training.score(training.mlp, weights, found.test)
    return {"rate": rate, "grid": grid, "accuracy": accuracy}


def find(done: Sequence[Done]) -> Finding:
    """By the rule."""
    runs = {(item.job["depth"], item.job["start"]): item.result for item in done}
    depths = sorted({depth for depth, _ in runs})
    means = {key: mean(result["accuracy"]) for key, result in runs.items()}
    trains = all(means[depth, "zero"] > 90 for depth in depths)
    ahead = [max(means[depths[-1], start] for start in STARTS[1:]) < bar for bar in (50, means[depths[-1], "zero"] - 2)]
    verdict = "holds" if trains and ahead[0] else "weakly" if trains and ahead[1] else "not here"
    text = "; ".join(
        f"{depth} layers: " + ", ".join(f"{LOOKS[s].label} {means[depth, s]:.0f} %" for s in STARTS) for depth in depths
    )
    rows = []
    for depth in depths:
        for start in STARTS:
            result = runs[depth, start]
            tried = ", ".join(f"{score:.0f}" for score in result["grid"])
            rows.append([str(depth), LOOKS[start].label, tried, f"{result['rate']:g}", plus_minus(result["accuracy"])])
    heads = ["layers", "start", f"accuracy by rate {', '.join(f'{r:g}' for r in RATES)}", "rate", "test accuracy, %"]
    return Finding(
        verdict,
        text,
        [("Grid: means of two seeds, on held-out images. Last column: three other seeds.", heads, rows)],
    )


def draw(done: Sequence[Done]) -> None:
    """The accuracy over the depth, and the grid of the deepest."""
    over_depth, over_rate = panels(2)
    depths = sorted({item.job["depth"] for item in done})
    for start in STARTS:
        look, runs = LOOKS[start], {item.job["depth"]: item.result for item in done if item.job["start"] == start}
        accuracies = [runs[depth]["accuracy"] for depth in depths]
        over_depth.plot(
            depths, [mean(values) for values in accuracies], color=look.color, marker=look.marker, label=look.label
        )
        low, high = ([pick(values) for values in accuracies] for pick in (min, max))
        over_depth.fill_between(depths, low, high, color=look.color, alpha=0.2, linewidth=0)
        over_rate.plot(RATES, runs[depths[-1]]["grid"], color=look.color, marker=look.marker)
    over_depth.set(
        xscale="log", xlabel="layers", ylabel="test accuracy, %", ylim=(-3, 103), title="at the best rate (band: range)"
    )
    ticks(over_depth.xaxis, depths)
    legend(over_depth)
    over_rate.set(
        xscale="log",
        xlabel="learning rate",
        ylabel="accuracy, %",
        ylim=(-3, 103),
        title=f"the grid at {depths[-1]} layers",
    )
    ticks(over_rate.xaxis, RATES)


EXPERIMENT = Experiment(
    claim="ZerO trains ultra-deep plain ReLU networks, without skips and normalisation",
    setting=f"MLP of {WIDTH} units a layer without biases on the digits, SGD with momentum 0.9, batch {BATCH}, 30 "
    "epochs, the rate falling to zero, gradients clipped to a norm of 1; the rate of each start and depth"
    " chosen on one grid",
    rule="holds: ZerO above 90 % at every depth, and every other start below 50 % at the largest; weakly: "
    "every other start more than 2 points behind there",
    jobs=jobs,
    run=run,
    find=find,
    draw=draw,
)
