"""Endless samples of random teachers, ReLU networks with one hidden layer: a teacher and a stream for each network."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from .training import Model, cross_entropy, mlp


class Teachers:
    """One teacher per seed, the same for each number of seeds.

    Parameters
    ----------
    shape : tuple of int
        Inputs, hidden units and outputs.
    seeds : sequence of int
        One for each network.
    task : str
        "regression", or "classification": the largest output is the label.
    """

    def __init__(self, shape: tuple[int, int, int], seeds: Sequence[int], task: str = "regression") -> None:
        inputs, hidden, outputs = shape
        self._inputs, self._task = inputs, task
        self._random = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._weights = [self._normal(hidden, inputs) / inputs**0.5, self._normal(outputs, hidden) / hidden**0.5]

    def _normal(self, rows: int, columns: int) -> Tensor:
        return torch.stack([torch.randn(rows, columns, generator=generator) for generator in self._random])

    def samples(self, count: int) -> tuple[Tensor, Tensor]:
        """Fresh samples for each network."""
        x = self._normal(count, self._inputs)
        out = mlp(self._weights, x)
        return x, out if self._task == "regression" else out.argmax(2)

    def stream(self, count: int, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Fresh batches."""
        return (self.samples(count) for _ in range(steps))

    @torch.no_grad()
    def score(self, model: Model, weights: Sequence[Tensor]) -> list[float]:
        """On fresh samples: the error in units of the teacher's variance, or the share of wrong labels in percent."""
        x, y = self.samples(4096)
        out = model(weights, x)
        if self._task == "regression":
            found = (out - y).square().mean((1, 2)) / y.var(1).mean(1)
        else:
            found = 100 * (out.argmax(2) != y).float().mean(1)
            found[cross_entropy(out, y).isnan()] = torch.inf
        errors: list[float] = found.nan_to_num(nan=torch.inf).tolist()
        return errors
