"""Against the only honest limit, writing the result: ``ones`` of the same library, shape and dtype."""

from collections.abc import Callable
from math import prod
from typing import Any

import pytest

import zero_array
from zero_array import _namespace
from zero_array.backends import Backend

MATRICES: list[tuple[int, ...]] = [(1024, 1024), (2048, 2048), (4096, 1024), (8192, 8192), (50257, 768)]
ODD: list[tuple[int, ...]] = [(1000, 784), (3996, 4059), (11008, 4097)]
KERNELS: list[tuple[int, ...]] = [(512, 256, 3, 3), (512, 512, 3, 3)]


@pytest.fixture
def ones(backend: Backend, xp: Any, device: Any) -> Callable[..., Callable[[], Any]]:
    """What makes ones, as fast as the library can: compiled, where it compiles."""

    def maker(shape: tuple[int, ...], dtype: str) -> Callable[[], Any]:
        keywords = {"dtype": zero_array.hadamard_init((1, 1), xp=xp, dtype=dtype).dtype}
        if device is not None:
            keywords["device"] = device
        if backend.name != "jax":
            wrapped = _namespace.namespace(xp)  # not every raw `ones` takes a device
            return lambda: wrapped.ones(shape, **keywords)
        import jax

        return jax.jit(lambda: xp.ones(shape, **keywords))  # type: ignore[no-any-return]

    return maker


@pytest.fixture
def make(xp: Any, device: Any) -> Callable[..., Any]:
    """A constructor by name, called for the backend under test."""
    return lambda name, shape, **options: getattr(zero_array, name)(shape, xp=xp, device=device, **options)


@pytest.mark.parametrize("shape", MATRICES + ODD + KERNELS, ids=str)
@pytest.mark.parametrize("function", ["hadamard_init", "identity_init"])
def bench_write(
    race: Any, make: Any, ones: Any, backend: Backend, size_limit: int, function: str, shape: tuple[int, ...]
) -> None:
    """New float32 arrays, eager."""
    if prod(shape) > size_limit:
        pytest.skip("--quick")
    bar = (1.5 if backend.name == "jax" else 1.3) if shape in MATRICES else 2.0 if shape in ODD else None
    race(
        lambda: make(function, shape, dtype="float32"),
        ones(shape, "float32"),
        work=f"{function}({shape}) float32",
        against="ones",
        bar=bar,
        entries=prod(shape),
    )


@pytest.mark.parametrize("shape", MATRICES, ids=str)
def bench_copy(race: Any, make: Any, ones: Any, size_limit: int, shape: tuple[int, ...]) -> None:
    """What moving as many bytes from one array to another costs: nothing that reads can be faster."""
    if prod(shape) > size_limit:
        pytest.skip("--quick")
    array = make("hadamard_init", shape, dtype="float32")
    race(
        lambda: array + 0,
        ones(shape, "float32"),
        work=f"a sum of {shape} and 0",
        against="ones",
        entries=prod(shape),
    )


@pytest.mark.parametrize("exponent", range(10, 30, 2))
def bench_growth(race: Any, make: Any, ones: Any, size_limit: int, exponent: int) -> None:
    """Square float32 Hadamard matrices of ``2 ** exponent`` entries."""
    shape = (2 ** (exponent // 2),) * 2
    if prod(shape) > size_limit:
        pytest.skip("--quick")
    race(
        lambda: make("hadamard_init", shape, dtype="float32"),
        ones(shape, "float32"),
        work=f"growth 2^{exponent}",
        against="ones",
        entries=prod(shape),
    )


@pytest.mark.parametrize("shape", [(2048, 2048), (8192, 8192)], ids=str)
@pytest.mark.parametrize("half", ["float16", "bfloat16"])
def bench_half(race: Any, make: Any, ones: Any, size_limit: int, half: str, shape: tuple[int, ...]) -> None:
    """Half precision."""
    if prod(shape) > size_limit:
        pytest.skip("--quick")
    race(
        lambda: make("hadamard_init", shape, dtype=half),
        ones(shape, half),
        work=f"hadamard_init({shape}) {half}",
        against="ones",
        bar=2.0,
        entries=prod(shape),
    )


@pytest.mark.parametrize("cut", ["rows", "columns"])
def bench_window(race: Any, make: Any, size_limit: int, cut: str) -> None:
    """An eighth of a matrix, against the whole."""
    shape = (8192, 8192) if size_limit >= 8192**2 else (2048, 2048)
    part = (shape[0] // 8, 2 * (shape[0] // 8))
    window = [part, (0, shape[1])] if cut == "rows" else [(0, shape[0]), part]
    race(
        lambda: make("hadamard_init", shape, dtype="float32", window=window),
        lambda: make("hadamard_init", shape, dtype="float32"),
        work=f"an eighth of {shape}, cut by {cut}",
        against="the whole",
        bar=1 / 6,
        entries=prod(shape) // 8,
    )
