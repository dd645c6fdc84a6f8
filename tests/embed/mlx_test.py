"""`zero_array.mlx` follows mlx.nn.init: an array for an array, in the layout of MLX."""

from typing import Any

import mlx.core as mx
import numpy
import pytest
from mlx import nn
from oracle import Row, as_it_is, check, check_trap, expected, is_documented, out_k_in

import zero_array
import zero_array.mlx
from zero_array._host import to_bytes

SAME = {"center": "same"}
"""The reference of these rows is made with it."""


def weight(layer: Any, init: Any, name: str = "weight") -> Any:
    """The weight of a layer, initialised."""
    setattr(layer, name, init(layer[name]))
    return layer[name]


def naive_init(*, orientation: str = "", **options: Any) -> Any:
    """The factory, or what someone writes who takes the last axes for the kernel's: torch's layout."""
    if orientation != "torch":
        return zero_array.mlx.zero_init(**options)
    return lambda array: zero_array.zero_init(array.shape, xp=mx, dtype=array.dtype, **options)


ROWS = [
    Row("linear", lambda init: weight(nn.Linear(12, 30), init), {}, {"groups": 2}, as_it_is, expected(30, 12)),
    Row(
        "conv",
        lambda init: weight(nn.Conv2d(12, 18, (3, 5), groups=3), init),
        {"groups": 3},
        {"groups": 3, "orientation": "torch"},
        out_k_in,
        expected(18, 4, 3, 5, groups=3),
    ),
    Row(
        "depthwise",
        lambda init: weight(nn.Conv2d(5, 10, 3, groups=5), init),
        {"groups": 5},
        {},
        out_k_in,
        expected(10, 1, 3, 3, groups=5),
    ),
    Row(
        "transpose",
        lambda init: weight(nn.ConvTranspose1d(5, 12, 4), init),
        SAME,
        {"orientation": "torch"},
        out_k_in,
        expected(12, 5, 4),
    ),
    Row(
        "lstm",
        lambda init: weight(nn.LSTM(12, 20), init, "Wx"),
        {"groups": 4},
        {},
        as_it_is,
        expected(80, 12, groups=4),
    ),
    Row(
        "gru", lambda init: weight(nn.GRU(12, 20), init, "Wh"), {"groups": 3}, {}, as_it_is, expected(60, 20, groups=3)
    ),
    Row(
        "query",
        lambda init: weight(nn.MultiHeadAttention(32, 4, query_input_dims=12).query_proj, init),
        {},
        {"groups": 4},
        as_it_is,
        expected(32, 12),
    ),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


@each_row
def test_layout(row: Row) -> None:
    """Brought to one layout, the weight has the bytes of the reference."""
    check(row, zero_array.mlx.zero_init)


@each_row
def test_trap(row: Row) -> None:
    """What looks right makes a weight that is wrong."""
    check_trap(row, naive_init)


@pytest.mark.parametrize("name", ["identity_init", "hadamard_init", "zero_init"])
def test_same_bytes(name: str, dtype: str) -> None:
    """The bytes are the core's, in the dtype of the array or the one asked for."""
    expected = to_bytes(getattr(zero_array, name)((24, 3, 10), xp=mx, dtype=dtype, in_axis=-1))
    kind = getattr(mx, dtype)
    factory = getattr(zero_array.mlx, name)
    array = mx.zeros((24, 3, 10), dtype=kind)
    assert to_bytes(factory()(array)) == expected
    assert to_bytes(factory(dtype=dtype)(mx.zeros((24, 3, 10)))) == expected
    assert factory()(array).dtype == kind
    assert not mx.any(array).item()


def test_options() -> None:
    """The options of the core are passed on."""
    options: dict[str, Any] = {"scale": "paper", "order": "exact", "columns": "distinct"}
    made = zero_array.mlx.zero_init(**options)(mx.zeros((60, 9)))
    assert to_bytes(made) == to_bytes(zero_array.zero_init((60, 9), dtype="float32", **options))


@pytest.mark.parametrize("size", [3, 4])
@pytest.mark.parametrize("groups", [1, 6])
def test_identity(size: int, groups: int) -> None:
    """The identity tap of a layer is its padding: by default the one of ``padding = k // 2``."""
    images = mx.array(numpy.random.default_rng(0).standard_normal((2, 8, 8, 6)), dtype=mx.float32)
    layer = nn.Conv2d(6, 6, size, padding=size // 2, groups=groups, bias=False)
    layer.apply(zero_array.mlx.zero_init(groups=groups))
    assert mx.array_equal(layer(images)[:, :8, :8], images)


def test_apply() -> None:
    """A model's own `apply` reaches all weights, where vectors are kept out."""
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    init = zero_array.mlx.zero_init()
    model.apply(lambda array: init(array) if array.ndim > 1 else array)
    assert to_bytes(model.layers[0].weight) == to_bytes(zero_array.zero_init((4, 2), dtype="float32"))
    assert to_bytes(model.layers[2].weight) == to_bytes(zero_array.zero_init((2, 4), dtype="float32"))


BAD: list[tuple[type[Exception], str, Any, dict[str, Any]]] = [
    (TypeError, "`array` must be an mlx.core.array; got (4, 2)", (4, 2), {}),
    (
        ValueError,
        "`array` must have two or more axes; got shape (4,): vectors start as zeros or ones",
        mx.zeros((4,)),
        {},
    ),
    (
        TypeError,
        (
            "`dtype` must be float64, float32, float16 or bfloat16, by name or as the namespace's own object; "
            "got mlx.core.uint32"
        ),
        mx.zeros((4, 2), dtype=mx.uint32),
        {},
    ),
    (
        ValueError,
        "`groups` must divide the length of the out axis; got 3 groups for 4 outputs",
        mx.zeros((4, 2)),
        {"groups": 3},
    ),
]


@pytest.mark.parametrize(("error", "message", "array", "options"), BAD, ids=[message for _, message, *_ in BAD])
def test_message(error: type[Exception], message: str, array: Any, options: dict[str, Any]) -> None:
    """A bad argument is refused with the exact sentence, which the documentation has."""
    with pytest.raises(error) as caught:
        zero_array.mlx.zero_init(**options)(array)
    assert str(caught.value) == message
    assert is_documented(message)
