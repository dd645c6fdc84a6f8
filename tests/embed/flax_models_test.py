"""Flax: whole models of nnx and linen."""

from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy
import pytest
from flax import linen, nnx
from jax.sharding import AxisType, PartitionSpec
from jax_nets import image, learned, paths

import zero_array.flax
from zero_array.recipes import Plan


class Conv(nnx.Module):
    """A convolution with its norm."""

    def __init__(self, into: int, out: int, size: int, stride: int = 1) -> None:
        rngs = nnx.Rngs(0)
        self.conv = nnx.Conv(into, out, (size, size), stride, padding=size // 2, use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(out, use_running_average=True, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """The norm of the convolution."""
        return self.norm(self.conv(x))


class Block(nnx.Module):
    """A residual block."""

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        self.first, self.second = Conv(into, out, 3, stride), Conv(out, out, 3)
        self.shortcut = Conv(into, out, 1, stride) if stride > 1 else None

    def __call__(self, x: Any) -> Any:
        """The sum of the branch and the shortcut."""
        y = self.second(nnx.relu(self.first(x)))
        return nnx.relu(y + (self.shortcut(x) if self.shortcut else x))


class ResNet(nnx.Module):
    """The residual network of `nets`."""

    def __init__(self) -> None:
        self.stem, self.one, self.two = Conv(3, 8, 3), Block(8, 8), Block(8, 16, 2)
        self.head = nnx.Linear(16, 10, rngs=nnx.Rngs(0))

    def __call__(self, x: Any) -> Any:
        """Scores."""
        return self.head(self.two(self.one(nnx.relu(self.stem(x)))).mean((1, 2)))

    def weights(self) -> dict[str, Any]:
        """In torch's layout."""
        convs = {"stem": self.stem, "two.shortcut": self.two.shortcut}
        convs |= {f"{name}.{part}": getattr(getattr(self, name), part) for name in ("one", "two") for part in ("first", "second")}
        found = {name: conv.conv.kernel[...].transpose(3, 2, 0, 1) for name, conv in convs.items()}
        return found | {"head": self.head.kernel[...].T}


class Transformer(nnx.Module):
    """The transformer of `nets`."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.patches = nnx.Conv(3, 12, (2, 2), 2, padding="VALID", rngs=rngs)
        self.norms = nnx.List([nnx.LayerNorm(12, rngs=rngs) for _ in range(3)])
        self.attention = nnx.MultiHeadAttention(2, 12, decode=False, rngs=rngs)
        self.up, self.down, self.head = (nnx.Linear(*sizes, rngs=rngs) for sizes in ((12, 48), (48, 12), (12, 10)))

    def block(self, x: Any) -> Any:
        """The block alone."""
        x = x + self.attention(self.norms[0](x))
        return x + self.down(nnx.gelu(self.up(self.norms[1](x))))

    def __call__(self, x: Any) -> Any:
        """Scores."""
        x = self.patches(x).reshape(x.shape[0], 16, 12)
        return self.head(self.norms[2](self.block(x)).mean(1))

    def weights(self) -> dict[str, Any]:
        """In torch's layout."""
        found = {name: getattr(self.attention, name).kernel[...].reshape(12, 12).T for name in ("query", "key", "value", "out")}
        found |= {name: getattr(self, name).kernel[...].T for name in ("up", "down", "head")}
        return found | {"patches": self.patches.kernel[...].transpose(3, 2, 0, 1)}


MODELS = {"resnet": ResNet, "transformer": Transformer}
each_net = pytest.mark.parametrize("net", nets.NETS)


@each_net
def test_same_bytes(net: str) -> None:
    """The weights have the bytes that they have in every framework."""
    model = MODELS[net]()
    zero_array.flax.init(model, example_inputs=image(), **nets.OPTIONS[net])
    assert nets.found(model.weights()) == nets.DIGESTS[net]


@each_net
def test_learns(net: str) -> None:
    """Every parameter has a gradient within five steps."""
    model = MODELS[net]()
    zero_array.flax.init(model, example_inputs=image(), **nets.OPTIONS[net])
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    assert learned(lambda params: nnx.merge(graph, params, rest)(image()), params) == paths(params)
