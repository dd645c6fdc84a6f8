"""Outputs of a layer that start equal and are told to change equally."""

from collections.abc import Mapping

import torch
from torch import Tensor

from .._plan import Parameter

_CLOSE = 1e-5  # what sums in another order may differ by, relative to the largest entry of that output


def twins(
    parameter: Parameter, start: Tensor, values: Mapping[str, Tensor], gradients: Mapping[str, Tensor | None]
) -> int:
    """How many outputs equal an earlier one at the start, and now, and in their gradients, bias included."""
    if parameter.transposed and parameter.groups > 1:
        return 0  # its outputs are cut in two axes
    table = rows(parameter, start)
    leaders = _leaders(table)
    later = leaders != torch.arange(len(table))
    if not later.any():
        return 0
    bias = parameter.name.removesuffix("weight") + "bias"
    gradient = gradients[parameter.name]
    assert gradient is not None  # asked when there is one
    tables = [rows(parameter, values[parameter.name]), rows(parameter, gradient)]
    if bias in values and values[bias].shape == (len(table),):
        other = gradients.get(bias)
        tables += [item.detach()[:, None] for item in (values[bias], other) if item is not None]
    one, first = later.nonzero().squeeze(1), leaders[later]
    same = tables[1][one].ne(0).any(1)  # outputs without a gradient are no twins, but dead
    for item in tables:
        same &= (item[one] - item[first]).abs().amax(1) <= _CLOSE * item[first].abs().amax(1)
    return int(same.sum())


def rows(parameter: Parameter, tensor: Tensor) -> Tensor:
    """The outputs of a weight, one a row."""
    return tensor.detach().reshape(parameter.shape).movedim(parameter.out_axis, 0).flatten(1)


def _leaders(table: Tensor) -> Tensor:
    """Of each row, the number of the first that equals it."""
    data = (table + 0.0).cpu().contiguous().view(torch.uint8).numpy()  # no zero is negative then
    first: dict[int, int] = {}
    leaders = torch.tensor([first.setdefault(hash(row.tobytes()), number) for number, row in enumerate(data)])
    same = (table == table[leaders]).all(1)  # two hashes may be equal
    return torch.where(same.cpu(), leaders, torch.arange(len(table)))
