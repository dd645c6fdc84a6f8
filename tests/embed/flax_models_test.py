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
from oracle import is_documented

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
        convs: dict[str, Any] = {"stem": self.stem, "two.shortcut": self.two.shortcut}
        convs |= {
            f"{name}.{part}": getattr(getattr(self, name), part)
            for name in ("one", "two")
            for part in ("first", "second")
        }
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
        found = {
            name: getattr(self.attention, name).kernel[...].reshape(12, 12).T
            for name in ("query", "key", "value", "out")
        }
        found |= {name: getattr(self, name).kernel[...].T for name in ("up", "down", "head")}
        return found | {"patches": self.patches.kernel[...].transpose(3, 2, 0, 1)}


MODELS = {"resnet": ResNet, "transformer": Transformer}
each_net = pytest.mark.parametrize("net", nets.NETS)


@each_net
def test_same_bytes(net: str) -> None:
    """The weights have the bytes that they have in every framework; here of a model without memory before."""
    model = nnx.eval_shape(MODELS[net])
    zero_array.flax.init(model, example_inputs=image(), **nets.OPTIONS[net])
    assert nets.found(model.weights()) == nets.DIGESTS[net]


@each_net
def test_learns(net: str) -> None:
    """Every parameter has a gradient within five steps."""
    model = nnx.jit(MODELS[net])()
    zero_array.flax.init(model, example_inputs=image(), **nets.OPTIONS[net])
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    assert learned(lambda params: nnx.merge(graph, params, rest)(image()), params) == paths(params)


@pytest.mark.parametrize("function", [nnx.log_softmax, nnx.log_sigmoid, nnx.softplus])
def test_what_is_never_zero(function: Any) -> None:
    """A branch that ends in a function that zeros do not pass does not end in zeros."""
    layer = nnx.Linear(4, 4, rngs=nnx.Rngs(0))
    options: dict[str, Any] = {"apply": lambda layer, x: x + function(layer(x))}
    assert zero_array.flax.init(layer, **options, example_inputs=jnp.ones((2, 4)))["kernel"].fill == "identity"


def test_blocks_are_their_shortcut() -> None:
    """At the start, a block changes nothing, or is what its shortcut makes."""
    model = nnx.jit(Transformer)()
    zero_array.flax.init(model, example_inputs=image())
    x = numpy.asarray(numpy.random.default_rng(1).standard_normal((2, 16, 12)), dtype="float32")
    assert (nnx.jit(Transformer.block)(model, x) == x).all()
    residual = nnx.jit(ResNet)()
    zero_array.flax.init(residual, example_inputs=image())
    y = abs(x.reshape(2, 8, 6, 4).repeat(2, -1))
    first, second, shortcut = nnx.jit(lambda model: (model.one(y), model.two(y), nnx.relu(model.two.shortcut(y))))(
        residual
    )
    assert (first == y).all()
    assert (second == shortcut).all()


class Cells(nnx.Module):
    """Recurrent cells: gates packed in one matrix, and each its own."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.packed = nnx.RNN(nnx.OptimizedLSTMCell(4, 4, rngs=rngs), rngs=rngs)
        self.gru = nnx.RNN(nnx.GRUCell(4, 4, rngs=rngs), rngs=rngs)
        self.apart = nnx.RNN(nnx.LSTMCell(4, 4, rngs=rngs), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        """One after the other."""
        return self.apart(self.gru(self.packed(x)))


@pytest.mark.parametrize("kind", [nnx.OptimizedLSTMCell, nnx.GRUCell, nnx.SimpleCell])
def test_recurrent_branch(kind: Any) -> None:
    """Of a branch of recurrent layers the last starts as zeros, as in torch and Keras."""
    rngs = nnx.Rngs(0)
    below, last = (nnx.RNN(kind(4, 4, rngs=rngs), rngs=rngs) for _ in range(2))

    class Block(nnx.Module):
        def __init__(self) -> None:
            self.below, self.last = below, last

        def __call__(self, x: Any) -> Any:
            return x + self.last(self.below(x))

    plan = zero_array.flax.init(Block(), example_inputs=numpy.zeros((2, 5, 4), "float32"))
    fills = {entry.name: entry.fill == "zeros" for entry in plan if "kernel" in entry.name}
    names = [f"{part}.cell.dense_{source}.kernel" for part in ("below", "last") for source in "ih"]
    assert fills == {name: name.startswith("last") for name in names}


def test_recurrent() -> None:
    """Each gate has a matrix of its own, whether packed or not."""
    plan = zero_array.flax.init(
        nnx.eval_shape(Cells), example_inputs=jax.ShapeDtypeStruct((2, 3, 4), "float32"), dry_run=True
    )
    fills = {entry.name: entry.fill for entry in plan if entry.parameter.kind != "bias"}
    assert {name: fill for name, fill in fills.items() if "apart" not in name} == {
        f"{name}.cell.dense_{which}.kernel": f"identity in each of {gates} parts"
        for name, gates in (("packed", 4), ("gru", 3))
        for which in "hi"
    }
    assert {fill for name, fill in fills.items() if "apart" in name} == {"identity"}


def test_shards() -> None:
    """Metadata and shardings stay, and each device makes its part."""
    mesh = jax.make_mesh((4,), ("model",), axis_types=(AxisType.Auto,), devices=jax.devices("cpu")[:4])
    kernel = nnx.with_partitioning(nnx.initializers.zeros, (None, "model"))
    with jax.set_mesh(mesh):
        model = nnx.Linear(4, 8, kernel_init=kernel, rngs=nnx.Rngs(0))
        plan = zero_array.flax.init(model, example_inputs=jnp.ones((1, 4)))
    assert plan["kernel"].fill == "hadamard"
    assert model.kernel.out_sharding == (None, "model")
    assert model.kernel[...].sharding.spec == PartitionSpec(None, "model")
    assert {shard.data.shape for shard in model.kernel[...].addressable_shards} == {(4, 2)}


class Linen(linen.Module):
    """A block of linen with a boxed kernel, and layers with even kernels."""

    @linen.compact
    def __call__(self, x: Any, *, train: bool = False) -> Any:
        """Scores."""
        boxed = linen.with_partitioning(linen.initializers.zeros, (None, None, None, "model"))
        x = linen.Conv(8, (4, 4), kernel_init=boxed)(x)
        y = linen.relu(linen.BatchNorm(use_running_average=not train)(linen.Conv(8, (3, 3), feature_group_count=2)(x)))
        x = x + linen.Conv(8, (3, 3))(y)
        x = linen.ConvTranspose(8, (4, 4))(linen.ConvTranspose(8, (4, 4), transpose_kernel=True)(x))
        return linen.DenseGeneral((5, 2))(linen.Conv(8, (2, 2), 2, padding="VALID")(x))


def test_linen() -> None:
    """New variables: other collections and boxes as they were, even kernels at the tap of the identity."""
    model = Linen()
    variables = jax.eval_shape(model.init, jax.random.key(0), image())
    inputs = {"x": image(), "train": False}
    new, plan = zero_array.flax.init(model, variables=variables, example_inputs=inputs)
    assert {entry.name: entry.fill for entry in plan if entry.parameter.kind in ("conv", "linear")} == {
        "Conv_0.kernel": "hadamard",
        "Conv_1.kernel": "identity",
        "Conv_2.kernel": "zeros",
        "Conv_3.kernel": "identity",
        "ConvTranspose_0.kernel": "identity",
        "ConvTranspose_1.kernel": "identity",
        "DenseGeneral_0.kernel": "hadamard",
    }
    taps = {
        name: numpy.argwhere(new["params"][name]["kernel"])[0, 0]
        for name in ("ConvTranspose_0", "ConvTranspose_1", "Conv_3")
    }
    assert taps == {"ConvTranspose_0": 2, "ConvTranspose_1": 1, "Conv_3": 1}
    assert new["params"]["Conv_0"]["kernel"].names == (None, None, None, "model")
    assert new["batch_stats"] is variables["batch_stats"]
    assert new["params"]["DenseGeneral_0"]["kernel"].shape == (8, 5, 2)
    again, _ = zero_array.flax.init(model, Plan.from_json(plan.to_json()), variables=variables)
    assert jax.tree.all(jax.tree.map(lambda a, b: (a == b).all(), again["params"], new["params"]))


MISUSES: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (3, {}, TypeError, "`model` must be one flax.nnx.Module, or one linen.Module and its `variables`; got 3"),
    (
        Linen(),
        {},
        TypeError,
        "`variables` must be what model.init returned, with 'params' in it; got None",
    ),
    (
        nnx.eval_shape(lambda: nnx.Linear(2, 2, rngs=nnx.Rngs(0))),
        {},
        ValueError,
        "`example_inputs` must be given: pass what to call the model with, of which shape and dtype alone are read",
    ),
]


@pytest.mark.parametrize(("model", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(model: Any, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What is wrong is said in one sentence, which the documentation has."""
    with pytest.raises(kind) as caught:
        zero_array.flax.init(model, **options)
    assert str(caught.value) == message
    assert is_documented(message)
