"""Keras, on each of its backends: the audit of models."""

from collections.abc import Callable
from typing import Any

import keras
import nets
import numpy
import pytest
import starts
from keras import layers, ops
from keras_models_test import IMAGE, Transformer, resnet

import zero_array.keras

pytestmark = pytest.mark.filterwarnings(  # Keras's own, where NumPy reads its variables
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)


class Model(keras.Model):
    """Some layers, and what is computed of them."""

    def __init__(self, compute: Callable[[Any, Any], Any], parts: dict[str, Any]) -> None:
        super().__init__(name="net")
        self.compute = compute
        for name, part in parts.items():
            setattr(self, name, part)

    def call(self, x: Any) -> Any:
        """Compute."""
        return self.compute(self, x)


class Scale(layers.Layer):
    """A layer that multiplies."""

    def build(self, shape: Any) -> None:
        """Make its parameter."""
        self.gamma = self.add_weight(shape=shape[-1:], initializer="ones", name="gamma")

    def call(self, x: Any) -> Any:
        """Multiply."""
        return ops.multiply(x, self.gamma)


def uniform(name: str) -> Any:
    """Random numbers, the same ones each time."""
    return keras.initializers.GlorotUniform(seed=ord(name))


def conv(out: int, size: int, name: str) -> Any:
    """A convolution."""
    return layers.Conv2D(out, size, padding="same", use_bias=False, kernel_initializer=uniform(name), name=name)


def built(compute: Callable[[Any, Any], Any], x: Any, **layers: Any) -> Any:
    """A model of some layers."""
    model = Model(compute, layers)
    model(x)
    return model


def named(name: str) -> str:
    """What a parameter is called."""
    path = name.replace(".", "/").replace("m/out", "m/attention_output").replace("n/bias", "n/beta")
    return f"net/{path}" if name else ""


def fill(model: Any, name: str, value: Any) -> None:
    """Set a parameter."""
    (variable,) = (item for item in model.trainable_variables if item.path == named(name))
    array, shape = numpy.asarray(value, dtype="float32"), tuple(variable.shape)
    variable.assign(array.reshape(shape) if array.size > 1 else numpy.full(shape, array))


KIT = starts.Kit(
    linear=lambda into, out, name: layers.Dense(out, kernel_initializer=uniform(name), name=name),
    conv=lambda into, out, size, name: conv(out, size, name),
    depthwise=lambda channels, size, name: layers.DepthwiseConv2D(size, padding="same", use_bias=False, name=name),
    norm=lambda width, name: layers.LayerNormalization(name=name),
    scale=lambda width, name: Scale(name=name),
    attention=lambda width, name: layers.MultiHeadAttention(
        2, width // 2, use_bias=False, kernel_initializer=uniform(name), name=name
    ),
    attend=lambda layer, x: layer(x, x),
    model=built,
    fill=fill,
    name=named,
    relu=ops.relu,
    softmax=ops.softmax,
    matmul=ops.matmul,
    turned=lambda x: ops.transpose(x, (0, 2, 1)),
    log=ops.log,
    stop=ops.stop_gradient,
)


@pytest.mark.parametrize("name", starts.BROKEN)
def test_gallery(name: str) -> None:
    """What is broken is found, by its parameter, with the remedy; no other error is claimed."""
    start = starts.BROKEN[name]
    report = zero_array.keras.audit(start.build(KIT, start.data), start.data)
    assert starts.missing(KIT, start, report) == [], str(report)


def test_unused() -> None:
    """What the model doesn't read is told, and is no error."""
    layer = layers.Dense(4, name="spare")
    layer.build((None, 4))
    model = KIT.model(
        lambda model, x: model.used(x), numpy.ones((1, 4)), used=layers.Dense(3, name="used"), spare=layer
    )
    report = zero_array.keras.audit(model, starts.batch(starts.TOKENS))
    assert {item.parameter for item in report.filter(what="unused")} == {"spare/kernel", "spare/bias"}
    assert report.worst == "warning"


def transformer() -> keras.Model:
    """The transformer of `nets`."""
    model = Transformer()
    model(IMAGE)
    return model


def recurrent() -> keras.Model:
    """Recurrent layers one after the other, and one with an activation."""
    parts = [layers.LSTM(4, return_sequences=True), layers.GRU(4, dropout=0.5), layers.Dense(3, "softplus")]
    return keras.Sequential([keras.Input((5, 4)), *parts])


GOOD: dict[str, tuple[Callable[[], Any], Any]] = {
    "mlp": (lambda: starts.mlp(KIT, starts.batch((8, 4))), starts.batch((8, 4))),
    "resnet": (resnet, IMAGE),
    "transformer": (transformer, IMAGE),
    "recurrent": (recurrent, starts.batch(starts.TOKENS)),
}


@pytest.mark.parametrize("start", ["own", "ZerO"])
@pytest.mark.parametrize("name", GOOD)
def test_good_models_have_no_errors(name: str, start: str) -> None:
    """Models at their own start, and started by `init`, are without errors."""
    keras.utils.set_random_seed(0)
    build, x = GOOD[name]
    model = build()
    if start == "ZerO":
        zero_array.keras.init(model, example_inputs=x)
    report = zero_array.keras.audit(model, x, steps=1)
    assert not report.filter(severity="error").findings, str(report)
    assert all(item.after is not None for item in report.reach)


def test_same_in_all_frameworks() -> None:
    """The residual network of `nets` with zeros in series has the errors that it has in every framework."""
    model = resnet()
    for name in ("one_first", "one_second"):
        kernel = model.get_layer(name).kernel
        kernel.assign(numpy.zeros(kernel.shape))
    report = zero_array.keras.audit(model, IMAGE).filter(severity="error")
    names = {"one_first/kernel": "one.first"}
    assert {(item.what, names.get(item.parameter, "")) for item in report} == nets.SERIES


def test_gradients_and_depth() -> None:
    """The reach of the head is the gradient by hand; signal and gradient by depth are those of the layers' outputs."""
    x = starts.batch((3, 4))
    model = starts.mlp(KIT, x)
    report = zero_array.keras.audit(model, x, loss=lambda outputs: ops.sum(outputs**2))
    outputs = ops.convert_to_numpy(model(x))
    hidden = ops.convert_to_numpy(ops.relu(model.b(ops.relu(model.a(x)))))
    reach = {item.parameter: item.now for item in report.reach}
    assert reach["net/h/kernel"] == pytest.approx(float(abs(hidden.T @ (2 * outputs)).max()), rel=1e-5)
    assert reach["net/h/bias"] == pytest.approx(float(abs(2 * outputs.sum(0)).max()), rel=1e-5)
    assert [item.module for item in report.depth] == ["net/a", "net/b", "net/h"]
    assert report.depth[2].signal == pytest.approx(float((outputs**2).mean() ** 0.5), rel=1e-5)
    assert report.depth[2].gradient == pytest.approx(float((4 * outputs**2).mean() ** 0.5), rel=1e-5)
    slope = (2 * outputs @ ops.convert_to_numpy(model.h.kernel).T) * (hidden > 0)
    assert report.depth[1].gradient == pytest.approx(float((slope**2).mean() ** 0.5), rel=1e-5)


def test_depth_is_of_layers_with_parameters() -> None:
    """What has no parameters of its own is no step of the depth, wherever it stands."""
    x = keras.Input((6, 6, 4))
    y = layers.ReLU()(layers.Conv2D(4, 3, name="one")(x))
    y = layers.Activation("tanh")(layers.Conv2D(4, 3, activation="relu", name="two")(layers.MaxPooling2D(1)(y)))
    report = zero_array.keras.audit(keras.Model(x, layers.Flatten()(y)), starts.batch(starts.PICTURE))
    assert [item.module for item in report.depth] == ["one", "two"]


class Busy(keras.Model):
    """A model with everything that could be touched: it norms, drops and draws."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__(name="busy")
        self.a, self.b = layers.Dense(4, "relu", name="a"), layers.Dense(3, name="b")
        self.norm, self.drop = layers.BatchNormalization(name="norm"), layers.Dropout(0.5, seed=1, name="drop")
        self.fails = fails

    def call(self, x: Any, training: Any = None) -> Any:
        """Change all that."""
        x = self.b(self.drop(self.norm(self.a(x), training=training), training=training))
        if self.fails:
            raise RuntimeError("no more")
        return x


def digest(model: Any) -> list[Any]:
    """All that a model holds: the bytes of its variables, seed generators and optimizer, its activations, its calls."""
    variables = [*model.variables, *model.optimizer.variables, model.drop.seed_generator.state]
    held = [(item.path, ops.convert_to_numpy(item).tobytes()) for item in variables]
    calls = [(layer.name, len(layer._inbound_nodes), len(layer.losses)) for layer in model._flatten_layers()]
    return [held, calls, model.a.activation, [layer.trainable for layer in model._flatten_layers()]]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_touched(fails: bool) -> None:
    """Variables, seed generators, the optimizer and the layers are what they were, also on errors."""
    x = starts.batch((8, 4))
    model = Busy()
    model.compile("adam", "mse")
    model.fit(x, numpy.ones((8, 3)), verbose=0)
    before = digest(model)
    model.fails = fails
    for _ in range(2):
        if fails:
            with pytest.raises(ValueError, match=r"^`example_inputs` must be what the model takes; got Runtime"):
                zero_array.keras.audit(model, x, steps=2)
        else:
            zero_array.keras.audit(model, x, steps=2)
    assert digest(model) == before
    model.fails = False
    model(x, training=True)
    assert digest(model) != before


def test_same_report_each_time() -> None:
    """Two audits say the same, whatever was drawn between."""
    model = Busy()
    x = starts.batch((8, 4))
    model(x)
    first = zero_array.keras.audit(model, x, steps=2)
    model(x, training=True)
    model.norm.moving_mean.assign(ops.zeros(4))
    assert zero_array.keras.audit(model, x, steps=2).findings == first.findings


def test_several_inputs() -> None:
    """A model of the functional API takes its inputs as it was made: a list, or a dict."""
    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    outputs = layers.Dense(3, name="h")(one * two)
    x, y = starts.batch((2, 5, 4))
    for inputs, given in (([one, two], [x, y]), ({"one": one, "two": two}, {"one": x, "two": y})):
        report = zero_array.keras.audit(keras.Model(inputs, outputs), given)
        assert [item.parameter for item in report.reach] == ["h/kernel", "h/bias"]
        assert report.worst is None


class Own(keras.Model):
    """It returns its loss."""

    def __init__(self) -> None:
        super().__init__(name="own")
        self.inner = layers.Dense(3, name="inner")

    def call(self, x: Any) -> Any:
        """The loss, and what has no part in it."""
        y = self.inner(x)
        return {"loss": ops.sum(ops.square(y)), "other": y * 1e6}


def test_own_loss() -> None:
    """The loss that a model returns is the one that is taken."""
    model, x = Own(), starts.batch((3, 4))
    model(x)
    assert max(item.now for item in zero_array.keras.audit(model, x).reach) < 1e3


def test_mixed_precision() -> None:
    """A model that computes in bfloat16 is looked at as any other."""
    parts = [layers.Dense(size, dtype="mixed_bfloat16") for size in (16, 3)]
    model = keras.Sequential([keras.Input((4,)), *parts])
    report = zero_array.keras.audit(model, starts.batch((5, 4)), steps=1)
    assert not report.filter(severity="error").findings
    assert all(item.now > 0 for item in report.reach)


def dense() -> keras.Model:
    """One layer."""
    return keras.Sequential([keras.Input((4,)), layers.Dense(3)], name="dense")


def picked() -> keras.Model:
    """It returns integers."""
    x = keras.Input((4,))
    return keras.Model(x, ops.argmax(layers.Dense(3)(x), -1))


class Opaque(keras.Model):
    """A model that looks at numbers."""

    def __init__(self) -> None:
        super().__init__(name="opaque")
        self.inner = layers.Dense(4, name="inner")

    def call(self, x: Any) -> Any:
        """What can't be done with symbols."""
        return self.inner(x) if float(ops.sum(x)) >= 0 else x


def opaque() -> keras.Model:
    """It is built."""
    model = Opaque()
    model(numpy.ones((1, 4), dtype="float32"))
    return model


ONES = numpy.ones((2, 4), dtype="float32")
LOSS = "`loss` must return a tensor with one element that has a gradient; got "
MISUSES: list[tuple[Callable[[], Any], Any, dict[str, Any], type[Exception], str]] = [
    (lambda: 3, ONES, {}, TypeError, "`model` must be one keras.Model; got 3"),
    (
        lambda: keras.Sequential([layers.Dense(2)]),
        ONES,
        {},
        ValueError,
        "`model` must be built; got a Sequential without variables: call it with a batch first",
    ),
    (dense, None, {}, TypeError, "`example_inputs` must be a tensor, or a tuple or dict that holds one; got None"),
    (dense, numpy.ones((2, 5), dtype="float32"), {}, ValueError, "`example_inputs` must be what the model takes; got "),
    (opaque, ONES, {}, ValueError, "it can't be told what Opaque computes ("),
    (
        dense,
        ONES,
        {"loss": "mse"},
        TypeError,
        (
            "`loss` must be a function of what the model returns, such as "
            "lambda outputs: outputs.logits.square().mean(); got a str"
        ),
    ),
    (
        dense,
        ONES,
        {"loss": lambda outputs: outputs.logits},
        ValueError,
        "`loss` must take what the model returns; got AttributeError: ",
    ),
    (dense, ONES, {"loss": lambda outputs: outputs}, ValueError, LOSS + "one of shape (2, 3)"),
    (dense, ONES, {"loss": lambda outputs: 1.0}, TypeError, LOSS + "1.0"),
    (dense, ONES, {"loss": lambda outputs: ops.sum(ops.stop_gradient(outputs))}, ValueError, LOSS + "one without"),
    (picked, ONES, {}, ValueError, "`model` must return tensors that depend on its parameters; got "),
    (dense, ONES, {"steps": -1}, ValueError, "`steps` must be an int >= 0; got -1"),
    (dense, ONES, {"steps": True}, TypeError, "`steps` must be an int >= 0; got True"),
]


@pytest.mark.parametrize(("build", "inputs", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(
    build: Callable[[], Any], inputs: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """What is wrong is said in one sentence."""
    with pytest.raises(kind) as caught:
        zero_array.keras.audit(build(), inputs, **options)
    found = str(caught.value)
    assert found.startswith(message) if message.endswith((" ", "(")) else found == message


def test_no_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Keras's backend makes no gradients, it is said where to go."""
    model = dense()
    monkeypatch.setattr(keras.config, "backend", lambda: "numpy")
    with pytest.raises(ValueError, match="got Keras on numpy") as caught:
        zero_array.keras.audit(model, ONES)
    assert str(caught.value) == (
        "`model` must be on a backend with gradients; got Keras on numpy: set KERAS_BACKEND to jax, torch or "
        "tensorflow and load the model there"
    )
