"""Equinox: the audit of a model."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import equinox
import jax
import jax.numpy as jnp
import numpy
import pytest
import starts
from equinox import nn
from equinox_models_test import ResNet
from jax_nets import image

import zero_array.equinox


class Model(equinox.Module):
    """Some layers, each called with one example, and what is computed of them for a batch."""

    compute: Callable[[Any, Any], Any] = equinox.field(static=True)
    layers: dict[str, Any]

    def __call__(self, x: Any) -> Any:
        """Compute."""
        return self.compute(SimpleNamespace(**{name: over(layer) for name, layer in self.layers.items()}), x)


def over(layer: Any) -> Callable[[Any], Any]:
    """A layer, mapped over all axes but those of an example."""

    def call(x: Any) -> Any:
        function = layer
        for _ in range(x.ndim - (3 if isinstance(layer, nn.Conv) else 1)):
            function = jax.vmap(function)
        return function(x)

    return call


class Scale(equinox.Module):
    """A layer that multiplies."""

    gamma: Any

    def __call__(self, x: Any) -> Any:
        """Multiply."""
        return x * self.gamma


def key(name: str) -> Any:
    """A key, the same one each time."""
    return jax.random.key(ord(name))


def linear(into: int, out: int, name: str) -> Any:
    """A layer with a bias of zeros."""
    layer = nn.Linear(into, out, dtype="float32", key=key(name))
    return equinox.tree_at(lambda layer: layer.bias, layer, jnp.zeros(out, "float32"))


def fill(model: Any, name: str, value: Any) -> None:
    """Set a parameter, whose kernel is given as (in, out)."""
    layer, kind = name.split(".")
    held = model.layers[layer]
    what = KINDS.get(kind, kind)
    array = numpy.asarray(value, "float32")
    shape = getattr(held, what).shape
    array = array.T if array.ndim > 1 else numpy.broadcast_to(array, shape)
    model.layers[layer] = equinox.tree_at(lambda held: getattr(held, what), held, jnp.asarray(array))


KINDS = {"kernel": "weight", "scale": "weight"}


def named(name: str) -> str:
    """What a parameter is called in a `Model`."""
    layer, dot, kind = name.partition(".")
    return f"layers.{layer}{dot}{KINDS.get(kind, kind)}" if name else ""


KIT = starts.Kit(
    linear=linear,
    conv=lambda into, out, size, name: nn.Conv2d(into, out, size, padding="SAME", use_bias=False, key=key(name)),
    depthwise=lambda channels, size, name: None,  # these starts are of pictures with their channels last
    norm=lambda width, name: nn.LayerNorm(width, dtype="float32"),
    scale=lambda width, name: Scale(jnp.ones(width, "float32")),
    attention=lambda width, name: None,
    attend=lambda layer, x: None,
    model=lambda compute, x, **layers: Model(compute, layers),
    fill=fill,
    name=named,
    relu=jax.nn.relu,
    softmax=jax.nn.softmax,
    matmul=jnp.matmul,
    turned=lambda x: x.swapaxes(-1, -2),
    log=jnp.log,
    stop=jax.lax.stop_gradient,
)
NAMES = (
    *("branch of two zeros", "dead ReLU", "detached", "norm behind zeros", "not finite", "one branch of two"),
    *("query, key and value equal", "twins behind a zero head", "values and output", "zero layer scale"),
)


@pytest.mark.parametrize("name", NAMES)
def test_gallery(name: str) -> None:
    """What is broken is found, by its parameter, with the remedy; no other error is claimed."""
    start = starts.BROKEN[name]
    report = zero_array.equinox.audit(start.build(KIT, start.data), start.data)
    assert starts.missing(KIT, start, report) == [], str(report)


def test_pictures() -> None:
    """A residual network over a batch has no error; without its last norm's scale, zeros in series are found."""
    batch = jnp.moveaxis(image(), -1, 1)
    model = equinox.filter_jit(ResNet)()
    options: dict[str, Any] = {"apply": lambda model, x: jax.vmap(model)(x)}
    report = zero_array.equinox.audit(model, batch, **options, steps=1)
    assert not report.filter(severity="error").findings, str(report)
    weights = [lambda model, part=part: getattr(model.one, part).conv.weight for part in ("first", "second")]
    for weight in weights:
        model = equinox.tree_at(weight, model, replace_fn=jnp.zeros_like)
    report = zero_array.equinox.audit(model, batch, **options)
    (finding,) = report.filter(what="zeros in series")
    assert finding.parameter == "one.first.conv.weight"
    assert "zero_array.equinox.init(model, example_inputs=...)" in finding.remedy


def test_dropout_is_off_and_nothing_is_touched() -> None:
    """The model needs no key, says that it drops, and is what it was."""
    layers = {"a": linear(4, 16, "a"), "d": nn.Dropout(0.5), "b": linear(16, 3, "b")}
    model = Model(lambda model, x: model.b(jax.nn.relu(model.d(model.a(x)))), layers)
    fill(model, "a.kernel", zero_array.zero_init((4, 16), in_axis=0, out_axis=1))
    fill(model, "b.kernel", 0.0)
    before = [numpy.asarray(leaf).tobytes() for leaf in jax.tree.leaves(model)]
    report = zero_array.equinox.audit(model, starts.batch((5, 4)), steps=2)
    (finding,) = report.filter(what="twins that stay")
    assert "dropout" in f"{finding.evidence} {finding.remedy}"
    assert [numpy.asarray(leaf).tobytes() for leaf in jax.tree.leaves(model)] == before
    assert layers["d"].inference is False


class Normed(equinox.Module):
    """A model with state: its norm takes the whole batch."""

    a: nn.Linear
    norm: nn.BatchNorm
    drop: nn.Dropout
    b: nn.Linear

    def __init__(self) -> None:
        self.a, self.b = linear(4, 8, "a"), linear(8, 3, "b")
        self.norm, self.drop = nn.BatchNorm(8, "batch", mode="batch"), nn.Dropout(0.5)

    def __call__(self, x: Any, state: Any) -> Any:
        """The result, and the new state."""
        y, state = self.norm(self.a(x), state)
        return self.b(self.drop(jnp.tanh(y))), state


def test_state() -> None:
    """State goes into `apply` and does not come out; only dropout is off."""
    model, state = nn.make_with_state(Normed)()
    over_batch = {"axis_name": "batch", "in_axes": (0, None), "out_axes": (0, None)}
    report = zero_array.equinox.audit(
        model, starts.batch((6, 4)), apply=lambda model, x: jax.vmap(model, **over_batch)(x, state)[0]
    )
    assert report.worst != "error", str(report)
    assert {item.parameter for item in report.reach if item.now < 1e-6} == {"a.bias"}  # the norm takes it away


ONES = numpy.ones(4, "float32")
MISUSES: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    ([1], ONES, {}, TypeError, "`model` must be one equinox.Module; got a list"),
    (
        equinox.filter_eval_shape(linear, 4, 4, "a"),
        ONES,
        {},
        ValueError,
        "`model` must hold values; got shapes alone: make it first",
    ),
    (
        linear(4, 4, "a"),
        None,
        {},
        TypeError,
        "`example_inputs` must be a tensor, or a tuple or dict that holds one; got None",
    ),
    (linear(4, 4, "a"), ONES, {"steps": True}, TypeError, "`steps` must be an int >= 0; got True"),
]


@pytest.mark.parametrize(("model", "inputs", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(model: Any, inputs: Any, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What is wrong is said in one sentence."""
    with pytest.raises(kind) as caught:
        zero_array.equinox.audit(model, inputs, **options)
    assert str(caught.value) == message
