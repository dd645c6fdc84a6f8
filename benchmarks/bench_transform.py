"""The transform against what a user would pick instead, and the other weights of any order against writing them."""

from importlib import import_module
from typing import Any

import numpy as np
import pytest

import zero_array
from zero_array.backends import Backend

BATCH = 4096


@pytest.fixture(autouse=True)
def numpy_or_torch(backend: Backend, request: pytest.FixtureRequest) -> None:
    """These races are NumPy's and torch's."""
    if backend.name not in ("numpy", "torch"):
        pytest.skip("numpy and torch only")
    if backend.name == "torch":
        import_module("torch").set_num_threads(request.config.getoption("cores"))


@pytest.fixture
def vectors(backend: Backend, xp: Any, device: Any, size_limit: int) -> Any:
    """What makes a batch of random float32 vectors of the backend under test."""

    def make(n: int, batch: int = BATCH) -> Any:
        batch = max(1, min(batch, size_limit // (4 * n)))
        values = np.random.default_rng(0).standard_normal((batch, n), dtype=np.float32)
        return values if backend.name == "numpy" else xp.asarray(values, device=device)

    return make


def copy(x: Any) -> Any:
    """A copy."""
    return x.copy() if isinstance(x, np.ndarray) else x.clone()


def same(found: Any, expected: Any) -> bool:
    """Whether two results agree but for rounding."""
    left, right = np.asarray(found), np.asarray(expected)
    return bool(np.abs(left - right).max() <= 1e-5 * np.abs(right).max())


@pytest.mark.parametrize("n", [256, 1024, 4096])
def bench_package(race: Any, vectors: Any, n: int) -> None:
    """Against PyPI's hadamard-transform, which is torch's, and which normalizes."""
    torch = import_module("torch")
    peer, x = import_module("hadamard_transform").hadamard_transform, vectors(n)
    theirs = torch.asarray(x)
    assert same(zero_array.hadamard_transform(x, scale="orthonormal"), peer(theirs))
    race(
        lambda: zero_array.hadamard_transform(x, scale="orthonormal"),
        lambda: peer(theirs),
        work=f"hadamard_transform of {n}",
        against="hadamard-transform",
        bar=1 / 8,
    )


@pytest.mark.parametrize("n", [256, 1024, 4096])
def bench_c(race: Any, vectors: Any, n: int) -> None:
    """Against PyPI's fht-cpu, compiled for this processor."""
    peer, x = import_module("fht_cpu").fht, vectors(n)
    theirs = np.asarray(x)
    assert same(zero_array.hadamard_transform(x), peer(theirs, inplace=False))
    race(
        lambda: zero_array.hadamard_transform(x),
        lambda: peer(theirs, inplace=False),
        work=f"hadamard_transform of {n}",
        against="fht-cpu",
        bar=2.5,
    )


@pytest.mark.parametrize("n", [256, 768, 1024, 3072, 4096, 11008, 14336])
def bench_dense(race: Any, vectors: Any, xp: Any, n: int) -> None:
    """Against the product with the matrix, which is there already."""
    x = vectors(n)[:1024]
    matrix = zero_array.hadamard(n, xp=xp, dtype="float32")
    assert same(zero_array.hadamard_transform(x[:3]), x[:3] @ matrix)
    race(
        lambda: zero_array.hadamard_transform(x),
        lambda: x @ matrix,
        work=f"hadamard_transform of {n}, batch {len(x)}",
        against="dense matmul",
        bar=None if n == 256 else 0.2 if n in (1024, 4096) else 0.5,
    )


@pytest.mark.parametrize("n", [256, 768, 1024, 3072, 4096, 11008, 14336])
def bench_copy(race: Any, vectors: Any, n: int) -> None:
    """Against a copy of the vectors."""
    x = vectors(n)
    race(
        lambda: zero_array.hadamard_transform(x),
        lambda: copy(x),
        work=f"hadamard_transform of {n}",
        against="copy",
        bar=5.0 if n in (256, 1024) else None,
    )


@pytest.mark.parametrize("exponent", [16, 20, 24])
def bench_long(race: Any, vectors: Any, size_limit: int, exponent: int) -> None:
    """One long vector, against a copy of it."""
    if 2**exponent > size_limit:
        pytest.skip("--quick")
    x = vectors(2**exponent, batch=1)
    race(lambda: zero_array.hadamard_transform(x), lambda: copy(x), work=f"one of 2^{exponent}", against="copy")


@pytest.mark.parametrize("shape", [(4096, 1024), (3072, 768), (11008, 4096), (14336, 4096)], ids=str)
@pytest.mark.parametrize("options", [{"order": "exact"}, {"columns": "distinct"}], ids=str)
def bench_options(race: Any, xp: Any, size_limit: int, options: dict[str, Any], shape: tuple[int, int]) -> None:
    """Exact and distinct weights, against writing ones."""
    if shape[0] * shape[1] > size_limit:
        pytest.skip("--quick")
    race(
        lambda: zero_array.zero_init(shape, xp=xp, dtype="float32", **options),
        lambda: xp.ones(shape, dtype=xp.float32),
        work=f"zero_init({shape}, {', '.join(f'{key}={value}' for key, value in options.items())})",
        against="ones",
        bar=2.0,
        entries=shape[0] * shape[1],
    )


def bench_window(race: Any, xp: Any) -> None:
    """A window of a large matrix of int8, against writing ones."""
    shape = (1024, 29568)
    race(
        lambda: zero_array.hadamard(29568, xp=xp, dtype="int8", window=((0, 1024), (0, 29568))),
        lambda: xp.ones(shape, dtype=xp.int8),
        work="hadamard(29568), 1024 rows, int8",
        against="ones",
        bar=4.0,
        entries=shape[0] * shape[1],
    )
