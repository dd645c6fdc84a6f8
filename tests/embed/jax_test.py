"""`zero_array.jax` follows jax.nn.initializers: how it is called, traced, mapped and sharded, and what it refuses."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec, SingleDeviceSharding
from oracle import is_documented

import zero_array
import zero_array.jax
from zero_array._host import to_bytes

KEY = jax.random.key(0)
FACTORIES = ["identity_init", "hadamard_init", "zero_init"]
each_factory = pytest.mark.parametrize("name", FACTORIES)

SHAPES: list[tuple[tuple[int, ...], dict[str, Any], dict[str, Any]]] = [
    ((256, 1024), {}, {"in_axis": 0, "out_axis": 1}),
    ((3, 4, 32, 64), {"groups": 2}, {"in_axis": 2, "out_axis": 3, "groups": 2, "center": (1, 1)}),
    ((64, 32, 4), {"in_axis": 1, "out_axis": 0, "center": "paper"}, {}),
    ((64, 32), {"in_axis": 1, "out_axis": 0, "center": []}, {}),
    ((64, 8, 3), {"in_axis": 0, "out_axis": 1, "groups": 4, "transposed": True}, {"transposed": True}),
]
each_shape = pytest.mark.parametrize(("shape", "options", "core"), SHAPES, ids=str)


def mesh(kind: Any = AxisType.Explicit) -> Any:
    """Four by two devices."""
    return jax.make_mesh((4, 2), ("a", "b"), axis_types=(kind, kind), devices=jax.devices("cpu"))


@each_factory
@each_shape
def test_same_bytes(
    name: str, shape: tuple[int, ...], options: dict[str, Any], core: dict[str, Any], dtype: str
) -> None:
    """The bytes are the core's, called in any way that JAX and its libraries call an initialiser."""
    init = getattr(zero_array.jax, name)(**options)
    assert isinstance(init, jax.nn.initializers.Initializer)
    if "transposed" in core:  # the core has it in place only: each group of inputs holds the block, transposed
        block = getattr(zero_array, name)((8, 64 // 4, 3), dtype=dtype)
        expected = numpy.concatenate([numpy.swapaxes(block, 0, 1)] * 4)
    else:
        expected = getattr(zero_array, name)(shape, dtype=dtype, **core)
    kind = getattr(jnp, dtype)
    made = [
        init(KEY, shape, kind),
        init(None, list(shape), dtype),
        init(key=KEY, shape=shape, dtype=kind, out_sharding=None),
        getattr(zero_array.jax, name)(**options, dtype=dtype)(KEY, shape),
        jax.jit(init, static_argnums=(1, 2))(KEY, shape, kind),
        jax.vmap(partial(init, shape=shape, dtype=kind))(jax.random.split(KEY, 3))[2],
    ]
    assert [(array.shape, array.dtype, array.weak_type) for array in made] == [(shape, kind, False)] * len(made)
    assert [to_bytes(array) for array in made] == [numpy.asarray(expected).tobytes()] * len(made)
    assert jax.eval_shape(partial(init, shape=shape, dtype=kind), KEY).shape == shape


def test_options() -> None:
    """The options of the core are passed on."""
    options: dict[str, Any] = {"scale": "paper", "order": "exact", "columns": "distinct"}
    made = zero_array.jax.zero_init(**options)(KEY, (9, 60), "float32")
    assert to_bytes(made) == to_bytes(zero_array.zero_init((60, 9), dtype="float32", **options).T)


def test_default_dtype() -> None:
    """Without a dtype it is JAX's default, with x64 and without."""
    init = zero_array.jax.zero_init()
    with jax.enable_x64(False):
        assert init(KEY, (4, 2)).dtype == jnp.float32
    assert init(KEY, (4, 2)).dtype == jnp.float64


def test_equal_when_made_alike() -> None:
    """Initialisers that were made alike are equal and hash alike, as static arguments of jit should."""
    one, same, other = (zero_array.jax.zero_init(axes, 2) for axes in ([0, 1], (0, 1), 0))
    assert one == same
    assert hash(one) == hash(same)
    assert one != other


PARTS: list[tuple[tuple[int, ...], dict[str, Any], tuple[Any, ...]]] = [
    ((256, 1024), {}, ("a", None)),
    ((256, 1024), {}, (None, ("a", "b"))),
    ((256, 1024), {}, ("b", "a")),
    ((3, 3, 32, 64), {}, (None, None, "b", "a")),
    ((3, 3, 1, 64), {"groups": 64}, (None, None, None, "a")),
    ((128, 16, 32), {"in_axis": 0, "out_axis": (1, 2)}, (None, "a", None)),
    ((128, 16, 32), {"in_axis": 0, "out_axis": (1, 2)}, ("b", None, "a")),
    ((16, 32, 128), {"in_axis": (0, 1), "out_axis": 2}, ("a", None, "b")),
    ((8, 128, 64), {"batch_axis": 0}, ("a", "b", None)),
    ((64, 768), {"columns": "distinct", "order": "exact"}, ("b", "a")),
]


@pytest.mark.parametrize(("shape", "options", "parts"), PARTS, ids=str)
@pytest.mark.parametrize("how", ["named", "spec", "jit"])
def test_sharded(shape: tuple[int, ...], options: dict[str, Any], parts: tuple[Any, ...], how: str) -> None:
    """Each device holds its window of the whole, which it made without the others, in memory of that size alone."""
    init = zero_array.jax.zero_init(**options, dtype="float32")
    whole = numpy.asarray(init(KEY, shape))
    sharding = NamedSharding(mesh(), PartitionSpec(*parts))
    if how == "named":
        array = init(KEY, shape, None, sharding)
    else:
        with jax.set_mesh(sharding.mesh):
            call = partial(init, shape=shape, out_sharding=sharding.spec)
            array = jax.jit(call)(KEY) if how == "jit" else call(KEY)
            compiled = jax.jit(call).lower(KEY).compile()
            assert jax.eval_shape(call, KEY).sharding.spec == sharding.spec
        assert [word for word in ("all-", "collective", "reduce-scatter") if word in compiled.as_text()] == []
        memory = compiled.memory_analysis()
        assert memory.temp_size_in_bytes <= 4096
        assert memory.output_size_in_bytes == array.addressable_shards[0].data.nbytes
    assert array.sharding == sharding
    assert len(array.addressable_shards) == 8
    for shard in array.addressable_shards:
        assert to_bytes(shard.data) == whole[shard.index].tobytes()


def test_sharded_on_auto_axes_by_jit() -> None:
    """The way out that a refusal names leads there."""
    sharding = NamedSharding(mesh(AxisType.Auto), PartitionSpec("a"))
    init = zero_array.jax.zero_init()
    array = jax.jit(init, static_argnums=(1,), out_shardings=sharding)(KEY, (256, 64))
    assert array.sharding == sharding
    assert to_bytes(array) == to_bytes(init(KEY, (256, 64)))


AUTO = (
    "`out_sharding` must name Explicit axes of the mesh; got 'a', which is Auto: make the mesh with AxisType.Explicit, "
    "or jit the call with out_shardings"
)
SPEC = PartitionSpec("a")
ALONE = SingleDeviceSharding(jax.devices("cpu")[0])
BAD: list[tuple[type[Exception], str, dict[str, Any]]] = [
    (ValueError, AUTO, {"out_sharding": NamedSharding(mesh(AxisType.Auto), SPEC)}),
    (
        ValueError,
        AUTO.replace("'a'", "'b'"),
        {"out_sharding": NamedSharding(mesh(AxisType.Auto), PartitionSpec(None, ("b", "a")))},
    ),
    (
        ValueError,
        f"`out_sharding` must be a NamedSharding where no mesh is set; got {SPEC!r}: see jax.set_mesh",
        {"out_sharding": SPEC},
    ),
    (
        TypeError,
        f"`out_sharding` must be a NamedSharding or a PartitionSpec; got {ALONE!r}",
        {"out_sharding": ALONE},
    ),
    (
        TypeError,
        (
            "`shape` must come after a key; got the shape [4, 2] in its place: Haiku passes no key, so take the "
            "initialiser from zero_array.haiku"
        ),
        {"key": [4, 2], "shape": jnp.float32},
    ),
    (ValueError, "`shape` must be two or more ints >= 1; got (4,)", {"shape": (4,)}),
    (TypeError, "`shape` must be two or more ints >= 1; got 4: pass a tuple of ints", {"shape": 4}),
    (
        TypeError,
        (
            "`dtype` must be float64, float32, float16 or bfloat16, by name or as the namespace's own object; "
            "got <class 'jax.numpy.int32'>"
        ),
        {"dtype": jnp.int32},
    ),
]


@pytest.mark.parametrize(("error", "message", "options"), BAD, ids=[message for _, message, _ in BAD])
def test_message(error: type[Exception], message: str, options: dict[str, Any]) -> None:
    """A bad argument is refused with the exact sentence, which the documentation has."""
    with pytest.raises(error) as caught:
        zero_array.jax.zero_init()(**{"key": KEY, "shape": (4, 2)} | options)
    assert str(caught.value) == message
    assert is_documented(message)


def test_message_under_an_auto_mesh() -> None:
    """A spec under a mesh of Auto axes is refused as the sharding is."""
    with jax.set_mesh(mesh(AxisType.Auto)), pytest.raises(ValueError) as caught:  # noqa: PT011  # the message follows
        zero_array.jax.zero_init()(KEY, (4, 2), None, SPEC)
    assert str(caught.value) == AUTO
