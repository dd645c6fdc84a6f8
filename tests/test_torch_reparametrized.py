"""Layers that hold their weight in another way: by norm and direction, divided by its spectral norm, masked."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from test_torch_layers import turned, weight
from torch import Tensor, nn

import zero_array.torch

weight_norms = pytest.mark.parametrize(
    "wrap", [nn.utils.parametrizations.weight_norm, nn.utils.weight_norm], ids=["parametrization", "hook"]
)
quietly = pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")

NORMED: list[tuple[nn.Module, Tensor, Tensor, int | None]] = [
    (nn.Linear(4, 6), torch.ones(2, 4), weight(6, 4), 0),
    (nn.Linear(6, 4), torch.ones(2, 6), weight(4, 6), 0),
    (nn.Linear(6, 4), torch.ones(2, 6), weight(4, 6), 1),
    (nn.Linear(4, 6), torch.ones(2, 4), weight(6, 4), None),
    (nn.Conv2d(3, 7, 3, groups=1), torch.ones(1, 3, 4, 4), weight(7, 3, 3, 3), 0),
    (nn.ConvTranspose1d(5, 3, 3), torch.ones(1, 5, 4), turned(1, 3, 5, 3), 0),
]


@quietly
@weight_norms
@pytest.mark.parametrize(("module", "x", "expected", "dim"), NORMED, ids=lambda item: str(item)[:40])
def test_weight_norm(
    wrap: Callable[..., nn.Module], module: nn.Module, x: Tensor, expected: Tensor, dim: int | None
) -> None:
    """The weight that a weight-normed layer works with is the one wanted, where that is zero too."""
    module = wrap(type(module)(*sizes(module)), dim=dim)
    zero_array.torch.init_(module)
    assert bool(module(x).isfinite().all())
    assert torch.allclose(module.weight, expected, rtol=0, atol=1e-6)


def sizes(module: nn.Module) -> tuple[Any, ...]:
    """What a layer was made with."""
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    return module.in_channels, module.out_channels, module.kernel_size


class Residual(nn.Module):
    """A block whose last layer is wrapped."""

    def __init__(self, wrap: Callable[[nn.Module], nn.Module]) -> None:
        super().__init__()
        self.first, self.last = wrap(nn.Linear(4, 8)), wrap(nn.Linear(8, 4))

    def forward(self, x: Tensor) -> Tensor:
        """Add a branch."""
        return x + self.last(torch.relu(self.first(x)))


@quietly
@weight_norms
@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("is_run", [False, True])
def test_weight_norm_at_the_end_of_a_branch(wrap: Callable[..., nn.Module], named: bool, is_run: bool) -> None:
    """There the norms are zero, the directions are not, and the gradient is finite and reaches the norms."""
    block, x = Residual(wrap), torch.arange(8.0).reshape(2, 4)
    options: dict[str, Any] = {"branches": ["last"]} if named else {}
    zero_array.torch.init_(block, example_inputs=x if is_run else None, **options)
    y = block(x)
    assert torch.equal(y, x)
    assert not block.last.weight.any()
    y.sum().backward()
    gradients = {name: parameter.grad for name, parameter in block.named_parameters()}
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients.values())
    (gain,) = (name for name in gradients if name.startswith("last") and name.endswith(("_g", "original0")))
    assert bool(gradients[gain].any())


def test_weight_norm_of_an_embedding() -> None:
    """Where the directions are left as they were, so are their norms."""
    module = nn.utils.parametrizations.weight_norm(nn.Embedding(5, 3))
    before = module.weight.clone()
    with torch.no_grad():
        module.parametrizations.weight.original0.mul_(2)
    zero_array.torch.init_(module)
    assert torch.allclose(module.weight, 2 * before)


spectral_norms = pytest.mark.parametrize(
    "wrap", [nn.utils.parametrizations.spectral_norm, nn.utils.spectral_norm], ids=["parametrization", "hook"]
)
quietly_too = pytest.mark.filterwarnings(
    "ignore:`torch.nn.utils.spectral_norm` is now deprecated", "ignore::FutureWarning"
)


@quietly_too
@spectral_norms
@pytest.mark.parametrize("shape", [(4, 4), (4, 6), (8, 4)], ids=str)
def test_spectral_norm(wrap: Callable[..., nn.Module], shape: tuple[int, int]) -> None:
    """A layer divided by its spectral norm works with the weight wanted, whose norm is one, once it trains."""
    module = wrap(nn.Linear(shape[1], shape[0]))
    zero_array.torch.init_(module)
    module.train()(torch.ones(2, shape[1]))
    assert torch.allclose(module.weight, weight(*shape), rtol=0, atol=1e-6)


@quietly_too
@spectral_norms
def test_spectral_norm_at_the_end_of_a_branch(wrap: Callable[..., nn.Module]) -> None:
    """There it is not zero, whose norm would be divided by, and the plan says why."""
    block = Residual(wrap)
    plan = zero_array.torch.init_(block)
    (entry,) = (entry for entry in plan if entry.name.startswith("last") and entry.parameter.kind == "linear")
    assert entry.reason == "Algorithm 1, 8 -> 4; a residual branch can't end in zeros, which have no norm"
    assert bool(block(torch.ones(2, 4)).isfinite().all())


def test_other_parametrizations() -> None:
    """Any other parametrization may hold its weight in any way: it is an error, and overrides decide."""
    module = nn.utils.parametrizations.orthogonal(nn.Linear(4, 4))
    before = module.weight.clone()
    with pytest.raises(
        ValueError, match=r"^it can't be told what these parameters are: parametrizations.weight.original"
    ):
        zero_array.torch.init_(module)
    zero_array.torch.init_(module, overrides={"parametrizations.*": "untouched"})
    assert torch.equal(module.weight, before)
    assert not module.bias.any()


def test_parametrized_bias() -> None:
    """A bias under a parametrization is not known either."""
    module = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4), name="weight")
    nn.utils.parametrize.register_parametrization(module, "bias", nn.Softplus())
    with pytest.raises(ValueError, match=r"what these parameters are: parametrizations.bias.original: say"):
        zero_array.torch.init_(module)


def test_pruned_layer() -> None:
    """A pruned layer holds its weight beside a mask: the weight is filled, the mask stays."""
    from torch.nn.utils import prune

    module = prune.random_unstructured(nn.Linear(4, 6), "weight", 0.5)
    mask = module.weight_mask.clone()
    zero_array.torch.init_(module)
    module(torch.ones(1, 4))
    assert torch.equal(module.weight_mask, mask)
    assert torch.equal(module.weight, weight(6, 4) * mask)


@quietly
@weight_norms
def test_weight_norm_of_a_head_of_zeros(wrap: Callable[..., nn.Module]) -> None:
    """Zeros asked for are norms of zero: the layer gives zeros, no NaN, and learns."""
    module = wrap(nn.Linear(4, 3))
    zero_array.torch.init_(module, head="zeros")
    module(torch.ones(2, 4)).sum().backward()
    assert not module.weight.any()
    gradients = [parameter.grad for parameter in module.parameters()]
    assert all(gradient is not None and bool(gradient.isfinite().all()) for gradient in gradients)
    assert sum(bool(gradient.any()) for gradient in gradients if gradient is not None) == 2  # the bias and the norms
