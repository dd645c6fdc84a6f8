"""Is it still the start? Arrays of every backend against their definition, whole and by shards."""

from typing import Any

import numpy
import pytest
from cases import CASES, Case
from test_golden import make
from test_windows import host

import zero_array

RANDOM = numpy.random.default_rng(7)
each_case = pytest.mark.parametrize("case", CASES[::7], ids=lambda case: case.id)


def compare(array: Any, case: Case, function: str | None = None) -> zero_array._stream.Comparison:
    """An array against the weight of a case, or of another function."""
    name: Any = f"{function or case.function}_init"
    return zero_array.compare(array, case.shape, function=name, **case.options)


@each_case
def test_start(case: Case, dtype: str, xp: Any, device: Any) -> None:
    """No entry of a weight, or of its window, differs from its own definition."""
    array = make(case, xp=xp, dtype=dtype, device=device)
    assert compare(array, case) == (numpy.prod(array.shape), 0, None)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.id in {"groups-conv", "window-inside", "everywhere"}],
    ids=lambda case: case.id,
)
def test_other_weights(case: Case, dtype: str, xp: Any, device: Any) -> None:
    """All entries that are another function's are counted, and the first one is named by its index in the whole."""
    identity = Case("", "identity", case.shape, case.options)
    array, other = (make(which, xp=xp, dtype=dtype, device=device) for which in (case, identity))
    different = numpy.argwhere(host(array) != host(other))
    starts = [start for start, _ in case.options.get("window", [(0, 0)] * len(case.shape))]
    first = tuple(int(start + index) for start, index in zip(starts, different[0], strict=True))
    assert len(different) > 10
    assert compare(array, case, "identity") == (numpy.prod(array.shape), len(different), first)
