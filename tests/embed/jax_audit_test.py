"""JAX: the audit of any function of a tree of parameters."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy
import pytest
import starts
from jax import lax
from oracle import is_documented

import zero_array.jax


def weight(*shape: int, name: str) -> Any:
    """A random weight, the same one each time."""
    return numpy.random.default_rng(ord(name)).standard_normal(shape, "float32") * numpy.float32(shape[-2] ** -0.5)


def linear(into: int, out: int, name: str) -> Any:
    """A layer with a bias: its parameters, and what it computes of them."""
    params = {"kernel": weight(into, out, name=name), "bias": numpy.zeros(out, "float32")}
    return params, lambda own, x: x @ own["kernel"] + own["bias"]


def conv(into: int, out: int, size: int, name: str, groups: int = 1) -> Any:
    """A convolution without a bias."""

    def compute(own: Any, x: Any) -> Any:
        numbers = ("NHWC", "HWIO", "NHWC")
        return lax.conv_general_dilated(
            x, own["kernel"], (1, 1), "SAME", dimension_numbers=numbers, feature_group_count=groups
        )

    return {"kernel": weight(size, size, into // groups, out, name=name)}, compute


def norm(width: int, name: str) -> Any:
    """A layer norm."""
    del name
    params = {"scale": numpy.ones(width, "float32"), "bias": numpy.zeros(width, "float32")}
    return params, lambda own, x: jax.nn.standardize(x, -1) * own["scale"] + own["bias"]


def model(compute: Callable[[Any, Any], Any], x: Any, **layers: Any) -> Any:
    """The parameters of some layers, and what is computed of them."""
    del x

    def apply(params: Any, x: Any) -> Any:
        bound = {name: lambda x, name=name: layers[name][1](params[name], x) for name in layers}
        return compute(SimpleNamespace(**bound), x)

    return {name: dict(params) for name, (params, _) in layers.items()}, apply


def fill(model: Any, name: str, value: Any) -> None:
    """Set a parameter."""
    layer, key = name.split(".")
    held, array = model[0][layer], numpy.asarray(value, "float32")
    held[key] = array.reshape(held[key].shape) if array.size > 1 else numpy.full_like(held[key], array)


KIT = starts.Kit(
    linear=linear,
    conv=conv,
    depthwise=lambda channels, size, name: conv(channels, channels, size, name, channels),
    norm=norm,
    scale=lambda width, name: ({"gamma": numpy.ones(width, "float32")}, lambda own, x: x * own["gamma"]),
    attention=lambda width, name: None,  # a function has none of its own
    attend=lambda layer, x: None,
    model=model,
    fill=fill,
    name=lambda name: name,
    relu=jax.nn.relu,
    softmax=jax.nn.softmax,
    matmul=jnp.matmul,
    turned=lambda x: x.swapaxes(-1, -2),
    log=jnp.log,
    stop=lax.stop_gradient,
)
NAMES = [name for name in starts.BROKEN if name not in ("the framework's attention", "all constant")]


@pytest.mark.parametrize("name", NAMES)
def test_gallery(name: str) -> None:
    """What is broken is found, by its parameter, with the remedy; no other error is claimed."""
    start = starts.BROKEN[name]
    params, apply = start.build(KIT, start.data)
    report = zero_array.jax.audit(params, start.data, apply=apply)
    assert starts.missing(KIT, start, report) == [], str(report)


def test_good_start() -> None:
    """A model started by `init` has no error; its tree, of NumPy's arrays and others, is what it was."""
    x = starts.batch(starts.TOKENS)
    params, apply = starts.branch(KIT, x)
    params, _ = zero_array.jax.init(params, apply=apply, example_inputs=x)
    params = {**params, "count": 3, "h": jax.tree.map(numpy.asarray, params["h"])}
    before = [numpy.asarray(leaf).tobytes() for leaf in jax.tree.leaves(params)]
    report = zero_array.jax.audit(params, x, apply=apply, steps=1)
    assert not report.filter(severity="error").findings, str(report)
    assert [item.parameter for item in report.reach if item.after is None] == []
    assert [numpy.asarray(leaf).tobytes() for leaf in jax.tree.leaves(params)] == before


def test_remedy() -> None:
    """What to type is a call of this module."""
    start = starts.BROKEN["branch of two zeros"]
    params, apply = start.build(KIT, start.data)
    remedies = [item.remedy for item in zero_array.jax.audit(params, start.data, apply=apply)]
    assert any("zero_array.jax.init(tree, apply=..., example_inputs=...)" in remedy for remedy in remedies)


def test_units_of_channels_first() -> None:
    """The dead units of a ReLU are the features of the layer before it, wherever their axis is."""
    kernel = numpy.ones((20, 3, 1, 1), "float32")
    kernel[:19] = -1.0

    def apply(params: Any, x: Any) -> Any:
        return jax.nn.relu(lax.conv(x, params["kernel"], (1, 1), "SAME")).mean((2, 3)) @ params["head"]

    tree = {"kernel": kernel, "head": weight(20, 3, name="h")}
    report = zero_array.jax.audit(tree, numpy.ones((2, 3, 4, 4), "float32"), apply=apply)
    (finding,) = report.filter(what="dead units")
    assert "19 of 20" in finding.evidence


ONES = numpy.ones((2, 4), "float32")
TREE = {"w": numpy.eye(4, dtype="float32")}
MISUSES: list[tuple[Any, Any, dict[str, Any], type[Exception], str]] = [
    ({}, ONES, {"apply": None}, ValueError, "`tree` must have parameters; got a dict, which has none"),
    (
        TREE,
        ONES,
        {"apply": None},
        ValueError,
        "`apply` must be given: what each parameter is follows from what the function computes of them",
    ),
    (
        jax.eval_shape(lambda: TREE),
        ONES,
        {},
        ValueError,
        "`tree` must hold values; got shapes alone: make it first",
    ),
    (TREE, None, {}, TypeError, "`example_inputs` must be a tensor, or a tuple or dict that holds one; got None"),
    (
        TREE,
        numpy.ones(3, "int32"),
        {"apply": lambda tree, x: tree["missing"]},
        ValueError,
        "`example_inputs` must be what the model takes; got KeyError: 'missing'",
    ),
    (TREE, ONES, {"steps": -1}, ValueError, "`steps` must be an int >= 0; got -1"),
]


@pytest.mark.parametrize(("tree", "inputs", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(tree: Any, inputs: Any, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What is wrong is said in one sentence."""
    given: dict[str, Any] = {"apply": lambda tree, x: x @ tree["w"]} | options
    with pytest.raises(kind) as caught:
        zero_array.jax.audit(tree, inputs, **given)
    assert str(caught.value) == message


def test_misuse_is_documented() -> None:
    """The sentences of this module alone are in the documentation."""
    assert is_documented(MISUSES[0][-1])
    assert is_documented(MISUSES[1][-1])
