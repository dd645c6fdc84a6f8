"""The same bits on every backend, and the same as those of the reference."""

import hashlib
from typing import Any

import array_api_compat as compat
import pytest
from cases import CASES, SIGNS, Case, recorded

import zero_array
from zero_array._host import to_bytes
from zero_array.backends import Backend

GOLDEN = recorded()
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)


def name_of(dtype: Any) -> str:
    """What a library calls a dtype, without the library."""
    return str(dtype).rpartition(".")[2].lower()


def device_of(array: Any) -> Any:
    """Where an array is; mlx and some lazy libraries do not say."""
    return getattr(array, "device", None)


@each_case
def test_bytes(case: Case, dtype: str, xp: Any, device: Any) -> None:
    """Every weight has the shape and dtype asked for, and the bytes of the golden file."""
    array = case.build(xp=xp, dtype=dtype, device=device)
    assert tuple(array.shape) == case.built
    assert name_of(array.dtype) == dtype
    assert hashlib.sha256(to_bytes(array)).hexdigest() == GOLDEN[case.id][dtype]


@pytest.mark.parametrize("case", SIGNS, ids=lambda case: case.id)
def test_signs(case: Case, dtype: str, xp: Any, device: Any) -> None:
    """Every Hadamard matrix has the bytes of the golden file."""
    test_bytes(case, dtype, xp, device)


@pytest.mark.parametrize("case", SIGNS, ids=lambda case: case.id)
def test_signs_of_integers(case: Case, xp: Any, device: Any) -> None:
    """Hadamard matrices may have integers for entries, on every backend."""
    test_bytes(case, "int8", xp, device)


def test_dtype_is_made_or_refused(any_dtype: str, backend: Backend, xp: Any, device: Any) -> None:
    """A dtype that the table of backends denies is refused in one sentence; all others are made."""
    if any_dtype in backend.dtypes:
        assert name_of(zero_array.zero_init((2, 2), xp=xp, dtype=any_dtype, device=device).dtype) == any_dtype
        return
    with pytest.raises(ValueError, match=f"^`dtype` must be one that {xp.__name__} has; got {any_dtype}$"):
        zero_array.zero_init((2, 2), xp=xp, dtype=any_dtype, device=device)


def test_dtype_object(dtype: str, xp: Any, device: Any) -> None:
    """The dtype object of an array makes the same array as its name does."""
    named = zero_array.hadamard_init((5, 3), xp=xp, dtype=dtype, device=device)
    again = zero_array.hadamard_init((5, 3), xp=xp, dtype=named.dtype, device=device)
    assert again.dtype == named.dtype
    assert to_bytes(again) == to_bytes(named)


def test_default_dtype(xp: Any, device: Any) -> None:
    """Left out, the dtype is the one that the library gives to zeros on that device."""
    zeros = xp.zeros((3, 2)) if device is None else xp.zeros((3, 2), device=device)
    assert zero_array.zero_init((3, 2), xp=xp, device=device).dtype == zeros.dtype


@pytest.mark.parametrize("shape", [(2, 2), (96, 64), (8, 4, 3), (0, 2)], ids=str)
def test_array_is_the_backends_own(shape: tuple[int, ...], xp: Any, device: Any) -> None:
    """What comes back is an array of the namespace asked for, on the device asked for, empty windows too."""
    window = [(0, size) for size in shape]
    full = tuple(max(size, 1) for size in shape)
    array = zero_array.zero_init(full, xp=xp, device=device, window=window)
    native = xp.zeros((1, 1)) if device is None else xp.zeros((1, 1), device=device)
    assert compat.array_namespace(array) is compat.array_namespace(native)
    assert device_of(array) == device_of(native)


def test_wrapped_namespace(xp: Any, device: Any) -> None:
    """A namespace wrapped by array-api-compat makes the same array as the raw one."""
    wrapped = compat.array_namespace(xp.zeros((1, 1)))
    raw, same = (zero_array.zero_init((96, 64), xp=space, dtype="float32", device=device) for space in (xp, wrapped))
    assert type(same) is type(raw)
    assert to_bytes(same) == to_bytes(raw)
