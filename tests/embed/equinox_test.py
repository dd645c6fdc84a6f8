"""Equinox: `zero_array.jax` by `eqx.tree_at`, torch's layout."""

from typing import Any

import equinox
import jax
import numpy
import pytest
from oracle import Row, as_it_is, check, check_trap, expected

import zero_array.jax

KEY = jax.random.key(0)
TORCH = {"in_axis": 1, "out_axis": 0}
"""The axes of all weights of Equinox."""


def weight(layer: Any, init: Any, name: str = "weight") -> Any:
    """The weight of a layer, once it is replaced."""
    old = getattr(layer, name)
    new = equinox.tree_at(lambda layer: getattr(layer, name), layer, init(None, old.shape, old.dtype))
    return getattr(new, name)


ROWS = [
    Row(
        "linear",
        lambda init: weight(equinox.nn.Linear(12, 30, dtype="float32", key=KEY), init),
        TORCH,
        {},
        as_it_is,
        expected(30, 12),
    ),
    Row(
        "conv",
        lambda init: weight(equinox.nn.Conv2d(12, 18, (3, 5), groups=3, dtype="float32", key=KEY), init),
        TORCH | {"groups": 3},
        {"groups": 3},
        as_it_is,
        expected(18, 4, 3, 5, groups=3),
    ),
    Row(
        "depthwise",
        lambda init: weight(equinox.nn.Conv2d(5, 10, 3, groups=5, dtype="float32", key=KEY), init),
        TORCH | {"groups": 5},
        TORCH,
        as_it_is,
        expected(10, 1, 3, 3, groups=5),
    ),
    Row(
        "transpose",
        lambda init: weight(equinox.nn.ConvTranspose1d(12, 18, 3, groups=3, dtype="float32", key=KEY), init),
        TORCH | {"groups": 3},
        {"in_axis": 0, "out_axis": 1, "groups": 3, "transposed": True},  # as in torch
        as_it_is,
        expected(18, 4, 3, groups=3),
    ),
    Row(
        "lstm",
        lambda init: weight(equinox.nn.LSTMCell(12, 20, dtype="float32", key=KEY), init, "weight_ih"),
        TORCH | {"groups": 4},
        TORCH,
        as_it_is,
        expected(80, 12, groups=4),
    ),
    Row(
        "gru",
        lambda init: weight(equinox.nn.GRUCell(12, 20, dtype="float32", key=KEY), init, "weight_hh"),
        TORCH | {"groups": 3},
        TORCH,
        as_it_is,
        expected(60, 20, groups=3),
    ),
    Row(
        "query",
        lambda init: weight(equinox.nn.MultiheadAttention(4, 12, qk_size=6, dtype="float32", key=KEY).query_proj, init),
        TORCH,
        {},
        as_it_is,
        expected(24, 12),
    ),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


@each_row
def test_layout(row: Row) -> None:
    """The weight has the bytes of the reference."""
    check(row, zero_array.jax.zero_init)


@each_row
def test_trap(row: Row) -> None:
    """What looks right is refused, or makes a weight that is wrong."""
    check_trap(row, zero_array.jax.zero_init)


IMAGE = numpy.random.default_rng(0).standard_normal((6, 8, 8)).astype("float32")


@pytest.mark.parametrize(
    ("layer", "groups", "right"),
    [
        (lambda k: equinox.nn.Conv2d(6, 6, k, padding="SAME", use_bias=False, key=KEY), 1, "same"),
        (lambda k: equinox.nn.Conv2d(6, 6, k, padding="SAME", groups=6, use_bias=False, key=KEY), 6, "same"),
        (lambda k: equinox.nn.ConvTranspose2d(6, 6, k, padding="SAME", use_bias=False, key=KEY), 1, "paper"),
    ],
    ids=["conv", "depthwise", "transpose"],
)
@pytest.mark.parametrize("size", [3, 4])
def test_identity(layer: Any, groups: int, right: str, size: int) -> None:
    """A layer that keeps its width changes nothing under SAME padding; for even kernels the other centre shifts."""
    results = {}
    for center in ("same", "paper"):
        init = zero_array.jax.zero_init(1, 0, groups=groups, center=center)
        old = layer(size)
        new = equinox.tree_at(lambda layer: layer.weight, old, init(None, old.weight.shape, "float32"))
        results[center] = numpy.array_equal(new(IMAGE), IMAGE)
    assert results == {"same": size == 3 or right == "same", "paper": size == 3 or right == "paper"}


def test_shapes_are_ours_to_check() -> None:
    """`eqx.tree_at` takes a weight of any shape: ask for the shape of the one that it replaces."""
    layer = equinox.nn.Linear(12, 30, key=KEY)
    wrong = zero_array.jax.zero_init()(None, (12, 30))
    assert equinox.tree_at(lambda layer: layer.weight, layer, wrong).weight.shape == (12, 30)
