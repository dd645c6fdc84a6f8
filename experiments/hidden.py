"""The network that three experiments train alike, 64-256-256-10 on the digits, each start at its best learning rate."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from . import data, starts, training
from .runner import best

RATES = (0.03, 0.1, 0.3, 1.0)
TUNING = 100  # the seed by which rates are chosen; it does not count


class Trained(NamedTuple):
    """Networks of one start, their first weights, and how the rate was chosen."""

    first: list[Tensor]
    weights: list[Tensor]
    rate: float
    grid: list[float]


def train(
    images: data.Images,
    start: str,
    width: int,
    epochs: int,
    seeds: Sequence[int],
    orders: Sequence[int],
    watch: training.Watch | None = None,
) -> Trained:
    """Choose the rate by the accuracy on images kept apart, then train a network for each seed and order."""
    shapes = [(width, images.pixels), (width, width), (10, width)]
    grid = starts.ensemble(start, shapes, [TUNING] * len(RATES))
    training.descend(training.mlp, grid, training.batches(images.train, [TUNING] * len(RATES), 64, epochs), RATES)
    scores, losses = training.score(training.mlp, grid, images.choose)
    rate = best(RATES, zip(scores, (-loss for loss in losses), strict=True))
    weights = starts.ensemble(start, shapes, seeds)
    first = [weight.detach().clone() for weight in weights]
    samples = training.batches(images.train, orders, 64, epochs)
    training.descend(training.mlp, weights, samples, [rate] * len(seeds), watch=watch)
    return Trained(first, [weight.detach() for weight in weights], rate, scores)
