"""Memory is the result's, and little else (NumPy reports its allocations to tracemalloc)."""

import tracemalloc
from typing import Any

import numpy
import pytest
from memory import MIB, each_case, each_init, limit, traced

import zero_array

OPTIONS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((4096, 1024), {"columns": "distinct"}),
    ((3072, 768), {"order": "exact"}),
    ((3072, 1000), {"order": "exact", "columns": "distinct"}),
    ((2012, 1024), {"order": "exact"}),
    ((1000, 4096), {"columns": "distinct", "in_axis": 0, "out_axis": 1}),
    ((1000, 4011), {"columns": "distinct", "in_axis": 0, "out_axis": 1}),
    ((512, 250, 3, 3), {"columns": "distinct"}),
    ((3072, 512), {"columns": "distinct", "groups": 3}),
    ((2**31, 2**20), {"columns": "distinct", "window": ((2**31 - 2000, 2**31), (5, 1000))}),
]


@each_case
@each_init
def test_peak_memory(init: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Building takes the result's bytes and at most a tenth more, or 1 MiB."""
    most, result = traced(lambda: init(shape, **{"dtype": "float32", **options}))
    assert most <= limit(result)


def test_measurement() -> None:
    """The measurement sees NumPy's memory: the result itself is in it."""
    most, result = traced(lambda: zero_array.hadamard_init((1024, 1024), dtype="float32"))
    assert most >= result == 4 * MIB


@pytest.mark.parametrize(("shape", "options"), OPTIONS, ids=str)
def test_peak_memory_of_options(shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Exact and distinct weights keep to the same bound."""
    most, result = traced(lambda: zero_array.hadamard_init(shape, dtype="float32", **options))
    assert most <= limit(result)


@pytest.mark.parametrize("n", [29568, 11008, 2012], ids=str)
def test_peak_memory_of_signs(n: int) -> None:
    """So do the first rows of a Hadamard matrix of int8."""
    most, result = traced(lambda: zero_array.hadamard(n, dtype="int8", window=((0, 1024), (0, n))))
    assert result == 1024 * n
    assert most <= limit(result)


def test_too_large() -> None:
    """An array that no memory can hold is refused by NumPy before any is used; once this filled 18 GiB first."""
    tracemalloc.start()
    try:
        with pytest.raises((ValueError, MemoryError)):
            zero_array.zero_init((2**31, 2**31, 2**31))
        assert tracemalloc.get_traced_memory()[1] < MIB
    finally:
        tracemalloc.stop()


def test_peak_memory_of_a_transform() -> None:
    """A long transform holds three arrays: what it is given, and two of its length."""
    x = numpy.ones(2**20, dtype="float32")
    most, result = traced(lambda: zero_array.hadamard_transform(x, scale=0.5))
    assert most <= 2 * result + MIB
