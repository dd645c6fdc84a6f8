"""What one pass over the values of a matrix tells."""

from dataclasses import dataclass
from typing import Any

from ._windows import Matrix, Piece


@dataclass(slots=True)
class Values:
    """What is known of the values of a matrix.

    Attributes
    ----------
    nans, infinite : int
        How many are no number, or not finite.
    first_bad : tuple of int or None
        The indices of the first of these.
    low, high : float
        The least and the largest value.
    live_rows, live_columns, live_taps : array of bool
        Which of them hold anything but zeros; of the taps, only as long as `is_level`.
    is_level : bool
        Whether all values that are not zero have one absolute value.
    fits_bfloat16 : bool
        Whether bfloat16 holds all values exactly.
    """

    nans: int
    infinite: int
    first_bad: tuple[int, ...] | None
    low: float
    high: float
    live_rows: Any
    live_columns: Any
    live_taps: Any
    is_level: bool = True
    fits_bfloat16: bool = True

    @property
    def largest(self) -> float:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))

    @property
    def is_constant(self) -> bool:
        """Whether all values are the same."""
        return self.low == self.high


def values(matrix: Matrix) -> Values:
    """Go through all values once."""
    import numpy

    outputs, inputs, taps = matrix.sizes
    rows, columns, places = (numpy.zeros(size, bool) for size in (outputs, inputs, taps))
    found = Values(0, 0, None, float("inf"), float("-inf"), rows, columns, places)
    for piece in matrix.pieces():
        _add(found, piece)
    return found


def _add(found: Values, piece: Piece) -> None:
    """Take one piece into account."""
    import numpy

    values = piece.values
    low, high = float(values.min(initial=numpy.inf)), float(values.max(initial=-numpy.inf))
    if values.size and not (numpy.isfinite(low) and numpy.isfinite(high)):
        _add_bad(found, piece)
        values = numpy.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
        low, high = float(values.min()), float(values.max())
    before = found.largest if found.live_rows.any() else 0
    found.low, found.high = min(found.low, low), max(found.high, high)
    if not values.size or low == high == 0:
        return
    ends = [numpy.minimum(values.min(axis=2), 0), numpy.maximum(values.max(axis=2), 0)]
    live = ends[0] != ends[1]
    found.live_rows[piece.rows] |= live.any(axis=1)
    found.live_columns[piece.columns] |= live.any(axis=0)
    if found.is_level:
        sizes = numpy.abs(values)
        found.is_level = before in (0, found.largest) and bool(((sizes == 0) | (sizes == found.largest)).all())
        found.live_taps[piece.taps] |= (sizes != 0).any(axis=(0, 1))
    if found.fits_bfloat16:
        found.fits_bfloat16 = bool((to_bfloat16(values) == values).all())


def _add_bad(found: Values, piece: Piece) -> None:
    """Count what is not finite in a piece, and where it is first."""
    import numpy

    bad = ~numpy.isfinite(piece.values)
    nans = int(numpy.isnan(piece.values).sum())
    found.nans += nans
    found.infinite += int(bad.sum()) - nans
    if found.first_bad is None:
        row, column, tap = (int(place[0]) for place in numpy.nonzero(bad))
        taps = numpy.arange(piece.taps.stop) if isinstance(piece.taps, slice) else piece.taps
        found.first_bad = (piece.rows.start + row, piece.columns.start + column, int(taps[tap]))


def to_bfloat16(values: Any) -> Any:
    """Floats rounded to the nearest that bfloat16 has, ties to even, as float32."""
    import numpy

    bits = values.astype("float32").view("uint32")
    odd = (bits >> 16) & numpy.uint32(1)
    return ((bits + numpy.uint32(0x7FFF) + odd) & numpy.uint32(0xFFFF0000)).view("float32")


def to_float16(values: Any) -> Any:
    """The same for float16; what is too large becomes infinite."""
    import numpy

    with numpy.errstate(over="ignore"):
        return values.astype("float16").astype("float32")


ROUNDED = {"bfloat16": to_bfloat16, "float16": to_float16}
