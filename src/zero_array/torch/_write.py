"""A plan written into the parameters of a model, each in place."""

from collections.abc import Collection, Mapping
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .. import _checks, _namespace
from .._plan import Block, Entry, Plan
from .._weight import Weight
from ._in_place import fill_, local_part, may_write


class _Task(NamedTuple):
    """A parameter to be filled, and with what."""

    tensor: Tensor
    entry: Entry
    blocks: list[Block]


@torch.no_grad()
def write_(model: nn.Module, plan: Plan, *, names: Collection[str] | None = None, dry_run: bool = False) -> None:
    """Check the whole plan, then fill the parameters (those among `names`) as it says."""
    held = dict(model.named_parameters(remove_duplicate=False))
    tasks: dict[int, _Task] = {}
    for entry in plan:
        for name in (entry.name, *entry.parameter.aliases):  # tied ones may have come apart in `to_empty`
            if names is None or name in names:
                task = _task(held, name, entry)
                tasks.setdefault(id(task.tensor), task)
    if dry_run:
        return
    free = [task for task in tasks.values() if may_write(task.tensor)]
    for task in free:
        _write_blocks(*task)
    for task in free:  # the directions are there now
        if dict(task.entry.fills).get("") == "norms":
            _write_norms(task.tensor, held[task.entry.parameter.direction])


def _task(held: Mapping[str, Tensor], name: str, entry: Entry) -> _Task:
    """Check one entry against the model."""
    tensor = held.get(name)
    if tensor is None or tensor.numel() != prod(entry.parameter.shape):
        raise _checks.other_model(name, entry.parameter.shape, None if tensor is None else tuple(tensor.shape))
    blocks = list(entry.blocks())
    if blocks:
        _namespace.dtype(torch, tensor.dtype)
    return _Task(tensor, entry, blocks)


def _write_blocks(tensor: Tensor, entry: Entry, blocks: list[Block]) -> None:
    """Write what this process holds of a parameter."""
    local, window = local_part(tensor)
    if local.ndim == 0:
        local, window = local.view(1), ((0, 1),)
    elif local.ndim != len(entry.parameter.shape):  # a bilinear weight, as the matrix that it is
        rest = window[1:]
        if tuple(stop - start for start, stop in rest) != tuple(tensor.shape[1:]):
            raise _checks.no_plain_tensor("a bilinear weight sharded along an input")
        local, window = local.view(local.shape[0], -1), (window[0], (0, entry.parameter.shape[1]))
    axis = entry.parameter.out_axis
    first, last = window[axis]
    for start, stop, content in blocks:
        low, high = max(start, first), min(stop, last)
        if low >= high or local.numel() == 0:
            continue
        part = local.narrow(axis, low - first, high - low)
        if isinstance(content, Weight):
            fill_(part, content.part((*window[:axis], (low - start, high - start), *window[axis + 1 :])))
        else:
            part.fill_(content)


def _write_norms(gain: Tensor, direction: Tensor) -> None:
    """Make a gain the norm of its directions, over the axes that it does not have."""
    axes = [axis for axis in range(direction.ndim) if gain.ndim == 0 or gain.shape[axis] == 1]
    norms = torch.linalg.vector_norm(direction, dim=axes, keepdim=gain.ndim > 0)
    gain.copy_(norms)
