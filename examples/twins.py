"""What distinct rows are worth: a student of a random teacher, 16 -> 256 -> 10, from three starts, ten seeds.

Every start has a head of zeros, so that twins get equal gradients for ever. Each learns at the rate of a grid that is
best for it in two seeds that do not count. NumPy alone, some two minutes: ``python examples/twins.py`` prints::

    start      rate   error, mean of ten seeds (standard deviation)
    zero         0.3   0.20590 (0.01605)
    distinct     0.3   0.01850 (0.00196)
    random       0.1   0.03295 (0.00264)
"""

from statistics import mean, stdev
from typing import Any

import numpy as np

import zero_array

INPUTS, HIDDEN, OUTPUTS, BATCH, STEPS = 16, 256, 10, 128, 3000
RATES = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)


def start(name: str, rng: np.random.Generator) -> Any:
    """The first weight."""
    if name == "random":  # torch's default for linear layers
        return rng.uniform(-1, 1, (HIDDEN, INPUTS)) / INPUTS**0.5
    return zero_array.zero_init((HIDDEN, INPUTS), columns="distinct" if name == "distinct" else "first")


def error(name: str, rate: float, seed: int) -> float:
    """The error on fresh samples after training, in units of the teacher's variance."""
    rng = np.random.default_rng(seed)
    teacher = rng.standard_normal((HIDDEN, INPUTS)) / INPUTS**0.5, rng.standard_normal((OUTPUTS, HIDDEN)) / HIDDEN**0.5
    first, second = start(name, rng), np.zeros((OUTPUTS, HIDDEN))
    for step in range(STEPS + 1):
        x = rng.standard_normal((BATCH if step < STEPS else 4096, INPUTS))
        wanted = np.maximum(x @ teacher[0].T, 0) @ teacher[1].T
        hidden = np.maximum(x @ first.T, 0)
        wrong = hidden @ second.T - wanted
        if step == STEPS:
            break
        back = (wrong @ second) * (hidden > 0)
        second -= rate * wrong.T @ hidden / BATCH
        first -= rate * back.T @ x / BATCH
    found = float((wrong**2).mean() / wanted.var(axis=0).mean())
    return found if np.isfinite(found) else float("inf")


def main() -> None:
    """Print the errors of each start."""
    print("start      rate   error, mean of ten seeds (standard deviation)")
    for name in ("zero", "distinct", "random"):
        with np.errstate(all="ignore"):
            trials = {rate: mean(error(name, rate, seed) for seed in (100, 101)) for rate in RATES}
            rate = min(trials, key=trials.__getitem__)
            errors = [error(name, rate, seed) for seed in range(10)]
        print(f"{name:9} {rate:6}   {mean(errors):.5f} ({stdev(errors):.5f})")


if __name__ == "__main__":
    main()
