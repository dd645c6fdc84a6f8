"""A model that is run, and is afterwards as it was."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy

import torch
from torch import nn


@contextmanager
def preserved(model: nn.Module) -> Iterator[None]:
    """Give a model back all its attributes afterwards, and torch its random state.

    That is: modes, hooks, buffers and their values, parameters, what modules keep from one call to the next.
    """
    held = [(vars(module), dict(vars(module))) for module in model.modules()]
    parts = [(value, copy(value)) for _, own in held for value in own.values() if isinstance(value, dict | list | set)]
    buffers = [(tensor, tensor.detach().clone()) for tensor in model.buffers()]
    cuda = {tensor.device for tensor in model.parameters() if tensor.is_cuda}
    state, cuda_states = torch.get_rng_state(), {device: torch.cuda.get_rng_state(device) for device in cuda}

    def put_back() -> None:
        for own, before in held:
            own.clear()
            own.update(before)
        for part, was in parts:
            if isinstance(part, list):
                part[:] = was
            else:
                part.clear()
                part.update(was)
        for tensor, values in buffers:
            if not tensor.is_meta and not torch.equal(tensor, values):  # the runs of an audit see copies
                tensor.detach().copy_(values)
        torch.set_rng_state(state)
        for device, cuda_state in cuda_states.items():
            torch.cuda.set_rng_state(cuda_state, device)

    with undone(put_back):
        yield


@contextmanager
def undone(undo: Callable[[], None]) -> Iterator[None]:
    """Undo at the end, whatever happens; once more if a KeyboardInterrupt comes just then, where `with` loses it."""
    try:
        try:
            yield
        finally:
            undo()
    except BaseException:
        undo()
        raise
