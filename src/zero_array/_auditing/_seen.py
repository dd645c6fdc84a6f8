"""What was seen of one weight, before anybody judges it."""

from dataclasses import dataclass
from typing import Any

from ._findings import Finding, Severity
from ._recognise import Recognised
from ._spectrum import NOTHING, Spectrum
from ._values import Values
from ._windows import Matrix


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of one weight.

    Attributes
    ----------
    matrix, values
        What it is, and one pass over it.
    found : Recognised or None
        What it was recognised as.
    rows, columns : array of int or None
        For each the number of the first that equals it; None where nobody looked.
    near : tuple of (int, int)
        Pairs of rows that are equal to the tolerance.
    rounded : array of int or None
        As `rows`, after rounding to another dtype.
    rounding : str
        That dtype; empty where nothing was rounded.
    spectrum : Spectrum
        Its singular values.
    elsewhere : tuple of ((int, int), Recognised) or None
        By which other axes it would be recognised, and as what.
    """

    matrix: Matrix
    values: Values
    found: Recognised | None = None
    rows: Any = None
    columns: Any = None
    near: tuple[tuple[int, int], ...] = ()
    rounded: Any = None
    rounding: str = ""
    spectrum: Spectrum = NOTHING
    elsewhere: tuple[tuple[int, int], Recognised] | None = None

    def finding(self, severity: Severity, what: str, evidence: str, remedy: str) -> Finding:
        """A finding on this weight."""
        return Finding(severity, self.matrix.name, what, evidence, remedy)

    @property
    def is_depthwise(self) -> bool:
        """Whether each output has a kernel over one input: of a depthwise layer, or of one with one input."""
        return self.matrix.sizes[1] == 1 and self.matrix.sizes[2] > 1


def distinct(first: Any) -> int:
    """How many different lines there are."""
    import numpy

    return len(numpy.unique(first))


def period(first: Any) -> int:
    """The number of lines after which all come again; 0 where they do not."""
    import numpy

    count = distinct(first)
    return count if count < len(first) and (first == numpy.arange(len(first)) % count).all() else 0
