"""Keras, on each of its backends: whole models of the functional API, and subclasses."""

from functools import partial
from typing import Any, ClassVar

import keras
import nets
import numpy
import pytest
from keras import layers, ops
from oracle import is_documented

import zero_array.keras
from zero_array.recipes import Plan

pytestmark = [
    pytest.mark.filterwarnings(  # Keras's own, where NumPy reads its variables
        "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
    ),
    pytest.mark.filterwarnings(  # Keras's own on NumPy, where it computes shapes with memory that holds anything
        "ignore:(overflow|underflow|invalid value|divide by zero) encountered in:RuntimeWarning"
    ),
]


def conv(x: Any, name: str, out: int, size: int, stride: int = 1) -> Any:
    """A convolution with its norm; padded by hand where it has a stride, as torch does."""
    if size > 1 and stride > 1:
        x = layers.ZeroPadding2D(size // 2)(x)
    padding = "same" if stride == 1 else "valid"
    return layers.BatchNormalization()(layers.Conv2D(out, size, stride, padding, use_bias=False, name=name)(x))


def block(x: Any, name: str, out: int, stride: int = 1) -> Any:
    """A residual block."""
    y = layers.ReLU()(conv(x, f"{name}_first", out, 3, stride))
    y = conv(y, f"{name}_second", out, 3)
    return layers.ReLU()(layers.Add()([y, conv(x, f"{name}_shortcut", out, 1, stride) if stride > 1 else x]))


def resnet() -> keras.Model:
    """The residual network of `nets`, by the functional API."""
    x = keras.Input((8, 8, 3))
    y = block(layers.ReLU()(conv(x, "stem", 8, 3)), "one", 8)
    y = layers.GlobalAveragePooling2D()(block(y, "two", 16, 2))
    return keras.Model(x, layers.Dense(10, name="head")(y))


class Block(layers.Layer):
    """The transformer's block, a layer of one's own."""

    def __init__(self) -> None:
        super().__init__(name="block")
        self.norms = [layers.LayerNormalization(name=f"norm{number}") for number in range(2)]
        self.attention = layers.MultiHeadAttention(2, 6, name="attention")
        self.up, self.down = layers.Dense(48, "gelu", name="up"), layers.Dense(12, name="down")

    def call(self, x: Any) -> Any:
        """Attention, and two layers."""
        y = self.norms[0](x)
        x = x + self.attention(y, y)
        return x + self.down(self.up(self.norms[1](x)))


class Transformer(keras.Model):
    """The transformer of `nets`, a subclass."""

    def __init__(self) -> None:
        super().__init__(name="net")
        self.patches, self.block = layers.Conv2D(12, 2, 2, name="patches"), Block()
        self.norm, self.head = layers.LayerNormalization(name="norm"), layers.Dense(10, name="head")

    def call(self, x: Any) -> Any:
        """Scores."""
        x = ops.reshape(self.patches(x), (-1, 16, 12))
        return self.head(ops.mean(self.norm(self.block(x)), 1))


IMAGE = numpy.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")


def started(net: str, **options: Any) -> tuple[keras.Model, Plan]:
    """A network, and its plan."""
    model = resnet() if net == "resnet" else Transformer()
    model(IMAGE)
    inputs = None if net == "resnet" else IMAGE
    return model, zero_array.keras.init(model, example_inputs=inputs, **nets.OPTIONS[net], **options)


def in_torch(variable: Any) -> Any:
    """A kernel in torch's layout; of attention, its heads side by side."""
    array, name = ops.convert_to_numpy(variable), variable.path
    if "attention" in name:
        array = array.reshape(12, 12)
    return numpy.moveaxis(array, (-1, -2), (0, 1))


@pytest.mark.parametrize("net", nets.NETS)
def test_same_bytes(net: str) -> None:
    """The weights have the bytes that they have in every framework; a dry run writes nothing."""
    model, plan = started(net, dry_run=True)
    before = [ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables]
    zero_array.keras.init(model, plan, dry_run=True)
    assert all(
        (ops.convert_to_numpy(new) == old).all() for new, old in zip(model.trainable_variables, before, strict=True)
    )
    zero_array.keras.init(model, Plan.from_json(plan.to_json()))
    kernels = {
        variable.path.split("/")[-2].replace("_", ".", net == "resnet"): in_torch(variable)
        for variable in model.trainable_variables
        if variable.name == "kernel"
    }
    if net == "transformer":
        kernels["out"] = kernels.pop("attention_output")
    assert nets.found(kernels) == nets.DIGESTS[net]


def test_blocks_are_their_shortcut() -> None:
    """At the start, a block changes nothing."""
    model, _ = started("transformer")
    x = numpy.random.default_rng(1).standard_normal((2, 16, 12)).astype("float32")
    assert (ops.convert_to_numpy(model.block(x)) == x).all()


@pytest.mark.skipif(keras.config.backend() == "numpy", reason="Keras has no gradients on NumPy")
@pytest.mark.parametrize("net", nets.NETS)
def test_learns(net: str) -> None:
    """Every variable moves within five steps, but for the keys' bias, which no softmax sees."""
    model, _ = started(net)
    assert still(model, IMAGE, numpy.arange(20.0).reshape(2, 10) % 3) <= {"net/block/attention/key/bias"}


def still(model: keras.Model, inputs: Any, targets: Any) -> set[str]:
    """The variables that do not move within five steps; without gradients that is left to the other backends."""
    if keras.config.backend() == "numpy":
        return set()
    before = {variable.path: ops.convert_to_numpy(variable).copy() for variable in model.trainable_variables}
    model.compile(keras.optimizers.SGD(0.1, clipnorm=1.0), "mse")
    model.fit(inputs, targets, epochs=5, verbose=0)
    return {item.path for item in model.trainable_variables if (ops.convert_to_numpy(item) == before[item.path]).all()}


@pytest.mark.parametrize("ends", [True, False])
def test_grouped_query_attention(ends: bool) -> None:
    """An attention whose heads share keys and values starts as one where they do not, and learns."""
    x = keras.Input((5, 16))
    y = layers.GroupQueryAttention(4, 4, 2, name="attention")(x, x)
    model = keras.Model(x, layers.Dense(3, name="head")(x + y if ends else y))
    plan = zero_array.keras.init(model)
    fills = {entry.name.split("/")[-2]: entry.fill for entry in plan.filter("attention/*/kernel")}
    value = "value zeros" if ends else "value identity"
    assert plan.recipe == "transformer"
    assert fills == {"query": "query identity", "key": "key zeros", "value": value, "attention_output": "identity"}
    random = numpy.random.default_rng(0)
    assert still(model, random.random((8, 5, 16)), random.random((8, 5, 3))) <= {"attention/key/bias"}


def layer_zoo() -> keras.Model:
    """One of each other layer, in a model in a model."""
    x = keras.Input((8, 8, 8))
    y = layers.SeparableConv2D(8, 3, padding="same", name="apart")(x)
    y = keras.Sequential(
        [keras.Input((8, 8, 8)), layers.DepthwiseConv2D(4, padding="same", depth_multiplier=2, name="depth")],
        name="inner",
    )(y + x)
    y = layers.Conv2DTranspose(4, 4, 2, padding="same", name="spread")(layers.PReLU(name="slope")(y))
    y = layers.Bidirectional(layers.LSTM(4, name="lstm"), name="both")(layers.Reshape((256, 4))(y))
    return keras.Model(x, layers.Dense(3, name="head")(y))


def test_other_layers() -> None:
    """What each is read as, and at which tap an even kernel lies; of a separable convolution one half is zero."""
    model = layer_zoo()
    plan = zero_array.keras.init(model)
    fills = {entry.name: entry.fill for entry in plan if entry.parameter.kind != "bias"}
    gates = {
        f"both/{way}_lstm/lstm_cell/{name}kernel": "identity in each of 4 parts"
        for way in ("forward", "backward")
        for name in ("", "recurrent_")
    }
    assert fills == {
        "apart/depthwise_kernel": "identity",
        "apart/pointwise_kernel": "zeros",
        "inner/depth/kernel": "hadamard",
        "slope/alpha": "untouched",
        "spread/kernel": "identity",
        "head/kernel": "identity",
        **gates,
    }
    depth = next(layer for layer in model._flatten_layers() if layer.name == "depth")
    kernel = ops.convert_to_numpy(depth.kernel)
    assert (kernel[1, 1] == zero_array.zero_init((2, 1), dtype="float32")[0, 0]).all()
    assert numpy.count_nonzero(kernel) == 16
    assert model.layers[1].output is not None  # which Keras refuses of a layer with two calls


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
def test_sums_of_several(order: tuple[int, ...]) -> None:
    """Of a sum of three, each side with layers is a branch; a mean of two is a sum as well."""
    x = keras.Input((8,))
    sides = x, layers.Dense(8, name="one")(x), layers.Dense(8, name="two")(layers.Dense(8, "gelu", name="first")(x))
    y = layers.Add()([sides[place] for place in order])
    y = layers.Average()([y, layers.Dense(8, name="mean")(layers.Dense(8, "gelu", name="second")(y))])
    plan = zero_array.keras.init(keras.Model(x, layers.Dense(3, name="head")(y)))
    assert {entry.name for entry in plan.filter("*/kernel", fill="zeros")} == {
        "one/kernel",
        "two/kernel",
        "mean/kernel",
    }


def test_quantised() -> None:
    """A layer that holds its weight in fewer bits is refused."""
    x = keras.Input((8,))
    model = keras.Model(x, layers.Dense(3, name="head")(layers.Dense(8, name="small")(x)))
    model.get_layer("small").quantize("int8")
    message = "`model` must hold its weights as they are; got a Dense at small: start the model before model.quantize"
    with pytest.raises(TypeError, match=f"^{message}$"):
        zero_array.keras.init(model)
    assert is_documented(message)


class Own(layers.Layer):
    """A cell of one's own, of two layers in series."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.state_size, self.output_size = size, size
        self.first, self.last = layers.Dense(size, name="first"), layers.Dense(size, name="last")

    def build(self, shape: Any) -> None:
        """Make both matrices."""
        self.first.build(shape)
        self.last.build(shape)

    def call(self, x: Any, states: Any) -> Any:
        """One step."""
        y = self.last(self.first(x + states[0]))
        return y, [y]


def test_recurrent_branches() -> None:
    """Of a recurrent branch the kernels of the last cells are zeros, none where that would never learn; all learn."""
    several = partial(layers.RNN, return_sequences=True)
    zeros = {
        "lstm": layers.LSTM(4, return_sequences=True),
        "gru": layers.GRU(4, return_sequences=True, use_bias=False, reset_after=False),
        "simple": layers.SimpleRNN(4, return_sequences=True),
        "both": layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
        "stacked": several([layers.LSTMCell(4, name="below"), layers.LSTMCell(4, name="last")]),
        "product": layers.Bidirectional(layers.GRU(4, return_sequences=True), merge_mode="mul"),
    }
    others = {
        "relu": layers.SimpleRNN(4, return_sequences=True, activation="relu"),
        "flat": layers.LSTM(4, return_sequences=True, recurrent_activation="relu"),
        "half": layers.GRU(4, return_sequences=True, recurrent_activation="tanh"),
        "high": layers.GRU(4, return_sequences=True, activation="sigmoid"),
        "own": several(Own(4)),
        "spread": layers.TimeDistributed(keras.Sequential([layers.Dense(8, "relu"), layers.Dense(4)])),
    }
    inputs = x = keras.Input((3, 4))
    for part in (*zeros.values(), *others.values()):
        x = x + part(x)
    model = keras.Model(inputs, layers.Dense(2, name="head")(x))
    paths = {variable.path: name for name, part in (zeros | others).items() for variable in part.variables}
    plan = zero_array.keras.init(model)
    found = [(paths.get(entry.name, ""), entry) for entry in plan if "kernel" in entry.name]
    assert {name for name, entry in found if entry.fill == "zeros"} == set(zeros)
    for name, entry in found:
        is_kept = "below" in entry.name or ("forward" in entry.name and name == "product")
        assert (entry.fill == "zeros") == (name in zeros and not is_kept), entry.name
    assert "zeros would never learn" in next(entry.reason for name, entry in found if name == "relu")
    random = numpy.random.default_rng(0)
    assert not still(model, random.random((8, 3, 4)), random.random((8, 3, 2)))


def test_names_of_activations() -> None:
    """Activations are known by what Keras calls them: a gate that is half open, ends that are never zero."""
    x = keras.Input((3, 4))
    y = x + layers.LSTM(4, return_sequences=True, recurrent_activation="hard_sigmoid", name="gate")(x)
    for name in ("hard_sigmoid", "log_sigmoid", "log_softmax"):
        y = y + layers.Dense(4, name, name=name)(y)
    plan = zero_array.keras.init(keras.Model(x, layers.Dense(2)(y)))
    assert {entry.name.split("/")[0] for entry in plan.filter("*kernel", fill="zeros")} == {"gate"}


class Product(layers.Layer):
    """A layer of one's own, whose matrix is read in one of several ways."""

    WAYS: ClassVar[dict[str, tuple[str, Any]]] = {
        "matmul": ("io", ops.matmul),
        "operator": ("io", lambda x, w: x @ w),
        "left": ("oi", lambda x, w: ops.transpose(ops.matmul(w, ops.transpose(x)))),
        "einsum": ("oi", lambda x, w: ops.einsum("bi,oi->bo", x, w)),
        "einsum with dots": ("io", lambda x, w: ops.einsum("...i,io->...o", x, w)),
        "stacked": ("sio", lambda x, w: ops.reshape(ops.einsum("bsi,sio->bso", halves(x), w), (-1, 2 * w.shape[2]))),
        "stacked matmul": (
            "sio",
            lambda x, w: ops.reshape(
                ops.transpose(ops.matmul(ops.transpose(halves(x), (1, 0, 2)), w), (1, 0, 2)), (-1, 2 * w.shape[2])
            ),
        ),
    }

    def __init__(self, way: str, out: int, name: str) -> None:
        super().__init__(name=name)
        (self.letters, self.compute), self.out = self.WAYS[way], out

    def build(self, shape: Any) -> None:
        """Make the matrix; where it is a stack of two, each takes half of the inputs."""
        pieces = 2 if "s" in self.letters else 1
        sizes = {"s": 2, "i": shape[-1] // pieces, "o": self.out // pieces}
        self.w = self.add_weight(shape=tuple(sizes[letter] for letter in self.letters), name="w")

    def call(self, x: Any) -> Any:
        """The product."""
        return self.compute(x, self.w)


def halves(x: Any) -> Any:
    """Features as two rows."""
    return ops.reshape(x, (-1, 2, x.shape[-1] // 2))


@pytest.mark.parametrize("way", Product.WAYS)
def test_own_layers(way: str) -> None:
    """What `keras.ops` multiply is a layer, whichever way round it is read, and may end a branch."""
    x = keras.Input((8,))
    y = Product(way, 8, "down")(ops.relu(Product(way, 16, "up")(x)))
    model = keras.Model(x, Product(way, 4, "head")(Product(way, 8, "first")(x) + y))
    plan = zero_array.keras.init(model)
    fills = {entry.name: entry.fill for entry in plan}
    assert fills == {"first/w": "identity", "up/w": "hadamard", "down/w": "zeros", "head/w": "identity"}
    width = 4 if "stacked" in way else 8
    wide = zero_array.zero_init((2 * width, width), dtype="float32")
    found = ops.convert_to_numpy(model.get_layer("up").w)
    for matrix in found if "stacked" in way else (found,):
        assert (
            matrix == (wide if plan["up/w"].parameter.out_axis == 0 and way in ("left", "einsum") else wide.T)
        ).all()
    random = numpy.random.default_rng(0)
    assert not still(model, random.random((8, 8)), random.random((8, 4)))


def test_unknown_products() -> None:
    """A matrix that is read in two ways, or changed before it is used, is refused."""
    x = keras.Input((8,))
    ways: dict[str, Any] = {
        "both": lambda x, w: x @ w + ops.transpose(ops.matmul(w, ops.transpose(x))),
        "scaled": lambda x, w: x @ (w * 0.5),
    }
    for way, compute in ways.items():
        layer = Product("matmul", 8, way)
        layer.compute = compute
        with pytest.raises(ValueError, match=rf"^it can't be told what these parameters are: {way}/w: say"):
            zero_array.keras.init(keras.Model(x, layer(x)))


class Opaque(layers.Layer):
    """A layer that looks at numbers."""

    def __init__(self) -> None:
        super().__init__(name="opaque")
        self.inner = layers.Dense(4, name="inner")

    def call(self, x: Any) -> Any:
        """What can't be done with symbols."""
        return self.inner(x) if float(ops.sum(x)) >= 0 else x


def test_opaque() -> None:
    """Where a call looks at numbers, the ends of branches must be named."""
    x = keras.Input((4,))
    opaque = Opaque()
    opaque.inner.build((None, 4))
    opaque.compute_output_spec = lambda x: keras.KerasTensor(x.shape, x.dtype)
    model = keras.Model(x, opaque(x))
    with pytest.raises(
        ValueError, match=r"^it can't be told what Functional computes \(.*\): write its `call`"
    ) as caught:
        zero_array.keras.init(model)
    assert is_documented(str(caught.value))
    assert [entry.fill for entry in zero_array.keras.init(model, branches=[])] == ["identity", "zeros"]


def test_branches_by_name() -> None:
    """The ends of branches can be named, by a layer's path or a variable's."""
    model, plan = started("resnet", branches=["one_first", "two_first/kernel"])
    assert {entry.name for entry in plan.filter(fill="zeros", kind="conv")} == {"one_first/kernel", "two_first/kernel"}
    assert not ops.convert_to_numpy(model.get_layer("one_first").kernel).any()


def in_series(*first: Any) -> keras.Sequential:
    """Two layers in a `Sequential` in one."""
    inner = keras.Sequential([layers.Dense(16, "relu", name="up"), layers.Dense(8, name="down")], name="inner")
    return keras.Sequential([*first, inner, layers.Dense(3, name="head")], name="net")


@pytest.mark.parametrize("recipe", ["auto", "mlp"])
@pytest.mark.parametrize("start", ["inputs", "built", "called"])
def test_sequential(recipe: str, start: str) -> None:
    """A `Sequential` knows its inputs: by its first layer, or since it was built or called."""
    model = in_series(keras.Input((8,))) if start == "inputs" else in_series()
    if start == "built":
        model.build((None, 8))
    elif start == "called":
        model(numpy.ones((2, 8)))
    plan = zero_array.keras.init(model, recipe)
    fills = {entry.name.split("/")[-2]: entry.fill for entry in plan if entry.parameter.kind == "linear"}
    assert plan.recipe == "mlp"
    assert fills == {"up": "hadamard", "down": "identity", "head": "identity"}


def test_inputs_needed() -> None:
    """A subclass does not know its inputs: the error says so and nothing else; the recipe "mlp" needs none."""
    model = Transformer()
    model(IMAGE)
    message = (
        "`example_inputs` must be given: pass what to call the model with, of which shape and dtype alone are read"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        zero_array.keras.init(model)
    assert is_documented(message)
    assert zero_array.keras.init(model, "mlp")["net/head/kernel"].fill == "identity"


MISUSES: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (3, {}, TypeError, "`model` must be one keras.Model; got 3"),
    (
        keras.Sequential([layers.Dense(2)]),
        {},
        ValueError,
        "`model` must be built; got a Sequential without variables: call it with a batch first",
    ),
]


@pytest.mark.parametrize(("model", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(model: Any, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What is wrong is said in one sentence, which the documentation has."""
    with pytest.raises(kind) as caught:
        zero_array.keras.init(model, **options)
    assert str(caught.value) == message
    assert is_documented(message)
