"""JAX: whole models as a tree of parameters and a function of it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy
import pytest
from jax.sharding import NamedSharding, PartitionSpec
from jax_nets import learned, paths
from oracle import is_documented

import zero_array.jax
from zero_array._host import to_bytes
from zero_array.jax._read import trace
from zero_array.recipes import Plan

X = numpy.random.default_rng(0).standard_normal((2, 5, 8)).astype("float32")


def params() -> Any:
    """A block of attention with packed weights, two layers that are scanned, and a head."""
    shapes = {"qkv": (8, 24), "out": (8, 8), "head": (8, 12), "up": (3, 8, 32), "down": (3, 32, 8)}
    zeros = {name: jnp.zeros(shape, "float32") for name, shape in shapes.items()}
    stack = {name: zeros.pop(name) for name in ("up", "down")}
    return {**zeros, "stack": [stack], "steps": jnp.zeros((), "int32"), "name": "block"}


def apply(params: Any, x: Any) -> Any:
    """Scores."""
    query, key, value = jnp.split(x @ params["qkv"], 3, axis=-1)
    scores = jax.nn.softmax(query @ key.swapaxes(-1, -2), axis=-1)
    x = x + scores @ value @ params["out"]
    x, _ = jax.lax.scan(lambda x, w: (x + jax.nn.gelu(x @ w["up"]) @ w["down"], None), x, params["stack"][0])
    return x.mean(1) @ params["head"]


def test_tree() -> None:
    """Each array is what the function makes of it; what is no array of real numbers stays, and all learn."""
    old = params()
    new, plan = zero_array.jax.init(old, apply=apply, example_inputs=X, head="algorithm1")
    assert {entry.name: entry.fill for entry in plan} == {
        "head": "hadamard",
        "out": "identity",
        "qkv": "query identity, key zeros, value zeros",
        "stack.0.down": "zeros",
        "stack.0.up": "hadamard",
    }
    wanted = zero_array.zero_init((32, 8), dtype="float32").T
    assert to_bytes(new["stack"][0]["up"]) == numpy.stack([wanted] * 3).tobytes()
    assert to_bytes(new["head"]) == numpy.ascontiguousarray(zero_array.zero_init((12, 8), dtype="float32").T).tobytes()
    assert (new["steps"] is old["steps"], new["name"]) == (True, "block")
    arrays = {name: leaf for name, leaf in new.items() if name not in ("steps", "name")}
    assert learned(lambda arrays: apply(arrays, X), arrays) == paths(arrays)


def test_plans_and_shapes() -> None:
    """A plan that was saved starts a tree of shapes; a dry run returns the tree that it is given."""
    old = params()
    same, plan = zero_array.jax.init(old, apply=apply, example_inputs=X, dry_run=True)
    assert same is old
    shapes = jax.eval_shape(lambda: {name: leaf for name, leaf in params().items() if name != "name"})
    new, again = zero_array.jax.init(shapes, Plan.from_json(plan.to_json()), overrides=None)
    assert again == plan
    assert numpy.array_equal(new["qkv"][:, :8], numpy.eye(8))


def test_sharding_stays() -> None:
    """Each device makes its part of an array that is sharded."""
    mesh = jax.make_mesh((8,), ("model",), devices=jax.devices("cpu"))
    place = NamedSharding(mesh, PartitionSpec(None, "model"))
    tree = {"w": jax.device_put(jnp.zeros((16, 64), "float32"), place)}
    new, _ = zero_array.jax.init(tree, apply=lambda tree, x: x @ tree["w"], example_inputs=jnp.zeros((1, 16)))
    assert new["w"].sharding == place
    whole = zero_array.zero_init((64, 16), dtype="float32").T
    for shard in new["w"].addressable_shards:
        assert shard.data.shape == (16, 8)
        assert numpy.array_equal(shard.data, whole[shard.index])


def test_a_matrix_of_two_orders() -> None:
    """What is multiplied from both sides has no one order, and is asked about."""
    tree = {"w": jnp.zeros((8, 4), "float32")}

    def both(tree: Any, x: Any) -> Any:
        return jnp.tanh(x @ tree["w"]) @ tree["w"].T

    with pytest.raises(ValueError, match=r"^it can't be told what these parameters are: w: say what each starts as"):
        zero_array.jax.init(tree, apply=both, example_inputs=X)
    new, _ = zero_array.jax.init(tree, apply=both, example_inputs=X, overrides={"w": "untouched"})
    assert new["w"] is tree["w"]


BY_NAME = "elu gelu hard_sigmoid hard_tanh leaky_relu log_sigmoid log_softmax mish selu sigmoid silu soft_sign softmax"
FUNCTIONS: dict[str, Any] = {name: getattr(jax.nn, name) for name in f"{BY_NAME} softplus squareplus".split()} | {
    "choice": lambda y: jnp.where(y > -1, y + 1, y),
    "cosine": jnp.cos,
    "exp": jnp.exp,
    "expm1": jnp.expm1,
    "identity": lambda y: jnp.maximum(y, -jnp.inf),
    "more": lambda y: y + 1,
    "most": lambda y: jnp.clip(y, -1, 1),
    "positive": lambda y: jnp.maximum(y, 2),
    "shifted softplus": lambda y: jax.nn.softplus(y) - jnp.log(2.0),
    "softmin": lambda y: jax.nn.softmax(-y),
    "square": jnp.square,
    "threshold": lambda y: jnp.where(y > 0, y, 0),
    "two factors": lambda y: (1 + y) * jnp.tanh(y),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_never_zero(name: str) -> None:
    """A layer is the end of a branch where zeros of it are zeros of the branch, and nowhere else."""
    function = FUNCTIONS[name]
    tree = {"w": jnp.ones((4, 4), "float32"), "b": jnp.ones(4, "float32")}
    _, plan = zero_array.jax.init(
        tree, apply=lambda tree, x: x + function(x @ tree["w"] + tree["b"]), example_inputs=X[..., :4]
    )
    is_kept = jnp.allclose(function(jnp.zeros((2, 4))), 0, atol=1e-6)
    has_slope = jax.grad(lambda y: function(y).sum())(jnp.zeros((2, 4))).any()
    assert plan["w"].fill == ("zeros" if is_kept and has_slope else "identity")
    assert ("slope" in plan["w"].reason) == (is_kept and not has_slope)


MAXIMA: dict[str, tuple[Any, list[str]]] = {
    "relu": (jax.nn.relu, ["relu"]),
    "zeros first": (lambda y: jnp.maximum(jnp.zeros_like(y), y), ["relu"]),
    "relu6": (jax.nn.relu6, ["relu"]),
    "softmax": (jax.nn.softmax, []),
    "variance": (lambda y: jax.nn.standardize(y, -1), ["max"]),
    "above -1": (lambda y: jnp.maximum(y, -1), ["max"]),
    "two": (lambda y: jnp.maximum(y, 0.1 * y), ["max"]),
}


@pytest.mark.parametrize("name", MAXIMA)
def test_what_a_maximum_is(name: str) -> None:
    """It is a ReLU against zero, but not where it keeps a variance from below zero; against -inf it is nothing."""
    function, expected = MAXIMA[name]
    reader = trace(lambda held, _, x: function(x @ held["w"]), {"w": jnp.ones((8, 4))}, None, X).reader
    found = {number: node.op for number, node in enumerate(reader.nodes) if node.op in ("max", "relu")}
    assert list(found.values()) == expected
    assert set(reader.rectified) == {number for number, op in found.items() if op == "relu"}


def test_kinds() -> None:
    """A vector that is added is a bias, behind a layer and behind a norm; one that multiplies a norm is its scale."""

    def compute(held: Any, _: Any, x: Any) -> Any:
        y = x @ held["w"] + held["b"]
        y = jax.nn.standardize(y, -1) * held["scale"] + held["offset"]
        return y + held["table"]

    shapes = {"w": (8, 8), "b": (8,), "scale": (8,), "offset": (8,), "table": (5, 8)}
    held = trace(compute, {name: jnp.ones(shape) for name, shape in shapes.items()}, None, X).held
    kinds = {"w": "linear", "b": "bias", "scale": "norm", "offset": "bias", "table": "unknown"}
    assert {parameter.name: parameter.kind for parameter in held} == kinds


MISUSES: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    ({}, {}, ValueError, "`tree` must have parameters; got a dict, which has none"),
    (
        params(),
        {},
        ValueError,
        "`apply` must be given: what each parameter is follows from what the function computes of them",
    ),
    (
        params(),
        {"apply": apply},
        ValueError,
        "`example_inputs` must be given: pass what to call the model with, of which shape and dtype alone are read",
    ),
    (
        params(),
        {"apply": lambda params, x: params["missing"], "example_inputs": X},
        ValueError,
        "`example_inputs` must be what the model takes; got KeyError: 'missing'",
    ),
]


@pytest.mark.parametrize(("tree", "options", "kind", "message"), MISUSES, ids=range(len(MISUSES)))
def test_misuse(tree: Any, options: dict[str, Any], kind: type[Exception], message: str) -> None:
    """What is wrong is said in one sentence, which the documentation has."""
    with pytest.raises(kind) as caught:
        zero_array.jax.init(tree, **options)
    assert str(caught.value) == message
    assert is_documented(message)
