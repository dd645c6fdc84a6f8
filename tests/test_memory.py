"""Memory is the result's, and little else (NumPy reports its allocations to tracemalloc)."""

import tracemalloc
from typing import Any

import pytest

import zero_array

MIB = 2**20
CASES: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((4096, 1024), {}),
    ((1024, 4096), {}),
    ((3996, 4059), {}),
    ((4059, 3996), {}),
    ((50257, 768), {}),
    ((4096, 1024), {"dtype": "float16"}),
    ((3072, 1024), {"groups": 3}),
    ((1024, 3072), {"groups": 3, "in_axis": 0, "out_axis": 1}),
    ((512, 256, 3, 3), {}),
    ((3, 3, 256, 512), {"in_axis": -2, "out_axis": -1}),
    ((511, 255, 3, 3), {}),
    ((256, 3, 512), {"in_axis": 0, "out_axis": 2}),
    ((4096, 1, 31), {"groups": 4096}),
    ((2**31, 2**31), {"window": ((2**31 - 2000, 2**31), (2**30, 2**30 + 1000))}),
    ((2**31, 2**31), {"window": ((2**31 - 1, 2**31), (0, 2**20))}),
    ((2**31, 2**31), {"window": ((0, 2**20), (2**31 - 1, 2**31))}),
    ((2**31, 2**31, 3), {"window": ((0, 1000), (0, 1000), (0, 1))}),
    ((3003, 999), {"groups": 3}),
    ((999, 3003), {"groups": 3, "in_axis": 0, "out_axis": 1}),
    ((1023, 511, 3), {}),
    ((3, 3, 1023, 1025), {"in_axis": 2, "out_axis": 3}),
    ((5, 1, 2**20), {"in_axis": 0, "out_axis": 2}),
    ((3, 1_000_001), {}),
    ((100, 100_001), {}),
    ((2**31, 2**31), {"window": ((1, 8), (3, 2**20))}),
    ((2**18, 2**10), {"groups": 2, "window": ((2**17 - 20, 2**17 + 20), (0, 64))}),
    ((2**18, 2**10), {"groups": 2, "window": ((2**17 - 20, 2**17 + 20), (3, 50))}),
]
each_case = pytest.mark.parametrize(("shape", "options"), CASES, ids=str)


def peak(init: Any, shape: tuple[int, ...], options: dict[str, Any]) -> tuple[int, int]:
    """The most memory that was held while an array was built, and what the array takes."""
    tracemalloc.start()
    try:
        array = init(shape, **{"dtype": "float32", **options})
        return tracemalloc.get_traced_memory()[1], array.nbytes
    finally:
        tracemalloc.stop()


@each_case
@pytest.mark.parametrize("init", [zero_array.hadamard_init, zero_array.identity_init], ids=lambda init: init.__name__)
def test_peak_memory(init: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Building takes the result's bytes and at most a tenth more, or 1 MiB."""
    init(shape, **options)  # what is imported at the first call does not count
    most, result = peak(init, shape, options)
    assert most <= result + max(result // 10, MIB)


def test_measurement() -> None:
    """The measurement sees NumPy's memory: the result itself is in it."""
    most, result = peak(zero_array.hadamard_init, (1024, 1024), {})
    assert most >= result == 4 * MIB
