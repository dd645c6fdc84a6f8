"""Rank and singular values of a matrix of outputs x (inputs x taps), or of some lines of its shorter side."""

from random import Random
from typing import Any, NamedTuple

from ._windows import Matrix

WHOLE = 512
"""The longest shorter side of which all lines are taken, if that is no more work than `WORK`."""

WORK = 2**33
"""How many multiplications the product of a matrix with itself may take."""

SAMPLED = 256
"""How many lines are taken of a larger one."""

HELD = 2**25
"""How many entries are held at most, by taking fewer lines: 128 MiB of float32."""

ROUNDING = 1e-6
"""What counts as zero, relative to the largest singular value."""


class Spectrum(NamedTuple):
    """Singular values, the largest first, the rank, and of how many lines these are (0: of all)."""

    values: Any
    rank: int
    sampled: int


NOTHING = Spectrum((), 0, 0)


def spectrum(matrix: Matrix) -> Spectrum:
    """The singular values.

    Of a sample of lines, the largest is no larger and the least no less than that of the whole: a sample may miss, but
    does not invent, a range.
    """
    outputs, inputs, taps = matrix.sizes
    of_rows = outputs <= inputs * taps
    if not of_rows and taps > 1:  # columns of a kernel are taken whole, all their taps
        lines, length, width = inputs, outputs, taps
    else:
        lines, length, width = (outputs, inputs * taps, 1) if of_rows else (inputs, outputs, 1)
    side = lines * width
    whole = side <= WHOLE and side * side * length <= WORK and side * length <= HELD
    count = lines if whole else max(1, min(lines, SAMPLED // width, HELD // (length * width)))
    numbers = sorted(Random(0).sample(range(lines), count))
    held = matrix.lines(numbers, of_rows=of_rows)
    if width > 1:  # each line is outputs x taps
        held = held.reshape(count, length, width).transpose(0, 2, 1).reshape(-1, length)
    found = _singular(held)
    return Spectrum(found, int((found > 0).sum()), 0 if count == lines else len(held))


def _singular(lines: Any) -> Any:
    """Singular values, from the product of a matrix with itself in float64; what is lost in that by rounding is zero.

    LAPACK's own way is exact to more digits, and on a busy machine, with threads that wait for each other, took up to
    seconds where this takes milliseconds.
    """
    import numpy

    gram = numpy.zeros((len(lines), len(lines)))
    for start in range(0, lines.shape[1], 4096):
        block = lines[:, start : start + 4096].astype("float64")
        gram += block @ block.T
    found = numpy.sqrt(numpy.maximum(numpy.linalg.eigvalsh(gram)[::-1], 0))
    return numpy.where(found > ROUNDING * found[0], found, 0.0)


def some(values: Any, count: int = 64) -> tuple[float, ...]:
    """At most so many of the values, evenly spaced, the first and the last among them."""
    import numpy

    places = numpy.unique(numpy.linspace(0, len(values) - 1, min(count, len(values))).round().astype(int))
    return tuple(float(value) for value in values[places])


def exact(values: float, count: int) -> Spectrum:
    """The spectrum of so many equal singular values."""
    import numpy

    return Spectrum(numpy.full(count, values), count, 0)


def name(found: Spectrum) -> str:
    """Name it orthogonal where all singular values are equal, and by what it is multiplied; else nothing."""
    high, low = float(found.values[0]), float(found.values[-1])
    if len(found.values) < 2 or found.sampled or low < (1 - 1e-3) * high:
        return ""
    return "orthogonal" if abs(high - 1) < 1e-3 else f"orthogonal, times {high:.4g}"
