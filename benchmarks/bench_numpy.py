"""Against what a user of NumPy has."""

from typing import Any

import numpy as np
import pytest
import scipy.linalg

import zero_array
from zero_array._commands._verify import verify


@pytest.fixture(autouse=True)
def only_numpy(backend: Any) -> None:
    """These races are NumPy's."""
    if backend.name != "numpy":
        pytest.skip("NumPy only")


@pytest.mark.parametrize("order", [256, 2048])
def bench_hadamard(race: Any, order: int) -> None:
    """SciPy's Hadamard matrix, made float32 and scaled."""
    scale = zero_array.hadamard_init((order, 1))[0, 0]

    def peer() -> Any:
        return scipy.linalg.hadamard(order, dtype=np.float32) * np.float32(scale)

    assert np.array_equal(peer(), zero_array.hadamard_init((order, order), dtype="float32"))
    race(
        lambda: zero_array.hadamard_init((order, order), dtype="float32"),
        peer,
        work=f"hadamard_init(({order}, {order}))",
        against="scipy.linalg.hadamard",
        entries=order**2,
    )


def bench_eye(race: Any) -> None:
    """NumPy's own partial identity."""
    shape = (2048, 4096)
    assert np.array_equal(np.eye(*shape, dtype=np.float32), zero_array.identity_init(shape, dtype="float32"))
    race(
        lambda: zero_array.identity_init(shape, dtype="float32"),
        lambda: np.eye(*shape, dtype=np.float32),
        work=f"identity_init({shape})",
        against="numpy.eye",
        entries=2**23,
    )


@pytest.mark.parametrize("n", [768, 3072, 11008])
def bench_verify(race: Any, size_limit: int, n: int) -> None:
    """The proof that a matrix is one of Hadamard's, against its product with itself."""
    if n**2 > size_limit:
        pytest.skip("--quick")
    matrix = zero_array.hadamard(n, dtype="float32")  # whose sums are exact below 2^24
    assert np.array_equal(matrix @ matrix.T, n * np.eye(n))
    assert verify(n).proven
    race(lambda: verify(n), lambda: matrix @ matrix.T, work=f"verify({n})", against="the product in float32")


@pytest.mark.parametrize("shape", [(64, 3), (10, 512), (64, 3, 7, 7)], ids=str)
def bench_overhead(race: Any, shape: tuple[int, ...]) -> None:
    """What a call costs in Python: small weights beside `numpy.ones`."""
    race(
        lambda: zero_array.zero_init(shape, dtype="float32"),
        lambda: np.ones(shape, dtype=np.float32),
        work=f"zero_init({shape})",
        against="ones",
    )
