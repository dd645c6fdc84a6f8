"""Each misuse is one exact sentence, and the model is left as it was."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from misuses import MISUSES, SAYS_NOTHING, Options, chain, plan_of
from torch import Tensor, nn

import zero_array.torch


def held(model: Any) -> str:
    """The bytes of all that a model holds; of what is no model, nothing."""
    if not isinstance(model, nn.Module) or any(torch.nn.parameter.is_lazy(item) for item in model.parameters()):
        return ""
    tensors = [tensor for tensor in model.state_dict().values() if isinstance(tensor, Tensor)]
    found = hashlib.sha256()
    for tensor in tensors:
        found.update((tensor.dequantize() if tensor.is_quantized else tensor).reshape(-1).view(torch.uint8).numpy())
    return found.hexdigest()


@pytest.mark.filterwarnings("ignore:.*(torch.jit.script|torch.ao.quantization|quantize).*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*(TypedStorage|deprecated).*")
@pytest.mark.parametrize(("build", "options", "kind", "message"), MISUSES, ids=[message for *_, message in MISUSES])
def test_misuse(build: Callable[[], Any], options: Options, kind: type[Exception], message: str) -> None:
    """A misuse is refused in one exact sentence, and the model is what it was."""
    model = build()
    before = held(model)
    with pytest.raises(kind) as caught:
        zero_array.torch.init_(model, **options)
    assert str(caught.value) == message
    assert held(model) == before


INITIALIZERS: list[tuple[Any, Any, type[Exception], str]] = [
    ([], plan_of(chain()), TypeError, "`model` must be one torch.nn.Module; got a list"),
    (chain(), "mlp", TypeError, "`plan` must be a Plan, as init_(model, dry_run=True) returns it; got a str"),
    (chain(nn.Linear(3, 3)), plan_of(chain()), ValueError, SAYS_NOTHING + "3.weight, 3.bias"),
]


@pytest.mark.parametrize(
    ("model", "plan", "kind", "message"), INITIALIZERS, ids=[message for *_, message in INITIALIZERS]
)
def test_misused_initializer(model: Any, plan: Any, kind: type[Exception], message: str) -> None:
    """An initializer is made of a model and its plan alone."""
    with pytest.raises(kind) as caught:
        zero_array.torch.initializer(model, plan)
    assert str(caught.value) == message


def test_foreign_module() -> None:
    """An initializer refuses modules of other models."""
    fill, other = zero_array.torch.initializer(chain(), plan_of(chain())), nn.Linear(4, 4)
    before = held(other)
    with pytest.raises(ValueError, match=r"^`module` must be part of the model that the plan is of; got a Linear, "):
        fill(other)
    assert held(other) == before
