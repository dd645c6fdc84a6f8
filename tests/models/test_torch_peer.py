"""PyPI's `zero-init` 0.3: the same bits wherever it is right, and what it gets wrong, each seen here."""

import math
from functools import cache

import pytest
import torch
import zero_init
import zoo
from torch import Tensor, nn

import zero_array.torch


@cache
def shapes(kind: str) -> frozenset[tuple[int, ...]]:
    """The weights of all layers of a kind in the zoo: of convolutions, the dense ones with square kernels."""
    models = [entry.make() for entry in zoo.ZOO.values()]
    layers = [layer for model in models for layer in model.modules() if isinstance(layer, getattr(nn, kind))]
    dense = [layer for layer in layers if getattr(layer, "groups", 1) == 1]
    return frozenset(tuple(layer.weight.shape) for layer in dense if len({*layer.weight.shape[2:]}) <= 1)


def theirs(shape: tuple[int, ...]) -> Tensor:
    """What the peer makes of a shape."""
    fill = zero_init.ZerO_Init_Linear if len(shape) == 2 else zero_init.ZerO_Init_Conv2d
    return fill(torch.empty(shape))


def ours(shape: tuple[int, ...]) -> Tensor:
    """What this package does."""
    return zero_array.torch.zero_init_(torch.full(shape, math.nan))


@pytest.mark.parametrize(("kind", "least"), [("Linear", 30), ("Conv2d", 80)])
def test_same_bits_as_the_peer(kind: str, least: int) -> None:
    """On every linear layer and every dense square convolution of the zoo both make the same bits, in float32."""
    assert len(shapes(kind)) >= least
    assert [shape for shape in shapes(kind) if not torch.equal(theirs(shape), ours(shape))] == []


def test_same_bits_at_odd_powers() -> None:
    """Where the constant is no power of two, both round it the same."""
    assert all(torch.equal(theirs((2**power, 2)), ours((2**power, 2))) for power in range(2, 12))


@pytest.mark.parametrize("wanted", [torch.float64, torch.float16, torch.bfloat16])
def test_their_dtype(wanted: torch.dtype) -> None:
    """Theirs turns a layer into float32; ours keeps its dtype."""
    layer, other = nn.Linear(2, 5, dtype=wanted), nn.Linear(2, 5, dtype=wanted)
    zero_init.ZerO_Init(layer)
    zero_array.torch.init_(other)
    assert (layer.weight.dtype, other.weight.dtype) == (torch.float32, wanted)


def test_their_memory() -> None:
    """Theirs puts another tensor behind the parameter, so that views of it go astray; ours writes in place."""
    layer, other = (nn.Conv2d(4, 4, 3).to(memory_format=torch.channels_last) for _ in range(2))
    views = layer.weight.data[:], other.weight.data[:]
    zero_init.ZerO_Init(layer)
    zero_array.torch.init_(other)
    assert not torch.equal(views[0], layer.weight)
    assert not layer.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(views[1], other.weight)
    assert other.weight.is_contiguous(memory_format=torch.channels_last)


def test_their_depthwise_kernels() -> None:
    """Theirs is one constant, which shrinks the signal; ours is the identity."""
    layer, other = (nn.Conv2d(64, 64, 3, groups=64, padding=1) for _ in range(2))
    zero_init.ZerO_Init(layer)
    zero_array.torch.init_(other)
    images = torch.randn(1, 64, 5, 5)
    torch.testing.assert_close(layer(images), images / 8)
    torch.testing.assert_close(other(images), images)


def test_their_groups() -> None:
    """Theirs takes the weight of a grouped convolution for one matrix: a square group is not the identity."""
    layer, other = (nn.Conv2d(8, 8, 1, groups=2) for _ in range(2))
    zero_init.ZerO_Init(layer)
    zero_array.torch.init_(other)
    images = torch.randn(1, 8, 5, 5)
    assert not torch.allclose(layer(images), images)
    torch.testing.assert_close(other(images), images)


def test_their_packed_projections() -> None:
    """Theirs takes packed queries, keys and values for one matrix, so that all three are equal; ours are not."""
    layer = nn.Linear(8, 24)
    zero_init.ZerO_Init(layer)
    query, key, value = layer.weight.chunk(3)
    assert torch.equal(query, key)
    assert torch.equal(query, value)
    other = nn.TransformerEncoderLayer(8, 2, 16)
    zero_array.torch.init_(other, example_inputs=torch.randn(3, 2, 8))
    assert torch.equal(other.self_attn.in_proj_weight, torch.eye(24, 8))  # keys and values are zero


def test_their_kernels() -> None:
    """Theirs refuses rectangles, and puts an even kernel where torch's "same" padding shifts the image."""
    with pytest.raises(NotImplementedError):  # the peer's own answer, which the table of its faults names
        zero_init.ZerO_Init(nn.Conv2d(2, 2, (1, 3)))
    layer, other = (nn.Conv2d(2, 2, 4, padding="same") for _ in range(2))
    zero_init.ZerO_Init(layer)
    zero_array.torch.init_(other)
    images = torch.randn(1, 2, 6, 6)
    with pytest.warns(UserWarning, match="even kernel"):
        assert not torch.allclose(layer(images), images)
    torch.testing.assert_close(other(images), images)


@pytest.mark.parametrize("kind", [nn.Conv1d, nn.Conv3d, nn.ConvTranspose2d])
def test_their_other_layers(kind: type[nn.Module]) -> None:
    """Theirs leaves other layers at random, without a word; ours starts them."""
    layer, other = kind(2, 2, 3), kind(2, 2, 3)
    zero_init.ZerO_Init(layer)
    zero_array.torch.init_(other)
    assert layer.weight.all()
    assert other.weight.sum() == 2
