"""The audit of weights in any library: it reads them in windows, and finds what it finds in NumPy's."""

from typing import Any

import pytest

import zero_array
from zero_array._typing import Device, Namespace


@pytest.mark.parametrize("layout", [(0, 1), (-1, -2)], ids=str)
def test_findings_are_those_of_numpy(xp: Namespace, device: Device | None, dtype: str, layout: tuple[int, int]) -> None:
    """Twins and a kernel at its tap are found whatever the library, dtype and layout, and so are all facts."""
    axes: dict[str, Any] = {"out_axis": layout[0], "in_axis": layout[1], "dtype": dtype}
    shapes = {"up": (64, 16) if layout == (0, 1) else (16, 64), "kernel": (3, 8, 8)}
    weights = {name: zero_array.zero_init(shape, xp=xp, device=device, **axes) for name, shape in shapes.items()}
    report = zero_array.audit(weights, layout=layout)
    assert report == zero_array.audit(
        {name: zero_array.zero_init(shape, **axes) for name, shape in shapes.items()}, layout=layout
    )
    assert [finding.what for finding in report.filter("up")] == ["twin rows"]
    assert {facts.dtype for facts in report.weights} == {dtype}
