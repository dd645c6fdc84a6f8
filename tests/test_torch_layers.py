"""Every layer of `torch.nn` with weights: each parameter is, to the bit, what the constructors make."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import zero_array
import zero_array.torch

Expected = dict[str, Tensor | float | None]
"""By parameter: the values, one value for all, or None where it is left as it was."""

LAYERS: dict[str, tuple[Callable[[], nn.Module], Expected]] = {}

KEPT = 7.0
"""What is in every parameter before."""


def layer(name: str, build: Callable[[], nn.Module], **expected: Tensor | float | None) -> None:
    """List a layer; its bias is zero where nothing else is said."""
    LAYERS[name] = build, expected


def weight(*shape: int, **options: Any) -> Tensor:
    """A ZerO weight."""
    made = zero_array.zero_init(shape, xp=torch, **options)
    assert isinstance(made, Tensor)
    return made


def turned(groups: int, *shape: int) -> Tensor:
    """The weight of a transposed layer, ``(in, out / groups, ...)``, out of one block ``(out, in, ...)`` per group."""
    return torch.cat([weight(*shape).transpose(0, 1)] * groups)


layer("linear", lambda: nn.Linear(3, 5), weight=weight(5, 3))
layer("linear narrow", lambda: nn.Linear(5, 3, bias=False), weight=weight(3, 5))
layer("bilinear", lambda: nn.Bilinear(3, 4, 5), weight=weight(5, 12).reshape(5, 3, 4))
layer("bilinear widening", lambda: nn.Bilinear(2, 3, 8), weight=weight(8, 6).reshape(8, 2, 3))
layer("conv1d", lambda: nn.Conv1d(4, 8, 3), weight=weight(8, 4, 3))
layer("conv1d even", lambda: nn.Conv1d(4, 8, 4), weight=weight(8, 4, 4))
layer("conv1d even same", lambda: nn.Conv1d(4, 8, 4, padding="same"), weight=weight(8, 4, 4, center="same"))
layer("conv2d", lambda: nn.Conv2d(4, 8, 3, stride=2, dilation=2), weight=weight(8, 4, 3, 3))
layer("conv2d rectangular", lambda: nn.Conv2d(4, 3, (1, 6)), weight=weight(3, 4, 1, 6))
layer("conv2d groups", lambda: nn.Conv2d(4, 12, 3, groups=2), weight=weight(12, 2, 3, 3, groups=2))
layer("conv2d depthwise", lambda: nn.Conv2d(5, 5, 3, groups=5), weight=weight(5, 1, 3, 3, groups=5))
layer("conv2d multiplier", lambda: nn.Conv2d(5, 10, 3, groups=5), weight=weight(10, 1, 3, 3, groups=5))
layer("conv2d reflected", lambda: nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), weight=weight(4, 4, 3, 3))
layer("conv3d", lambda: nn.Conv3d(4, 8, (1, 2, 3)), weight=weight(8, 4, 1, 2, 3))
layer("transposed 1d", lambda: nn.ConvTranspose1d(3, 5, 4), weight=turned(1, 5, 3, 4))
layer("transposed 2d", lambda: nn.ConvTranspose2d(4, 8, 3, groups=2), weight=turned(2, 4, 2, 3, 3))
layer("transposed 2d depthwise", lambda: nn.ConvTranspose2d(5, 5, 2, groups=5), weight=turned(5, 1, 1, 2, 2))
layer("transposed 3d", lambda: nn.ConvTranspose3d(6, 4, (2, 3, 1)), weight=turned(1, 4, 6, 2, 3, 1))
layer("embedding", lambda: nn.Embedding(5, 3), weight=None)
layer("embedding bag", lambda: nn.EmbeddingBag(5, 3), weight=None)
layer("slope", lambda: nn.PReLU(4), weight=None)
for norm in (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.LayerNorm, nn.RMSNorm):
    layer(norm.__name__, partial(norm, 4), weight=1.0)
for norm in (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d):
    layer(norm.__name__, partial(norm, 4, affine=True), weight=1.0)
layer("GroupNorm", lambda: nn.GroupNorm(2, 4), weight=1.0)
layer("LayerNorm of a picture", lambda: nn.LayerNorm((3, 4), bias=False), weight=1.0)

NORMS = [name for name in LAYERS if "Norm" in name]

for cell, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
    for widening in (True, False):
        shape = (3, 6) if widening else (6, 3)
        into, inner = weight(gates * shape[1], shape[0], groups=gates), weight(gates * shape[1], shape[1], groups=gates)
        layer(
            f"{cell}Cell {shape}",
            partial(getattr(nn, f"{cell}Cell"), *shape),
            weight_ih=into,
            weight_hh=inner,
        )
        layer(
            f"{cell} {shape}",
            partial(getattr(nn, cell), *shape, num_layers=2, bidirectional=True),
            weight_ih_l0=into,
            weight_hh_l0=inner,
            weight_ih_l0_reverse=into,
            weight_hh_l0_reverse=inner,
            weight_ih_l1=weight(gates * shape[1], 2 * shape[1], groups=gates),
            weight_hh_l1=inner,
            weight_ih_l1_reverse=weight(gates * shape[1], 2 * shape[1], groups=gates),
            weight_hh_l1_reverse=inner,
        )
layer(
    "LSTM projected",
    lambda: nn.LSTM(3, 6, proj_size=2),
    weight_ih_l0=weight(24, 3, groups=4),
    weight_hh_l0=weight(24, 2, groups=4),
    weight_hr_l0=weight(2, 6),
)

EYE, NONE = torch.eye(4), torch.zeros(4, 4)
layer(
    "attention",
    lambda: nn.MultiheadAttention(4, 2),
    in_proj_weight=torch.cat([EYE, NONE, EYE]),
    **{"out_proj.weight": EYE},
)
layer(
    "attention with bias",
    lambda: nn.MultiheadAttention(4, 2, add_bias_kv=True, bias=False),
    in_proj_weight=torch.cat([EYE, NONE, EYE]),
    **{"out_proj.weight": EYE},
)
layer(
    "attention apart",
    lambda: nn.MultiheadAttention(4, 2, kdim=3, vdim=2),
    q_proj_weight=EYE,
    k_proj_weight=torch.zeros(4, 3),
    v_proj_weight=weight(4, 2),
    **{"out_proj.weight": EYE},
)


def filled(module: nn.Module) -> nn.Module:
    """A module whose parameters are all one value."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(KEPT)
    return module


def check(module: nn.Module, expected: Expected) -> None:
    """See that all parameters are what is expected, those that are not named being biases of zeros."""
    for name, parameter in module.named_parameters():
        values = expected.get(name, 0.0)
        assert name in expected or "bias" in name, name
        if not isinstance(values, Tensor):
            values = torch.full_like(parameter, KEPT if values is None else values)
        assert torch.equal(parameter, values.to(parameter.dtype)), name


each_layer = pytest.mark.parametrize(("build", "expected"), LAYERS.values(), ids=LAYERS)


@pytest.mark.filterwarnings("ignore:dropout option adds dropout")
@each_layer
def test_layer(build: Callable[[], nn.Module], expected: Expected) -> None:
    """A layer alone is filled as the constructors say."""
    module = filled(build())
    zero_array.torch.init_(module)
    check(module, expected)


@each_layer
def test_layer_of_low_precision(build: Callable[[], nn.Module], expected: Expected) -> None:
    """So is one of bfloat16: the constant is rounded once."""
    module = filled(build()).to(torch.bfloat16)
    zero_array.torch.init_(module)
    check(module, expected)


def test_dtypes(dtype: str) -> None:
    """A model of any dtype holds the constructors' bytes of that dtype."""
    module = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 3)).to(getattr(torch, dtype))
    zero_array.torch.init_(module)
    assert torch.equal(module[0].weight, zero_array.zero_init((7, 5), xp=torch, dtype=dtype))
    assert torch.equal(module[2].weight, zero_array.zero_init((3, 7), xp=torch, dtype=dtype))


def test_channels_last() -> None:
    """The memory format of a kernel stays, and its values are the same."""
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3, groups=2)).to(memory_format=torch.channels_last)
    strides = [parameter.stride() for parameter in module.parameters()]
    zero_array.torch.init_(module)
    assert [parameter.stride() for parameter in module.parameters()] == strides
    assert torch.equal(module[0].weight, weight(8, 3, 3, 3))
    assert torch.equal(module[1].weight, weight(8, 4, 3, 3, groups=2))


@pytest.mark.parametrize("norm", [nn.BatchNorm1d(4, affine=False), nn.LayerNorm(4, elementwise_affine=False)], ids=str)
def test_norm_without_scale(norm: nn.Module) -> None:
    """A norm without parameters has no entry."""
    plan = zero_array.torch.init_(nn.Sequential(nn.Linear(4, 4), norm))
    assert [entry.name for entry in plan] == ["0.weight", "0.bias"]


@pytest.mark.parametrize("name", NORMS)
def test_norms_make_a_resnet(name: str) -> None:
    """Each norm is known as one: the structure chooses the recipe with normalisation."""
    assert zero_array.torch.init_(LAYERS[name][0](), dry_run=True).recipe == "resnet"


class OwnNorm(nn.Module):
    """Somebody's own norm."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((4,), KEPT))

    def forward(self, x: Tensor) -> Tensor:
        """Divide by the root mean square."""
        return x * x.square().mean(-1, keepdim=True).rsqrt() * self.weight


class OffsetNorm(OwnNorm):
    """A norm whose scale counts from one."""

    def forward(self, x: Tensor) -> Tensor:
        """Multiply by one more."""
        return x * (self.weight + 1.0)


@pytest.mark.parametrize(("build", "value"), [(OwnNorm, 1.0), (OffsetNorm, 0.0)])
@pytest.mark.parametrize("is_run", [False, True])
def test_norms_of_somebody(build: Callable[[], nn.Module], value: float, is_run: bool) -> None:
    """A module called a norm with a vector is one; what it adds one to starts as zero."""
    module = build()
    zero_array.torch.init_(module, example_inputs=torch.ones(2, 4) if is_run else None)
    check(module, {"weight": value})


class Bare(nn.Module):
    """Parameters without modules."""

    def __init__(self) -> None:
        super().__init__()
        for name, shape in {"scale": (4,), "shift": (1, 4), "token": (1, 1, 4), "place": (3, 4)}.items():
            setattr(self, name, nn.Parameter(torch.full(shape, KEPT)))
        self.product, self.linear = (nn.Parameter(torch.full(shape, KEPT)) for shape in ((4, 6), (4, 6)))

    def forward(self, x: Tensor) -> Tensor:
        """Use each in the usual way."""
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x * self.scale + self.shift], 1) + self.place
        return nn.functional.linear(x @ self.product, self.linear)


@pytest.mark.parametrize("is_run", [False, True])
def test_bare_parameters(is_run: bool) -> None:
    """Parameters of unknown modules are what the functions that read them make of them."""
    module = Bare()
    zero_array.torch.init_(module, example_inputs=torch.ones(2, 2, 4) if is_run else None)
    expected: Expected = {"scale": 1.0, "shift": 0.0, "token": None, "place": None}
    check(module, expected | {"product": weight(6, 4).T, "linear": weight(4, 6)})


class Unknown(nn.Module):
    """A module that nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.full((3, 4, 4), KEPT))
        self.other = nn.Parameter(torch.full((4, 4), KEPT))

    def forward(self, x: Tensor) -> Tensor:
        """Contract with it."""
        return torch.einsum("bi,kij,jm->bkm", x, self.table, self.other)


def test_unknown_module() -> None:
    """Unknown parameters are listed in an error, and overrides decide."""
    module = nn.Sequential(nn.Linear(4, 4), Unknown())
    with pytest.raises(ValueError, match=r"^it can't be told what these parameters are: 1.table, 1.other: say what"):
        zero_array.torch.init_(module)
    zero_array.torch.init_(module, overrides={"1.table": "untouched", "1.other": "identity"})
    assert bool((module[1].table == KEPT).all())
    assert torch.equal(module[1].other, EYE)
