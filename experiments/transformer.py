"""A character model on the documentation that ships with Python: PyTorch's default, ZerO, and the double-zero trap."""

import pydoc_data.topics
from collections.abc import Sequence
from statistics import mean
from typing import Any

import torch
from scipy.stats import ttest_ind
from torch import Tensor, nn

import zero_array.torch

from .figures import LOOKS, band, legend, panels, plus_minus, ticks
from .runner import Config, Done, Experiment, Finding, Job, best

WIDTH, HEADS, LAYERS, CONTEXT, BATCH = 64, 4, 2, 32, 32
STARTS = ("default", "zero", "distinct")
RATES = (0.004, 0.008, 0.016, 0.032)
EVERY = 50
TRAP = """The double-zero trap: norms of the first block's gradients, the first and the largest after it. With `W_V` and
`W_O` both zero, their gradients stay exactly zero: the attention never learns."""


class Block(nn.Module):
    """Causal attention and a feed-forward network, each beside a shortcut."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.query, self.key, self.value, self.out = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """``(batch, context, width)`` in and out."""
        inner = self.norm1(x)
        heads = [part(inner).unflatten(2, (HEADS, -1)).transpose(1, 2) for part in (self.query, self.key, self.value)]
        seen = nn.functional.scaled_dot_product_attention(*heads, is_causal=True)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return x + self.down(torch.relu(self.up(self.norm2(x))))


class Characters(nn.Module):
    """The next character from those before it."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self.embedding, self.position = nn.Embedding(characters, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm, self.head = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, characters)

    def forward(self, text: Tensor) -> Tensor:
        """Characters in, scores of the next ones out."""
        x = self.embedding(text) + self.position(torch.arange(text.shape[1]))
        out: Tensor = self.head(self.norm(self.blocks(x)))
        return out


def jobs(config: Config) -> list[Job]:
    """One job per start, and one for the trap."""
    size = {"steps": 2, "seeds": [0, 1]} if config.quick else {"steps": 300, "seeds": list(range(10))}
    return [{"start": start, "weight": 60} | size for start in STARTS] + [
        {"start": "trap", "weight": 5} | size | {"seeds": [0, 1, 2]}
    ]


def text() -> tuple[Tensor, Tensor, int]:
    """Text to learn from, text to measure with, and how many characters there are; ``?`` for what is no ASCII."""
    whole = "".join(pydoc_data.topics.topics[name] for name in sorted(pydoc_data.topics.topics))
    codes = torch.frombuffer(bytearray(whole.encode("ascii", "replace")), dtype=torch.uint8).long()
    found, numbers = codes.unique(return_inverse=True)
    cut = len(numbers) * 9 // 10
    return numbers[:cut], numbers[cut:], len(found)


def run(*, start: str, steps: int, seeds: list[int]) -> dict[str, Any]:
    """Choose the rate on a seed that does not count, then train a model for each seed."""
    if start == "trap":
        runs = [train(start, seed, 0.016, steps) for seed in seeds]
        return {
            "rate": 0.004,
            "losses": [losses for losses, _ in runs],
            "gradients": [gradients for _, gradients in runs],
        }
    grid = [train(start, 100, rate, steps)[0][-1] for rate in RATES]
    rate = best(RATES, (-loss for loss in grid))
    runs = [train(start, seed, rate, steps) for seed in seeds]
    gradients = [gradients for _, gradients in runs[:3]]
    return {"rate": rate, "grid": grid, "losses": [losses for losses, _ in runs], "gradients": gradients}


def train(start: str, seed: int, rate: float, steps: int) -> tuple[list[float], list[list[float]]]:
    """The losses on the text to measure with, and the gradients of some weights, on the way."""
    learn, measure, characters = text()
    torch.manual_seed(seed)
    model = Characters(characters)
    begin_(model, start, learn)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    random = torch.Generator().manual_seed(seed)
    window = torch.arange(CONTEXT + 1)
    fixed = measure[torch.arange(256)[:, None] * (len(measure) // 257) + window]
    losses, gradients = [], []
    for step in range(steps + 1):
        if step % EVERY == 0 or step == steps:
            with torch.no_grad():
                losses.append(_loss(model, fixed).item())
        if step == steps:
            break
        optimizer.zero_grad()
        _loss(model, learn[torch.randint(len(learn) - CONTEXT, (BATCH, 1), generator=random) + window]).backward()
        if step % EVERY == 0:
            block = model.blocks[0]
            gradients.append(
                [getattr(block, name).weight.grad.norm().item() for name in ("value", "out", "up", "down")]
            )
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50, (steps - step) / (steps * 0.3))
        optimizer.step()
    return losses, gradients


def begin_(model: Characters, start: str, sample: Tensor) -> None:
    """Give a model its first weights; embeddings and head keep PyTorch's."""
    if start == "default":
        return
    ways: dict[str, Any] = {"columns": "distinct"} if start == "distinct" else {}
    if start == "trap":  # the library makes none of itself: it is asked for here
        ways = {"overrides": {"*.value.weight": "zeros", "*.out.weight": "zeros"}}
    zero_array.torch.init_(model, "transformer", example_inputs=sample[:CONTEXT][None], **ways)


def _loss(model: Characters, characters: Tensor) -> Tensor:
    return nn.functional.cross_entropy(model(characters[:, :-1]).flatten(0, 1), characters[:, 1:].flatten())


def find(done: Sequence[Done]) -> Finding:
    """By the rule."""
    runs = {item.job["start"]: item.result for item in done}
    final = {start: [losses[-1] for losses in result["losses"]] for start, result in runs.items()}
    p = {
        start: float(ttest_ind(final["default"], final[start], equal_var=False).pvalue)
        for start in ("zero", "distinct")
    }
    twins = float(ttest_ind(final["zero"], final["distinct"], equal_var=False).pvalue)
    behind = {start: mean(final[start]) - mean(final["default"]) for start in p}
    equal = {start: behind[start] <= 0 or p[start] > 0.05 for start in p}
    verdict = "holds" if equal["zero"] else "weakly" if equal["distinct"] or behind["zero"] < 0.05 else "not here"
    label = {name: LOOKS[name].label for name in STARTS}
    text = "validation loss, nats: " + ", ".join(f"{label[s]} {mean(final[s]):.3f}" for s in STARTS)
    text += f"; ZerO against the default p = {p['zero']:.1g}, against distinct p = {twins:.1g}"
    rows = []
    for start in STARTS:
        grid = runs[start]["grid"]
        inside = min(RATES) < runs[start]["rate"] < max(RATES)
        tried = ", ".join("-" if loss is None else f"{loss:.3f}" for loss in grid)
        rate = f"{runs[start]['rate']:g}" + ("" if inside else " (at the edge of the grid)")
        rows.append([label[start], tried, rate, plus_minus(final[start], 3), f"{p[start]:.1g}" if start in p else ""])
    heads = [
        "start",
        f"loss by rate {', '.join(f'{r:g}' for r in RATES)}",
        "rate",
        "loss of ten seeds",
        "p against default",
    ]
    trapped = [
        [words, *(_norms(runs[start]["gradients"], place) for place in range(4)), plus_minus(final[start], 3)]
        for start, words in {"zero": "ZerO", "trap": "both zero"}.items()
    ]
    gradient = ["value", "out", "up", "down"]
    return Finding(
        verdict,
        text,
        [
            (
                "On held-out text. Grid: one seed, not used for the results. p: Welch, one of three tests.",
                heads,
                rows,
            ),
            (TRAP, ["start", *gradient, "loss"], trapped),
        ],
    )


def _norms(gradients: Sequence[Sequence[Sequence[float]]], place: int) -> str:
    """The gradient of one weight at the first step, and the largest later, over all runs."""
    first = max(run[0][place] for run in gradients)
    later = max((norms[place] for run in gradients for norms in run[1:]), default=0.0)
    return f"{first:.2g}, {later:.2g}"


def draw(done: Sequence[Done]) -> None:
    """The losses over the steps, and the grid."""
    over_steps, over_rate = panels(2)
    for item in done:
        start, losses = item.job["start"], item.result["losses"]
        look = LOOKS["kaiming"]._replace(label="ZerO, double zero") if start == "trap" else LOOKS[start]
        steps = [min(EVERY * number, item.job["steps"]) for number in range(len(losses[0]))]
        band(over_steps, steps[1:], [run[1:] for run in losses], look)
        if start != "trap":
            over_rate.plot(RATES, item.result["grid"], color=look.color, marker=look.marker)
    over_steps.set(xlabel="step", ylabel="validation loss, nats per character", title=f"{LAYERS} layers, width {WIDTH}")
    legend(over_steps)
    over_rate.set(
        xscale="log", xlabel="learning rate", ylabel="validation loss, nats per character", title="the grid (one seed)"
    )
    ticks(over_rate.xaxis, RATES)


EXPERIMENT = Experiment(
    claim="ZerO trains transformers without damage",
    setting=f"character model, {LAYERS} layers of width {WIDTH}, on the help texts of Python, Adam, 300 steps of "
    f"{BATCH} x {CONTEXT} characters, the rate of each start chosen on a grid; branches end in zeros, "
    "embeddings and head are PyTorch's",
    rule="holds: ZerO's validation loss is not above the default's (or p > 0.05, Welch); weakly: less than "
    "0.05 above, or true of distinct columns",
    jobs=jobs,
    run=run,
    find=find,
    draw=draw,
)
