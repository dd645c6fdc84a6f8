"""MLX: whole models."""

from typing import Any

import mlx.core as mx
import mlx.optimizers as optim
import nets
import numpy
import pytest
from mlx import nn
from mlx.utils import tree_flatten
from oracle import is_documented

import zero_array
import zero_array.mlx
from zero_array._host import to_bytes
from zero_array._planning._structure import structure
from zero_array.mlx._trace import _Graph
from zero_array.recipes import Plan


class Conv(nn.Module):
    """A convolution with its norm."""

    def __init__(self, into: int, out: int, size: int, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(into, out, size, stride, padding=size // 2, bias=False)
        self.norm = nn.BatchNorm(out)

    def __call__(self, x: Any) -> Any:
        """The norm of the convolution."""
        return self.norm(self.conv(x))


class Block(nn.Module):
    """A residual block."""

    def __init__(self, into: int, out: int, stride: int = 1) -> None:
        super().__init__()
        self.first, self.second = Conv(into, out, 3, stride), Conv(out, out, 3)
        if stride > 1:
            self.shortcut = Conv(into, out, 1, stride)

    def __call__(self, x: Any) -> Any:
        """The sum of the branch and the shortcut."""
        y = self.second(nn.relu(self.first(x)))
        return nn.relu(y + (self.shortcut(x) if "shortcut" in self else x))


class ResNet(nn.Module):
    """The residual network of `nets`."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.one, self.two = Conv(3, 8, 3), Block(8, 8), Block(8, 16, 2)
        self.head = nn.Linear(16, 10)

    def __call__(self, x: Any) -> Any:
        """Scores."""
        return self.head(self.two(self.one(nn.relu(self.stem(x)))).mean((1, 2)))

    def weights(self) -> dict[str, Any]:
        """In torch's layout."""
        flat = dict(tree_flatten(self.trainable_parameters()))
        found = {name.removesuffix(".conv.weight"): to_torch(array) for name, array in flat.items() if "conv" in name}
        return found | {"head": to_torch(self.head.weight)}


class Encoder(nn.Module):
    """The transformer's block."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = [nn.LayerNorm(12) for _ in range(2)]
        self.attention = nn.MultiHeadAttention(12, 2, bias=True)
        self.up, self.down = nn.Linear(12, 48), nn.Linear(48, 12)

    def __call__(self, x: Any) -> Any:
        """Attention, and two layers."""
        y = self.norms[0](x)
        x = x + self.attention(y, y, y)
        return x + self.down(nn.gelu(self.up(self.norms[1](x))))


class Transformer(nn.Module):
    """The transformer of `nets`."""

    def __init__(self) -> None:
        super().__init__()
        self.patches, self.block = nn.Conv2d(3, 12, 2, 2), Encoder()
        self.norm, self.head = nn.LayerNorm(12), nn.Linear(12, 10)

    def __call__(self, x: Any) -> Any:
        """Scores."""
        x = self.block(self.patches(x).reshape(-1, 16, 12))
        return self.head(self.norm(x).mean(1))

    def weights(self) -> dict[str, Any]:
        """In torch's layout."""
        parts = {"query": "query", "key": "key", "value": "value", "out": "out"}
        found = {name: self.block.attention[f"{part}_proj"].weight for name, part in parts.items()}
        found |= {"up": self.block.up.weight, "down": self.block.down.weight}
        found |= {"patches": self.patches.weight, "head": self.head.weight}
        return {name: to_torch(array) for name, array in found.items()}


def to_torch(array: Any) -> Any:
    """``(out, *k, in)`` as ``(out, in, *k)``."""
    return numpy.moveaxis(numpy.asarray(array), -1, 1)


MODELS: dict[str, Any] = {"resnet": ResNet, "transformer": Transformer}
IMAGE = numpy.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")
each_net = pytest.mark.parametrize("net", nets.NETS)


def held(model: nn.Module) -> dict[str, bytes]:
    """All arrays of a model, frozen ones too, as bytes."""
    return {name: to_bytes(array) for name, array in tree_flatten(model.parameters())}


@each_net
def test_same_bytes(net: str) -> None:
    """The weights have the bytes that they have in every framework; a plan that was saved makes them too."""
    model = MODELS[net]()
    plan = zero_array.mlx.init(model, example_inputs=IMAGE, **nets.OPTIONS[net])
    assert nets.found(model.weights()) == nets.DIGESTS[net]
    other = MODELS[net]()
    assert zero_array.mlx.init(other, Plan.from_json(plan.to_json())) == plan
    assert held(other) == held(model)


@each_net
def test_learns(net: str) -> None:
    """Every parameter has a gradient within five steps, but for the keys' bias, which no softmax sees."""
    model = MODELS[net]()
    zero_array.mlx.init(model, example_inputs=IMAGE, **nets.OPTIONS[net])
    goal = mx.arange(20).reshape(2, 10) % 3
    optimizer = optim.SGD(0.1)
    moved = set()
    for _ in range(5):
        _, slopes = nn.value_and_grad(model, lambda model: ((model(mx.array(IMAGE)) - goal) ** 2).mean())(model)
        slopes, _ = optim.clip_grad_norm(slopes, 1.0)
        moved |= {name for name, slope in tree_flatten(slopes) if mx.any(slope).item()}
        optimizer.update(model, slopes)
    still = dict(tree_flatten(model.trainable_parameters())).keys() - moved
    assert still <= {"block.attention.key_proj.bias"}


def test_blocks_are_their_shortcut() -> None:
    """At the start, a block changes nothing, or is what its shortcut makes."""
    x = mx.array(numpy.random.default_rng(1).standard_normal((2, 16, 12)).astype("float32"))
    transformer, residual = Transformer(), ResNet()
    for model in (transformer, residual):
        zero_array.mlx.init(model, example_inputs=IMAGE)
        model.eval()
    assert mx.array_equal(transformer.block(x), x)
    y = mx.abs(x.reshape(2, 8, 6, 4)[..., [0, 1, 2, 3] * 2])
    assert mx.array_equal(residual.one(y), y)
    assert mx.array_equal(residual.two(y), nn.relu(residual.two.shortcut(y)))


def test_plan_prints() -> None:
    """The plan says what each parameter starts as, and why."""
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    assert str(zero_array.mlx.init(model, example_inputs=mx.zeros((1, 4)))).splitlines() == [
        "parameter        shape  fill      reason",
        "layers.0.weight  8x4    hadamard  Algorithm 1, 4 -> 8",
        "layers.0.bias    8      zeros     bias",
        "layers.2.weight  3x8    identity  Algorithm 1, 8 -> 3",
        "layers.2.bias    3      zeros     bias",
    ]


class Zoo(nn.Module):
    """One of each other layer."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(7, 4)
        self.positions = mx.zeros((5, 4))
        self.lstm, self.gru, self.rnn = nn.LSTM(4, 8), nn.GRU(8, 6), nn.RNN(6, 6)
        self.pair, self.slope = nn.Bilinear(6, 3, 12), nn.PReLU()
        self.narrow = nn.Linear(6, 3)
        self.line, self.depth = nn.Conv1d(12, 12, 3, padding=1, groups=3), nn.Conv1d(12, 24, 4, groups=12)
        self.spread = nn.ConvTranspose1d(24, 4, 3)
        self.volume = [nn.Conv3d(4, 8, 3, padding=1), nn.ConvTranspose3d(8, 8, 2), nn.ConvTranspose2d(8, 8, 3)]
        self.norms = {"rms": nn.RMSNorm(8), "group": nn.GroupNorm(2, 8), "instance": nn.InstanceNorm(8, affine=True)}
        self.gain = mx.zeros((8,))
        self.own = mx.zeros((8, 2))

    def __call__(self, numbers: Any) -> Any:
        """One after the other."""
        x, _ = self.lstm(self.tokens(numbers) + self.positions[: numbers.shape[1]])
        x = self.rnn(self.gru(x))
        x = self.slope(self.pair(x, self.narrow(x)))
        x = self.spread(self.depth(self.line(x)))
        x = self.volume[1](self.volume[0](x[:, None, None]))
        x = self.volume[2](x[:, 0])
        x = self.norms["instance"](self.norms["group"](self.norms["rms"](x)))
        return (x * self.gain) @ self.own


def test_every_layer() -> None:
    """What each is read as: by its type, or by what is done with it where a module holds an array of its own."""
    model = Zoo()
    plan = zero_array.mlx.init(model, example_inputs=mx.zeros((2, 4), dtype=mx.int32))
    fills = {entry.name: entry.fill for entry in plan if entry.parameter.kind not in ("bias", "norm")}
    assert fills == {
        "tokens.weight": "untouched",
        "positions": "untouched",
        "lstm.Wx": "hadamard in each of 4 parts",
        "lstm.Wh": "identity in each of 4 parts",
        "gru.Wx": "identity in each of 3 parts",
        "gru.Wh": "identity in each of 3 parts",
        "rnn.Wxh": "identity",
        "rnn.Whh": "identity",
        "pair.weight": "identity",
        "narrow.weight": "identity",
        "slope.weight": "untouched",
        "line.weight": "identity",
        "depth.weight": "hadamard",
        "spread.weight": "identity",
        "volume.0.weight": "hadamard",
        "volume.1.weight": "identity",
        "volume.2.weight": "identity",
        "gain": "ones",
        "own": "identity",
    }
    assert {entry.name for entry in plan if entry.parameter.kind == "norm"} == {
        f"norms.{name}.weight" for name in ("rms", "group", "instance")
    }
    made = {name: to_torch(array) for name, array in tree_flatten(model.parameters()) if array.ndim > 1}
    expected = {
        "lstm.Wx": zero_array.zero_init((32, 4), groups=4, dtype="float32"),
        "gru.Wh": zero_array.zero_init((18, 6), groups=3, dtype="float32"),
        "line.weight": zero_array.zero_init((12, 4, 3), groups=3, dtype="float32"),
        "depth.weight": zero_array.zero_init((24, 1, 4), groups=12, dtype="float32"),
        "spread.weight": zero_array.zero_init((4, 24, 3), dtype="float32"),
        "volume.0.weight": zero_array.zero_init((8, 4, 3, 3, 3), dtype="float32"),
        "volume.1.weight": zero_array.zero_init((8, 8, 2, 2, 2), dtype="float32"),
        "own": zero_array.zero_init((2, 8), dtype="float32").T,
    }
    for name, array in expected.items():
        assert (made[name] == array).all(), name
    pair = zero_array.zero_init((12, 18), dtype="float32").reshape(12, 6, 3)  # the second input counts fastest
    assert (numpy.asarray(model.pair.weight) == pair.transpose(0, 2, 1)).all()


class Raw(nn.Module):
    """A branch of raw arrays, and something that is computed of one."""

    def __init__(self, compute: Any = None) -> None:
        super().__init__()
        self.first, self.up, self.down = mx.zeros((8, 8)), mx.zeros((8, 16)), mx.zeros((8, 16))
        self.compute = compute or (lambda x, w: x @ w)

    def __call__(self, x: Any) -> Any:
        """A layer, and a branch whose last matrix has its outputs first."""
        x = self.compute(x, self.first)
        return x + nn.gelu(x @ self.up) @ self.down.T


def test_raw_arrays() -> None:
    """Arrays that activations are multiplied with are layers, one of which ends the branch."""
    plan = zero_array.mlx.init(Raw(), example_inputs=mx.zeros((2, 8)))
    assert {entry.name: entry.fill for entry in plan} == {"first": "identity", "up": "hadamard", "down": "zeros"}


CHANGED = {
    "scaled": lambda x, w: x @ (w * 0.5),
    "scaled row": lambda x, w: x[:, :1] @ (w[:1] / 2),
    "joined": lambda x, w: x @ mx.concatenate([w, w], axis=1)[:, :8],
    "multiplied": lambda x, w: (x[:, :, None] * w).sum(1),
}


@pytest.mark.parametrize("name", CHANGED)
def test_changed_matrix(name: str) -> None:
    """A matrix that is changed before it is used is no multiplier, and no offset: it is asked what it is."""
    with pytest.raises(ValueError, match=r"^it can't be told what these parameters are: first: say"):
        zero_array.mlx.init(Raw(CHANGED[name]), example_inputs=mx.zeros((2, 8)))


class Recurrent(nn.Module):
    """Two recurrent layers as a branch."""

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.below, self.last, self.head = kind(4, 4), kind(4, 4), nn.Linear(4, 2)

    def __call__(self, x: Any) -> Any:
        """The sum."""
        y = x
        for layer in (self.below, self.last):
            y = layer(y)
            y = y[0] if isinstance(y, tuple) else y
        return self.head(x + y)


@pytest.mark.parametrize("length", [2, 5])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_branch(kind: Any, length: int) -> None:
    """Of a branch of recurrent layers the last starts as zeros, as in torch and Keras; no step of one is a branch."""
    plan = zero_array.mlx.init(Recurrent(kind), example_inputs=mx.zeros((2, length, 4)))
    zeros = {entry.name.rpartition(".")[0] for entry in plan if entry.fill == "zeros" and "W" in entry.name}
    assert zeros == {"last"}
    assert {entry.fill for entry in plan.filter("last.W*")} == {"zeros"}


class Packed(nn.Module):
    """An attention whose query, key and value are one matrix, and by hand."""

    def __init__(self, *, is_fused: bool) -> None:
        super().__init__()
        self.qkv, self.out, self.is_fused = nn.Linear(8, 24), nn.Linear(8, 8), is_fused

    def __call__(self, x: Any) -> Any:
        """The attention, and its shortcut."""
        parts = mx.split(self.qkv(x), 3, axis=-1)
        query, key, value = (part.reshape(*x.shape[:2], 2, 4).transpose(0, 2, 1, 3) for part in parts)
        if self.is_fused:
            y = mx.fast.scaled_dot_product_attention(query, key, value, scale=0.5)
        else:
            y = mx.softmax(query @ key.swapaxes(-1, -2) / 2, axis=-1) @ value
        return x + self.out(y.transpose(0, 2, 1, 3).reshape(x.shape))


@pytest.mark.parametrize("is_fused", [True, False])
def test_packed_attention(is_fused: bool) -> None:
    """Which rows of a packed matrix make what is seen from what becomes of them."""
    model = Packed(is_fused=is_fused)
    plan = zero_array.mlx.init(model, example_inputs=mx.zeros((1, 3, 8)))
    assert plan["qkv.weight"].fill == "query identity, key zeros, value zeros"
    weight = numpy.asarray(model.qkv.weight)
    assert (weight == numpy.concatenate([numpy.eye(8), numpy.zeros((16, 8))])).all()


class Activated(nn.Module):
    """A branch that ends in an activation."""

    def __init__(self, activation: Any) -> None:
        super().__init__()
        self.inner, self.activation = nn.Linear(4, 4), activation

    def __call__(self, x: Any) -> Any:
        """The sum."""
        return x + self.activation(self.inner(x))


DEAD = (nn.ReLU, nn.ReLU2, nn.ReLU6)
ALIVE = (
    nn.PReLU,
    nn.LeakyReLU,
    nn.CELU,
    nn.ELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Tanh,
    nn.HardTanh,
    nn.Hardswish,
)
NEVER_ZERO = (nn.Sigmoid, nn.LogSigmoid, nn.Softplus, nn.Softmax, nn.LogSoftmax, nn.Softmin, nn.Step)


@pytest.mark.parametrize("kind", [*DEAD, *ALIVE, *NEVER_ZERO], ids=lambda kind: kind.__name__)
def test_activations(kind: Any) -> None:
    """Zeros are where they can be left again, and where the branch is zero then."""
    entry = zero_array.mlx.init(Activated(kind()), example_inputs=mx.zeros((1, 4)))["inner.weight"]
    assert entry.fill == ("zeros" if kind in ALIVE else "identity")
    assert ("zeros would never learn" in entry.reason) == (kind in DEAD)


FUNCTIONS: dict[str, Any] = {
    "choice": lambda y: mx.where(y > -1, y + 1, y),
    "cosine": mx.cos,
    "exp": mx.exp,
    "hard shrink": nn.hard_shrink,
    "less one": lambda y: mx.log10(y + 10) - 1,
    "logsumexp": lambda y: mx.logsumexp(y, axis=-1, keepdims=True),
    "mean": lambda y: y + mx.exp(y).mean(-1, keepdims=True),
    "more": lambda y: y + 1,
    "most": lambda y: mx.clip(y, -1, 1),
    "positive": lambda y: mx.maximum(y, 2),
    "soft sign": nn.softsign,
    "root": lambda y: mx.rsqrt(y + 4) - 0.5,
    "root of a square": lambda y: mx.rsqrt(y * y + 4) - 0.5,
    "whole": lambda y: y + mx.full((4,), 2.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_never_zero(name: str) -> None:
    """A layer is the end of a branch where zeros of it are zeros of the branch, and nowhere else."""
    function = FUNCTIONS[name]
    entry = zero_array.mlx.init(Activated(function), example_inputs=mx.zeros((2, 4)))["inner.weight"]
    is_kept = mx.allclose(function(mx.zeros((2, 4))), mx.zeros(1), atol=1e-6).item()
    has_slope = mx.grad(lambda y: function(y).sum())(mx.zeros((2, 4))).any().item()
    assert entry.fill == ("zeros" if is_kept and has_slope else "identity")
    assert ("slope" in entry.reason) == (is_kept and not has_slope)


class Scaled(nn.Module):
    """A layer, and a parameter that multiplies."""

    def __init__(self, product: Any) -> None:
        super().__init__()
        self.layer, self.gain, self.product = nn.Linear(4, 4), mx.ones((3, 4)), product

    def __call__(self, x: Any) -> Any:
        """The product."""
        return self.product(self.layer(x), self.gain)


def test_scales() -> None:
    """What multiplies activations is a multiplier if it has no axis that they do not have; else it is asked about."""
    x = mx.ones((2, 3, 4))
    plan = zero_array.mlx.init(Scaled(lambda x, gain: x * gain), example_inputs=x)
    assert plan["gain"].reason == "multiplier"
    for product in (lambda x, gain: x @ (gain * 0.5).T, lambda x, gain: (x[:, :, None] * gain).sum(-1)):
        with pytest.raises(ValueError, match=r"^it can't be told what these parameters are: gain"):
            zero_array.mlx.init(Scaled(product), example_inputs=x)


def test_fused_attention() -> None:
    """Where MLX has one operation for an attention, as on a GPU, it is known as one."""
    graph = _Graph(["q"], ())
    kind = mx.float32
    graph.note({"type": "inputs", "inputs": [("A", (4, 4), kind), ("B", (1, 1, 3, 4), kind), ("M", (3, 3), mx.bool_)]})
    graph.note({"type": "outputs", "outputs": [("D", (1, 1, 3, 4), kind)]})
    for name, inputs, output in (("Matmul", "BA", "C"), ("ScaledDotProductAttention", "CBBM", "D")):
        event = {"type": "primitive", "name": name, "arguments": [], "outputs": [(output, (1, 1, 3, 4), kind)]}
        graph.note(event | {"inputs": [(key, (), kind) for key in inputs]})
    (found,) = structure(graph.written(), graph.results(), graph.uses, {"q"}).attentions
    assert (found.query, found.key) == ({"q": frozenset()}, {})


def test_nothing_is_computed() -> None:
    """A model that no memory would hold has its plan."""
    model = nn.Sequential(nn.Linear(1 << 20, 1 << 20, bias=False), nn.ReLU(), nn.Linear(1 << 20, 1 << 20, bias=False))
    mx.reset_peak_memory()
    plan = zero_array.mlx.init(model, example_inputs=mx.zeros((1, 1 << 20)), dry_run=True)
    assert [entry.fill for entry in plan] == ["identity", "identity"]
    assert mx.get_peak_memory() < 1 << 20


def test_frozen_parameters_stay() -> None:
    """What is frozen keeps its values, and is no part of the plan; one module with two names has one entry."""
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2))
    model.layers[2] = model.layers[0]
    model.layers[4].freeze()
    before = to_bytes(model.layers[4].weight)
    plan = zero_array.mlx.init(model, example_inputs=mx.zeros((1, 4)))
    assert [(entry.name, entry.parameter.aliases) for entry in plan] == [
        ("layers.0.weight", ("layers.2.weight",)),
        ("layers.0.bias", ("layers.2.bias",)),
    ]
    assert to_bytes(model.layers[4].weight) == before
    assert mx.array_equal(model.layers[0].weight, mx.eye(4))


def test_dtype_is_kept() -> None:
    """Each array has the dtype that it had."""
    model = nn.Linear(4, 8)
    model.set_dtype(mx.bfloat16)
    zero_array.mlx.init(model, example_inputs=mx.zeros((1, 4)))
    assert model.weight.dtype == mx.bfloat16
    assert to_bytes(model.weight) == to_bytes(zero_array.zero_init((8, 4), dtype="bfloat16"))


class Restless(nn.Module):
    """A model that draws numbers, counts its calls and keeps what it saw."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.norm, self.drop = nn.Linear(4, 4), nn.BatchNorm(4), nn.Dropout(0.5)
        self.calls, self.seen = 0, mx.zeros((1,))
        self.freeze(keys=["seen"], recurse=False)

    def __call__(self, x: Any) -> Any:
        """Something else each time."""
        self.calls, self.seen = self.calls + 1, x
        return self.drop(self.norm(self.inner(x))) + mx.random.normal(x.shape)


def test_untouched() -> None:
    """Modes, states, statistics and MLX's random numbers are afterwards what they were; a dry run writes nothing."""
    model = Restless()
    model.norm.eval()
    before, key = held(model), numpy.asarray(mx.random.state[0]).tolist()
    zero_array.mlx.init(model, example_inputs=mx.ones((2, 4)), dry_run=True)
    assert held(model) == before
    assert numpy.asarray(mx.random.state[0]).tolist() == key
    assert (model.calls, model.training, model.norm.training, model.drop.training) == (0, True, False, True)
    assert model(mx.ones((2, 4))).shape == (2, 4)  # no array of the trace is left behind


def test_inputs_by_keyword() -> None:
    """A dict is passed by keyword, and what is no array as it is."""

    class Switch(nn.Module):
        """A layer that may be left out."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(4, 4)

        def __call__(self, x: Any, *, deep: bool = False) -> Any:
            """One sum, or none."""
            return x + self.inner(x) if deep else self.inner(x)

    fills = {}
    for deep in (False, True):
        plan = zero_array.mlx.init(Switch(), example_inputs={"x": mx.zeros((1, 4)), "deep": deep})
        fills[deep] = plan["inner.weight"].fill
    assert fills == {False: "identity", True: "zeros"}


class Opaque(nn.Module):
    """A layer that looks at numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 4)

    def __call__(self, x: Any) -> Any:
        """What no graph shows."""
        return self.inner(x) if x.sum().item() >= 0 else x


def test_opaque() -> None:
    """Where a call looks at numbers, or the inputs are wrong, the ends of branches must be named; nothing changes."""
    model = Opaque()
    before = held(model)
    for example in (mx.zeros((1, 4)), mx.zeros((1, 3))):
        with pytest.raises(ValueError, match=r"^it can't be told what Opaque computes \(.*\): pass example") as caught:
            zero_array.mlx.init(model, example_inputs=example)
        assert is_documented(str(caught.value))
        assert held(model) == before
    for options in ({}, {"example_inputs": mx.zeros((1, 4))}):
        plan = zero_array.mlx.init(Opaque(), branches=["inner"], **options)
        assert plan["inner.weight"].fill == "zeros"
    assert zero_array.mlx.init(Opaque(), "mlp")["inner.weight"].fill == "identity"


def quantised() -> nn.Module:
    """A model in four bits."""
    model = nn.Sequential(nn.Linear(64, 64))
    nn.quantize(model)
    return model


SPREAD = nn.layers.distributed.AllToShardedLinear(4, 4)
MISUSES: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (3, {}, TypeError, "`model` must be one mlx.nn.Module; got 3"),
    (nn.Identity(), {}, ValueError, "`model` must have parameters; got an Identity, which has none"),
    (
        quantised(),
        {},
        TypeError,
        (
            "`model` must hold its weights as they are; got a QuantizedLinear at layers.0: start the model before "
            "nn.quantize"
        ),
    ),
    (
        SPREAD,
        {},
        TypeError,
        (
            "`model` must hold its weights as they are; got an AllToShardedLinear: start the model before "
            "nn.layers.distributed.shard_linear"
        ),
    ),
    (
        nn.Linear(2, 2),
        {},
        ValueError,
        "`example_inputs` must be given: pass what to call the model with, of which shape and dtype alone are read",
    ),
    (
        nn.Linear(2, 2),
        {"example_inputs": [3]},
        TypeError,
        "`example_inputs` must be a tensor, or a tuple or dict that holds one; got a list",
    ),
]


@pytest.mark.parametrize(("model", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(model: Any, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What is wrong is said in one sentence, which the documentation has; the model is as it was."""
    before = held(model) if isinstance(model, nn.Module) else {}
    with pytest.raises(kind) as caught:
        zero_array.mlx.init(model, **options)
    assert str(caught.value) == message
    assert is_documented(message)
    assert (held(model) if isinstance(model, nn.Module) else {}) == before
