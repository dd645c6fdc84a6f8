"""Equal rows and columns of a matrix, found by digests of their bytes, a window at a time."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha1
from itertools import islice
from typing import Any

from ._windows import Matrix, Piece

FEW = 64
"""So many entries of each line are compared first: where these differ, so do the lines."""

Change = Callable[[Any], Any]
"""What becomes of the values before they are compared: themselves, or rounded."""


def first_equal(matrix: Matrix, *, of_rows: bool, change: Change = lambda values: values) -> Any:
    """For each row (or column) the number of the first that equals it: its own where there is none before it.

    Zeros are equal whatever their sign. Two lines are called equal where 160 bits of a digest of their bytes are.
    """
    import numpy

    axis, count = (matrix.axes or (0, 1))[0 if of_rows else 1], matrix.sizes[0 if of_rows else 1]
    equal = list(range(count))
    if axis == 0 or next(matrix.pieces()).window[axis] == (0, count):
        first = numpy.asarray(_first(_digests(matrix, equal, of_rows, change, few=True)))
        equal = numpy.flatnonzero(numpy.bincount(first, minlength=count)[first] > 1).tolist()
    first = numpy.arange(count)
    if equal:
        first[equal] = numpy.asarray(equal)[_first(_digests(matrix, equal, of_rows, change, few=False))]
    return first


def _first(digests: Sequence[bytes]) -> list[int]:
    """For each digest the place of the first that equals it."""
    places: dict[bytes, int] = {}
    return [places.setdefault(digest, place) for place, digest in enumerate(digests)]


def _digests(matrix: Matrix, numbers: Sequence[int], of_rows: bool, change: Change, *, few: bool) -> list[bytes]:
    """The digests of some lines, of a `few` entries or of all: the same entries of each."""
    import numpy

    hashes = {number: sha1(usedforsecurity=False) for number in numbers}
    chosen = numpy.asarray(numbers)
    for piece in _first_pieces(matrix, of_rows) if few else matrix.pieces():
        lines, values = (piece.rows, piece.values) if of_rows else (piece.columns, piece.values.transpose(1, 0, 2))
        here = chosen[(chosen >= lines.start) & (chosen < lines.stop)]
        values = values[here - lines.start] if few or len(here) < lines.stop - lines.start else values
        if few:
            values = values[:, :FEW, :FEW]
        block = numpy.ascontiguousarray(change(values) + 0)  # minus zero becomes zero
        for number, line in zip(here.tolist(), block, strict=True):
            hashes[number].update(line)
    return [found.digest() for found in hashes.values()]


def _first_pieces(matrix: Matrix, of_rows: bool) -> Iterator[Piece]:
    """The pieces that hold the first entries of each line: all where the lines lie along the first axis, else one."""
    axis = (matrix.axes or (0, 1))[0 if of_rows else 1]
    return islice(matrix.pieces(), None if axis == 0 else 1)


def near(matrix: Matrix, first: Any, tolerance: float) -> list[tuple[int, int]]:
    """Pairs of rows, not equal, none of whose entries differ by more than the tolerance.

    Rows are sorted by a sum of their entries with fixed signs: such rows have close sums. Those whose sums are close,
    and others too, are compared entry by entry.
    """
    import numpy

    own = numpy.flatnonzero(first == numpy.arange(len(first)))
    count, length = 8, matrix.sizes[1] * matrix.sizes[2]
    signs = numpy.random.default_rng(0).choice([-1.0, 1.0], (length, count))
    sums = numpy.zeros((matrix.sizes[0], count))
    for piece in matrix.pieces():
        numbers = numpy.arange(piece.columns.start, piece.columns.stop)[:, None] * matrix.sizes[2] + piece.taps
        sums[piece.rows] += piece.values.reshape(len(piece.values), -1).astype(float) @ signs[numbers.ravel()]
    order = own[numpy.argsort(sums[own, 0], kind="stable")]
    limit = tolerance * length * (1 + 1e-6)
    pairs = []
    for step in range(1, min(len(order), 256)):
        gaps = numpy.abs(sums[order[step:]] - sums[order[:-step]]) <= limit
        if not gaps[:, 0].any():
            break
        (found,) = numpy.nonzero(gaps.all(axis=1))
        pairs += [(order[place], order[place + step]) for place in found]
    return [(min(a, b), max(a, b)) for a, b in pairs if _differ(matrix, int(a), int(b)) <= tolerance]


def _differ(matrix: Matrix, a: int, b: int) -> float:
    """The most by which an entry of one row differs from that of another."""
    one, other = matrix.lines([a, b], of_rows=True)
    return float(abs(one - other).max())
