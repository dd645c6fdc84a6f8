"""The fast transform is the product with the matrix, on every backend."""

from typing import Any

import array_api_compat as compat
import numpy
import pytest
import reference
from reference import Hadamard

import zero_array
from zero_array._host import to_bytes
from zero_array.backends import Backend

TYPES = {"float64": "<f8", "float32": "<f4", "float16": "<f2"}
ORDERS = [1, 2, 4, 32, 64, 256, 12, 28, 48, 52, 96, 104, 240, 576]


def matrix(n: int, ordering: str = "natural") -> Any:
    """The matrix, by the reference."""
    whole = Hadamard(n)
    columns = whole.columns(ordering)
    return numpy.array([[int(whole.entry(row, column)) for column in columns] for row in range(n)])


def integers(*shape: int) -> Any:
    """Small whole numbers, which all dtypes hold and add exactly."""
    return numpy.random.default_rng(0).integers(-3, 4, shape)


def own(values: Any, dtype: str, xp: Any, device: Any) -> Any:
    """The backend's own array of some values."""
    keywords = {} if device is None else {"device": device}
    dtype = zero_array.hadamard(1, xp=xp, dtype=dtype, device=device).dtype
    wrapped = xp if compat.is_jax_namespace(xp) else compat.array_namespace(xp.zeros((1, 1)))
    return wrapped.reshape(wrapped.asarray(values.tolist(), dtype=dtype, **keywords), values.shape)


def host(array: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """The numbers of an array of any backend."""
    data = to_bytes(array)
    if dtype != "bfloat16":
        return numpy.frombuffer(data, dtype=TYPES.get(dtype, dtype)).reshape(shape).astype("f8")
    bits = numpy.frombuffer(data, dtype="<u2").astype("<u4") << 16
    return bits.view("<f4").reshape(shape).astype("f8")


@pytest.mark.parametrize("n", ORDERS)
def test_product(n: int, dtype: str, xp: Any, device: Any) -> None:
    """The transform of whole numbers is exactly the product, in the dtype given, and an array of the same library."""
    values = integers(3, n)
    x = own(values, dtype, xp, device)
    found = zero_array.hadamard_transform(x)
    assert (found.dtype, tuple(found.shape)) == (x.dtype, (3, n))
    assert compat.array_namespace(found) is compat.array_namespace(x)
    assert to_bytes(found) == reference.to_bytes((values @ matrix(n)).astype("f8").flatten().tolist(), dtype)


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((24,), 0), ((24, 5), 0), ((2, 24, 3), 1), ((2, 24, 3), -2), ((0, 24), 1), ((24, 0), 0)],
    ids=str,
)
def test_axes(shape: tuple[int, ...], axis: int, xp: Any, device: Any) -> None:
    """Any axis may be transformed; all others are a batch, an empty one too."""
    values = integers(*shape)
    found = zero_array.hadamard_transform(own(values, "float32", xp, device), axis=axis)
    expected = numpy.moveaxis(numpy.tensordot(matrix(24), values, axes=(1, axis)), 0, axis)
    assert numpy.array_equal(host(found, shape, "float32"), expected)


@pytest.mark.parametrize("ordering", ["dyadic", "sequency"])
@pytest.mark.parametrize("n", [1, 2, 64])
def test_orderings(ordering: Any, n: int, xp: Any, device: Any) -> None:
    """The orderings of the transform are those of the matrix."""
    values = integers(2, n)
    found = zero_array.hadamard_transform(own(values, "float32", xp, device), ordering=ordering)
    assert numpy.array_equal(host(found, (2, n), "float32"), values @ matrix(n, ordering).T)


@pytest.mark.parametrize("n", [1, 12, 64, 96])
def test_orthonormal(n: int, dtype: str, xp: Any, device: Any) -> None:
    """The orthonormal transform is its own inverse, up to rounding."""
    values = integers(3, n)
    x = own(values, dtype, xp, device)
    again = zero_array.hadamard_transform(zero_array.hadamard_transform(x, scale="orthonormal"), scale="orthonormal")
    close = {"float64": 1e-14, "float32": 1e-6, "float16": 4e-3, "bfloat16": 3e-2}[dtype]
    assert numpy.abs(host(again, (3, n), dtype) - values).max() <= 4 * close


@pytest.mark.parametrize("scale", [2, -0.25, numpy.float32(0.5)], ids=str)
def test_scale(scale: Any, xp: Any, device: Any) -> None:
    """A scale is a factor of the result."""
    values = integers(3, 24)
    found = zero_array.hadamard_transform(own(values, "float32", xp, device), scale=scale)
    assert numpy.array_equal(host(found, (3, 24), "float32"), float(scale) * (values @ matrix(24)))


@pytest.mark.parametrize(("shape", "axis"), [((257, 256), 1), ((1, 64, 1024), 1), ((5, 240, 64), 1)], ids=str)
def test_large_batch(shape: tuple[int, ...], axis: int, xp: Any, device: Any) -> None:
    """More than a million numbers, which NumPy and torch take in pieces, are exact too."""
    values = integers(*shape)
    x = own(values, "float32", xp, device)
    found = zero_array.hadamard_transform(compat.array_namespace(x).concat([x] * 16), axis=axis)
    expected = numpy.moveaxis(numpy.moveaxis(values, axis, -1) @ matrix(shape[axis]), -1, axis)
    assert numpy.array_equal(host(found, (16 * shape[0], *shape[1:]), "float32"), numpy.concatenate([expected] * 16))


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize(("name", "size"), [("int8", 40), ("int32", 2**20), ("int64", 2**50)])
def test_integers(name: str, size: int, axis: int, xp: Any, device: Any, backend: Backend) -> None:
    """Integers give integers, exactly, in a dtype that holds the sums: the library's default one, or int64."""
    values = size * integers(96, 96) + 1
    found = zero_array.hadamard_transform(own(values, name, xp, device), scale=3, axis=axis)
    kind = "int32" if backend.name == "mlx" and name != "int64" else "int64"
    assert str(found.dtype).endswith(kind)
    expected = 3 * matrix(96) @ (values if axis == 0 else values.T)
    assert numpy.array_equal(host(found, (96, 96), f"<i{int(kind[3:]) // 8}"), expected if axis == 0 else expected.T)


def test_half_precision_is_rounded_once(dtype: str, xp: Any, device: Any) -> None:
    """Half precision is summed in float32: no result is farther from the exact one than its rounding."""
    if dtype not in ("float16", "bfloat16"):
        return
    values = numpy.random.default_rng(1).standard_normal((2, 768)).astype("f4")
    x = own(values, dtype, xp, device)
    exact = host(x, (2, 768), dtype) @ matrix(768) / 768**0.5
    found = host(zero_array.hadamard_transform(x, scale="orthonormal"), (2, 768), dtype)
    assert numpy.all(
        numpy.abs(found - exact) <= numpy.abs(exact) * (2.0**-11 if dtype == "float16" else 2.0**-8) + 1e-5
    )
