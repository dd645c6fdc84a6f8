"""Flax: the audit of models of nnx and of linen."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import nets
import numpy
import pytest
import starts
from flax import linen, nnx
from flax_models_test import MODELS, Cells, ResNet
from jax_nets import image

import zero_array.flax
from zero_array._host import to_bytes


class Model(nnx.Module):
    """Some layers, and what is computed of them."""

    def __init__(self, compute: Callable[[Any, Any], Any], layers: dict[str, Any]) -> None:
        self.compute = compute
        for name, layer in layers.items():
            setattr(self, name, layer)

    def __call__(self, x: Any) -> Any:
        """Compute."""
        return self.compute(self, x)


class Scale(nnx.Module):
    """A layer that multiplies."""

    def __init__(self, width: int) -> None:
        self.gamma = nnx.Param(jnp.ones(width))

    def __call__(self, x: Any) -> Any:
        """Multiply."""
        return x * self.gamma


def conv(into: int, out: int, size: int, name: str, groups: int = 1) -> Any:
    """A convolution."""
    rngs = nnx.Rngs(ord(name))
    return nnx.Conv(into, out, (size, size), feature_group_count=groups, use_bias=False, rngs=rngs)


def fill(model: Any, name: str, value: Any) -> None:
    """Set a parameter."""
    for step in name.split("."):
        model = getattr(model, step)
    array, shape = numpy.asarray(value, dtype="float32"), model[...].shape
    model.set_raw_value(jnp.asarray(array.reshape(shape) if array.size > 1 else numpy.full(shape, array)))


KIT = starts.Kit(
    linear=lambda into, out, name: nnx.Linear(into, out, rngs=nnx.Rngs(ord(name))),
    conv=conv,
    depthwise=lambda channels, size, name: conv(channels, channels, size, name, channels),
    norm=lambda width, name: nnx.LayerNorm(width, rngs=nnx.Rngs(ord(name))),
    scale=lambda width, name: Scale(width),
    attention=lambda width, name: nnx.MultiHeadAttention(
        2, width, use_bias=False, decode=False, rngs=nnx.Rngs(ord(name))
    ),
    attend=lambda layer, x: layer(x),
    model=lambda compute, x, **layers: Model(compute, layers),
    fill=fill,
    name=lambda name: name,
    relu=nnx.relu,
    softmax=nnx.softmax,
    matmul=jnp.matmul,
    turned=lambda x: x.swapaxes(-1, -2),
    log=jnp.log,
    stop=jax.lax.stop_gradient,
)


@pytest.mark.parametrize("name", starts.BROKEN)
def test_gallery(name: str) -> None:
    """What is broken is found, by its parameter, with the remedy; no other error is claimed."""
    start = starts.BROKEN[name]
    report = zero_array.flax.audit(start.build(KIT, start.data), start.data)
    assert starts.missing(KIT, start, report) == [], str(report)


class Spare(nnx.Module):
    """A layer that is not used."""

    def __init__(self) -> None:
        self.used, self.spare = (nnx.Linear(4, 4, rngs=nnx.Rngs(seed)) for seed in range(2))

    def __call__(self, x: Any) -> Any:
        """Use one."""
        return self.used(x)


def test_unused() -> None:
    """What the model doesn't read is told, and is no error."""
    report = zero_array.flax.audit(Spare(), starts.batch(starts.TOKENS))
    assert {item.parameter for item in report.filter(what="unused")} == {"spare.kernel", "spare.bias"}
    assert report.worst == "warning"


GOOD: dict[str, tuple[Callable[[], Any], Any]] = {
    "mlp": (lambda: starts.mlp(KIT, None), starts.batch((8, 4))),
    "resnet": (MODELS["resnet"], image()),
    "transformer": (MODELS["transformer"], image()),
    "recurrent": (Cells, starts.batch(starts.TOKENS)),
}


@pytest.mark.parametrize("start", ["own", "ZerO"])
@pytest.mark.parametrize("name", GOOD)
def test_good_models_have_no_errors(name: str, start: str) -> None:
    """Models at their own start, and started by `init`, are without errors."""
    build, x = GOOD[name]
    model = build()
    if start == "ZerO":
        zero_array.flax.init(model, example_inputs=x)
    report = zero_array.flax.audit(model, x, steps=1)
    assert not report.filter(severity="error").findings, str(report)
    assert all(item.after is not None for item in report.reach)


def test_same_in_all_frameworks() -> None:
    """The residual network of `nets` with zeros in series has the errors that it has in every framework."""
    model = ResNet()
    for conv in (model.one.first.conv, model.one.second.conv):
        conv.kernel.set_raw_value(jnp.zeros_like(conv.kernel[...]))
    report = zero_array.flax.audit(model, image()).filter(severity="error")
    names = {"one.first.conv.kernel": "one.first"}
    assert {(item.what, names.get(item.parameter, "")) for item in report} == nets.SERIES


def test_gradients_and_depth() -> None:
    """The reach is the gradient that JAX makes, signal and gradient by depth are those of the layers' outputs."""
    x = starts.batch((3, 4))
    model = starts.mlp(KIT, x)
    report = zero_array.flax.audit(model, x, loss=lambda outputs: (outputs**2).sum())
    slopes = nnx.grad(lambda model: (model(x) ** 2).sum())(model)
    for item in report.reach:
        layer, name = item.parameter.split(".")
        assert item.now == pytest.approx(float(abs(slopes[layer][name][...]).max()), rel=1e-5)
    assert [item.module for item in report.depth] == ["a", "b", "h"]
    outputs = model(x)
    assert report.depth[2].signal == pytest.approx(float(jnp.sqrt((outputs**2).mean())), rel=1e-5)
    assert report.depth[2].gradient == pytest.approx(float(jnp.sqrt((4 * outputs**2).mean())), rel=1e-5)
    hidden = model.a(x)
    slope = jax.grad(lambda hidden: (model.h(nnx.relu(model.b(nnx.relu(hidden)))) ** 2).sum())(hidden)
    assert report.depth[0].gradient == pytest.approx(float(jnp.sqrt((slope**2).mean())), rel=1e-5)


class Busy(nnx.Module):
    """A model with everything that could be touched: it norms, drops, draws and counts."""

    def __init__(self, *, fails: bool = False) -> None:
        self.rngs = nnx.Rngs(0)
        self.a, self.b = nnx.Linear(4, 4, rngs=self.rngs), nnx.Linear(4, 3, rngs=self.rngs)
        self.norm, self.drop = nnx.BatchNorm(4, rngs=self.rngs), nnx.Dropout(0.5, rngs=self.rngs)
        self.count = nnx.Variable(jnp.zeros(()))
        self.fails = fails

    def __call__(self, x: Any) -> Any:
        """Change all that."""
        self.count[...] += 1
        x = self.drop(self.norm(self.a(x))) + jax.random.normal(self.rngs.params(), (4,))
        if self.fails:
            raise RuntimeError("no more")
        return self.b(x)


def digest(model: Any) -> list[Any]:
    """All that a model holds: the bytes of its state, keys and counts of its random streams, its modes."""
    graph, state = nnx.split(model)
    leaves = jax.tree.leaves_with_path(state)
    arrays = [
        jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf for _, leaf in leaves
    ]
    modes = [model.norm.use_running_average, model.drop.deterministic]
    return [str(graph), [str(path) for path, _ in leaves], [numpy.asarray(item).tobytes() for item in arrays], modes]


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_touched(fails: bool) -> None:
    """Parameters, statistics, counts, random streams and modes are what they were, also on errors."""
    model = Busy(fails=fails)
    before = digest(model)
    for _ in range(2):
        if fails:
            with pytest.raises(ValueError, match=r"^`example_inputs` must be what the model takes; got Runtime"):
                zero_array.flax.audit(model, starts.batch((5, 4)), steps=2)
        else:
            zero_array.flax.audit(model, starts.batch((5, 4)), steps=2)
    assert digest(model) == before
    if not fails:
        model(starts.batch((5, 4)))
        assert digest(model) != before


def test_same_report_each_time() -> None:
    """Two audits say the same; a twin is said to be parted by dropout."""
    model = Busy()
    assert zero_array.flax.audit(model, starts.batch((5, 4)), steps=2) == zero_array.flax.audit(
        model, starts.batch((5, 4)), steps=2
    )


def test_half_precision() -> None:
    """A model of bfloat16 is looked at as any other."""
    layers = {name: nnx.Linear(4, 4, param_dtype=jnp.bfloat16, dtype=jnp.bfloat16, rngs=nnx.Rngs(0)) for name in "ab"}
    model = Model(lambda model, x: model.b(model.a(x)), layers)
    before = [to_bytes(layer.kernel[...]) for layer in (model.a, model.b)]
    report = zero_array.flax.audit(model, jnp.asarray(starts.batch((5, 4)), jnp.bfloat16), steps=1)
    assert not report.filter(severity="error").findings
    assert {facts.dtype for facts in report.weights if facts.parameter.endswith("kernel")} == {"bfloat16"}
    assert [to_bytes(layer.kernel[...]) for layer in (model.a, model.b)] == before


class Own(nnx.Linear):
    """It returns its loss."""

    def __call__(self, x: Any) -> Any:
        """The loss, and what has no part in it."""
        return {"loss": (super().__call__(x) ** 2).sum(), "other": self.bias[...] * 1e6}


def test_own_loss() -> None:
    """The loss that a model returns is the one that is taken."""
    report = zero_array.flax.audit(Own(4, 3, rngs=nnx.Rngs(0)), starts.batch((3, 4)))
    assert max(item.now for item in report.reach) < 1e3


def test_apply() -> None:
    """Another function of the model is looked at where one is given, without dropout too."""
    model = Busy()
    report = zero_array.flax.audit(
        model, starts.batch((5, 4)), apply=lambda model, x: model.norm(model.drop(model.a(x)))
    )
    assert {item.parameter for item in report.filter(what="unused")} == {"b.kernel", "b.bias"}


class Linen(linen.Module):
    """A residual branch with a norm by the batch, and a head."""

    @linen.compact
    def __call__(self, x: Any) -> Any:
        """Compute."""
        y = linen.BatchNorm(use_running_average=False)(linen.Dense(4, name="a")(x))
        return linen.Dense(3, name="h")(x + linen.Dense(4, name="b")(jnp.tanh(y)))


def test_linen() -> None:
    """A model of linen is looked at by its variables, which stay what they were; `init` mends it."""
    model, x = Linen(), starts.batch((5, 4))
    variables = model.init(jax.random.key(0), x)
    variables["params"]["BatchNorm_0"]["scale"] = jnp.zeros(4)
    variables["params"]["b"]["kernel"] = jnp.zeros((4, 4))
    options: dict[str, Any] = {
        "variables": variables,
        "apply": lambda variables, x: model.apply(variables, x, mutable=["batch_stats"])[0],
    }
    before = [to_bytes(leaf) for leaf in jax.tree.leaves(variables)]
    report = zero_array.flax.audit(model, x, **options).filter(severity="error")
    assert report.findings[0].what == "zeros in series"
    assert "zero_array.flax.init(model, variables=..., example_inputs=...)" in report.findings[0].remedy
    assert [to_bytes(leaf) for leaf in jax.tree.leaves(variables)] == before
    options["variables"], _ = zero_array.flax.init(model, example_inputs=x, **options)
    assert zero_array.flax.audit(model, x, **options, steps=1).worst != "error"


ONES = numpy.ones((2, 4), dtype="float32")
LOSS = "`loss` must return a tensor with one element that has a gradient; got "
MODEL = "`model` must be one flax.nnx.Module, or one linen.Module and its `variables`; got "
MISUSES: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    (3, ONES, {}, TypeError, f"{MODEL}3"),
    (Spare(), ONES, {"variables": {}}, TypeError, f"{MODEL}a Spare"),
    (
        linen.Dense(3),
        ONES,
        {},
        TypeError,
        "`variables` must be what model.init returned, with 'params' in it; got None",
    ),
    (
        nnx.eval_shape(lambda: nnx.Linear(4, 4, rngs=nnx.Rngs(0))),
        ONES,
        {},
        ValueError,
        "`model` must hold values; got shapes alone: make it first",
    ),
    (
        Spare(),
        jax.ShapeDtypeStruct((2, 4), "float32"),
        {},
        ValueError,
        "`example_inputs` must hold values; got shapes alone: make it first",
    ),
    (Spare(), None, {}, TypeError, "`example_inputs` must be a tensor, or a tuple or dict that holds one; got None"),
    (
        Spare(),
        ONES,
        {"loss": "mse"},
        TypeError,
        (
            "`loss` must be a function of what the model returns, such as "
            "lambda outputs: outputs.logits.square().mean(); got a str"
        ),
    ),
    (
        Spare(),
        ONES,
        {"loss": lambda outputs: outputs["logits"]},
        ValueError,
        "`loss` must take what the model returns; got TypeError: ",
    ),
    (Spare(), ONES, {"loss": lambda outputs: outputs}, ValueError, LOSS + "one of shape (2, 4)"),
    (Spare(), ONES, {"loss": lambda outputs: 1.0}, TypeError, LOSS + "1.0"),
    (Spare(), ONES, {"loss": lambda outputs: jax.lax.stop_gradient(outputs).sum()}, ValueError, LOSS + "one without"),
    (
        Model(lambda model, x: model.a(x).argmax(-1), {"a": nnx.Linear(4, 4, rngs=nnx.Rngs(0))}),
        ONES,
        {},
        ValueError,
        (
            "`model` must return tensors that depend on its parameters; got an array of int64: pass loss=, a function "
            "of what it returns"
        ),
    ),
    (Spare(), ONES, {"steps": -1}, ValueError, "`steps` must be an int >= 0; got -1"),
    (Spare(), ONES, {"steps": True}, TypeError, "`steps` must be an int >= 0; got True"),
]


@pytest.mark.parametrize(("model", "inputs", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(model: Any, inputs: Any, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What is wrong is said in one sentence."""
    with pytest.raises(kind) as caught:
        zero_array.flax.audit(model, inputs, **options)
    found = str(caught.value)
    assert found.startswith(message) if message.endswith(": ") else found == message, found
