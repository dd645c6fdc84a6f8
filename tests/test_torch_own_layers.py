"""Layers that a user writes with bare parameters: what is read from the operations on them."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from blocks import Block, data, linear
from torch import Tensor, nn
from torch.nn import functional

import zero_array
import zero_array.torch
from zero_array.recipes import Plan

X = data(3, 4)
both_ways = pytest.mark.parametrize("is_run", [False, True], ids=["traced", "run"])


def bare(*shape: int) -> nn.Parameter:
    """A parameter of no known layer."""
    return nn.Parameter(torch.full(shape, 7.0))


def plan_of(model: nn.Module, *, is_run: bool) -> Plan:
    """Fill a model, which is read by running or by tracing it."""
    return zero_array.torch.init_(model, example_inputs=X if is_run else None)


@both_ways
def test_branch_of_bare_parameters(is_run: bool) -> None:
    """The last matrix of a branch is its end, whether a module holds it or not."""
    own = Block(lambda self, x: x + functional.linear(functional.linear(x, self.u).relu(), self.d))
    mixed = Block(lambda self, x: x + functional.linear(self.u(x).relu(), self.d), u=linear(4, 8))
    own.u, own.d, mixed.d = bare(8, 4), bare(4, 8), bare(4, 8)
    for model, first in ((own, "u"), (mixed, "u.weight")):
        plan = plan_of(model, is_run=is_run)
        assert (plan[first].fill, plan["d"].fill) == ("hadamard", "zeros")
        assert plan["d"].reason == "last weight of a residual branch"


@both_ways
def test_bare_adapter(is_run: bool) -> None:
    """Of a low-rank path beside a layer, the path is the branch."""
    model = Block(lambda self, x: self.base(x) + x @ self.a.T @ self.b.T, base=linear())
    model.a, model.b = bare(2, 4), bare(4, 2)
    plan = plan_of(model, is_run=is_run)
    assert [plan[name].fill for name in ("base.weight", "a", "b")] == ["identity", "identity", "zeros"]


PRODUCTS: dict[str, tuple[Callable[[Any, Tensor], Tensor], bool]] = {
    "linear": (lambda self, x: functional.linear(x, self.w), False),
    "linear, turned": (lambda self, x: functional.linear(x, self.w.t()), True),
    "x @ W": (lambda self, x: x @ self.w, True),
    "x @ W.T": (lambda self, x: x @ self.w.T, False),
    "x @ W.t()": (lambda self, x: x @ self.w.t(), False),
    "x @ W.mT": (lambda self, x: x @ self.w.mT, False),
    "x @ transpose": (lambda self, x: x @ self.w.transpose(0, 1), False),
    "x @ permute": (lambda self, x: torch.matmul(x, self.w.permute(1, 0)), False),
    "x @ swapaxes": (lambda self, x: x @ self.w.swapaxes(-1, -2), False),
    "x @ W.T.T": (lambda self, x: x @ self.w.T.T, True),
    "mm": (lambda self, x: torch.mm(x, self.w), True),
    "a copy, turned": (lambda self, x: x @ self.w.t().contiguous(), False),
    "turned, a copy": (lambda self, x: x @ self.w.float().t(), False),
    "W @ x.t()": (lambda self, x: (self.w @ x.t()).t(), False),
    "W.t() @ x.t()": (lambda self, x: (self.w.t() @ x.t()).t(), True),
    "batches": (lambda self, x: (x[None] @ self.w.t().unsqueeze(0))[0], False),
    "bmm": (lambda self, x: torch.bmm(x[None], self.w.t()[None])[0], False),
    "scaled": (lambda self, x: functional.linear(x, self.w * 0.5), False),
    "scaled, turned": (lambda self, x: x @ (self.w / 2.0).t(), False),
    "turned, scaled": (lambda self, x: x @ (0.5 * self.w.t()), False),
    "negative": (lambda self, x: x @ -self.w, True),
}


@both_ways
@pytest.mark.parametrize(("forward", "is_turned"), PRODUCTS.values(), ids=PRODUCTS)
@pytest.mark.parametrize("shape", [(8, 4), (3, 4), (1, 4)], ids=str)
def test_matrix(forward: Callable[..., Tensor], is_turned: bool, shape: tuple[int, int], is_run: bool) -> None:
    """A matrix that is turned or scaled before it is used is that matrix, its outputs as the product has them."""
    model = Block(forward)
    wanted = zero_array.zero_init(shape, xp=torch)
    model.w = bare(*(shape[::-1] if is_turned else shape))
    plan_of(model, is_run=is_run)
    assert torch.equal(model.w.detach(), wanted.T if is_turned else wanted)


@both_ways
def test_masked_matrix(is_run: bool) -> None:
    """A matrix behind a mask, and a gain of its rows, is that matrix; the gain is a multiplier."""
    model = Block(lambda self, x: functional.linear(x, self.mask * self.w * self.gain))
    model.w, model.gain, model.mask = bare(4, 4), bare(4, 1), nn.Buffer(torch.ones(4, 4))
    plan = plan_of(model, is_run=is_run)
    assert (plan["w"].fill, plan["gain"].reason) == ("identity", "multiplier")


def test_parametrized_scale() -> None:
    """So is one that a parametrization of somebody's own multiplies, where the model is run."""
    half = Block(lambda self, weight: weight * 0.5)
    model = nn.utils.parametrize.register_parametrization(nn.Linear(4, 8), "weight", half)
    assert plan_of(model, is_run=True)["parametrizations.weight.original"].fill == "hadamard"


def test_scale_of_activations() -> None:
    """What multiplies activations is a multiplier if it has their shape, seen in a run alone; else it is unknown."""
    model, outer = (Block(lambda self, x: self.a(x) * self.w, a=linear()) for _ in range(2))
    model.w = bare(3, 4)
    assert plan_of(model, is_run=True)["w"].reason == "multiplier"
    with pytest.raises(ValueError, match="`example_inputs` must be given"):
        plan_of(model, is_run=False)
    outer = Block(lambda self, x: (self.a(x)[:, None] * self.w).sum(-1), a=linear())
    outer.w = bare(8, 4)
    with pytest.raises(ValueError, match=r"^it can't be told what these parameters are: w: say what"):
        plan_of(outer, is_run=True)


UNKNOWN: dict[str, Callable[..., Tensor]] = {
    "two factors": lambda self, x: functional.linear(x, self.w @ self.w2),
    "two multiplied": lambda self, x: functional.linear(x, self.w * self.w2),
    "heads": lambda self, x: (x.view(3, 2, 1, 2) @ self.w.view(2, 2, 4)).sum(1),
}


@both_ways
@pytest.mark.parametrize("forward", UNKNOWN.values(), ids=UNKNOWN)
def test_what_is_asked_about(forward: Callable[..., Tensor], is_run: bool) -> None:
    """Matrices whose outputs the product does not show, or of which it takes pieces, are asked about."""
    model = Block(forward)
    model.w, model.w2 = bare(4, 4), bare(4, 4)
    with pytest.raises(ValueError, match=r"^it can't be told what these parameters are: w"):
        plan_of(model, is_run=is_run)


@both_ways
def test_bias_of_another_name(is_run: bool) -> None:
    """What a layer adds is its bias, whatever it is called."""
    model = Block(lambda self, x: functional.linear(x, self.w, self.b))
    model.w, model.b = bare(4, 4), bare(4)
    assert plan_of(model, is_run=is_run)["b"].reason == "bias"


def linear_by(function: Callable[..., Tensor]) -> Callable[[Any, Tensor], Tensor]:
    """A branch whose last step is a function of what it is added to, and of the factors of a product."""
    return lambda self, x: function(x, self.u(x).relu(), self.d)


SUMS: dict[str, Callable[[Any, Tensor], Tensor]] = {
    "addmm": linear_by(lambda x, h, d: torch.addmm(x, h, d.t())),
    "method": linear_by(lambda x, h, d: x.addmm(h, d.t(), alpha=0.5)),
    "baddbmm": linear_by(lambda x, h, d: torch.baddbmm(x[None], h[None], d.t()[None])[0]),
    "addcmul": linear_by(lambda x, h, d: torch.addcmul(x, functional.linear(h, d), torch.ones(4))),
    "lerp": linear_by(lambda x, h, d: x.lerp(functional.linear(h, d), 0.5)),
    "lerp by a tensor": linear_by(lambda x, h, d: torch.lerp(x, functional.linear(h, d), torch.tensor(0.5))),
    "aten": linear_by(lambda x, h, d: torch.ops.aten.add(x, functional.linear(h, d))),
    "aten's overload": linear_by(lambda x, h, d: torch.ops.aten.add.Tensor(x, functional.linear(h, d))),
    "into a tensor": linear_by(lambda x, h, d: torch.add(x, functional.linear(h, d), out=torch.empty(3, 4))),
}


@both_ways
@pytest.mark.parametrize("forward", SUMS.values(), ids=SUMS)
def test_sums_in_other_words(forward: Callable[..., Tensor], is_run: bool) -> None:
    """What adds a product to its first argument is a sum: there a branch ends."""
    model = Block(forward, u=linear(4, 8))
    model.d = bare(4, 8)
    plan = plan_of(model, is_run=is_run)
    assert (plan["u.weight"].fill, plan["d"].fill) == ("hadamard", "zeros")


def test_attributes_are_put_back() -> None:
    """What a model notes in its modules while it is read is forgotten, as in an audit."""

    def forward(self: Any, x: Tensor) -> Tensor:
        self.last = x
        self.seen.append(x)
        return self.a(x)

    model = Block(forward, a=linear())
    model.seen = []
    for inputs in (X, None):
        zero_array.torch.init_(model, example_inputs=inputs)
        assert not hasattr(model, "last")
        assert not model.seen
