"""How much memory building may take: the cases, and the limit. Each library's session measures in its own way."""

import gc
import tracemalloc
from collections.abc import Callable
from pathlib import Path
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
    ((3, 170_000), {}),
    ((7, 70_000), {"dtype": "float64"}),
    ((511, 513, 2), {"dtype": "float64"}),
    ((600, 1801, 1, 1), {"dtype": "float64"}),
    ((775, 499), {"groups": 5, "dtype": "float64"}),
    ((1, 150_000), {"groups": 5, "in_axis": 0, "out_axis": 1, "dtype": "float16"}),
    ((100_000, 96), {"dtype": "float16"}),
    ((480_000, 1, 20), {"groups": 8, "dtype": "float16"}),
    ((1163, 3712), {"window": ((223, 1163), (46, 3712))}),
    ((2**18, 2**10), {"groups": 2, "window": ((2**17 - 20, 2**17 + 20), (0, 64))}),
    ((2**18, 2**10), {"groups": 2, "window": ((2**17 - 20, 2**17 + 20), (3, 50))}),
]
each_case = pytest.mark.parametrize(("shape", "options"), CASES, ids=str)
each_init = pytest.mark.parametrize(
    "init", [zero_array.hadamard_init, zero_array.identity_init], ids=lambda init: init.__name__
)


def limit(result: int) -> int:
    """The most bytes that may be held while a result of so many is built: a tenth more, or 1 MiB."""
    return result + max(result // 10, MIB)


def traced(make: Callable[[], Any]) -> tuple[int, int]:
    """The most memory that was held while an array of NumPy's was made, and what it takes."""
    make()  # what is imported at the first call does not count
    tracemalloc.start()
    try:
        array = make()
        return tracemalloc.get_traced_memory()[1], array.nbytes
    finally:
        tracemalloc.stop()


def peak(work: Callable[[], object]) -> int:
    """The most memory that was held during some work."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def resident() -> int:
    """The KiB of memory that this process holds now (Linux)."""
    gc.collect()
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])
