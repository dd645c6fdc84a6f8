"""Keras, on each of its backends: kernels of all layouts, and initialisers that are saved and loaded with a model."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy
import pytest
from oracle import Row, check, check_trap, depthwise, expected, heads_out, in_heads, in_out, is_documented, out_in

import zero_array
from zero_array._host import to_bytes
from zero_array.keras import HadamardInit, IdentityInit, ZeroInit

pytestmark = pytest.mark.filterwarnings(  # Keras's own, where NumPy reads its variables
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
TRANSPOSED: dict[str, Any] = {"in_axis": -1, "out_axis": -2}
DEPTHWISE: dict[str, Any] = {"in_axis": (), "batch_axis": -2}
QUERY: dict[str, Any] = {"in_axis": 0, "out_axis": (1, 2)}
OUTPUT: dict[str, Any] = {"in_axis": (0, 1), "out_axis": 2}
CLASSES = [IdentityInit, HadamardInit, ZeroInit]
each_class = pytest.mark.parametrize("kind", CLASSES)


def weight(layer: Any, *shape: int | None, name: str = "kernel") -> Any:
    """A weight of a layer that is built for this shape of inputs."""
    layer.build((None, *shape))
    return keras.ops.convert_to_numpy(getattr(layer, name))


ROWS = [
    Row(
        "dense",
        lambda init: weight(keras.layers.Dense(30, kernel_initializer=init), 12),
        {},
        {"in_axis": 1, "out_axis": 0},
        in_out,
        expected(30, 12),
    ),
    Row(
        "conv1d",
        lambda init: weight(keras.layers.Conv1D(18, 4, kernel_initializer=init), 8, 12),
        {"in_axis": -2, "out_axis": -1},
        {},
        in_out,
        expected(18, 12, 4),
    ),
    Row(
        "conv2d",
        lambda init: weight(keras.layers.Conv2D(18, (3, 5), groups=3, kernel_initializer=init), 8, 8, 12),
        {"groups": 3},
        {},
        in_out,
        expected(18, 4, 3, 5, groups=3),
    ),
    Row(
        "depthwise2d",
        lambda init: weight(keras.layers.DepthwiseConv2D(3, depth_multiplier=2, depthwise_initializer=init), 8, 8, 5),
        DEPTHWISE,
        {},
        depthwise,
        expected(10, 1, 3, 3, groups=5),
    ),
    Row(
        "depthwise1d",
        lambda init: weight(keras.layers.DepthwiseConv1D(3, depthwise_initializer=init), 8, 5),
        DEPTHWISE | {"out_axis": -1},
        {"in_axis": -2, "out_axis": -1},
        depthwise,
        expected(5, 1, 3, groups=5),
    ),
    Row(
        "separable",
        lambda init: weight(
            keras.layers.SeparableConv2D(12, 3, depthwise_initializer=init), 8, 8, 5, name="depthwise_kernel"
        ),
        DEPTHWISE,
        {},
        depthwise,
        expected(5, 1, 3, 3, groups=5),
    ),
    Row(
        "transpose",
        lambda init: weight(keras.layers.Conv2DTranspose(12, 3, kernel_initializer=init), 8, 8, 5),
        TRANSPOSED,
        {},
        out_in,
        expected(12, 5, 3, 3),
    ),
    Row(
        "query",
        lambda init: weight(keras.layers.EinsumDense("bi,ihd->bhd", (4, 6), kernel_initializer=init), 12),
        QUERY,
        {"in_axis": -2, "out_axis": -1},
        in_heads,
        expected(24, 12),
    ),
    Row(
        "output",
        lambda init: weight(keras.layers.EinsumDense("bhd,hdo->bo", 12, kernel_initializer=init), 4, 6),
        OUTPUT,
        {"in_axis": -2, "out_axis": -1},
        heads_out,
        expected(12, 24),
    ),
    Row(
        "lstm",
        lambda init: weight(keras.layers.LSTMCell(20, kernel_initializer=init), 12),
        {"groups": 4},
        {},
        in_out,
        expected(80, 12, groups=4),
    ),
    Row(
        "gru",
        lambda init: weight(keras.layers.GRUCell(20, recurrent_initializer=init), 12, name="recurrent_kernel"),
        {"groups": 3},
        {},
        in_out,
        expected(60, 20, groups=3),
    ),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


@each_row
def test_layout(row: Row) -> None:
    """Brought to one layout, the kernel has the bytes of the reference."""
    check(row, ZeroInit)


@each_row
def test_trap(row: Row) -> None:
    """What looks right is refused, or makes a weight that is wrong."""
    check_trap(row, ZeroInit)


def test_backend(request: pytest.FixtureRequest) -> None:
    """Keras runs on the backend that the session asks for."""
    assert f"keras-{keras.config.backend()}" == request.config.getoption("host")


def test_attention() -> None:
    """An attention takes one initialiser for kernels of two layouts: it is refused, and each is assigned instead."""
    inputs = (None, 5, 12)
    with pytest.raises(ValueError, match=r"^`in_axis` and `out_axis` must be given for a kernel of three axes; got"):
        keras.layers.MultiHeadAttention(4, 6, kernel_initializer=ZeroInit()).build(inputs, inputs)
    layer = keras.layers.MultiHeadAttention(4, 6)
    layer.build(inputs, inputs)
    for dense in (layer.query_dense, layer.key_dense, layer.value_dense):
        dense.kernel.assign(ZeroInit(**QUERY)(dense.kernel.shape))
        assert numpy.array_equal(in_heads(keras.ops.convert_to_numpy(dense.kernel)), expected(24, 12))
    layer.output_dense.kernel.assign(ZeroInit(**OUTPUT)(layer.output_dense.kernel.shape))
    assert numpy.array_equal(heads_out(keras.ops.convert_to_numpy(layer.output_dense.kernel)), expected(12, 24))


IMAGES = numpy.random.default_rng(0).standard_normal((2, 8, 8, 6)).astype("float32")


@pytest.mark.parametrize(
    ("layer", "name", "options"),
    [
        (partial(keras.layers.Conv2D, 6), "kernel_initializer", {}),
        (keras.layers.DepthwiseConv2D, "depthwise_initializer", DEPTHWISE),
        (partial(keras.layers.Conv2DTranspose, 6), "kernel_initializer", TRANSPOSED),
    ],
    ids=["conv", "depthwise", "transpose"],
)
@pytest.mark.parametrize("size", [3, 4])
def test_identity(layer: Any, name: str, options: dict[str, Any], size: int) -> None:
    """A layer that keeps its width changes nothing under SAME padding; for even kernels the other centre shifts."""
    results = {}
    for center in ("same", "paper"):
        made = layer(size, padding="same", **{name: ZeroInit(**options, center=center)})
        found = keras.ops.convert_to_numpy(made(keras.ops.convert_to_tensor(IMAGES)))
        results[center] = numpy.array_equal(found, IMAGES)
    assert results == {"same": True, "paper": size == 3}


@each_class
@pytest.mark.parametrize("wanted", ["float32", "float16", "bfloat16", None])
def test_same_bytes(kind: Any, wanted: str | None) -> None:
    """The bytes are the core's, in the dtype that Keras names, its default where it names none."""
    core = {"IdentityInit": "identity_init", "HadamardInit": "hadamard_init", "ZeroInit": "zero_init"}[kind.__name__]
    axes: dict[str, Any] = {"in_axis": -2, "out_axis": -1, "center": "same"}
    made = kind()((4, 3, 10, 33), dtype=wanted)
    assert keras.backend.standardize_dtype(made.dtype) == (wanted or "float32")
    assert keras.ops.is_tensor(made)
    host = keras.ops.convert_to_numpy(made)
    assert to_bytes(host) == to_bytes(getattr(zero_array, core)((4, 3, 10, 33), dtype=wanted or "float32", **axes))


@each_class
def test_config(kind: Any) -> None:
    """An initialiser survives a copy, its configuration, JSON, and Keras's own serialisation, and stays the same."""
    init = kind(in_axis=[0, 1], out_axis=2, groups=3, center=[-1], batch_axis=())
    config = init.get_config()
    assert config.items() >= {"in_axis": (0, 1), "out_axis": 2, "groups": 3, "center": (-1,), "batch_axis": ()}.items()
    serialized = json.loads(json.dumps(keras.initializers.serialize(init)))
    assert serialized["registered_name"] == f"zero_array>{kind.__name__}"
    for other in (
        init.clone(),
        kind.from_config(config),
        kind(**json.loads(json.dumps(config))),
        keras.initializers.deserialize(serialized),
        keras.initializers.get(serialized),
    ):
        assert type(other) is kind
        assert other.get_config() == config


def test_saved_model(tmp_path: Path) -> None:
    """A model comes back from its file with the initialisers that it had, and a new one of its kind is alike."""
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(12, 3, kernel_initializer=ZeroInit(scale="paper")),
            keras.layers.DepthwiseConv2D(3, depthwise_initializer=IdentityInit(**DEPTHWISE)),
            keras.layers.Flatten(),
            keras.layers.Dense(10, kernel_initializer=HadamardInit()),
        ]
    )
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for other in (loaded, keras.models.clone_model(model), keras.Sequential.from_config(model.get_config())):
        pairs = zip(other.get_weights(), model.get_weights(), strict=True)
        assert [numpy.array_equal(*pair) for pair in pairs] == [True] * 6
    assert loaded.layers[0].kernel_initializer.get_config() == model.layers[0].kernel_initializer.get_config()
    assert loaded.layers[1].depthwise_initializer.get_config()["in_axis"] == ()


def test_options() -> None:
    """The options of the core are passed on, and kept."""
    options: dict[str, Any] = {"scale": "paper", "order": "exact", "columns": "distinct"}
    init = ZeroInit(**options).clone()
    expected = zero_array.zero_init((9, 60), dtype="float32", in_axis=0, out_axis=1, **options)
    assert to_bytes(keras.ops.convert_to_numpy(init((9, 60)))) == to_bytes(expected)
    assert init.get_config().items() >= options.items()


def test_policy() -> None:
    """A layer whose variables are of another dtype gets it."""
    layer = keras.layers.Dense(10, kernel_initializer=ZeroInit(), dtype="bfloat16")
    layer.build((None, 4))
    assert layer.kernel.dtype == "bfloat16"


_THREE = (
    "`in_axis` and `out_axis` must be given for a kernel of three axes; got (12, 3, 4): pass in_axis=-2, out_axis=-1 "
    "for Conv1D, in_axis=0, out_axis=(1, 2) for an attention's query, key or value, in_axis=(0, 1), out_axis=2 for its "
    "output, in_axis=(), batch_axis=-2, out_axis=-1 for DepthwiseConv1D"
)
BAD: list[tuple[str, type[Exception], str, dict[str, Any], dict[str, Any]]] = [
    ("three axes", ValueError, _THREE, {}, {"shape": (12, 3, 4)}),
    ("three axes, one given", ValueError, _THREE, {"in_axis": 0}, {"shape": [12, 3, 4]}),
    ("vector", ValueError, "`shape` must be two or more ints >= 1; got (4,)", {}, {"shape": (4,)}),
    ("number", TypeError, "`shape` must be two or more ints >= 1; got 4: pass a tuple of ints", {}, {"shape": 4}),
    (
        "dtype",
        TypeError,
        (
            "`dtype` must be float64, float32, float16 or bfloat16, by name or as the namespace's own object; "
            "got 'int32'"
        ),
        {},
        {"dtype": "int32"},
    ),
    (
        "axis",
        ValueError,
        "`out_axis` must be an int from -2 to 1 for a shape of 2 axes; got 2",
        {"out_axis": (1, 2)},
        {},
    ),
    (
        "axes",
        ValueError,
        "`in_axis`, `out_axis` and `batch_axis` must be different axes; got -2, -1 and 0 for a shape of 2 axes",
        {"batch_axis": 0},
        {},
    ),
    ("scale", ValueError, "`scale` must be 'orthonormal' or 'paper'; got 'he'", {"scale": "he"}, {}),
]


@pytest.mark.parametrize(("error", "message", "options", "call"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_message(error: type[Exception], message: str, options: dict[str, Any], call: dict[str, Any]) -> None:
    """A bad argument is refused with the exact sentence, which the documentation has."""
    with pytest.raises(error) as caught:
        ZeroInit(**options)(**{"shape": (4, 2)} | call)
    assert str(caught.value) == message
    assert is_documented(message)


def test_identity_has_no_scale() -> None:
    """An identity takes no scale: there is nothing to scale."""
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'scale'"):
        IdentityInit(scale="paper")  # type: ignore[call-arg]  # the mistake under test
