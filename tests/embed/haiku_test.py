"""Haiku: initialisers that take no key, all layouts; what has no hook is set in its parameters; whole models."""

from typing import Any

import haiku
import jax
import numpy
import pytest
from oracle import Row, check, check_trap, expected, in_out, out_in

import zero_array.haiku
import zero_array.jax
from zero_array._host import to_bytes

TRANSPOSED = {"in_axis": -1, "out_axis": -2}


def apply(make: Any, inputs: Any) -> Any:
    """Make a module and call it, which Haiku wants to see inside its transform."""
    return make()(inputs)


def weight(make: Any, *shape: int) -> Any:
    """The weight of the module that `make` makes."""
    model = haiku.without_apply_rng(haiku.transform(lambda inputs: apply(make, inputs)))
    (parameters,) = model.init(jax.random.key(0), numpy.zeros(shape, dtype="float32")).values()
    return parameters["w"]


def attention(init: Any, name: str) -> Any:
    """The weight of one of the four Linears of an attention of 2 heads of 8."""
    inputs = numpy.zeros((5, 12), dtype="float32")
    model = haiku.transform(lambda x: haiku.MultiHeadAttention(2, 8, w_init=init)(x, x, x))
    return model.init(jax.random.key(0), inputs)[f"multi_head_attention/{name}"]["w"]


ROWS = [
    Row(
        "linear",
        lambda init: weight(lambda: haiku.Linear(30, with_bias=False, w_init=init), 1, 12),
        {},
        {"in_axis": 1, "out_axis": 0},
        in_out,
        expected(30, 12),
    ),
    Row(
        "conv",
        lambda init: weight(
            lambda: haiku.Conv2D(18, (3, 5), feature_group_count=3, with_bias=False, w_init=init), 1, 8, 8, 12
        ),
        {"groups": 3},
        {},
        in_out,
        expected(18, 4, 3, 5, groups=3),
    ),
    Row(
        "depthwise",
        lambda init: weight(lambda: haiku.DepthwiseConv2D(2, (3, 3), with_bias=False, w_init=init), 1, 8, 8, 5),
        {"groups": 5},
        {},
        in_out,
        expected(10, 1, 3, 3, groups=5),
    ),
    Row(
        "transpose",
        lambda init: weight(lambda: haiku.Conv2DTranspose(12, (3, 3), with_bias=False, w_init=init), 1, 8, 8, 5),
        TRANSPOSED,
        {},
        out_in,
        expected(12, 5, 3, 3),
    ),
    Row(
        "query", lambda init: attention(init, "query"), {}, {"in_axis": 0, "out_axis": (1, 2)}, in_out, expected(16, 12)
    ),
    Row(
        "output",
        lambda init: attention(init, "linear"),
        {},
        {"in_axis": (0, 1), "out_axis": 2},
        in_out,
        expected(16, 16),
    ),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


@each_row
def test_layout(row: Row) -> None:
    """Brought to one layout, the weight has the bytes of the reference."""
    check(row, zero_array.haiku.zero_init)


@each_row
def test_trap(row: Row) -> None:
    """What looks right is refused, or makes a weight that is wrong."""
    check_trap(row, zero_array.haiku.zero_init)


def test_lstm() -> None:
    """An LSTM has no hook, and two matrices in one: each has to be made on its own, per gate."""
    model = haiku.transform(lambda x: haiku.LSTM(8)(x, haiku.LSTM(8).initial_state(1))[0])
    parameters = model.init(jax.random.key(0), numpy.zeros((1, 6), dtype="float32"))
    shape = parameters["lstm/linear"]["w"].shape
    assert shape == (6 + 8, 4 * 8)
    init = zero_array.haiku.zero_init(groups=4)
    right = numpy.concatenate([init((6, 32), "float32"), init((8, 32), "float32")])
    assert right[:6].tobytes() == numpy.ascontiguousarray(expected(32, 6, groups=4).T).tobytes()
    for gate in numpy.split(right[6:], 4, axis=1):
        assert numpy.array_equal(gate, numpy.eye(8))
    assert not numpy.array_equal(init(shape, "float32"), right)


def test_key_is_wanted() -> None:
    """An initialiser of JAX is refused, and the refusal says what to take."""
    with pytest.raises(TypeError, match=r"^`shape` must come after a key; got the shape \[12, 4\] in its place: Haiku"):
        weight(lambda: haiku.Linear(4, with_bias=False, w_init=zero_array.jax.zero_init()), 1, 12)


IMAGES = numpy.random.default_rng(0).standard_normal((2, 8, 8, 6)).astype("float32")


@pytest.mark.parametrize(
    ("layer", "options", "right"),
    [
        (lambda init, k: haiku.Conv2D(6, k, w_init=init), {}, "same"),
        (lambda init, k: haiku.DepthwiseConv2D(1, k, w_init=init), {"groups": 6}, "same"),
        (lambda init, k: haiku.Conv2DTranspose(6, k, w_init=init), TRANSPOSED, "paper"),
    ],
    ids=["conv", "depthwise", "transpose"],
)
@pytest.mark.parametrize("size", [3, 4])
def test_identity(layer: Any, options: dict[str, Any], right: str, size: int) -> None:
    """A layer that keeps its width changes nothing under SAME padding; for even kernels the other centre shifts."""
    results = {}
    for center in ("same", "paper"):
        init = zero_array.haiku.zero_init(**options, center=center)
        model = haiku.without_apply_rng(haiku.transform(lambda x, init=init: layer(init, size)(x)))
        found = model.apply(model.init(jax.random.key(0), IMAGES), IMAGES)
        results[center] = numpy.array_equal(found, IMAGES)
    assert results == {"same": size == 3 or right == "same", "paper": size == 3 or right == "paper"}


@pytest.mark.parametrize("name", ["identity_init", "hadamard_init", "zero_init"])
def test_same_bytes(name: str, dtype: str) -> None:
    """What the factories make is called as Haiku's own are, with and without jit; made alike, they are equal."""
    options: dict[str, Any] = {"groups": 3, "center": [-1]}
    init = getattr(zero_array.haiku, name)(**options)
    expected = to_bytes(getattr(zero_array.jax, name)(**options)(None, (4, 2, 9), dtype))
    assert to_bytes(init([4, 2, 9], dtype)) == expected
    assert to_bytes(jax.jit(lambda: init([4, 2, 9], dtype))()) == expected
    assert init == getattr(zero_array.haiku, name)(groups=3, center=(-1,))
    assert hash(init) == hash(getattr(zero_array.haiku, name)(groups=3, center=(-1,)))


def test_options() -> None:
    """The options of the core are passed on, in a parameter of one's own as well."""
    options: dict[str, Any] = {"scale": "paper", "order": "exact", "columns": "distinct"}
    init = zero_array.haiku.zero_init(0, (1, 2), **options)
    model = haiku.transform(lambda: haiku.get_parameter("w", [9, 4, 15], "float32", init))
    made = model.init(None)["~"]["w"]
    assert to_bytes(made.reshape(9, 60).T) == to_bytes(zero_array.zero_init((60, 9), dtype="float32", **options))


def net(x: Any) -> Any:
    """A stem, a residual block with a grouped convolution, and a head."""
    x = jax.nn.relu(haiku.Conv2D(8, 3, name="stem")(x))
    y = haiku.Conv2D(8, 3, feature_group_count=4, name="first")(x)
    x = x + haiku.Conv2D(8, 3, name="second")(jax.nn.relu(y))
    return haiku.Linear(10, name="head")(x.mean((1, 2)))


def test_model() -> None:
    """Params are started by what the model computes of them."""
    model = haiku.without_apply_rng(haiku.transform(net))
    params = model.init(jax.random.key(0), IMAGES)
    new, plan = zero_array.haiku.init(params, apply=model.apply, example_inputs=IMAGES)
    fills = {entry.name: entry.fill for entry in plan if entry.parameter.kind != "bias"}
    assert fills == {"first.w": "identity", "head.w": "hadamard", "second.w": "zeros", "stem.w": "hadamard"}
    assert numpy.array_equal(in_out(new["first"]["w"]), expected(8, 2, 3, 3, groups=4))
    assert model.apply(new, IMAGES).shape == (2, 10)


def test_what_is_no_apply() -> None:
    """The pair that `haiku.transform` makes, and a function that wants a key, are refused with what to pass."""
    for function in (net, lambda x: haiku.dropout(haiku.next_rng_key(), 0.5, net(x))):
        model = haiku.transform(function)
        params = model.init(jax.random.key(0), IMAGES)
        with pytest.raises(TypeError, match=r"^`apply` must be a function .*; got a Transformed: pass its \.apply$"):
            zero_array.haiku.init(params, apply=model, example_inputs=IMAGES)
        with pytest.raises(
            ValueError, match=r"(?s)^`example_inputs` .*: pass a key before them, or haiku\.without_app"
        ):
            zero_array.haiku.init(params, apply=model.apply, example_inputs=IMAGES)
        with_key = zero_array.haiku.init(params, apply=model.apply, example_inputs=(jax.random.key(0), IMAGES))[1]
        assert with_key["head.w"].fill == "hadamard"
    with pytest.raises(ValueError, match=r"got MissingRNGError: .*: pass a key before them"):
        zero_array.haiku.init(params, apply=model.apply, example_inputs=(None, IMAGES))


def test_lstm_of_a_model() -> None:
    """Which rows of an LSTM's one matrix take the inputs is not seen: it is asked what it starts as."""
    model = haiku.without_apply_rng(haiku.transform(lambda x: haiku.LSTM(8)(x, haiku.LSTM(8).initial_state(1))[0]))
    inputs = numpy.zeros((1, 6), dtype="float32")
    params = model.init(jax.random.key(0), inputs)
    with pytest.raises(ValueError, match=r"^it can't be told what these parameters are: lstm/linear\.w: say what each"):
        zero_array.haiku.init(params, apply=model.apply, example_inputs=inputs)


def test_audit() -> None:
    """A network whose params are started has no error; two layers of zeros in series are found, and nothing changes."""
    model = haiku.without_apply_rng(haiku.transform(net))
    params = model.init(jax.random.key(0), IMAGES)
    params, _ = zero_array.haiku.init(params, apply=model.apply, example_inputs=IMAGES)
    report = zero_array.haiku.audit(params, IMAGES, apply=model.apply, steps=1)
    assert not report.filter(severity="error").findings, str(report)
    params = {**params, "first": jax.tree.map(numpy.zeros_like, params["first"])}
    before = [to_bytes(leaf) for leaf in jax.tree.leaves(params)]
    report = zero_array.haiku.audit(params, IMAGES, apply=model.apply)
    assert "zeros in series" in {item.what for item in report.filter("first.w", severity="error")}
    assert [to_bytes(leaf) for leaf in jax.tree.leaves(params)] == before
