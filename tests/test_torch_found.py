"""What real models taught `init_` to find: each case here is the smallest model that was once started wrong."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import zero_array.torch
from zero_array.recipes import Plan

X = torch.randn(2, 3, 4)  # two texts of three words


class Residual(nn.Module):
    """What it is given, and a branch."""

    def __init__(self, *branch: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(*branch)

    def forward(self, x: Tensor) -> Tensor:
        """The sum."""
        return x + self.branch(x)


class Standardised(nn.Conv1d):
    """A convolution whose weight is normed at each call, and scaled, as in networks without norms of activations."""

    def __init__(self) -> None:
        super().__init__(3, 3, 1)
        self.gain = nn.Parameter(torch.ones(3, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Its output."""
        weight = functional.layer_norm(self.weight.reshape(3, 3), (3,)).reshape_as(self.weight)
        return functional.conv1d(x, weight * self.gain, self.bias)


class Gained(Standardised):
    """The same as timm has it: its gain is scaled, and given to the norm."""

    def forward(self, x: Tensor) -> Tensor:
        """Its output."""
        rows, gain = self.weight.reshape(1, 3, -1), (self.gain * 0.5).view(-1)
        weight = functional.batch_norm(rows, None, None, weight=gain, training=True).reshape_as(self.weight)
        return functional.conv1d(x, weight, self.bias)


class Multiplier(nn.Module):
    """One number, which multiplies."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor) -> Tensor:
        """The product."""
        return x * self.gain


class Attention(nn.Module):
    """By hand: it asks for sizes, adds a bias that is made of weights alone, and puts an empty part behind its keys."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value, self.out = (nn.Linear(4, 4) for _ in range(4))
        self.bias = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 1))
        self.register_buffer("places", torch.randn(3, 3, 2))

    def forward(self, x: Tensor) -> Tensor:
        """Softmax(q k + b) v."""
        batch, length, width = x.shape
        query, key, value = self.query(x), self.key(x), self.value(x).reshape(batch, length, width)
        key = torch.cat([key, key[..., width:]], -1)
        scores = query @ key.transpose(1, 2) + self.bias(self.places).squeeze(-1)
        return self.out(scores.softmax(-1) @ value)


class Folded(nn.Module):
    """Adds to itself, again and again."""

    def forward(self, x: Tensor) -> Tensor:
        """As many ways lead through it as 2 ** 64."""
        for _ in range(64):
            x = x * 0.5 + x * 0.25
        return x


def plans(model: nn.Module, **options: Any) -> Plan:
    """The plan, which is the same with and without example inputs."""
    plan = zero_array.torch.init_(model, example_inputs=X, dry_run=True, **options)
    assert zero_array.torch.init_(model, dry_run=True, **options) == plan
    return plan


@pytest.mark.parametrize("layer", [Standardised, Gained])
def test_weights_in_other_words(layer: type[nn.Module]) -> None:
    """A weight that is standardised before its layer is found without inputs too; its multiplier ends the branch."""
    plan = plans(Residual(layer()))
    assert (plan["branch.0.weight"].fill, plan["branch.0.gain"].fill) == ("identity", "zeros")


def test_multipliers_in_series() -> None:
    """Of two multipliers in series one alone is zero."""
    plan = plans(Residual(Standardised(), Multiplier()))
    assert sorted([plan["branch.0.gain"].fill, plan["branch.1.gain"].fill]) == ["ones", "zeros"]


def test_norms_in_series() -> None:
    """Of two norms in series the last alone is zero."""
    plan = plans(Residual(nn.Linear(4, 4), nn.LayerNorm(4), nn.LayerNorm(4)), branch_end="norm")
    assert (plan["branch.1.weight"].fill, plan["branch.2.weight"].fill) == ("ones", "zeros")


@pytest.mark.parametrize("end", ["weight", "norm"])
def test_norms_behind_attention(end: str) -> None:
    """Where the values are zero, the norm behind them is not."""
    plan = plans(Residual(Attention(), nn.LayerNorm(4)), branch_end=end)
    fills = {name: plan[f"branch.0.{name}.weight"].fill for name in ("query", "key", "value", "out")}
    assert fills == {"query": "query identity", "key": "key zeros", "value": "value zeros", "out": "identity"}
    assert plan["branch.1.weight"].fill == "ones"


def test_biases_of_scores() -> None:
    """What makes a bias of scores out of weights alone is no branch: nothing of it is zero."""
    plan = plans(Residual(Attention()))
    assert (plan["branch.0.bias.0.weight"].fill, plan["branch.0.bias.2.weight"].fill) == ("hadamard", "identity")


def test_many_ways() -> None:
    """A branch of very many ways takes no longer than one of few."""
    assert plans(Residual(nn.Linear(4, 4), Folded(), nn.Linear(4, 4)))["branch.2.weight"].fill == "zeros"


def test_inputs_that_fail() -> None:
    """A model that cannot be traced, and whose own inputs do not fit, asks for example inputs."""

    class Model(nn.Linear):
        dummy_inputs = torch.ones(1, 5)

        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) if x.sum() else x

    with pytest.raises(ValueError, match="`example_inputs` must be given"):
        zero_array.torch.init_(Model(4, 4), dry_run=True)


class Experts(nn.Module):
    """Of two experts, one for positive sums."""

    def __init__(self) -> None:
        super().__init__()
        self.experts = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])
        self.token = nn.Parameter(torch.ones(4), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        """The one expert, or the other."""
        return x + self.experts[int(x.sum() > 0)](x)


def test_not_used() -> None:
    """What the run does not use has a start as if it ended no branch, and the plan says so."""
    plan = zero_array.torch.init_(Experts(), example_inputs=torch.ones(2, 4), overrides={"*.0.bias": "ones"})
    assert {entry.name: entry.reason for entry in plan} == {
        "experts.0.weight": "Algorithm 1, 4 -> 4; not used in this run",
        "experts.0.bias": "as asked by '*.0.bias'",
        "experts.1.weight": "last weight of a residual branch",
        "experts.1.bias": "bias",
        "token": "frozen (requires_grad=False); not used in this run",
    }


def test_shared_memory() -> None:
    """A parameter of which several elements share their memory is refused before anything is written."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    model[1].weight = nn.Parameter(torch.ones(1, 4).expand(4, 4))
    before = model[0].weight.clone()
    with pytest.raises(ValueError, match=r"^`tensor` must have a place in memory for each element; got the shape "):
        zero_array.torch.init_(model)
    assert torch.equal(model[0].weight, before)
    zero_array.torch.init_(model, overrides={"1.weight": "untouched"})


class Cosine(Attention):
    """The cosines of queries and keys."""

    def __init__(self, normalize: Any) -> None:
        super().__init__()
        self.normalize = normalize

    def forward(self, x: Tensor) -> Tensor:
        """Softmax(q k / |q| |k|) v."""
        query, key = (self.normalize(layer(x)) for layer in (self.query, self.key))
        return self.out((query @ key.transpose(1, 2) * 10.0).softmax(-1) @ self.value(x))


@pytest.mark.parametrize(
    "normalize", [functional.normalize, lambda x: x / x.norm(dim=-1, keepdim=True)], ids=["function", "by hand"]
)
def test_cosine_attention(normalize: Any) -> None:
    """Keys that are divided by their norm are not zero, of which the gradient would be as large as one by epsilon."""
    model = Residual(Cosine(normalize))
    del model.branch[0].bias
    plan = zero_array.torch.init_(model, example_inputs=X)
    assert plan == zero_array.torch.init_(model)
    fills = [plan[f"branch.0.{name}.weight"].fill for name in ("query", "key", "value")]
    assert fills == ["query identity", "key identity", "value zeros"]
    model(X).square().sum().backward()
    assert all(bool((item.grad.abs() < 1e3).all()) for item in model.parameters() if item.grad is not None)
