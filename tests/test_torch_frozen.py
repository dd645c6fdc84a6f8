"""What is frozen is left as it is, but counts as a layer."""

from typing import Any

import pytest
import torch
from blocks import Block, data, linear
from torch import Tensor, nn

import zero_array.torch
from zero_array.recipes import Plan

REASON = "frozen (requires_grad=False)"
X = data(3, 4)


def adapted() -> nn.Module:
    """A frozen layer, of whose output a low-rank path is part."""
    model = Block(lambda self, x: self.base(x) + self.up(self.down(x)), base=linear(), down=linear(4, 2))
    model.up = linear(2, 4)
    model.base.requires_grad_(False)
    return model


@pytest.mark.parametrize("is_run", [False, True])
def test_adapter(is_run: bool) -> None:
    """The frozen layer keeps its values, and is the shortcut of the adapter: the start is what it was before."""
    model = adapted()
    before = model.base(X)
    plan = zero_array.torch.init_(model, example_inputs=X if is_run else None)
    assert {name: (plan[name].fill, plan[name].reason) for name in ("base.weight", "base.bias")} == {
        "base.weight": ("untouched", REASON),
        "base.bias": ("untouched", REASON),
    }
    assert (plan["down.weight"].fill, plan["up.weight"].fill) == ("identity", "zeros")
    assert torch.equal(model(X), before)
    assert Plan.from_json(plan.to_json()) == plan


def test_asked_for() -> None:
    """An override names what is frozen too."""
    model = adapted()
    plan = zero_array.torch.init_(model, overrides={"base.weight": "identity"})
    assert plan["base.weight"].reason == "as asked by 'base.weight'"
    assert torch.equal(model.base.weight, torch.eye(4))


def test_frozen_end() -> None:
    """A frozen end of a branch is no zero, though it ends the branch."""
    model = Block(lambda self, x: x + self.b(self.a(x)), a=linear(), b=linear())
    model.b.requires_grad_(False)
    before = model.b.weight.clone()
    plan = zero_array.torch.init_(model)
    assert (plan["a.weight"].fill, plan["b.weight"].reason) == ("identity", REASON)
    assert torch.equal(model.b.weight, before)


def test_frozen_unknown() -> None:
    """What a frozen parameter is need not be known, and it may be of integers or of gates, heads and tables."""

    def forward(self: Any, x: Tensor) -> Tensor:
        return torch.einsum("bi,kij->bj", self.a(x) @ self.b.float(), self.w)

    model = Block(forward, a=linear())
    model.w, model.b = nn.Parameter(torch.ones(2, 4, 4)), nn.Parameter(torch.ones(4, 4, dtype=torch.int8), False)
    model.w.requires_grad_(False)
    plan = zero_array.torch.init_(model, example_inputs=X)
    assert (plan["w"].fill, plan["b"].fill) == ("untouched", "untouched")
