"""Copies of a model that are trained, without touching the model."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.module import register_module_forward_hook

from .._auditing._findings import Depth
from .._learning import _checks, _loss
from .._planning._network_checks import kind
from . import _audit_checks
from ._record import arguments, mapped, tensors

Loss = Callable[[Any], Tensor]


class Copies:
    """The parameters and buffers of a model once more, which it runs on instead of its own: a `Training`."""

    def __init__(self, model: nn.Module, example_inputs: Any, loss: Loss | None) -> None:
        self.model, self.example_inputs, self.loss = model, example_inputs, loss
        copies = {
            name: nn.Parameter(item.detach().clone(), item.requires_grad) for name, item in model.named_parameters()
        }
        self.state = copies | {name: item.detach().clone() for name, item in model.named_buffers()}
        self.trained = {name: item for name, item in copies.items() if item.requires_grad and item.numel()}
        if not self.trained:
            raise _audit_checks.all_frozen()
        self.depth: list[Depth] = []
        self.strange: list[str] = []
        self._is_first = True
        self._optimizer: Any = None

    def gradients(self) -> dict[str, Tensor | None]:
        """The gradient by each parameter that is trained; the first time, each module is looked at."""
        torch.manual_seed(0)  # inside the fork: what is random is the same at each step
        hook = register_module_forward_hook(_note(self.model, self)) if self._is_first else None
        self._is_first = False
        positional, named = arguments(mapped(self.example_inputs, lambda tensor: tensor.detach().clone()))
        try:
            result = functional_call(self.model, self.state, positional, named)
        except Exception as error:
            raise _audit_checks.failing_training(error) from error
        finally:
            if hook is not None:
                hook.remove()
        value = _default(result) if self.loss is None else _own(self.loss, result)
        found = torch.autograd.grad(value, list(self.trained.values()), allow_unused=True)
        return dict(zip(self.trained, found, strict=True))

    def step(self, gradients: Mapping[str, Tensor | None]) -> None:
        """Take one step."""
        for name, tensor in self.trained.items():
            tensor.grad = gradients[name]
        self._optimizer = self._optimizer or torch.optim.Adam(
            list(self.trained.values()), lr=1e-3
        )  # made late: it loads torch.compile
        self._optimizer.step()


def _note(model: nn.Module, found: Copies) -> Callable[..., None]:
    """A hook that looks at what each module returns at its first call; of those that return the same, the inner one."""
    names = {id(module): name for name, module in model.named_modules()}
    seen: dict[int, Tensor] = {}  # kept, so that no identity is used twice

    def note(module: nn.Module, given: Any, result: Any) -> None:  # noqa: ARG001  # as torch calls it
        name = names.pop(id(module), None)
        floats = [item for item in tensors(result) if item.is_floating_point()]
        if name is None or not floats or id(floats[0]) in seen:
            return
        seen[id(floats[0])] = floats[0]
        if not all(bool(item.isfinite().all()) for item in floats):
            found.strange.append(name)
        if next(module.parameters(), None) is not None:
            number = len(found.depth)
            found.depth.append(Depth(name, _rms(floats[0]), 0.0))
            if floats[0].requires_grad:
                floats[0].register_hook(lambda gradient: _complete(found.depth, number, gradient))

    return note


def _complete(depth: list[Depth], number: int, gradient: Tensor) -> None:
    depth[number] = replace(depth[number], gradient=_rms(gradient))


def _rms(tensor: Tensor) -> float:
    """The root mean square of a tensor."""
    return float(tensor.detach().double().square().mean().sqrt()) if tensor.numel() else 0.0


def _default(result: Any) -> Tensor:
    """The model's own loss where it returns one, else the mean square of all outputs against fixed random targets."""
    own = _loss.own(result)
    if isinstance(own, Tensor) and own.numel() == 1 and own.requires_grad:
        return own
    floats = [item for item in tensors(result) if item.is_floating_point() and item.requires_grad and item.numel()]
    if not floats:
        raise _checks.no_outputs(kind(result))
    generator = torch.Generator().manual_seed(0)
    total: Any = 0.0
    for item in floats:
        target = torch.randn(item.shape, generator=generator).to(item.device)
        total += (item.float() - target).square().mean()
    return total


def _own(loss: Loss, result: Any) -> Tensor:
    """The loss that the user gave."""
    try:
        value = loss(result)
    except Exception as error:
        raise _checks.failing_loss(error) from error
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad:
        raise _checks.no_scalar(value)
    return value


@contextmanager
def preserved(model: nn.Module) -> Iterator[None]:
    """Give a model back all its attributes afterwards, and torch its random state.

    That is: modes, hooks, buffers and their values, parameters, what modules keep from one call to the next.
    """
    modules = list(model.modules())
    held = [(vars(module), dict(vars(module))) for module in modules]
    parts = [(value, copy(value)) for _, own in held for value in own.values() if isinstance(value, dict | list | set)]
    buffers = [(tensor, tensor.detach().clone()) for tensor in model.buffers()]
    devices = {tensor.device for tensor in model.parameters() if tensor.is_cuda}
    try:
        with torch.random.fork_rng(devices):
            yield
    finally:
        for own, before in held:
            own.clear()
            own.update(before)
        for part, was in parts:
            if isinstance(part, list):
                part[:] = was
            else:
                part.clear()
                part.update(was)
        with torch.no_grad():
            for tensor, values in buffers:
                if not torch.equal(tensor, values):  # the runs see copies; but who knows what a model holds on to
                    tensor.copy_(values)


@contextmanager
def training(model: nn.Module) -> Iterator[None]:
    """Training mode, but for what drops something; with gradients, whatever the caller's mode."""
    model.train()
    for module in model.modules():
        if "drop" in type(module).__name__.lower() or "StochasticDepth" in type(module).__name__:
            module.eval()
    with torch.inference_mode(mode=False), torch.enable_grad():
        yield
