"""Whether a matrix is one of this library's weights, and with which options: compared entry by entry."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, product
from math import isclose, sqrt
from random import Random
from typing import Any

from .. import _namespace
from .._build import build
from .._orders import factors
from .._typing import Window
from .._weight import Weight, weight
from . import _spectrum
from ._spectrum import Spectrum, exact
from ._values import Values
from ._windows import Matrix


@dataclass(frozen=True, slots=True)
class Recognised:
    """A weight of this library: what it is, in how many groups, times what, and with which options that matter."""

    weight: Weight
    groups: int
    scale: str
    options: tuple[str, ...]

    @property
    def rule(self) -> str:
        """Of an identity or of a Hadamard matrix."""
        return self.weight.rule

    def __str__(self) -> str:
        """Its name and options."""
        partial = "partial " if self.rule == "identity" and self.weight.outputs != self.weight.inputs else ""
        return ", ".join((partial + self.rule, *self.options))


def recognise(matrix: Matrix, found: Values) -> Recognised | None:
    """What it is; None where it is none of these. Zeros and constants are not looked at here."""
    import numpy

    (taps,) = numpy.nonzero(found.live_taps)
    if matrix.axes is None or not found.is_level or found.largest == 0 or len(taps) != 1:
        return None
    kernel = [matrix.shape[axis] for axis in matrix.kernel]
    center = tuple(int(tap) for tap in numpy.unravel_index(taps[0], kernel)) if kernel else ()
    outputs = matrix.sizes[0]
    rows = sorted({*range(min(3, outputs)), outputs - 1, *Random(0).sample(range(outputs), min(16, outputs))})
    sample = matrix.lines(rows, of_rows=True).reshape(len(rows), *matrix.sizes[1:])
    candidates = sorted(
        _candidates(matrix, center, found.largest), key=lambda one: _scale(one, found.largest) == "other"
    )
    for candidate in candidates:
        lines = ((_line(matrix, row), sample[place : place + 1]) for place, row in enumerate(rows))
        pieces = ((piece.window, piece.values) for piece in matrix.pieces())
        if all(_equals(matrix, candidate, window, values) for window, values in chain(lines, pieces)):
            return _named(matrix, candidate, found.largest)
    return None


def _candidates(matrix: Matrix, center: tuple[int, ...], size: float) -> Iterator[Weight]:
    """What it might be, with its own constant: the simplest first."""
    outputs = matrix.sizes[0]
    numbers = [groups for groups in range(1, outputs + 1) if outputs % groups == 0]
    if matrix.sizes[1] == 1 and size == 1:  # ones, and no Hadamard weight without its scale
        numbers = [outputs]
    out_axis, in_axis = matrix.axes or (0, 1)
    for groups in numbers:
        for rule, order, columns in (
            ("identity", "pad", "first"),
            *product(("hadamard",), ("pad", "exact"), ("first", "distinct")),
        ):
            block = outputs // groups
            if order == "exact" and _is_padded_alike(max(block, matrix.sizes[1])):
                continue
            found = weight(
                rule,  # type: ignore[arg-type]  # one of the two
                matrix.shape,
                in_axis=in_axis,
                out_axis=out_axis,
                groups=groups,
                center=center,
                window=None,
                order=order,  # type: ignore[arg-type]  # as above
                columns=columns,  # type: ignore[arg-type]  # as above
            )
            yield found._replace(constant=size)


def _is_padded_alike(size: int) -> bool:
    """Whether no other matrix of this order can be built than the padded one."""
    return size & (size - 1) == 0 or factors(size) is None


def _line(matrix: Matrix, row: int) -> Window:
    """The window of one row."""
    out_axis, _ = matrix.axes or (0, 1)
    return tuple((row, row + 1) if axis == out_axis else (0, size) for axis, size in enumerate(matrix.shape))


def _equals(matrix: Matrix, candidate: Weight, window: Window, values: Any) -> bool:
    """Whether the values of a window are the candidate's, with its constant."""
    dtype = "float64" if matrix.dtype == "float64" else "float32"
    built = matrix.arrange(build(_namespace.namespace(None), candidate.part(window), dtype, None))
    if candidate.rule == "identity":
        built = built * built.dtype.type(candidate.constant)
    return bool((built == values).all())


def _scale(candidate: Weight, size: float) -> str:
    """The name of a scale; "other" where it has none."""
    if candidate.rule == "identity":
        return "one" if size == 1 else "other"
    scales = {"orthonormal": sqrt(1 / candidate.order), "paper": sqrt(2 / candidate.order)}
    return next((name for name, value in scales.items() if isclose(value, size, rel_tol=2**-8)), "other")


def _named(matrix: Matrix, found: Weight, size: float) -> Recognised:
    """The options by their names."""
    groups, scale = matrix.sizes[0] // found.outputs, _scale(found, size)
    options = [f"times {size:.6g}"] if scale == "other" else []
    options += [f"scale={scale!r}"] if scale in ("orthonormal", "paper") else []
    options += ["order='exact'"] if found.order & (found.order - 1) else []
    options += ["columns='distinct'"] if found.columns == "distinct" else []
    options += [f"groups={groups}"] if groups > 1 else []
    return Recognised(found, groups, scale, tuple(options))


def spectrum(found: Recognised, matrix: Matrix) -> Spectrum | None:
    """The singular values of one group's matrix, at its tap; None of several that are packed, which are looked at.

    They are known without looking where it is an identity, or a slice of whole columns of a Hadamard matrix.
    """
    held = found.weight
    if found.groups > 1 and not matrix.kernel:
        return None
    count = min(held.outputs, held.inputs)
    if held.rule == "identity":
        return exact(held.constant, count)
    if held.order == max(held.outputs, held.inputs):
        return exact(held.constant * sqrt(held.order), count)
    array = build(_namespace.namespace(None), held.block(), "float32", None)
    return _spectrum.spectrum(Matrix(matrix.name, array, array.shape, "float32", (0, 1)))
