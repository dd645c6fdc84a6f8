"""The network that three experiments train alike, 64-256-256-10 on the digits, each start at its best learning rate."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor

from . import data, starts, training
from .runner import Config, Job

RATES = (0.03, 0.1, 0.3, 1.0)
TUNING = range(
    100, 120
)  # the seeds by which rates are chosen; they do not count. Of five, none may meet a rate that breaks others


class Trained(NamedTuple):
    """Networks of one start, and how the rate was chosen."""

    weights: list[Tensor]
    rate: float
    grid: list[float]


def size(config: Config) -> Job:
    """The part of a job that says how large it is."""
    where = {"images": config.dataset} | ({"folder": config.data} if config.dataset == "mnist" else {})
    return ({"width": 64, "epochs": 1} if config.quick else {"width": 256, "epochs": 20}) | where


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

    def descend(
        seeds: Sequence[int], orders: Sequence[int], rates: Sequence[float], watch: training.Watch | None = None
    ) -> list[Tensor]:
        weights = starts.ensemble(start, shapes, seeds)
        training.descend(training.mlp, weights, training.batches(images.train, orders, 64, epochs), rates, watch=watch)
        return weights

    rate, grid = training.tune(
        training.mlp, lambda seeds, rates: descend(seeds, seeds, rates), RATES, TUNING, images.choose
    )
    weights = descend(seeds, orders, [rate] * len(seeds), watch)
    return Trained([weight.detach() for weight in weights], rate, grid)
