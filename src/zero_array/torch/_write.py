"""A plan written into the parameters of a model, each in place."""

from collections.abc import Collection, Mapping
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .. import _checks, _namespace
from .._planning import _network_checks
from .._planning._plan import Block, Entry, Plan
from .._typing import Window
from .._weight import Weight
from ._in_place import fill_
from ._local import local_part, may_write


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
    places = [_place(task) for task in free]  # the last checks: nothing is written before all are made
    for task, (local, window) in zip(free, places, strict=True):
        _write_blocks(task, local, window)
    for task in free:  # the directions are there now
        direction = held.get(task.entry.parameter.direction)
        if direction is not None and any(other.tensor is direction and other.blocks for other in free):
            _write_norms(task, direction)


def _task(held: Mapping[str, Tensor], name: str, entry: Entry) -> _Task:
    """Check one entry against the model."""
    tensor = held.get(name)
    shape = None if tensor is None else tuple(tensor.shape)
    if shape and entry.parameter.kind == "bilinear":  # written down as the matrix that it is
        shape = shape[0], prod(shape[1:])
    if tensor is None or shape != entry.parameter.shape:
        raise _network_checks.other_model(name, entry.parameter.shape, shape)
    blocks = list(entry.blocks())
    if blocks:
        try:
            _namespace.dtype(torch, tensor.dtype)
        except TypeError as error:
            raise _network_checks.no_real_parameter(name, tensor.dtype) from error
    return _Task(tensor, entry, blocks)


def _place(task: _Task) -> tuple[Tensor, Window]:
    """What this process holds of a parameter, and which window of it that is."""
    shape = task.entry.parameter.shape
    local, window = local_part(task.tensor)
    if local.ndim == 0:
        return local.view(1), ((0, 1),)
    if local.ndim == len(shape):
        return local, window
    if tuple(stop - start for start, stop in window[1:]) != tuple(task.tensor.shape[1:]):
        raise _checks.no_plain_tensor("a bilinear weight sharded along an input")
    return local.view(local.shape[0], shape[1]), (window[0], (0, shape[1]))  # a bilinear weight, as a matrix


def _write_blocks(task: _Task, local: Tensor, window: Window) -> None:
    """Write a window of a parameter."""
    axis = task.entry.parameter.out_axis
    first, last = window[axis]
    for start, stop, content in task.blocks:
        low, high = max(start, first), min(stop, last)
        if low >= high or local.numel() == 0:
            continue
        part = local.narrow(axis, low - first, high - low)
        if isinstance(content, Weight):
            fill_(part, content.part((*window[:axis], (low - start, high - start), *window[axis + 1 :])))
        else:
            part.fill_(content)


def _write_norms(task: _Task, direction: Tensor) -> None:
    """Make a gain the norm of its directions, over the axes that it does not have; but see that each has a norm."""
    gain = task.tensor
    axes = [axis for axis in range(direction.ndim) if gain.ndim == 0 or gain.shape[axis] == 1]
    norms = torch.linalg.vector_norm(direction, dim=axes, keepdim=gain.ndim > 0)
    if ("", "norms") in task.entry.fills:
        gain.copy_(norms)
    direction.masked_fill_(norms == 0, 1.0)  # its gain is zero then: any direction will do, where none is no number
