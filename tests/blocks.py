"""Models of one block, with what is to be found in them."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from zero_array.recipes import Plan


class Block(nn.Module):
    """Any block: its layers by name, and what it computes of them."""

    def __init__(self, compute: Callable[[Any, Tensor], Tensor], **layers: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.compute = compute
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Tensor) -> Tensor:
        """What was asked for."""
        return self.compute(self, x)


def linear(into: int = 4, out: int = 4) -> nn.Module:
    """A layer."""
    return nn.Linear(into, out)


def conv(into: int = 4, out: int = 4, size: int = 3) -> nn.Module:
    """A convolution that keeps the size, and its norm."""
    return nn.Sequential(nn.Conv2d(into, out, size, padding=size // 2, bias=False), nn.BatchNorm2d(out))


def heads(x: Tensor) -> Tensor:
    """Two heads of two features."""
    return x.view(x.shape[0], x.shape[1], 2, -1).transpose(1, 2)


def plain_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention in pieces."""
    return ((q @ k.transpose(-2, -1)) * 0.5).softmax(-1) @ v


def join(x: Tensor) -> Tensor:
    """The heads side by side again."""
    return x.transpose(1, 2).flatten(2)


def drop_path(x: Tensor) -> Tensor:
    """Branches of some samples are dropped."""
    return x.div(0.5) * x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(0.5)


def mixed(self: Any, x: Tensor, core: Callable[..., Tensor]) -> Tensor:
    """An attention block with three projections."""
    y = self.n(x)
    return x + self.o(join(core(heads(self.q(y)), heads(self.k(y)), heads(self.v(y)))))


def packed(self: Any, x: Tensor) -> Tensor:
    """An attention block with one projection, in the order query, key, value."""
    q, k, v = self.qkv(self.n(x)).reshape(x.shape[0], x.shape[1], 3, 2, -1).permute(2, 0, 3, 1, 4).unbind(0)
    return x + self.o(join(functional.scaled_dot_product_attention(q, k, v)))


def interleaved(self: Any, x: Tensor) -> Tensor:
    """An attention block with one projection, head by head."""
    q, k, v = self.qkv(self.n(x)).view(x.shape[0], x.shape[1], 2, 6).transpose(1, 2).chunk(3, dim=-1)
    return x + self.o(join(plain_attention(q, k, v)))


def resized(layer: nn.Module, y: Tensor) -> Tensor:
    """A layer, and a view that asks its input for a size."""
    return layer(y).view(y.size(0), y.shape[1], -1)


def additive(self: Any, y: Tensor) -> Tensor:
    """A U-Net that adds, from its first layer on."""
    return y + self.d(self.c(self.b(y).relu()).relu())


def unrolled(self: Any, x: Tensor) -> Tensor:
    """A recurrent network, step by step."""
    state = x.new_zeros(x.shape)
    for _ in range(3):
        state = torch.tanh(self.i(x) + self.h(state))
    return state


def squeeze_excite(self: Any, x: Tensor) -> Tensor:
    """A block whose branch is gated by itself."""
    y = self.b(self.a(x).relu())
    return x + y * self.s(y.mean((2, 3), keepdim=True)).sigmoid()


QKVO: dict[str, Any] = dict.fromkeys("qkvo", linear) | {"n": lambda: nn.LayerNorm(4)}
PICTURE, TOKENS = (3, 4, 5, 5), (3, 5, 4)

BLOCKS: dict[str, tuple[Callable[[Any, Tensor], Tensor], dict[str, Callable[[], Any]], tuple[int, ...], set[str]]] = {
    "mlp": (lambda self, x: x + self.b(self.a(x).relu()), {"a": linear, "b": linear}, TOKENS, {"b.weight"}),
    "in place": (lambda self, x: self.b(self.a(x).relu()).add_(x), {"a": linear, "b": linear}, TOKENS, {"b.weight"}),
    "sum by name": (
        lambda self, x: torch.add(x, self.b(functional.gelu(self.a(x)))),
        {"a": lambda: linear(4, 8), "b": lambda: linear(8, 4)},
        TOKENS,
        {"b.weight"},
    ),
    "resnet": (
        lambda self, x: functional.relu(x + self.b(functional.relu(self.a(x)))),
        {"a": conv, "b": conv},
        PICTURE,
        {"b.0.weight"},
    ),
    "projected": (
        lambda self, x: self.d(x) + self.c(self.b(self.a(x).relu()).relu()),
        {"a": lambda: conv(4, 2, 1), "b": lambda: conv(2, 2), "c": lambda: conv(2, 8, 1), "d": lambda: conv(4, 8, 1)},
        PICTURE,
        {"c.0.weight"},
    ),
    "pre-activation": (
        lambda self, x: x + self.b(self.m(self.a(self.n(x).relu())).relu()),
        {"a": linear, "b": linear, "n": lambda: nn.LayerNorm(4), "m": lambda: nn.LayerNorm(4)},
        TOKENS,
        {"b.weight"},
    ),
    "depthwise": (
        lambda self, x: x + self.b(functional.gelu(self.a(self.n(self.d(x).permute(0, 2, 3, 1))))).permute(0, 3, 1, 2),
        {
            "d": lambda: nn.Conv2d(4, 4, 3, padding=1, groups=4),
            "n": lambda: nn.LayerNorm(4),
            "a": lambda: linear(4, 8),
            "b": lambda: linear(8, 4),
        },
        PICTURE,
        {"b.weight"},
    ),
    "layer scale": (
        lambda self, x: x + self.gamma * self.b(self.a(x).relu()),
        {"a": linear, "b": linear, "gamma": lambda: nn.Parameter(torch.full((4,), 1e-5))},
        TOKENS,
        {"b.weight"},
    ),
    "drop path": (
        lambda self, x: x + drop_path(self.b(self.a(x).relu())),
        {"a": linear, "b": linear},
        TOKENS,
        {"b.weight"},
    ),
    "squeeze and excite": (
        squeeze_excite,
        {"a": conv, "b": conv, "s": lambda: nn.Conv2d(4, 4, 1)},
        PICTURE,
        {"b.0.weight"},
    ),
    "gated": (
        lambda self, x: x + self.c(functional.silu(self.a(x)) * self.b(x)),
        {"a": linear, "b": linear, "c": linear},
        TOKENS,
        {"c.weight"},
    ),
    "gated end": (
        lambda self, x: x + functional.glu(self.a(x)),
        {"a": lambda: linear(4, 8)},
        TOKENS,
        {"a.weight"},
    ),
    "size of an inner activation": (
        lambda self, x: x + resized(self.b, self.a(x).relu()),
        {"a": linear, "b": linear},
        TOKENS,
        {"b.weight"},
    ),
    "attention": (lambda self, x: mixed(self, x, plain_attention), QKVO, TOKENS, {"k.weight", "v.weight"}),
    "fused attention": (
        lambda self, x: mixed(self, x, functional.scaled_dot_product_attention),
        QKVO,
        TOKENS,
        {"k.weight", "v.weight"},
    ),
    "multihead": (
        lambda self, x: x + self.a(x, x, x, need_weights=False)[0],
        {"a": lambda: nn.MultiheadAttention(4, 2, batch_first=True)},
        TOKENS,
        set(),
    ),
    "parallel": (
        lambda self, x: mixed(self, x, plain_attention) + self.b(self.a(self.n(x)).relu()),
        QKVO | {"a": linear, "b": linear},
        TOKENS,
        {"k.weight", "v.weight", "b.weight"},
    ),
    "additive U-Net": (
        lambda self, x: additive(self, self.a(x)),
        {"a": linear, "b": linear, "c": linear, "d": linear},
        TOKENS,
        {"d.weight"},
    ),
}

PACKED: dict[str, Callable[[Any, Tensor], Tensor]] = {"packed": packed, "interleaved": interleaved}


def block(name: str) -> Block:
    """A block of the table, in training mode."""
    compute, layers, *_ = BLOCKS[name]
    return Block(compute, **{key: build() for key, build in layers.items()})


def packed_block(name: str) -> Block:
    """An attention with one projection for query, key and value."""
    return Block(PACKED[name], qkv=linear(4, 12), o=linear(), n=nn.LayerNorm(4))


def data(*shape: int) -> Tensor:
    """Numbers without meaning, always the same."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) - 0.5


def zeros(plan: Plan) -> set[str]:
    """The names of all matrices that start as zeros."""
    return {
        entry.name
        for entry in plan
        if "zeros" in entry.fill and entry.parameter.kind in ("linear", "conv", "recurrent")
    }
