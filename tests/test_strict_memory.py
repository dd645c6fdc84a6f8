"""Memory is the result's, and little else (array-api-strict's arrays are NumPy's, which tracemalloc sees)."""

from typing import Any

import array_api_strict
import numpy
import pytest
from memory import CASES, each_init, limit, traced


@pytest.mark.parametrize(("shape", "options"), [case for case in CASES if case[1].get("dtype") != "float16"], ids=str)
@each_init
def test_peak_memory(init: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Building takes the result's bytes and at most a tenth more, or 1 MiB."""
    most, result = traced(lambda: numpy.asarray(init(shape, xp=array_api_strict, **{"dtype": "float32", **options})))
    assert result <= most <= limit(result)
