"""Many small networks at once: batched products, a learning rate and an order of the samples for each.

Networks do not meet: what one computes depends on nothing of the others. One that diverges has NaN, and stays alone.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .runner import best

Model = Callable[[Sequence[Tensor], Tensor], Tensor]
Watch = Callable[[int, Sequence[Tensor]], Any]


def mlp(weights: Sequence[Tensor], x: Tensor) -> Tensor:
    """The outputs of ReLU networks without biases: ``(networks, samples, inputs)`` in, ``(..., classes)`` out."""
    for weight in weights[:-1]:
        x = torch.relu(torch.bmm(x, weight.mT))
    return torch.bmm(x, weights[-1].mT)


def cross_entropy(out: Tensor, y: Tensor) -> Tensor:
    """The mean loss of each network."""
    return nn.functional.cross_entropy(out.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)


def squares(out: Tensor, y: Tensor) -> Tensor:
    """Half the mean squared error of each network, summed over outputs."""
    return (out - y).square().sum(2).mean(1) / 2


def batches(
    data: tuple[Tensor, Tensor], seeds: Sequence[int], size: int, epochs: int
) -> Iterable[tuple[Tensor, Tensor]]:
    """Batches, each network's in an order of its own; the rest of an epoch is left out."""
    x, y = data
    orders = [torch.Generator().manual_seed(seed) for seed in seeds]
    for _ in range(epochs):
        order = torch.stack([torch.randperm(len(x), generator=generator) for generator in orders])
        for batch in order[:, : len(x) // size * size].split(size, dim=1):
            yield x[batch], y[batch]


def descend(
    model: Model,
    weights: Sequence[Tensor],
    samples: Iterable[tuple[Tensor, Tensor]],
    rates: Sequence[float],
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    watch: Watch | None = None,
) -> None:
    """Plain stochastic gradient descent, in place; `watch` sees the weights before each step, and after the last."""
    step = -1
    falls = [-_column(torch.tensor(rates), weight) for weight in weights]
    for step, (x, y) in enumerate(samples):
        if watch:
            watch(step, weights)
        slopes = _slopes(loss(model(weights, x), y), weights)
        if not slopes:
            break  # nothing is left to be trained
        for weight, fall, slope in zip(weights, falls, slopes, strict=True):
            weight.data.addcmul_(slope, fall)
    if watch:
        watch(step + 1, weights)


def descend_carefully(
    model: Model,
    weights: Sequence[Tensor],
    samples: Iterable[tuple[Tensor, Tensor]],
    rates: Sequence[float],
    steps: int,
) -> None:
    """The same with what deep networks are given: momentum 0.9, a rate that falls to zero, gradients clipped to 1."""
    moving = [torch.zeros_like(weight) for weight in weights]
    for step, (x, y) in enumerate(samples):
        slopes = _slopes(cross_entropy(model(weights, x), y), weights)
        if not slopes:
            break
        norms = torch.stack([slope.flatten(1).norm(dim=1) for slope in slopes]).norm(dim=0)
        fall = -torch.tensor(rates) * (1 - step / steps)
        for weight, slope, move in zip(weights, slopes, moving, strict=True):
            move.mul_(0.9).addcdiv_(slope, _column(norms.clamp(min=1), slope))
            weight.data.addcmul_(move, _column(fall, weight))


def _column(numbers: Tensor, like: Tensor) -> Tensor:
    """One number per network, to multiply a weight with."""
    return numbers.view(-1, *(1,) * (like.ndim - 1))


def _slopes(losses: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The gradients; none where no network is left that has a loss."""
    return torch.autograd.grad(losses.sum(), list(weights)) if losses.isfinite().any() else ()


def tune(
    model: Model,
    train: Callable[[Sequence[int], Sequence[float]], Sequence[Tensor]],
    rates: Sequence[float],
    seeds: Sequence[int],
    data: tuple[Tensor, Tensor],
) -> tuple[float, list[float]]:
    """The rate of the best mean accuracy (of equal ones, the smallest loss), and the mean accuracy of each rate.

    `train` makes a network for each of some seeds and rates.
    """
    weights = train([seed for _ in rates for seed in seeds], [rate for rate in rates for _ in seeds])
    accuracies, losses = (
        torch.tensor(values).view(len(rates), -1).mean(1).tolist() for values in score(model, weights, data)
    )
    return best(rates, zip(accuracies, (-loss for loss in losses), strict=True)), accuracies


@torch.no_grad()
def score(model: Model, weights: Sequence[Tensor], data: tuple[Tensor, Tensor]) -> tuple[list[float], list[float]]:
    """The accuracy in percent and the loss of each network; a network that diverged guesses nothing right."""
    members = len(weights[0])
    right, total = torch.zeros(members), torch.zeros(members)
    for x, y in zip(data[0].split(500), data[1].split(500), strict=True):
        out, wanted = model(weights, x.expand(members, *x.shape)), y.expand(members, *y.shape)
        right += ((out.argmax(2) == wanted) & out.isfinite().all(2)).sum(1)
        total += cross_entropy(out, wanted) * len(x)
    return (100 * right / len(data[0])).tolist(), (total / len(data[0])).tolist()
