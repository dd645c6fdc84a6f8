"""A weight as data: its rows, its windows, and which way it is built."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

import zero_array
from zero_array import _build, _namespace, _signs, _weight
from zero_array._target import Target

DEFAULTS: dict[str, Any] = {"in_axis": 1, "out_axis": 0, "groups": 1, "center": "paper", "window": None}


def weight(rule: Any, *shape: int, **options: Any) -> _weight.Weight:
    """A weight of the default layout."""
    return _weight.weight(rule, shape, **DEFAULTS | options)


@pytest.mark.parametrize("function", ["identity_init", "hadamard_init"])
@pytest.mark.parametrize("outputs", [1, 2, 3, 5, 8, 9, 64, 65])
@pytest.mark.parametrize("inputs", [1, 2, 3, 4, 5, 16, 33])
def test_distinct_rows(function: str, outputs: int, inputs: int) -> None:
    """The count of different rows is the one that NumPy finds."""
    array = getattr(zero_array, function)((outputs, inputs))
    found = len(numpy.unique(array, axis=0))
    assert weight(function.removesuffix("_init"), outputs, inputs).distinct_rows() == found


@pytest.mark.parametrize("outputs", [1, 2, 3, 8, 9, 65])
@pytest.mark.parametrize("inputs", [1, 2, 3, 7, 16])
def test_distinct_rows_of_distinct_columns(outputs: int, inputs: int) -> None:
    """So is the count where the columns are the distinct ones; with other orders of the matrix no formula tells."""
    array = zero_array.hadamard_init((outputs, inputs), columns="distinct")
    found = weight("hadamard", outputs, inputs, columns="distinct").distinct_rows()
    assert found == len(numpy.unique(array, axis=0))
    assert weight("hadamard", 12, 3, order="exact").distinct_rows() is None


def test_a_window_of_a_window() -> None:
    """A part of a window counts from the window's start, and has its shape."""
    whole = weight("hadamard", 16, 8, 3, window=((2, 12), (1, 7), (0, 2)))
    part = whole.part(((1, 3), (0, 5), (1, 2)))
    assert part.window == ((3, 5), (1, 6), (1, 2))
    assert part.shape == (2, 5, 1)
    assert part.constant == whole.constant


@pytest.mark.parametrize(
    ("window", "repeated"),
    [
        (((0, 12), (0, 4)), (True, False)),
        (((0, 6), (0, 4)), (False, False)),
        (((6, 12), (1, 3)), (False, False)),
        (((5, 7), (0, 4)), (True, False)),
        (((7, 12), (0, 4)), (False, False)),
    ],
    ids=str,
)
def test_windows_over_group_borders(window: Any, repeated: tuple[bool, bool]) -> None:
    """A window is repeated along the axis on which it reaches from one group into another."""
    found = weight("identity", 12, 4, groups=2, window=window)
    assert (found.is_repeated(0), found.is_repeated(1)) == repeated


def test_transposed_groups_are_along_the_in_axis() -> None:
    """The kernel of a transposed convolution has its groups along the in axis, and the error says so."""
    options: dict[str, Any] = {"in_axis": 0, "out_axis": 1, "groups": 2, "transposed": True}
    found = weight(None, 6, 8, 3, **options)
    assert (found.inputs, found.outputs, found.rule) == (3, 8, "hadamard")
    with pytest.raises(
        ValueError, match=r"^`groups` must divide the length of the in axis; got 2 groups for 5 inputs$"
    ):
        weight(None, 5, 8, 3, **options)


RUNS: list[tuple[str, tuple[int, ...], dict[str, Any], int]] = [
    ("hadamard", (1024, 1024), {}, 128),
    ("hadamard", (1024, 960), {}, 64),
    ("hadamard", (4096, 4096), {}, 128),
    ("hadamard", (512, 512, 2), {}, 0),
    ("hadamard", (512, 512, 1), {}, 64),
    ("hadamard", (128, 128), {}, 0),  # so few are looked up one by one
    ("hadamard", (160, 128), {}, 64),
    ("hadamard", (2048, 2048, 64), {"window": ((0, 4), (64, 128), (0, 64))}, 0),
    ("hadamard", (8192, 8192), {}, 128),
    ("hadamard", (2048, 96), {}, 32),
    ("hadamard", (2048, 2048), {"window": ((5, 900), (64, 128))}, 32),
    ("hadamard", (2048, 2048), {"window": ((5, 900), (16, 2048))}, 0),
    ("hadamard", (1000, 784), {}, 0),
    ("hadamard", (32, 16), {}, 0),
    ("hadamard", (512, 256, 3, 3), {}, 0),
    ("hadamard", (64, 3, 7, 7), {}, 0),
    ("hadamard", (256, 3, 7, 7), {}, 0),
    ("identity", (512, 512, 3, 3), {}, 0),
    ("identity", (2048, 2048), {}, 0),
    ("identity", (3072, 1024), {"groups": 3}, 128),
    ("identity", (1024, 3072), {"groups": 3, "in_axis": 0, "out_axis": 1}, 128),
    ("identity", (1024, 3072), {"groups": 3, "in_axis": 0, "out_axis": 1, "window": ((0, 1024), (0, 1024))}, 0),
]


@pytest.mark.parametrize(("rule", "shape", "options", "length"), RUNS, ids=str)
def test_the_rule_that_chooses(rule: str, shape: tuple[int, ...], options: dict[str, Any], length: int) -> None:
    """Aligned columns are copied in runs, as long as fit; all else is assembled."""
    assert _build._run(weight(rule, *shape, **options)) == length


PIECES: list[tuple[str, tuple[int, ...], dict[str, Any], int]] = [
    ("identity", (2731, 1, 3), {}, 1),  # 8193 entries
    ("identity", (2730, 1, 3), {}, 1),
    ("identity", (27, 1, 3), {"window": ((0, 27), (0, 1), (0, 1))}, 0),  # all zero
    ("identity", (1031, 171, 3), {}, 4),
    ("identity", (1031, 171, 3), {"window": ((0, 1031), (0, 171), (0, 1))}, 0),
    ("identity", (1031, 171, 3), {"window": ((0, 1031), (0, 171), (1, 2))}, 0),
    ("identity", (2051, 1031, 3), {}, 11),
    ("hadamard", (2051, 3, 1031), {"in_axis": 2}, 11),
    ("hadamard", (5, 200_001, 3), {"in_axis": 2, "out_axis": 1}, 15),
    ("hadamard", (3, 400_001), {}, 57),
    ("hadamard", (3, 7561), {}, 0),  # 13 entries beside each column
    ("hadamard", (3, 7562), {}, 2),
    ("hadamard", (1, 400_001), {}, 0),
    ("hadamard", (61, 2000), {}, 0),
    ("hadamard", (61, 20_001), {}, 27),
    ("hadamard", (4, 30_001), {"window": ((1, 3), (0, 30_001))}, 4),
    ("hadamard", (1163, 3711), {"window": ((224, 1164 - 1), (46, 3711))}, 32),
    ("hadamard", (1024, 3711), {}, 0),
    ("hadamard", (1200, 1300), {"window": ((32, 632), (31, 1232))}, 0),  # from the first row of a band
    ("hadamard", (1200, 1300), {"window": ((31, 631), (32, 1233))}, 15),  # from the last: one band more
    ("hadamard", (2400, 1300), {"groups": 2, "window": ((1232, 1832), (31, 1232))}, 0),
    ("hadamard", (2400, 1300), {"groups": 2, "window": ((1231, 1831), (31, 1232))}, 15),
    ("identity", (511, 100_001), {}, 0),
    ("identity", (1011, 521), {"groups": 3}, 11),
    ("identity", (1011, 521), {"groups": 3, "window": ((0, 337), (0, 521))}, 0),
    ("identity", (1011, 521), {"groups": 3, "window": ((1, 338), (0, 521))}, 4),
    ("identity", (900, 300), {"groups": 3}, 0),
    ("identity", (13 * 337, 521), {"groups": 13}, 32),
    ("identity", (14 * 337, 521), {"groups": 14}, 0),
    ("hadamard", (3 * 1001, 999), {"groups": 3}, 32),
    ("hadamard", (1024, 1024), {"columns": "distinct"}, 0),
    ("hadamard", (1023, 1024), {"columns": "distinct"}, 32),
    ("hadamard", (1152, 1024), {"order": "exact"}, 0),
    ("hadamard", (1152, 256, 3), {"order": "exact"}, 27),
    ("hadamard", (2304, 1024), {"order": "exact", "groups": 2}, 32),
    ("hadamard", (2304, 1024), {"order": "exact", "groups": 2, "window": ((1152, 2304), (0, 1024))}, 0),
    ("hadamard", (2012, 1024), {"order": "exact"}, 63),
    ("hadamard", (60, 60), {"order": "exact"}, 0),
    ("hadamard", (64, 32), {"columns": "distinct", "in_axis": 0, "out_axis": 1}, 0),
    ("hadamard", (64, 83), {"columns": "distinct", "in_axis": 0, "out_axis": 1}, 1),
    ("hadamard", (1024, 2048), {"columns": "distinct", "in_axis": 0, "out_axis": 1}, 0),
    ("hadamard", (1024, 2049), {"columns": "distinct", "in_axis": 0, "out_axis": 1}, 1),
    ("hadamard", (1024, 2048, 3), {"columns": "distinct", "window": ((0, 1024), (0, 2048), (0, 1))}, 0),
]


@pytest.mark.parametrize(("rule", "shape", "options", "pieces"), PIECES, ids=str)
def test_what_is_built_in_pieces(rule: str, shape: tuple[int, ...], options: dict[str, Any], pieces: int) -> None:
    """Kernels are, and matrices whose parts would be large beside them; the more, the larger."""
    target = Target(numpy, "float32", {})
    assert _build._pieces(target, weight(rule, *shape, **options)) == pieces


@pytest.mark.parametrize(
    ("shape", "kind", "pieces"),
    [
        ((50_000, 96), "float16", 16),
        ((50_000, 96), "bfloat16", 16),
        ((50_000, 96), "float32", 0),
        ((43_690, 96), "float16", 0),
        ((50_000, 192), "float16", 0),
        ((32_768, 32, 5), "float16", 8),
        ((65_536, 32, 3), "float16", 12),
    ],
    ids=str,
)
def test_short_runs_in_pieces(shape: tuple[int, ...], kind: str, pieces: int) -> None:
    """The numbers of short runs are much beside half precision, in large arrays."""
    assert _build._pieces(Target(numpy, kind, {}), weight("hadamard", *shape)) == pieces


@pytest.mark.parametrize(("shape", "way"), [((192, 96), "_gathered"), ((192, 95), "_assembled")])
def test_the_rule_is_followed(shape: tuple[int, int], way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight is built the way that the rule says."""
    monkeypatch.setattr(_build, way, lambda *_: "as the rule says")
    assert zero_array.hadamard_init(shape) == "as the rule says"


WAYS = [
    ((0, 8), (0, 3), "4 x 3 listed"),  # rows that far apart are twins
    ((0, 64), (0, 3), "4 x 3 listed"),
    ((0, 512), (0, 16), "16 x 16 listed"),
    ((0, 16), (0, 16), "16 x 16 listed"),
    ((0, 8), (0, 33), "looked up"),
    ((0, 17), (0, 16), "looked up"),  # twins, which do not fit
    ((8, 520), (0, 16), "looked up"),
    ((8, 528), (0, 16), "looked up"),
    ((0, 520), (0, 16), "looked up"),
    ((1, 1025), (0, 16), "looked up"),
    ((1, 1026), (0, 16), "multiplied"),
    ((0, 8192), (0, 100), "multiplied"),
    ((5, 6), (0, 16384), "looked up"),
    ((5, 6), (0, 20000), "313 x 1 listed"),  # a product along the row
]


@pytest.mark.parametrize(("rows", "cols", "way"), WAYS, ids=str)
def test_how_windows_are_made(
    rows: tuple[int, int], cols: tuple[int, int], way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Few entries are listed, more are looked up, many are products."""
    made: list[str] = []

    def note(name: str, how: Callable[..., str]) -> None:
        real = getattr(_signs, name)

        def noted(*args: Any) -> Any:
            made.append(how(*args))
            return real(*args)

        monkeypatch.setattr(_signs, name, noted)

    note("parities", lambda down, across, *_: f"{len(down)} x {len(across)} listed")
    note("looked_up", lambda *_: "looked up")
    note("factors", lambda *_: "multiplied")
    _signs.window(Target(numpy, numpy.float32, {}), 0.5, rows, cols)
    assert made[0] == way


@pytest.mark.parametrize(("kind", "bits"), [("float16", "int16"), ("float32", ""), ("float64", "")])
def test_halves_are_turned_by_their_bits(kind: str, bits: str) -> None:
    """NumPy's halves are seen as integers, other numbers not, nor the halves of any other library."""
    halves = numpy.asarray([1.0, -2.0], dtype=kind)
    shown = _namespace.half_bits(numpy, halves)
    assert (shown is not None) == bool(bits)
    if shown is not None:
        assert shown(halves).dtype == bits
    assert _namespace.half_bits(SimpleNamespace(int16="int16"), halves) is None


def test_which_integers() -> None:
    """Indices are torch's short integers, the default ones of other libraries, on the device of the result."""
    made: list[tuple[Any, dict[str, Any]]] = []

    def make(what: Any, **keywords: Any) -> Any:
        made.append((what, keywords))
        return len(made)

    library = SimpleNamespace(index_select=None, int32="short", asarray=make, arange=make)
    target = Target(library, "float32", {"device": "there"})
    assert (target.indices([3, 4]), target.arange(0, 7), target.arange(5, 7)) == (1, 2, 3 + 5)
    where = {"dtype": "short", "device": "there"}
    assert made == [([3, 4], where), (7, where), (2, where)]
    assert _namespace.index_dtype(numpy) is None


def test_the_first_of_a_range() -> None:
    """Where a range begins at zero, nothing is added to it."""
    whole = object()
    assert Target(SimpleNamespace(arange=lambda *_, **__: whole), "float32", {}).arange(0, 3) is whole


def test_the_centre_of_a_window() -> None:
    """Of a window the taps are counted from its own first one, the last axis fastest."""
    seen = weight("identity", 4, 4, 5, 3, center=(3, 1), window=((0, 4), (0, 4), (1, 5), (1, 3)))
    assert seen.centre([2, 3]) == (2 * 2 + 0, 4 * 2)
    assert seen.centre([3, 2]) == (0 * 4 + 2, 4 * 2)
