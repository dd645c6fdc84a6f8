"""Layouts of frameworks: several axes that count together, none, and copies; NumPy's hosts test the rest."""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any

import numpy
import pytest
from reference import matrix

import zero_array
from zero_array._layout import Layout, frozen

OPTIONS = {"scale": "orthonormal", "order": "pad", "columns": "first"}
LAYOUTS: list[tuple[tuple[int, ...], dict[str, Any]]] = [
    ((5, 9), {}),
    ((3, 4, 5, 9), {}),
    ((9, 5), {"in_axis": 1, "out_axis": 0}),
    ((5, 3, 4), {"in_axis": 0, "out_axis": (1, 2)}),
    ((5, 3, 4), {"in_axis": 0, "out_axis": (2, 1)}),
    ((3, 2, 16), {"in_axis": (0, 1), "out_axis": 2}),
    ((2, 3, 5, 4), {"in_axis": (3, 0), "out_axis": (-2, 1)}),
    ((6, 3, 5), {"in_axis": 1, "out_axis": (0, 2), "groups": 6}),
    ((3, 4, 5, 2), {"in_axis": (), "out_axis": -1, "batch_axis": -2}),
    ((3, 4, 5, 2), {"in_axis": (), "out_axis": (-2, -1), "groups": 5}),
    ((4, 5, 9), {"batch_axis": 0}),
    ((5, 2, 9, 3, 4), {"in_axis": 0, "out_axis": 2, "batch_axis": (3, 1)}),
    ((5, 3, 4), {"in_axis": 0, "out_axis": (1, 2), "order": "exact", "columns": "distinct", "scale": "paper"}),
    ((4, 7), {"in_axis": 0, "out_axis": (), "batch_axis": 1}),
]


def entry(index: Sequence[int], shape: Sequence[int], rule: str, **options: Any) -> float:
    """One entry, by the plain reference and the meaning of the axes."""
    axes: dict[str, Any] = {"in_axis": -2, "out_axis": -1, "batch_axis": (), "groups": 1, **options}
    groups = axes.pop("groups")
    chosen = {name: axes.pop(name) for name in OPTIONS if name in axes}
    into, out, batch = (
        [axis % len(shape) for axis in ((value,) if isinstance(value, int) else value)] for value in axes.values()
    )
    number: dict[str, int] = {}
    for name, some in (("in", into), ("out", out)):
        count = 0
        for axis in some:
            count = count * shape[axis] + index[axis]
        number[name] = count
    kernel = [axis for axis in range(len(shape)) if axis not in {*into, *out, *batch}]
    if any(index[axis] != (shape[axis] - 1) // 2 for axis in kernel):
        return 0.0
    period: int = prod(shape[axis] for axis in out) // groups
    block = matrix(rule, period, prod(shape[axis] for axis in into), OPTIONS | chosen)
    return block[number["out"] % period][number["in"]]


@pytest.mark.parametrize(("shape", "options"), LAYOUTS, ids=str)
@pytest.mark.parametrize("rule", ["identity", "hadamard", "zero"])
def test_entries(shape: tuple[int, ...], options: dict[str, Any], rule: Any) -> None:
    """Every entry is the one that the axes ask for."""
    layout = Layout(None if rule == "zero" else rule, **{"in_axis": -2, "out_axis": -1} | options)
    found = layout.build(shape, xp=None, dtype="float64")
    assert found.shape == shape
    for index in product(*map(range, shape)):
        assert found[index] == entry(index, shape, rule, **options)


def test_copies_take_no_memory() -> None:
    """Where NumPy can, copies are one and the same."""
    layout = Layout(None, -2, -1, batch_axis=0)
    assert layout.build((1000, 4, 8), xp=numpy, dtype=None).strides[0] == 0


@pytest.mark.parametrize(
    ("value", "expected"), [([0, 1], (0, 1)), ((0, 1), (0, 1)), (3, 3), ("same", "same"), (None, None)]
)
def test_frozen(value: Any, expected: Any) -> None:
    """A list becomes a tuple, and all else stays."""
    assert frozen(value) == expected


BAD: list[tuple[type[Exception], str, tuple[int, ...], dict[str, Any]]] = [
    (
        ValueError,
        "`in_axis`, `out_axis` and `batch_axis` must be different axes; got 0, (1, 2) and 2 for a shape of 3 axes",
        (4, 2, 3),
        {"in_axis": 0, "out_axis": (1, 2), "batch_axis": 2},
    ),
    (
        ValueError,
        "`in_axis`, `out_axis` and `batch_axis` must be different axes; got (0, -3), 1 and () for a shape of 3 axes",
        (4, 2, 3),
        {"in_axis": (0, -3), "out_axis": 1},
    ),
    (
        ValueError,
        "`batch_axis` must be an int from -2 to 1 for a shape of 2 axes; got 2",
        (4, 2),
        {"in_axis": 0, "out_axis": 1, "batch_axis": (2,)},
    ),
    (
        TypeError,
        "`in_axis` must be an int from -2 to 1 for a shape of 2 axes; got 'in'",
        (4, 2),
        {"in_axis": "in", "out_axis": 1},
    ),
    (ValueError, "`shape` must be two or more ints >= 1; got (4,)", (4,), {"in_axis": 0, "out_axis": ()}),
]


@pytest.mark.parametrize(("error", "message", "shape", "options"), BAD, ids=[message for _, message, *_ in BAD])
def test_message(error: type[Exception], message: str, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """A bad argument is refused with the exact sentence."""
    with pytest.raises(error) as caught:
        Layout(None, **options).build(shape, xp=None, dtype=None)
    assert str(caught.value) == message


@pytest.mark.parametrize("option", [{"scale": "paper"}, {"order": "exact"}, {"columns": "distinct"}], ids=str)
def test_options_reach_the_weight(option: dict[str, Any]) -> None:
    """What a layout says of the Hadamard matrix is what is built."""
    array = Layout("hadamard", 1, 0, **option).build((24, 6), xp=None, dtype=None)
    assert numpy.array_equal(array, zero_array.hadamard_init((24, 6), **option))
    assert not numpy.array_equal(array, zero_array.hadamard_init((24, 6)))


def test_groups_of_inputs() -> None:
    """Where transposed, the groups are those of the inputs."""
    array = Layout(None, 0, 1, groups=2, transposed=True).build((4, 6), xp=None, dtype=None)
    assert numpy.array_equal(array, numpy.concatenate([zero_array.zero_init((6, 2)).T] * 2))
