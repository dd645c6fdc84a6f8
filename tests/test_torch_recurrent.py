"""Residual blocks of recurrent networks: what ends the branch, and that all of it learns."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from blocks import Block, data, zeros
from torch import Tensor, nn

import zero_array.torch

X = data(5, 3, 4)

LAST = {"weight_ih_l1", "weight_hh_l1"}
NETWORKS: dict[str, tuple[Callable[[], nn.Module], set[str]]] = {
    "LSTM": (lambda: nn.LSTM(4, 4), {"weight_ih_l0", "weight_hh_l0"}),
    "GRU": (lambda: nn.GRU(4, 4, bias=False), {"weight_ih_l0", "weight_hh_l0"}),
    "RNN": (lambda: nn.RNN(4, 4), {"weight_ih_l0", "weight_hh_l0"}),
    "RNN of ReLUs": (lambda: nn.RNN(4, 4, nonlinearity="relu"), set()),
    "two LSTMs": (lambda: nn.LSTM(4, 4, num_layers=2), LAST),
    "two LSTMs without biases": (lambda: nn.LSTM(4, 4, num_layers=2, bias=False), LAST),
    "two GRUs": (lambda: nn.GRU(4, 4, num_layers=2), LAST),
    "two RNNs": (lambda: nn.RNN(4, 4, num_layers=2), LAST),
    "two RNNs of ReLUs": (lambda: nn.RNN(4, 4, num_layers=2, nonlinearity="relu"), set()),
    "two directions": (
        lambda: nn.LSTM(4, 2, num_layers=2, bidirectional=True),
        LAST | {f"{name}_reverse" for name in LAST},
    ),
    "projections": (lambda: nn.LSTM(4, 8, proj_size=4), {"weight_hr_l0"}),
    "two of projections": (lambda: nn.LSTM(4, 8, num_layers=2, bias=False, proj_size=4), {"weight_hr_l1"}),
    "two directions of projections": (
        lambda: nn.LSTM(4, 8, bidirectional=True, proj_size=2),
        {"weight_hr_l0", "weight_hr_l0_reverse"},
    ),
}
CELLS: dict[str, tuple[Callable[[], nn.Module], set[str]]] = {
    "LSTMCell": (lambda: nn.LSTMCell(4, 4), {"weight_ih", "weight_hh"}),
    "GRUCell": (lambda: nn.GRUCell(4, 4, bias=False), {"weight_ih", "weight_hh"}),
    "RNNCell": (lambda: nn.RNNCell(4, 4), {"weight_ih", "weight_hh"}),
    "RNNCell of ReLUs": (lambda: nn.RNNCell(4, 4, nonlinearity="relu"), set()),
}


def steps(self: Any, x: Tensor) -> Tensor:
    """A cell, step by step."""
    states, state = [], None
    for number in range(5):
        state = self.net(x[number], state)
        states.append(state[0] if isinstance(state, tuple) else state)
    return x + torch.stack(states)


def block(name: str) -> nn.Module:
    """A residual block of it, and a head."""
    if name in CELLS:
        return nn.Sequential(Block(steps, net=CELLS[name][0]()), nn.Linear(4, 3))
    return nn.Sequential(Block(lambda self, x: x + self.net(x)[0], net=NETWORKS[name][0]()), nn.Linear(4, 3))


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", [*NETWORKS, *CELLS])
def test_residual(name: str) -> None:
    """The last weights are zeros, where these learn; the block is its shortcut then, and nothing stays as it is."""
    torch.manual_seed(0)
    model, ends = block(name), (NETWORKS | CELLS)[name][1]
    plan = zero_array.torch.init_(model, example_inputs=X)
    assert zeros(plan) == {f"0.net.{end}" for end in ends}
    if name in NETWORKS:
        assert zero_array.torch.init_(model, dry_run=True) == plan
    assert torch.equal(model[0](X), X) == bool(ends)
    before = {key: item.detach().clone() for key, item in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    target = torch.randn(5, 3, 3)
    for _ in range(20):
        optimizer.zero_grad()
        (model(X) - target).square().mean().backward()
        optimizer.step()
    assert not [key for key, item in model.named_parameters() if torch.equal(item, before[key])]


def test_reasons() -> None:
    """The plan says why weights in front of a ReLU are not zeros, and earlier layers start gate by gate."""
    plan = zero_array.torch.init_(block("two RNNs of ReLUs"))
    assert plan["0.net.weight_ih_l1"].reason.endswith(": zeros would never learn")
    plan = zero_array.torch.init_(block("two LSTMs"))
    assert plan["0.net.weight_hh_l0"].fill == "identity in each of 4 parts"
    assert plan["0.net.weight_hh_l1"].reason == "last weight of the residual branch of 0"


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
@pytest.mark.parametrize(
    "wrap", [nn.utils.weight_norm, nn.utils.parametrizations.weight_norm], ids=["hook", "parametrization"]
)
@pytest.mark.parametrize("is_run", [False, True])
def test_normed(wrap: Callable[..., nn.Module], is_run: bool) -> None:
    """A weight that is held as norm and direction belongs to its layer."""
    model = Block(lambda self, x: x + self.net(x)[0], net=wrap(nn.LSTM(4, 4, num_layers=2), "weight_hh_l1"))
    zero_array.torch.init_(model, example_inputs=X if is_run else None)
    assert torch.equal(model(X), X)
    assert model.net.weight_ih_l0.any()
    assert not model.net.weight_ih_l1.any()
