"""Broken starts: small models that can't learn, or not what they seem to, with what the audit must find in them."""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from blocks import PICTURE, TOKENS, Block, data, linear, mixed, packed, plain_attention
from torch import Tensor, nn
from torch.nn import functional

import zero_array.torch


class Broken(NamedTuple):
    """A broken start.

    Attributes
    ----------
    build : callable
        Makes the model.
    shape : tuple of int
        Of a batch for it.
    findings : set of (str, str, str)
        Severity, parameter and kind of each finding that must be there.
    remedy : str
        A part of the first one's remedy.
    errors : set of str, optional
        The kinds of all errors that may be there beside it.
    """

    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    findings: set[tuple[str, str, str]]
    remedy: str
    errors: frozenset[str] = frozenset()


def seeded(build: Callable[[], Any], seed: int = 0) -> Any:
    """A model, the same one each time."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build()


@torch.no_grad()
def zeroed(model: Any, *names: str) -> Any:
    """The model with these layers zero, bias included."""
    for name in names:
        for parameter in model.get_submodule(name).parameters():
            parameter.zero_()
    return model


def attention(*zero: str) -> Any:
    """An attention block with projections of which some are zero."""
    layers: dict[str, nn.Module] = {key: linear() for key in "qkvo"}
    return zeroed(Block(lambda self, x: mixed(self, x, plain_attention), n=nn.LayerNorm(4), **layers), *zero)


def head(compute: Callable[[Any, Tensor], Tensor], zero: tuple[str, ...] = (), **layers: nn.Module) -> nn.Module:
    """A block with some layers zero, and a head."""
    return nn.Sequential(zeroed(Block(compute, **layers), *zero), nn.Linear(4, 3))


def multihead() -> nn.Module:
    """torch's own attention, its values and output zero."""
    block = Block(lambda self, x: x + self.a(x, x, x)[0], a=nn.MultiheadAttention(4, 2, batch_first=True))
    with torch.no_grad():
        block.a.in_proj_weight[8:] = 0
        block.a.out_proj.weight.zero_()
    return block


def control() -> nn.Module:
    """A ControlNet whose zero convolutions come in pairs."""
    pair = nn.Sequential(nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1))
    return zeroed(
        Block(
            lambda self, x: self.main(x) + self.control(self.copy(x)),
            main=nn.Conv2d(4, 4, 3, padding=1),
            copy=nn.Conv2d(4, 4, 3, padding=1),
            control=pair,
        ),
        "control",
    )


def packed_block(start: Callable[[Tensor], Any]) -> nn.Module:
    """An attention with one projection, started in some way."""
    block = Block(packed, qkv=nn.Linear(4, 12, bias=False), o=linear(), n=nn.LayerNorm(4))
    with torch.no_grad():
        start(block.qkv.weight)
    return block


def twins() -> nn.Module:
    """A layer that widens as Algorithm 1 says, behind a head of zeros."""
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    zero_array.torch.hadamard_init_(model[0].weight)
    nn.init.zeros_(model[0].bias)
    return zeroed(model, "2")


@torch.no_grad()
def depthwise() -> nn.Module:
    """A depthwise kernel taken for one matrix."""
    model = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), nn.Conv2d(4, 3, 1))
    model[0].weight.zero_()[:, :, 1, 1] = 0.5
    return model


@torch.no_grad()
def turned() -> nn.Module:
    """A kernel as Keras has it."""
    model = nn.Conv2d(3, 3, 3, padding=1, bias=False)
    model.weight.zero_()[1, 1] = torch.eye(3)
    return model


def shifted() -> nn.Module:
    """torch's own identity, where an even kernel shifts."""
    model = nn.Conv2d(4, 4, 4, padding="same", bias=False)
    nn.init.dirac_(model.weight)
    return model


def biased() -> nn.Module:
    """A branch that ends in zeros, but for its bias."""
    model = head(lambda self, x: x + self.b(self.a(x).relu()), ("b",), a=linear(), b=linear())
    nn.init.ones_(model[0].b.bias)
    return model


def normed() -> nn.Module:
    """A branch that ends in zeros and a norm that adds something."""
    model = head(
        lambda self, x: x + self.n(self.b(self.a(x).relu())), ("b",), a=linear(), b=linear(), n=nn.LayerNorm(4)
    )
    nn.init.ones_(model[0].n.bias)
    return model


def mixed_branches() -> nn.Module:
    """Two blocks, of which one alone starts as its shortcut."""
    blocks = [head(lambda self, x: x + self.b(self.a(x).relu()), a=linear(), b=linear())[0] for _ in range(2)]
    return nn.Sequential(zeroed(blocks[0], "b"), blocks[1], nn.Linear(4, 3))


def dead() -> nn.Module:
    """A ReLU that lets nothing through."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    nn.init.constant_(model[0].bias, -100.0)
    return model


def saturated() -> nn.Module:
    """Scores that are far too large."""
    block = attention()
    with torch.no_grad():
        for name in "qk":
            block.get_submodule(name).weight.mul_(100.0)
    return block


def detached() -> nn.Module:
    """A layer that is cut off by mistake."""
    return head(lambda self, x: x + self.a(x).detach(), a=linear())


class Spare(nn.Module):
    """A layer that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.used, self.spare = linear(), linear()

    def forward(self, x: Tensor) -> Tensor:
        """Use one."""
        return self.used(x)


def exploding() -> nn.Module:
    """Layers that make the signal ten times as large each."""
    model = nn.Sequential(*(nn.Linear(4, 4, bias=False) for _ in range(7)))
    for layer in model:
        nn.init.eye_(layer.weight)
        layer.weight.data.mul_(10.0)
    return model


def logarithm() -> nn.Module:
    """The logarithm of zero."""
    return head(
        lambda self, x: functional.layer_norm(self.b(self.a(x).relu().mul(0).log()), (4,)), a=linear(), b=linear()
    )


SERIES, ERROR, WARNING = "zeros in series", "error", "warning"
STUCK = frozenset({"zero gradient"})

GALLERY: dict[str, Broken] = {
    "values and output": Broken(
        lambda: attention("v", "o"), TOKENS, {(ERROR, "v.weight", SERIES)}, "'v.weight'", STUCK
    ),
    "query and key": Broken(lambda: attention("q", "k"), TOKENS, {(ERROR, "q.weight", SERIES)}, "init_(model"),
    "torch's attention": Broken(multihead, TOKENS, {(ERROR, "a.in_proj_weight", SERIES)}, "init_(model"),
    "packed query and key": Broken(
        lambda: packed_block(lambda weight: weight[:8].zero_()),
        TOKENS,
        {(ERROR, "qkv.weight", SERIES)},
        "the query as the identity",
    ),
    "packed values and output": Broken(
        lambda: zeroed(packed_block(lambda weight: weight[8:].zero_()), "o"),
        TOKENS,
        {(ERROR, "qkv.weight", SERIES)},
        "init_(model",
        STUCK,
    ),
    "ControlNet pair": Broken(control, PICTURE, {(ERROR, "control.0.weight", SERIES)}, "alone at zero", STUCK),
    "branch of two zeros": Broken(
        lambda: head(lambda self, x: x + self.b(self.a(x)), ("a", "b"), a=linear(), b=linear()),
        TOKENS,
        {(ERROR, "0.a.weight", SERIES)},
        "'0.a.weight': 'identity'",
        STUCK,
    ),
    "zero layer scale": Broken(
        lambda: head(
            lambda self, x: x + self.g * self.b(self.a(x).relu()),
            ("b",),
            a=linear(),
            b=linear(),
            g=nn.Parameter(torch.zeros(4)),
        ),
        TOKENS,
        {(ERROR, "0.b.weight", SERIES)},
        "alone at zero",
        STUCK,
    ),
    "zeros before a ReLU": Broken(
        lambda: zeroed(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3)), "0"),
        TOKENS,
        {(ERROR, "0.weight", "zeros before a ReLU")},
        "behind the ReLU",
        STUCK,
    ),
    "twins behind a zero head": Broken(twins, TOKENS, {(WARNING, "0.weight", "twins that stay")}, "columns='distinct'"),
    "query, key and value equal": Broken(
        lambda: packed_block(zero_array.torch.hadamard_init_),
        TOKENS,
        {(WARNING, "qkv.weight", "equal projections")},
        "groups=3",
    ),
    "depthwise constant": Broken(depthwise, PICTURE, {(WARNING, "0.weight", "constant channels")}, "groups=4"),
    "wrong orientation": Broken(turned, (2, 3, 5, 5), {(WARNING, "weight", "wrong axes")}, "zero_init((3, 3, 3, 3)"),
    "even kernel": Broken(shifted, PICTURE, {(WARNING, "weight", "even kernel")}, 'center="same"'),
    "bias behind zeros": Broken(biased, TOKENS, {(WARNING, "0.b.weight", "no shortcut")}, "0.b.bias"),
    "norm behind zeros": Broken(normed, TOKENS, {(WARNING, "0.b.weight", "no shortcut")}, "0.n.bias"),
    "one branch of two": Broken(mixed_branches, TOKENS, {(WARNING, "1.b.weight", "no shortcut")}, "'zeros'"),
    "dead ReLU": Broken(dead, TOKENS, {(ERROR, "0.weight", "dead ReLU")}, "zeros_(bias)", STUCK),
    "saturated softmax": Broken(saturated, TOKENS, {(WARNING, "", "saturated softmax")}, "divide the scores"),
    "detached": Broken(
        detached, TOKENS, {(ERROR, "0.a.weight", "detached"), (ERROR, "0.a.bias", "detached")}, "detach()"
    ),
    "unused": Broken(Spare, TOKENS, {(WARNING, "spare.weight", "unused")}, "remove it"),
    "exploding": Broken(exploding, TOKENS, {(WARNING, "6", "scale of the signal")}, "isometries"),
    "not finite": Broken(logarithm, TOKENS, {(ERROR, "0.b", "not finite")}, "logarithm"),
}


def batch(name: str) -> Tensor:
    """The data of one of them."""
    return data(*GALLERY[name].shape) * (1000.0 if name == "saturated softmax" else 1.0)
