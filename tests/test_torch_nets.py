"""The networks that all frameworks have, in torch: the same bytes, and the same findings."""

import nets
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import zero_array.torch


class Conv(nn.Sequential):
    """A convolution with its norm."""

    def __init__(self, into: int, out: int, size: int, stride: int = 1) -> None:
        super().__init__(nn.Conv2d(into, out, size, stride, size // 2, bias=False), nn.BatchNorm2d(out))


class Residual(nn.Module):
    """A residual block."""

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.first, self.second = Conv(into, out, 3, stride), Conv(out, out, 3)
        self.shortcut = Conv(into, out, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """The sum of the branch and the shortcut."""
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


class ResNet(nn.Module):
    """The residual network of `nets`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two, self.head = Conv(3, 8, 3), Residual(8, 8), Residual(8, 16, 2), nn.Linear(16, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores."""
        return self.head(self.two(self.one(torch.relu(self.stem(x)))).mean((2, 3)))


class Transformer(nn.Module):
    """The transformer of `nets`."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, 12, 2, 2)
        self.norms = nn.ModuleList(nn.LayerNorm(12) for _ in range(3))
        self.query, self.key, self.value, self.out = (nn.Linear(12, 12) for _ in range(4))
        self.up, self.down, self.head = nn.Linear(12, 48), nn.Linear(48, 12), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Scores."""
        x = self.patches(x).flatten(2).transpose(1, 2)
        y = self.norms[0](x)
        parts = (layer(y).unflatten(-1, (2, 6)).transpose(1, 2) for layer in (self.query, self.key, self.value))
        x = x + self.out(functional.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2))
        x = x + self.down(functional.gelu(self.up(self.norms[1](x))))
        return self.head(self.norms[2](x).mean(1))


MODELS: dict[str, type[nn.Module]] = {"resnet": ResNet, "transformer": Transformer}


@pytest.mark.parametrize("net", nets.NETS)
def test_same_bytes(net: str) -> None:
    """The weights have the bytes that they have in every framework."""
    model = MODELS[net]()
    zero_array.torch.init_(model, example_inputs=torch.zeros(2, 3, 8, 8), **nets.OPTIONS[net])
    weights = {name.removesuffix(".weight").removesuffix(".0"): tensor for name, tensor in model.named_parameters()}
    assert nets.found({name: weights[name].detach().numpy() for name in nets.NETS[net]}) == nets.DIGESTS[net]


def test_same_errors() -> None:
    """The residual network with zeros in series has the errors that the audit finds in every framework."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = ResNet()
    for conv in (model.one.first, model.one.second):
        nn.init.zeros_(conv[0].weight)
    report = zero_array.torch.audit(model, torch.rand(2, 3, 8, 8)).filter(severity="error")
    names = {"one.first.0.weight": "one.first"}
    assert {(item.what, names.get(item.parameter, "")) for item in report} == nets.SERIES
