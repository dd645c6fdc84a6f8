"""First weights: those of zero_array, and the usual random ones of torch to compare with.

An *ensemble* is several networks of one shape that are trained at once, each weight with a leading axis for them.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

import zero_array.torch

Shape = tuple[int, ...]


def random_(name: str, weight: Tensor) -> None:
    """Fill a weight as torch would by one of its usual ways; biases are not used here."""
    if name == "kaiming":
        nn.init.kaiming_normal_(weight, nonlinearity="relu")
    elif name == "xavier":
        nn.init.xavier_uniform_(weight)
    elif name == "orthogonal":
        nn.init.orthogonal_(weight, gain=2**0.5)
    elif name == "default":  # of nn.Linear and nn.Conv2d
        nn.init.kaiming_uniform_(weight, a=5**0.5)
    else:
        raise ValueError(f"`name` must be kaiming, xavier, orthogonal or default; got {name!r}")


def fill_(name: str, weight: Tensor) -> None:
    """Fill a weight: "zero" as the paper, "distinct" without twins, "exact" orthonormal, "identity", or at random."""
    if name == "zero":
        zero_array.torch.zero_init_(weight)
    elif name == "distinct":
        zero_array.torch.zero_init_(weight, columns="distinct")
    elif name == "exact":
        zero_array.torch.zero_init_(weight, order="exact")
    elif name == "identity":
        zero_array.torch.identity_init_(weight)
    else:
        random_(name, weight)


def ensemble(name: str, shapes: Sequence[Shape], seeds: Sequence[int], zeros: Sequence[int] = ()) -> list[Tensor]:
    """First weights of one network per seed, one tensor per shape; those numbered in `zeros` are zero."""
    weights = [torch.zeros(len(seeds), *shape) for shape in shapes]
    for member, seed in enumerate(seeds):
        torch.manual_seed(seed)
        for number, weight in enumerate(weights):
            if number % len(weights) not in {zero % len(weights) for zero in zeros}:
                fill_(name, weight[member])
    return [weight.requires_grad_() for weight in weights]
