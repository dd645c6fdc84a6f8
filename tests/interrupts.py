"""A KeyboardInterrupt at any line of the package, and what of torch and of a model it must leave as it was."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules import module as torch_module
from torch.overrides import _get_current_function_mode_stack

import zero_array.torch
from zero_array._host import to_bytes

PACKAGE = str(Path(zero_array.__file__).parent)


class Block(nn.Module):
    """A residual block that has modes, a buffer that changes, and draws random numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down, self.drop = nn.BatchNorm1d(4), nn.Linear(4, 8), nn.Linear(8, 4), nn.Dropout()

    def forward(self, x: Tensor) -> Tensor:
        """The sum; a random number and a buffer are used up on the way."""
        self.norm.running_mean += torch.rand(4)
        return x + self.drop(self.down(torch.relu(self.up(self.norm(x)))))


def network() -> nn.Module:
    """A small model, in training mode but for one module."""
    model = nn.Sequential(nn.Linear(6, 4), Block(), Block().eval(), nn.Linear(4, 3))
    nn.init.ones_(model[3].bias).requires_grad_(False)
    return model


def surroundings(model: nn.Module) -> dict[str, Any]:
    """All that a call must not change, but for what the parameters hold."""
    return {
        "grad": torch.is_grad_enabled(),
        "modes": _get_current_function_mode_stack(),
        "hooks": [list(torch_module._global_forward_hooks), list(torch_module._global_forward_pre_hooks)],
        "patched": [nn.Module.__call__, nn.Module.__getattr__],
        "random": torch.get_rng_state().tolist(),
        "training": [module.training for module in model.modules()],
        "buffers": [(id(buffer), buffer.tolist()) for buffer in model.buffers()],
        "parameters": [
            (id(item), item.data_ptr(), item.requires_grad, item.is_leaf, item.grad_fn, item.stride())
            for item in model.parameters()
        ],
    }


def weights(model: nn.Module) -> bytes:
    """The bytes of all parameters."""
    return b"".join(to_bytes(item.detach()) for item in model.parameters())


def interrupted(call: Callable[[], Any], at: int = 0) -> list[tuple[str, int]]:
    """Run a call, and interrupt it at one line of the package, counted from 1 as they run; which lines have run."""
    lines: list[tuple[str, int]] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(PACKAGE):
            return None
        if event == "line":
            lines.append((frame.f_code.co_filename, frame.f_lineno))
            if len(lines) == at:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    return lines


def check(model: nn.Module, call: Callable[[], Any], *, step: int) -> int:
    """Interrupt a call at every so many of the lines that it runs, the first and the last time; how many these are.

    Whatever is around the weights is as before, and the next call makes the same weights.
    """
    call()
    wanted, before = weights(model), surroundings(model)
    lines = interrupted(call)
    first = {line: at for at, line in reversed(list(enumerate(lines, 1)))}
    last = {line: at for at, line in enumerate(lines, 1)}
    places = sorted({*first.values(), *last.values()})
    for at in places[::step]:
        spoil(model)
        assert len(interrupted(call, at)) == at
        assert surroundings(model) == before, lines[at - 1]
        call()
        assert weights(model) == wanted
    return len(places)


@torch.no_grad()
def spoil(model: nn.Module) -> None:
    """Fill all parameters that are trained with what is no number; the others are left as they are."""
    for item in model.parameters():
        if item.requires_grad:
            item.fill_(float("nan"))


def check_model(options: dict[str, Any], *, step: int) -> int:
    """Interrupt `init_`."""
    model = network()
    return check(model, lambda: zero_array.torch.init_(model, **options), step=step)


def check_tensor(*, step: int) -> int:
    """Interrupt `zero_init_`."""
    tensor = nn.Parameter(torch.empty(6, 192, 3))
    fill = partial(zero_array.torch.zero_init_, tensor, groups=2, transposed=True, columns="distinct")
    return check(nn.ParameterList([tensor]), fill, step=step)
