"""Equinox: whole models."""

from typing import Any

import equinox
import jax
import jax.numpy as jnp
import nets
import numpy
import pytest
from equinox import nn
from jax_nets import image, learned, paths
from oracle import is_documented

import zero_array.equinox
from zero_array.recipes import Plan

KEY = jax.random.key(0)


class Conv(equinox.Module):
    """A convolution with its norm."""

    conv: nn.Conv2d
    norm: nn.GroupNorm

    def __init__(self, into: int, out: int, size: int, stride: int = 1) -> None:
        self.conv = nn.Conv2d(into, out, size, stride, padding=size // 2, use_bias=False, dtype="float32", key=KEY)
        self.norm = nn.GroupNorm(4, out, dtype="float32")

    def __call__(self, x: Any) -> Any:
        """The norm of the convolution."""
        return self.norm(self.conv(x))


class Block(equinox.Module):
    """A residual block."""

    first: Conv
    second: Conv
    shortcut: Conv | None

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        self.first, self.second = Conv(into, out, 3, stride), Conv(out, out, 3)
        self.shortcut = Conv(into, out, 1, stride) if stride > 1 else None

    def __call__(self, x: Any) -> Any:
        """The sum of the branch and the shortcut."""
        y = self.second(jax.nn.relu(self.first(x)))
        return jax.nn.relu(y + (self.shortcut(x) if self.shortcut else x))


class ResNet(equinox.Module):
    """The residual network of `nets`."""

    stem: Conv
    one: Block
    two: Block
    head: nn.Linear

    def __init__(self) -> None:
        self.stem, self.one, self.two = Conv(3, 8, 3), Block(8, 8), Block(8, 16, 2)
        self.head = nn.Linear(16, 10, dtype="float32", key=KEY)

    def __call__(self, x: Any) -> Any:
        """Scores."""
        return self.head(self.two(self.one(jax.nn.relu(self.stem(x)))).mean((1, 2)))

    def weights(self) -> dict[str, Any]:
        """As they are, which is torch's layout."""
        blocks = {"one": self.one, "two": self.two}
        found = {
            f"{name}.{part}": getattr(block, part).conv.weight
            for name, block in blocks.items()
            for part in ("first", "second")
        }
        assert self.two.shortcut
        return found | {
            "stem": self.stem.conv.weight,
            "two.shortcut": self.two.shortcut.conv.weight,
            "head": self.head.weight,
        }


class Transformer(equinox.Module):
    """The transformer of `nets`."""

    patches: nn.Conv2d
    norms: list[nn.LayerNorm]
    attention: nn.MultiheadAttention
    up: nn.Linear
    down: nn.Linear
    head: nn.Linear

    def __init__(self) -> None:
        self.patches = nn.Conv2d(3, 12, 2, 2, dtype="float32", key=KEY)
        self.norms = [nn.LayerNorm(12, dtype="float32") for _ in range(3)]
        self.attention = nn.MultiheadAttention(2, 12, use_query_bias=True, dtype="float32", key=KEY)
        sizes = ((12, 48), (48, 12), (12, 10))
        self.up, self.down, self.head = (nn.Linear(*pair, dtype="float32", key=KEY) for pair in sizes)

    def block(self, x: Any) -> Any:
        """The block alone."""
        y = jax.vmap(self.norms[0])(x)
        x = x + self.attention(y, y, y)
        return x + jax.vmap(lambda y: self.down(jax.nn.gelu(self.up(self.norms[1](y)))))(x)

    def __call__(self, x: Any) -> Any:
        """Scores."""
        x = self.block(self.patches(x).reshape(12, 16).T)
        return self.head(jax.vmap(self.norms[2])(x).mean(0))

    def weights(self) -> dict[str, Any]:
        """As they are, which is torch's layout."""
        found = {name: getattr(self, name).weight for name in ("patches", "up", "down", "head")}
        parts = {"query": "query", "key": "key", "value": "value", "out": "output"}
        return found | {name: getattr(self.attention, f"{part}_proj").weight for name, part in parts.items()}


MODELS = {"resnet": ResNet, "transformer": Transformer}
EXAMPLE = jax.ShapeDtypeStruct((3, 8, 8), "float32")
each_net = pytest.mark.parametrize("net", nets.NETS)


def started(net: str, **options: Any) -> Any:
    """A network that is started, as a function of batches."""
    model = equinox.filter_jit(MODELS[net])()
    return zero_array.equinox.init(model, example_inputs=EXAMPLE, **nets.OPTIONS[net], **options)[0]


@each_net
def test_same_bytes_and_learns(net: str) -> None:
    """The weights have the bytes that they have in every framework, and a gradient within five steps."""
    model = started(net)
    assert nets.found(model.weights()) == nets.DIGESTS[net]
    params, rest = equinox.partition(model, equinox.is_inexact_array)
    batch = jnp.moveaxis(image(), -1, 1)
    assert learned(lambda params: jax.vmap(equinox.combine(params, rest))(batch), params) == paths(params)


def test_blocks_are_their_shortcut() -> None:
    """At the start, a block changes nothing, or is what its shortcut makes."""
    x = numpy.random.default_rng(1).standard_normal((16, 12)).astype("float32")
    assert (started("transformer").block(x) == x).all()
    residual, y = started("resnet"), abs(x.reshape(8, 6, 4))
    assert (residual.one(y) == y).all()
    assert (residual.two(y) == jax.nn.relu(residual.two.shortcut(y))).all()


class Cells(equinox.Module):
    """A table, cells of both kinds, and a transposed convolution in groups."""

    tokens: nn.Embedding
    lstm: nn.LSTMCell
    gru: nn.GRUCell
    spread: nn.ConvTranspose1d

    def __init__(self) -> None:
        self.tokens = nn.Embedding(7, 4, dtype="float32", key=KEY)
        self.lstm = nn.LSTMCell(4, 4, dtype="float32", key=KEY)
        self.gru = nn.GRUCell(4, 4, dtype="float32", key=KEY)
        self.spread = nn.ConvTranspose1d(4, 6, 3, groups=2, dtype="float32", key=KEY)

    def __call__(self, numbers: Any) -> Any:
        """One after the other."""
        x = jax.vmap(self.tokens)(numbers)
        (_, state), x = jax.lax.scan(lambda s, x: (self.lstm(x, s), s[0]), (jnp.zeros(4, "float32"),) * 2, x)
        for row in x:
            state = self.gru(row, state)
        return self.spread(state[:, None])


def test_other_layers() -> None:
    """Each gate has a matrix of its own, whether its cell is scanned or unrolled; a table stays."""
    model, plan = zero_array.equinox.init(equinox.filter_jit(Cells)(), example_inputs=jnp.arange(3))
    assert {entry.name: entry.fill for entry in plan if entry.parameter.kind != "bias"} == {
        "tokens.weight": "untouched",
        **{f"lstm.weight_{name}": "identity in each of 4 parts" for name in ("ih", "hh")},
        **{f"gru.weight_{name}": "identity in each of 3 parts" for name in ("ih", "hh")},
        "spread.weight": "hadamard",
    }
    expected = zero_array.jax.zero_init(1, 0, groups=2)(None, (6, 2, 3), "float32")
    assert (model.spread.weight == expected).all()
    assert plan == Plan.from_json(plan.to_json())


def test_shapes_are_checked() -> None:
    """A plan of another model is refused, which `eqx.tree_at` would not."""
    plan = zero_array.equinox.init(nn.Linear(2, 4, key=KEY), example_inputs=jnp.ones(2))[1]
    message = "the plan must be of this model; it has weight of shape (4, 2), and the model one of shape (2, 4)"
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # compared below
        zero_array.equinox.init(nn.Linear(4, 2, key=KEY), plan)
    assert str(caught.value) == message


@pytest.mark.parametrize("function", [jax.nn.log_softmax, jax.nn.log_sigmoid, jax.nn.softplus])
def test_what_is_never_zero(function: Any) -> None:
    """A branch that ends in a function that zeros do not pass does not end in zeros."""
    layer = nn.Linear(4, 4, key=KEY)
    options: dict[str, Any] = {"apply": lambda layer, x: x + function(layer(x))}
    assert zero_array.equinox.init(layer, **options, example_inputs=jnp.ones(4))[1]["weight"].fill == "identity"


def test_apply() -> None:
    """Another function of the model is traced where one is given; nothing is started in a dry run."""
    model = nn.Linear(2, 4, key=KEY)
    batched = {"apply": lambda model, x: jax.vmap(model)(x), "example_inputs": jnp.ones((3, 2))}
    same, plan = zero_array.equinox.init(model, **batched, dry_run=True)
    assert same is model
    assert plan["weight"].fill == "hadamard"


MISUSES: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ([1], {}, TypeError, "`model` must be one equinox.Module; got a list"),
    (nn.Identity(), {}, ValueError, "`model` must have parameters; got an Identity, which has none"),
]


@pytest.mark.parametrize(("model", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(model: Any, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What is wrong is said in one sentence, which the documentation has."""
    with pytest.raises(kind) as caught:
        zero_array.equinox.init(model, **options)
    assert str(caught.value) == message
    assert is_documented(message)
