"""An array of any backend as a matrix of outputs, inputs and taps, read window by window into NumPy's float32."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from typing import Any, NamedTuple

from .. import _host
from .._stream import windows
from .._typing import Array, Shape, Window
from . import _audit_checks

BUDGET = 2**22
"""How many entries are read at once: 16 MiB of float32."""

LAYOUT = (0, 1)
"""The out and the in axis where nothing else is said: torch's."""


class Piece(NamedTuple):
    """Some entries of a matrix: their window in the array, where they lie in the matrix, and their values there."""

    window: Window
    rows: slice
    columns: slice
    taps: Any
    values: Any


@dataclass(frozen=True, slots=True)
class Matrix:
    """An array as outputs x inputs x taps; a vector is so many outputs of one input.

    Attributes
    ----------
    name : str
        Its name.
    array : Array
        Whatever has a shape, a dtype and windows.
    shape : tuple of int
        Its own shape.
    dtype : str
        The name of its dtype.
    axes : tuple of (int, int) or None
        The out and the in axis; None where it is no matrix.
    """

    name: str
    array: Array
    shape: Shape
    dtype: str
    axes: tuple[int, int] | None

    @property
    def kernel(self) -> tuple[int, ...]:
        """The axes that are taps."""
        return tuple(axis for axis in range(len(self.shape)) if self.axes and axis not in self.axes)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Outputs, inputs, taps."""
        if self.axes is None:
            return prod(self.shape), 1, 1
        out, into = self.axes
        return self.shape[out], self.shape[into], prod(self.shape[axis] for axis in self.kernel)

    def pieces(self, budget: int = BUDGET) -> Iterator[Piece]:
        """All of it, piece by piece."""
        for window in windows(self.shape, budget):
            yield self.piece(window)

    def piece(self, window: Window) -> Piece:
        """One window of it."""
        import numpy

        part = tuple(slice(*ends) for ends in window)
        values = _host.to_floats(self.array[part] if part else self.array)
        if self.axes is None:
            first = numpy.ravel_multi_index([start for start, _ in window], self.shape) if window else 0
            return Piece(window, slice(first, first + values.size), slice(0, 1), slice(0, 1), values.reshape(-1, 1, 1))
        rows, columns = (part[axis] for axis in self.axes)
        numbers = numpy.arange(self.sizes[2]).reshape([self.shape[axis] for axis in self.kernel])
        taps = numbers[tuple(part[axis] for axis in self.kernel)].ravel()
        return Piece(window, rows, columns, taps, self.arrange(values))

    def arrange(self, values: Any) -> Any:
        """Values of a window in the array's own order of axes, as outputs x inputs x taps."""
        import numpy

        moved = numpy.moveaxis(values, self.axes or (), (0, 1))
        return moved.reshape(*moved.shape[:2], -1)

    def lines(self, numbers: Sequence[int], *, of_rows: bool) -> Any:
        """Some of the rows, each all inputs and taps; or some of the columns, each all outputs and taps."""
        import numpy

        outputs, inputs, taps = self.sizes
        chosen = numpy.asarray(numbers)
        found = numpy.empty((len(chosen), inputs if of_rows else outputs, taps), self._float())
        across = (self.axes or (0, 1))[0 if of_rows else 1]
        for piece in self._holding(across, numbers):
            mine, other = (piece.rows, piece.columns) if of_rows else (piece.columns, piece.rows)
            (here,) = numpy.nonzero((chosen >= mine.start) & (chosen < mine.stop))
            values = piece.values if of_rows else piece.values.transpose(1, 0, 2)
            inside = numpy.arange(other.start, other.stop)
            found[numpy.ix_(here, inside, piece.taps)] = values[chosen[here] - mine.start]
        return found.reshape(len(chosen), -1)

    def _float(self) -> str:
        return "float64" if self.dtype == "float64" else "float32"

    def _holding(self, axis: int, numbers: Sequence[int]) -> Iterator[Piece]:
        """The pieces that hold some lines along an axis: these alone where it is the first, else all."""
        if axis or len(numbers) * 4 > self.shape[0]:
            yield from self.pieces()
            return
        for number in numbers:
            for window in windows((1, *self.shape[1:]), BUDGET):
                yield self.piece(((number, number + 1), *window[1:]))


def matrices(weights: Mapping[str, Any], layout: Any) -> Iterator[Matrix]:
    """Every array of a mapping, of mappings too: those within have their names joined by dots."""
    for name, array in _flat(weights, ""):
        shape, dtype = _host.form(array)
        if shape is None:
            raise _audit_checks.no_array(name, array)
        if _host.is_empty(array):
            raise _audit_checks.no_values(name)
        yield Matrix(name, array, shape, dtype, _axes(name, shape, layout))


def _flat(weights: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in weights.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _axes(name: str, shape: Shape, layout: Any) -> tuple[int, int] | None:
    """The out and the in axis of an array, by the first pattern that its name matches; None where it is no matrix."""
    if isinstance(layout, Mapping):
        layout = next((pair for pattern, pair in layout.items() if fnmatchcase(name, pattern)), LAYOUT)
    if layout is None or len(shape) < 2 or 0 in shape:
        return None
    return _audit_checks.pair(layout, name, shape)
