"""What the gradients of a model are, now and after some steps of training: on copies of its parameters."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.module import register_module_forward_hook

from .._findings import Depth
from .._plan import MATRICES, Parameter
from . import _audit_checks
from ._record import arguments, mapped, tensors
from ._twins import rows, twins

_OF_PARAMETERS, _OF_OUTPUTS = 8, 3  # how many steps are made for new ones, where fewer are asked for

Loss = Callable[[Any], Tensor]


@dataclass
class Probe:
    """What was seen.

    Attributes
    ----------
    now, after : dict of str to float
        Of each parameter that is trained, the largest absolute entry of its gradient; of no gradient at all, -1.
    reached : dict of str to int
        After how many steps each parameter had a gradient first; without those that never had one.
    rows : dict of str to Tensor
        Of each weight, which outputs ever had one.
    steps : int
        How many steps were made.
    twins : dict of str to int
        How many outputs of each weight equal an earlier one, in weight, bias and gradient, when it first has one.
    depth : list of Depth
        Signal and gradient behind each module.
    strange : list of str
        The modules whose output held infinities, or what is no number, in order.
    is_finite : bool
        Whether loss and gradients are numbers.
    """

    now: dict[str, float] = field(default_factory=dict)
    after: dict[str, float] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    rows: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0
    twins: dict[str, int] = field(default_factory=dict)
    depth: list[Depth] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    is_finite: bool = True


def probe(model: nn.Module, held: Sequence[Parameter], example_inputs: Any, loss: Loss | None, steps: int) -> Probe:
    """Take `steps` steps, and as many more as new outputs of layers come to have a gradient."""
    found = Probe()
    with _training(model):
        copies = _Copies(model, example_inputs, loss)
        trained = copies.trained
        matrices = [item for item in held if item.kind in MATRICES and item.name in trained]
        starts = {item.name: trained[item.name].detach().clone() for item in matrices}
        optimizer = None
        while True:
            gradients = copies.gradients(None if found.steps else _note(model, found))
            sizes = {name: -1.0 if item is None else float(item.abs().max()) for name, item in gradients.items()}
            found.now = found.now or sizes
            found.after = sizes if found.steps == steps else found.after
            found.is_finite = all(size < torch.inf for size in sizes.values())
            if not found.is_finite:
                return found
            new = {name for name, size in sizes.items() if size > 0 and name not in found.reached}
            for item in matrices:
                if item.name in new:
                    found.twins[item.name] = twins(item, starts[item.name], trained, gradients)
            found.reached |= dict.fromkeys(new, found.steps)
            is_growing = _reach(found, matrices, gradients) and found.steps < _OF_OUTPUTS
            is_growing |= bool(new) and found.steps < _OF_PARAMETERS
            if found.steps >= steps and not (is_growing and _is_waiting(found, trained)):
                return found
            for name, tensor in trained.items():
                tensor.grad = gradients[name]
            optimizer = optimizer or torch.optim.Adam(
                list(trained.values()), lr=1e-3
            )  # made late: it loads torch.compile
            optimizer.step()
            found.steps += 1


def _reach(found: Probe, matrices: Sequence[Parameter], gradients: dict[str, Tensor | None]) -> bool:
    """Note which outputs of layers have a gradient now; whether any is new."""
    is_new = False
    for item in matrices:
        gradient = gradients[item.name]
        if gradient is not None:
            now = rows(item, gradient).ne(0).any(1)
            before = found.rows.setdefault(item.name, torch.zeros_like(now))
            is_new |= bool((now & ~before).any())
            found.rows[item.name] = now | before
    return is_new


def _is_waiting(found: Probe, trained: dict[str, nn.Parameter]) -> bool:
    """Whether anything never had a gradient yet."""
    return len(found.reached) < len(trained) or not all(bool(item.all()) for item in found.rows.values())


class _Copies:
    """The parameters and buffers of a model once more, which it runs on instead of its own."""

    def __init__(self, model: nn.Module, example_inputs: Any, loss: Loss | None) -> None:
        self.model, self.example_inputs, self.loss = model, example_inputs, loss
        copies = {
            name: nn.Parameter(item.detach().clone(), item.requires_grad) for name, item in model.named_parameters()
        }
        self.state = copies | {name: item.detach().clone() for name, item in model.named_buffers()}
        self.trained = {name: item for name, item in copies.items() if item.requires_grad and item.numel()}
        if not self.trained:
            raise _audit_checks.all_frozen()

    def gradients(self, note: Callable[..., None] | None) -> dict[str, Tensor | None]:
        """The gradient by each parameter that is trained; `note` is called for each module."""
        torch.manual_seed(0)  # inside the fork: what is random is the same at each step
        hook = None if note is None else register_module_forward_hook(note)
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


def _note(model: nn.Module, found: Probe) -> Callable[..., None]:
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
    own = result.get("loss") if hasattr(result, "get") else getattr(result, "loss", None)
    if isinstance(own, Tensor) and own.numel() == 1 and own.requires_grad:
        return own
    floats = [item for item in tensors(result) if item.is_floating_point() and item.requires_grad and item.numel()]
    if not floats:
        raise _audit_checks.no_outputs(result)
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
        raise _audit_checks.failing_loss(error) from error
    if not isinstance(value, Tensor) or value.numel() != 1 or not value.requires_grad:
        raise _audit_checks.no_scalar(value)
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
def _training(model: nn.Module) -> Iterator[None]:
    """Training mode, but for what drops something; with gradients, whatever the caller's mode."""
    model.train()
    for module in model.modules():
        if "drop" in type(module).__name__.lower() or "StochasticDepth" in type(module).__name__:
            module.eval()
    with torch.inference_mode(mode=False), torch.enable_grad():
        yield
