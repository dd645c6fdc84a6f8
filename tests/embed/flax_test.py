"""Flax: kernels of linen and nnx, all layouts, and models of nnx over a mesh."""

from typing import Any

import jax
import numpy
import pytest
from flax import linen, nnx
from jax.numpy import float32
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from oracle import Row, check, check_trap, expected, heads_out, in_heads, in_out, out_in

import zero_array.jax
from zero_array._host import to_bytes

TRANSPOSED = {"in_axis": -1, "out_axis": -2}
QUERY = {"in_axis": 0, "out_axis": (1, 2)}
OUTPUT = {"in_axis": (0, 1), "out_axis": 2}


def rngs() -> Any:
    """Keys, which nothing here looks at."""
    return nnx.Rngs(0)


def attention(init: Any) -> Any:
    """Four heads of nnx."""
    return nnx.MultiHeadAttention(
        num_heads=4, in_features=12, qkv_features=24, kernel_init=init, decode=False, rngs=rngs()
    )


def linen_kernel(layer: Any, *shape: int) -> Any:
    """The kernel of a module of linen."""
    return layer.init(jax.random.key(0), numpy.zeros(shape, dtype="float32"))["params"]["kernel"]


ROWS = [
    Row(
        "nnx-linear",
        lambda init: nnx.Linear(12, 30, kernel_init=init, rngs=rngs()).kernel[...],
        {},
        {"in_axis": 1, "out_axis": 0},
        in_out,
        expected(30, 12),
    ),
    Row(
        "nnx-conv",
        lambda init: nnx.Conv(12, 18, (3, 5), feature_group_count=3, kernel_init=init, rngs=rngs()).kernel[...],
        {"groups": 3},
        {},
        in_out,
        expected(18, 4, 3, 5, groups=3),
    ),
    Row(
        "nnx-conv-even",
        lambda init: nnx.Conv(12, 18, (4,), kernel_init=init, rngs=rngs()).kernel[...],
        {},
        {"center": "paper"},
        in_out,
        expected(18, 12, 4),
    ),
    Row(
        "nnx-depthwise",
        lambda init: nnx.Conv(5, 10, (3, 3), feature_group_count=5, kernel_init=init, rngs=rngs()).kernel[...],
        {"groups": 5},
        {},
        in_out,
        expected(10, 1, 3, 3, groups=5),
    ),
    Row(
        "nnx-transpose",
        lambda init: nnx.ConvTranspose(5, 12, (3, 3), kernel_init=init, rngs=rngs()).kernel[...],
        {},
        TRANSPOSED,
        in_out,
        expected(12, 5, 3, 3),
    ),
    Row(
        "nnx-transpose-kernel",
        lambda init: nnx.ConvTranspose(5, 12, (3,), transpose_kernel=True, kernel_init=init, rngs=rngs()).kernel[...],
        TRANSPOSED,
        {},
        out_in,
        expected(12, 5, 3),
    ),
    Row("nnx-query", lambda init: attention(init).query.kernel[...], {}, QUERY, in_heads, expected(24, 12)),
    Row("nnx-output", lambda init: attention(init).out.kernel[...], {}, OUTPUT, heads_out, expected(12, 24)),
    Row(
        "nnx-einsum",
        lambda init: nnx.Einsum("bi,ihd->bhd", (12, 4, 6), kernel_init=init, rngs=rngs()).kernel[...],
        QUERY,
        {},
        in_heads,
        expected(24, 12),
    ),
    Row(
        "nnx-lstm",
        lambda init: nnx.OptimizedLSTMCell(12, 20, kernel_init=init, rngs=rngs()).dense_i.kernel[...],
        {"groups": 4},
        {},
        in_out,
        expected(80, 12, groups=4),
    ),
    Row(
        "nnx-lstm-gate",
        lambda init: nnx.LSTMCell(12, 20, kernel_init=init, rngs=rngs()).ii.kernel[...],
        {},
        {"groups": 4},
        in_out,
        expected(20, 12),
    ),
    Row(
        "nnx-gru",
        lambda init: nnx.GRUCell(12, 20, kernel_init=init, rngs=rngs()).dense_i.kernel[...],
        {"groups": 3},
        {},
        in_out,
        expected(60, 12, groups=3),
    ),
    Row(
        "linen-dense",
        lambda init: linen_kernel(linen.Dense(30, kernel_init=init), 1, 12),
        {},
        {"in_axis": 1, "out_axis": 0},
        in_out,
        expected(30, 12),
    ),
    Row(
        "linen-depthwise",
        lambda init: linen_kernel(linen.Conv(10, (3, 3), feature_group_count=5, kernel_init=init), 1, 8, 8, 5),
        {"groups": 5},
        {},
        in_out,
        expected(10, 1, 3, 3, groups=5),
    ),
    Row(
        "linen-transpose",
        lambda init: linen_kernel(linen.ConvTranspose(12, (3,), kernel_init=init), 1, 8, 5),
        {},
        TRANSPOSED,
        in_out,
        expected(12, 5, 3),
    ),
    Row(
        "linen-transpose-kernel",
        lambda init: linen_kernel(linen.ConvTranspose(12, (3,), transpose_kernel=True, kernel_init=init), 1, 8, 5),
        TRANSPOSED,
        {},
        out_in,
        expected(12, 5, 3),
    ),
    Row(
        "linen-einsum",
        lambda init: linen_kernel(linen.Einsum((4, 6, 12), "bhd,hdo->bo", kernel_init=init), 1, 4, 6),
        OUTPUT,
        {},
        heads_out,
        expected(12, 24),
    ),
    Row(
        "linen-query",
        lambda init: linen.MultiHeadDotProductAttention(num_heads=4, qkv_features=24, kernel_init=init).init(
            jax.random.key(0), numpy.zeros((1, 5, 12), dtype="float32")
        )["params"]["query"]["kernel"],
        {},
        QUERY,
        in_heads,
        expected(24, 12),
    ),
]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)


@each_row
def test_layout(row: Row) -> None:
    """Brought to one layout, the kernel has the bytes of the reference."""
    check(row, zero_array.jax.zero_init)


@each_row
def test_trap(row: Row) -> None:
    """What looks right is refused, or makes a weight that is wrong."""
    check_trap(row, zero_array.jax.zero_init)


IMAGES = numpy.random.default_rng(0).standard_normal((2, 8, 8, 6)).astype("float32")


@pytest.mark.parametrize(
    ("layer", "options", "right"),
    [
        (lambda init, k: nnx.Conv(6, 6, (k, k), kernel_init=init, rngs=rngs()), {}, "same"),
        (
            lambda init, k: nnx.Conv(6, 6, (k, k), feature_group_count=6, kernel_init=init, rngs=rngs()),
            {"groups": 6},
            "same",
        ),
        (lambda init, k: nnx.ConvTranspose(6, 6, (k, k), kernel_init=init, rngs=rngs()), {}, "paper"),
        (
            lambda init, k: nnx.ConvTranspose(6, 6, (k, k), transpose_kernel=True, kernel_init=init, rngs=rngs()),
            TRANSPOSED,
            "same",
        ),
    ],
    ids=["conv", "depthwise", "transpose", "transpose-kernel"],
)
@pytest.mark.parametrize("size", [3, 4])
def test_identity(layer: Any, options: dict[str, Any], right: str, size: int) -> None:
    """A layer that keeps its width changes nothing under SAME padding; for even kernels the other centre shifts."""
    results = {}
    for center in ("same", "paper"):
        init = zero_array.jax.zero_init(**options, center=center)
        results[center] = numpy.array_equal(layer(init, size)(IMAGES), IMAGES)
    assert results == {"same": size == 3 or right == "same", "paper": size == 3 or right == "paper"}


@pytest.mark.parametrize("parts", [("a", None), (None, ("a", "b")), ("b", "a")], ids=str)
@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=lambda kind: kind.name)
def test_partitioned_model(parts: tuple[Any, ...], kind: Any) -> None:
    """A model of nnx made in jit over a mesh: each device makes its window, and no device talks to another."""
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(kind, kind), devices=jax.devices("cpu"))
    init = nnx.with_partitioning(zero_array.jax.zero_init(), parts)

    def make() -> Any:
        """The state of a model of one layer."""
        return nnx.state(nnx.Linear(256, 1024, use_bias=False, kernel_init=init, param_dtype=float32, rngs=rngs()))

    with jax.set_mesh(mesh):
        compiled = jax.jit(make).lower().compile()
        kernel = compiled()["kernel"]
    assert kernel.get_metadata()["out_sharding"] == parts
    whole = zero_array.zero_init((256, 1024), in_axis=0, out_axis=1, dtype="float32")
    value = kernel[...]
    assert value.sharding.is_equivalent_to(NamedSharding(mesh, PartitionSpec(*parts)), 2)
    for shard in value.addressable_shards:
        assert to_bytes(shard.data) == whole[shard.index].tobytes()
        assert shard.data.size < whole.size
    assert [word for word in ("all-", "collective", "reduce-scatter") if word in compiled.as_text()] == []
    assert compiled.memory_analysis().temp_size_in_bytes <= 4096
