"""Memory is the result's, and little else (NumPy reports its allocations to tracemalloc)."""

from typing import Any

from memory import MIB, each_case, each_init, limit, traced

import zero_array


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
