"""A window holds the bytes of its part of the whole, however the whole is cut and however large it is."""

from itertools import pairwise, product
from typing import Any

import numpy
import pytest
import reference
from cases import bits

import zero_array
from zero_array._host import to_bytes

LONGEST = 2**31
Window = tuple[tuple[int, int], ...]

CUTS = [
    ("zero", (96, 64), {}, [(0, 17, 64, 96), (0, 32, 64)]),
    ("zero", (96, 64), {"scale": "paper"}, [(0, 96), (0, 1, 63, 64)]),
    ("identity", (61, 83), {}, [(0, 30, 61), (0, 30, 83)]),
    ("hadamard", (61, 183), {}, [(0, 60, 61), (0, 64, 128, 183)]),
    ("zero", (40, 20, 3, 2), {"groups": 2}, [(0, 13, 27, 40), (0, 20), (0, 1, 3), (0, 2)]),
    ("zero", (3, 3, 32, 64), {"in_axis": 2, "out_axis": 3}, [(0, 2, 3), (0, 3), (0, 16, 32), (0, 64)]),
    ("identity", (128, 96, 3, 3), {}, [(0, 32, 50, 128), (0, 16, 96), (0, 1, 3), (0, 3)]),
    ("identity", (32, 192), {"groups": 3, "in_axis": 0, "out_axis": 1}, [(0, 7, 32), (0, 32, 128, 192)]),
    ("hadamard", (2, 96, 64), {"in_axis": 2, "out_axis": 1}, [(0, 1, 2), (0, 96), (0, 32, 64)]),
    ("hadamard", (96, 2, 64), {"in_axis": 2, "out_axis": 0}, [(0, 96), (0, 1, 2), (0, 32, 64)]),
    ("hadamard", (200, 3), {}, [(0, 1, 129, 130, 146, 200), (0, 1, 3)]),
    ("zero", (12, 5, 4, 3), {"center": (2, 2)}, [(0, 12), (0, 5), (0, 1, 4), (0, 2, 3)]),
    ("zero", (32, 3, 96), {"in_axis": 0, "out_axis": 2, "groups": 3}, [(0, 9, 32), (0, 3), (0, 48, 96)]),
    ("zero", (33, 1, 3), {"groups": 33}, [(0, 11, 33), (0, 1), (0, 1, 2, 3)]),
]


@pytest.mark.parametrize(("function", "shape", "options", "cuts"), CUTS, ids=str)
def test_windows_tile_the_whole(
    function: str, shape: tuple[int, ...], options: dict[str, Any], cuts: list[tuple[int, ...]], xp: Any, device: Any
) -> None:
    """The windows of any cut, side by side, are the whole array."""
    init = getattr(zero_array, f"{function}_init")
    whole = bits(init(shape, xp=xp, dtype="float32", device=device, **options))
    tiled = numpy.full_like(whole, 0xFFFFFFFF)
    for window in product(*(pairwise(ends) for ends in cuts)):
        part = init(shape, xp=xp, dtype="float32", device=device, window=window, **options)
        tiled[tuple(slice(*ends) for ends in window)] = bits(part)
    assert numpy.array_equal(tiled, whole)


@pytest.mark.parametrize(
    "window",
    [
        [slice(3, 70), slice(16, 48)],
        (slice(3, 70, None), [16, 48]),
        [[3, 70], slice(16, 48, 1)],
        [(numpy.int64(3), numpy.uint8(70)), slice(numpy.int32(16), 48)],
        [range(3, 70), range(16, 48)],
        [slice(-87, -20), slice(16, numpy.int8(-16))],
    ],
    ids=["slices", "mixed", "steps of one", "integers of NumPy", "ranges", "from the end"],
)
def test_forms_of_a_window(window: Any, xp: Any, device: Any) -> None:
    """Slices, pairs and lists of any integers mean the same window."""
    pairs = zero_array.zero_init((90, 64), xp=xp, device=device, window=((3, 70), (16, 48)))
    other = zero_array.zero_init((90, 64), xp=xp, device=device, window=window)
    assert tuple(other.shape) == (67, 32)
    assert to_bytes(other) == to_bytes(pairs)


@pytest.mark.parametrize(
    ("window", "pairs"),
    [
        ([slice(None), slice(None)], ((0, 90), (0, 64))),
        ([slice(None, 7), slice(9, None)], ((0, 7), (9, 64))),
        ([slice(-2, None), slice(None, -1)], ((88, 90), (0, 63))),
    ],
    ids=["whole", "open ends", "open ends from the end"],
)
def test_open_slices(window: Any, pairs: Window, xp: Any, device: Any) -> None:
    """A slice without a start begins at 0, one without a stop ends with the axis."""
    given = zero_array.zero_init((90, 64), xp=xp, device=device, window=window)
    asked = zero_array.zero_init((90, 64), xp=xp, device=device, window=pairs)
    assert tuple(given.shape) == tuple(asked.shape)
    assert to_bytes(given) == to_bytes(asked)


def expected(function: str, shape: tuple[int, ...], window: Window, groups: int, dtype: str) -> bytes:
    """The bytes of a window of a huge weight ``(out, in, *kernel)``, entry by entry from the closed form."""
    outputs, inputs = shape[0] // groups, shape[1]
    is_hadamard = function == "hadamard" or (function == "zero" and outputs > inputs)
    constant = 2.0 ** (-(max(outputs, inputs) - 1).bit_length() / 2)
    entries = []
    for out, into, *taps in product(*(range(*ends) for ends in window)):
        o = out % outputs
        value = constant * (-1) ** (o & into).bit_count() if is_hadamard else float(o == into)
        entries.append(value if all(t == k // 2 for t, k in zip(taps, shape[2:], strict=True)) else 0.0)
    return reference.to_bytes(entries, dtype)


def at_end(*sizes: int, before: int = 0) -> Window:
    """The last ``sizes`` of axes of the greatest length, or some way before them."""
    return tuple((LONGEST - before - size, LONGEST - before) for size in sizes)


def test_taps_of_a_kernel_in_pieces(xp: Any, device: Any) -> None:
    """A large kernel's window that leaves out the first taps, written in pieces, has the matrix at its tap."""
    shape, window = (1027, 171, 4, 3), ((0, 1027), (0, 171), (1, 4), (1, 3))
    options: dict[str, Any] = {"xp": xp, "dtype": "float32", "device": device}
    matrix = bits(zero_array.zero_init(shape[:2], **options))
    kernel = bits(zero_array.zero_init(shape, window=window, center=(3, 1), **options))
    assert numpy.array_equal(kernel[:, :, 2, 0], matrix)
    assert numpy.count_nonzero(kernel) == matrix.size


def test_long_runs(dtype: str, xp: Any, device: Any) -> None:
    """Of a million entries and more, longer runs of columns are copied, from a table of repeated blocks."""
    matrix = numpy.ones((1, 1), dtype="i1")
    for _ in range(11):
        matrix = numpy.kron(matrix, [[1, 1], [1, -1]]).astype("i1")
    found = zero_array.hadamard_init(
        (2048, 1024), xp=xp, dtype=dtype, device=device, window=((5, 1801), (256, 896)), scale="paper"
    )
    values = bits(found)
    assert numpy.array_equal(values >> (8 * values.itemsize - 1), matrix[5:1801, 256:896] < 0)
    assert len(numpy.unique(values)) == 2


def test_short_runs(dtype: str, xp: Any, device: Any) -> None:
    """A tall matrix of short runs, which are written in pieces in half precision, repeats its first 128 rows."""
    block = expected("hadamard", (50_000, 96), ((0, 128), (0, 96)), 1, dtype)
    array = zero_array.hadamard_init((50_000, 96), xp=xp, dtype=dtype, device=device)
    assert to_bytes(array) == (block * 391)[: 50_000 * len(block) // 128]


FAR = [
    ("hadamard", (LONGEST, LONGEST), at_end(3, 5), 1),
    ("hadamard", (LONGEST, LONGEST), at_end(37, 29, before=11), 1),
    ("hadamard", (LONGEST, LONGEST), at_end(192, 64), 1),
    ("hadamard", (LONGEST, LONGEST), at_end(100, 128, before=64), 1),
    ("hadamard", (LONGEST, LONGEST), at_end(5, 20_001), 1),  # in pieces
    ("hadamard", (LONGEST, LONGEST), at_end(1, 20_001), 1),
    ("hadamard", (LONGEST, 7), (*at_end(200), (0, 7)), 1),
    ("zero", (LONGEST - 1, 96), ((LONGEST - 300, LONGEST - 1), (32, 96)), 1),
    ("zero", (LONGEST, LONGEST), at_end(64, 64), 1),
    ("zero", (LONGEST, LONGEST), at_end(23, 31), 1),
    ("identity", (LONGEST, LONGEST), (*at_end(40), (0, 40)), 1),
    ("identity", (LONGEST, LONGEST - 1), (*at_end(9), (LONGEST - 50, LONGEST - 1)), 1),
    ("zero", (2**30, 2**20, 3, 3), ((2**30 - 40, 2**30), (2**20 - 16, 2**20), (0, 3), (0, 3)), 1),
    ("zero", (LONGEST, 1, 3), (*at_end(60), (0, 1), (0, 3)), LONGEST),
    ("zero", (LONGEST, 2**20), ((LONGEST // 2 - 20, LONGEST // 2 + 20), (2**19, 2**19 + 32)), 2),
]
each_far = pytest.mark.parametrize(("function", "shape", "window", "groups"), FAR, ids=str)


@each_far
def test_far_windows(function: str, shape: tuple[int, ...], window: Window, groups: int, xp: Any, device: Any) -> None:
    """Windows at the far corner of the largest shapes follow the closed form."""
    init = getattr(zero_array, f"{function}_init")
    array = init(shape, xp=xp, dtype="float32", device=device, groups=groups, window=window)
    assert to_bytes(array) == expected(function, shape, window, groups, "float32")


@pytest.mark.parametrize("order", [2**28, 2**29, 2**30, 2**31], ids=str)
def test_tiny_constants(order: int, dtype: str, xp: Any, device: Any) -> None:
    """Constants below the least normal float16 keep their last bits: nothing is flushed to zero."""
    window = ((order - 70, order), (order - 64, order))
    array = zero_array.hadamard_init((order, order), xp=xp, dtype=dtype, device=device, window=window)
    assert to_bytes(array) == expected("hadamard", (order, order), window, 1, dtype)
