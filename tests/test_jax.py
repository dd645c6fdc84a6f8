"""JAX's own ways: jit, shardings over eight devices (the host's, if there is no other), and shapes without data."""

from typing import Any

import jax
import jax.numpy
import numpy
import pytest
from jax.sharding import NamedSharding, PartitionSpec

import zero_array
from zero_array._host import to_bytes

CALLS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((1024, 256), {}),
    ((83, 82), {}),
    ((64, 32, 3, 3), {}),
    ((33, 1, 3, 3), {"groups": 33}),
]
each_call = pytest.mark.parametrize(("shape", "options"), CALLS, ids=str)

PARTS: list[tuple[tuple[int, ...], tuple[Any, ...]]] = [
    ((1024, 256), ("a", None)),
    ((1024, 256), (None, ("a", "b"))),
    ((1024, 256), ("b", "a")),
    ((64, 32, 3, 3), (("a", "b"), None, None, None)),
    ((64, 32, 3, 3), (None, "a", None, None)),
    ((64, 32, 3, 3), ("a", "b", None, None)),
]
each_part = pytest.mark.parametrize(("shape", "parts"), PARTS, ids=str)


def init(shape: tuple[int, ...], **options: Any) -> Any:
    """A float32 weight, Hadamard or identity by Algorithm 1."""
    return zero_array.zero_init(shape, xp=jax.numpy, dtype="float32", **options)


@pytest.fixture(scope="module")
def mesh() -> Any:
    """Four by two devices."""
    devices = jax.devices("cpu")
    assert len(devices) == 8
    return jax.sharding.Mesh(numpy.array(devices).reshape(4, 2), ("a", "b"))


@each_call
def test_jit(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Inside jit the same bytes are made."""
    assert to_bytes(jax.jit(lambda: init(shape, **options))()) == to_bytes(init(shape, **options))


@each_call
def test_eval_shape(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """The shape and dtype are known without data."""
    found = jax.eval_shape(lambda: init(shape, **options))
    assert (found.shape, found.dtype) == (shape, jax.numpy.float32)


def test_eval_shape_of_a_huge_weight() -> None:
    """A shape too large for any memory can be evaluated."""
    assert jax.eval_shape(lambda: init((2**31, 2**31))).shape == (2**31, 2**31)


def test_vmap() -> None:
    """Weights are made under vmap, and scaled by what is mapped."""
    scales = jax.numpy.asarray([1.0, 2.0, -0.5], dtype=jax.numpy.float32)
    found = jax.vmap(lambda scale: scale * init((12, 5)))(scales)
    assert numpy.array_equal(found, numpy.asarray(scales)[:, None, None] * numpy.asarray(init((12, 5))))


def test_grad() -> None:
    """Gradients pass through a product with a weight."""
    vector = jax.numpy.arange(5, dtype=jax.numpy.float32)
    gradient = jax.grad(lambda x: (init((12, 5)) @ x).sum())(vector)
    assert numpy.allclose(gradient, numpy.asarray(init((12, 5))).sum(axis=0), rtol=0, atol=1e-6)


@each_part
def test_sharded_output(shape: tuple[int, ...], parts: tuple[Any, ...], mesh: Any) -> None:
    """Under ``out_shardings`` each device computes its own part: no collective, no temporaries, the same bytes."""
    sharding = NamedSharding(mesh, PartitionSpec(*parts))
    compiled = jax.jit(lambda: init(shape), out_shardings=sharding).lower().compile()
    text = compiled.as_text()
    assert [word for word in ("all-", "collective", "reduce-scatter") if word in text] == []
    assert compiled.memory_analysis().temp_size_in_bytes <= 4096
    array = compiled()
    assert array.sharding == sharding
    assert to_bytes(array) == to_bytes(init(shape))


@each_part
def test_sharding_as_device(shape: tuple[int, ...], parts: tuple[Any, ...], mesh: Any) -> None:
    """A sharding may be given as ``device=``."""
    sharding = NamedSharding(mesh, PartitionSpec(*parts))
    array = init(shape, device=sharding)
    assert array.sharding == sharding
    assert to_bytes(array) == to_bytes(init(shape))


@each_call
def test_device(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """A device that is not the default one is where the array is."""
    device = jax.devices("cpu")[5]
    array = init(shape, device=device, **options)
    assert array.devices() == {device}
    assert to_bytes(array) == to_bytes(init(shape, **options))


def test_default_device() -> None:
    """JAX's own default device is honoured."""
    device = jax.devices("cpu")[3]
    with jax.default_device(device):
        assert init((96, 64)).devices() == {device}


@each_call
def test_not_weakly_typed(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """The dtype holds in arithmetic: it is not weak."""
    assert not init(shape, **options).weak_type


def test_float64_without_x64() -> None:
    """Without x64 there is no float64, and the refusal says how to have it."""
    with (
        jax.enable_x64(False),
        pytest.raises(
            ValueError, match=r"^`dtype` must be one that jax\.numpy has; got float64: enable jax_enable_x64 first$"
        ),
    ):
        zero_array.zero_init((4, 2), xp=jax.numpy, dtype="float64")


def test_default_dtype_without_x64() -> None:
    """Without x64 the default dtype is float32."""
    with jax.enable_x64(False):
        assert zero_array.zero_init((4, 2), xp=jax.numpy).dtype == jax.numpy.float32


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((1024, 256), {}),
        ((64, 32, 3, 3), {}),
        ((2**31, 2**31), {"window": ((2**31 - 80, 2**31), (2**31 - 64, 2**31))}),
        ((2**31, 7), {"window": ((2**31 - 80, 2**31), (0, 7))}),
        ((2**31, 1, 3), {"groups": 2**31, "window": ((2**31 - 80, 2**31), (0, 1), (0, 3))}),
        ((2**31, 2**30), {"groups": 2, "window": ((2**30, 2**30 + 80), (2**30 - 64, 2**30))}),
    ],
    ids=str,
)
def test_32_bit_indices(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Without x64, where the longest integers have 32 bits, the same bytes are made at every index."""
    with jax.enable_x64(False):
        array = zero_array.hadamard_init(shape, xp=jax.numpy, **options)
    assert to_bytes(array) == to_bytes(zero_array.hadamard_init(shape, dtype="float32", **options))


@each_part
@pytest.mark.parametrize("options", [{"order": "exact"}, {"columns": "distinct"}], ids=str)
def test_sharded_options(options: dict[str, Any], shape: tuple[int, ...], parts: tuple[Any, ...], mesh: Any) -> None:
    """Exact and distinct weights are sharded without a collective: each device looks its own entries up."""
    shape = (shape[0] // 4 * 3, *shape[1:])  # 768 and 48 outputs: no powers of two
    sharding = NamedSharding(mesh, PartitionSpec(*parts))
    compiled = jax.jit(lambda: init(shape, **options), out_shardings=sharding).lower().compile()
    assert [word for word in ("all-", "collective", "reduce-scatter") if word in compiled.as_text()] == []
    array = compiled()
    assert array.sharding == sharding
    assert to_bytes(array) == to_bytes(zero_array.zero_init(shape, dtype="float32", **options))


@pytest.mark.parametrize("parts", [("a", None), (None, ("a", "b")), ("b", "a")], ids=str)
def test_sharded_signs(parts: tuple[Any, ...], mesh: Any) -> None:
    """A Hadamard matrix is sharded likewise, its bytes those of NumPy's."""
    sharding = NamedSharding(mesh, PartitionSpec(*parts))
    array = zero_array.hadamard(1152, xp=jax.numpy, dtype="int8", device=sharding)
    assert array.sharding == sharding
    assert to_bytes(array) == to_bytes(zero_array.hadamard(1152, dtype="int8"))


def vectors(n: int) -> Any:
    """Three vectors of random numbers."""
    return jax.numpy.asarray(numpy.random.default_rng(0).standard_normal((3, n)))


each_order = pytest.mark.parametrize("n", [1, 64, 96, 1024], ids=str)


@each_order
def test_transform_jit(n: int) -> None:
    """Under jit the transform is the same."""
    found = jax.jit(zero_array.hadamard_transform)(vectors(n))
    assert numpy.allclose(found, zero_array.hadamard_transform(vectors(n)), rtol=1e-12)


@each_order
def test_transform_vmap(n: int) -> None:
    """The transform of each vector is the transform of all."""
    found = jax.vmap(zero_array.hadamard_transform)(vectors(n))
    assert numpy.allclose(found, zero_array.hadamard_transform(vectors(n)), rtol=1e-12)


@each_order
def test_transform_gradient(n: int) -> None:
    """The gradient of the transform is the transform: the matrix is symmetric."""
    weight = vectors(n)[::-1]
    found = jax.grad(lambda x: (zero_array.hadamard_transform(x) * weight).sum())(vectors(n))
    assert numpy.allclose(found, zero_array.hadamard_transform(weight), rtol=1e-12)


def test_transform_eval_shape() -> None:
    """The shape of a transform is known without data."""
    found = jax.eval_shape(zero_array.hadamard_transform, jax.ShapeDtypeStruct((7, 3072), jax.numpy.bfloat16))
    assert (found.shape, found.dtype) == ((7, 3072), jax.numpy.bfloat16)


def test_transform_of_integers_without_x64() -> None:
    """Without x64 the longest integers have 32 bits, and hold the sums."""
    with jax.enable_x64(False):
        found = zero_array.hadamard_transform(jax.numpy.full((2, 96), 7, dtype=jax.numpy.int8))
    assert found.dtype == jax.numpy.int32
    assert numpy.array_equal(found, numpy.asarray(zero_array.hadamard(96)).sum(axis=0)[None] * numpy.full((2, 1), 7))
