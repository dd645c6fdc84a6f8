"""What an audit found, as data."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from .._typing import Shape

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a network cannot learn from its start, or that is worth knowing.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        "error": something never learns; "warning": it was probably not meant; "note": worth knowing.
    parameter : str
        The name of the parameter (the first, where several are concerned: the evidence names the others).
    what : str
        The kind of finding, a fixed short term such as "twin rows" or "zeros in series".
    evidence : str
        What was seen, with its figures.
    remedy : str
        What to type, or to change.
    """

    severity: Severity
    parameter: str
    what: str
    evidence: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Depth:
    """The scale of the signal behind one module, and of the gradient that comes back to it.

    Attributes
    ----------
    module : str
        Its name, in the order of the calls.
    signal : float
        The root mean square of its output.
    gradient : float
        The root mean square of the loss's gradient with respect to its output.
    """

    module: str
    signal: float
    gradient: float


@dataclass(frozen=True, slots=True)
class Reach:
    """The largest absolute entry of a parameter's gradient: at the start, and after some steps of training.

    Attributes
    ----------
    parameter : str
        Its name.
    now : float
        At the start; 0.0 if no gradient reaches it.
    after : float or None
        After the steps; None if there were none.
    """

    parameter: str
    now: float
    after: float | None


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one weight, whether or not anything is wrong with it.

    Attributes
    ----------
    parameter : str
        Its name.
    shape : tuple of int
        Its shape.
    dtype : str
        The name of its dtype.
    axes : tuple of (int, int) or None
        Its out and in axis; None for what is no matrix, of which only the values were looked at.
    fill : str
        What it was recognised as ("identity", "hadamard, scale='paper'", "orthogonal", "zeros", "constant"), else "".
    distinct : tuple of (int, int) or None
        How many different rows (outputs) and columns (inputs) it has.
    rank : int or None
        The rank of its matrix of outputs times everything else, or of the sample.
    singular : tuple of (float, float) or None
        The least and the largest singular value of that matrix.
    spectrum : tuple of float
        Some of the singular values, evenly spaced from the largest to the least.
    sampled : int
        The number of rows or columns from which rank and singular values were computed; 0 if from the whole.
    twins : tuple of float
        The share of rows that equal an earlier row, for equal parts of the rows in order. Empty if none does.
    """

    parameter: str
    shape: Shape
    dtype: str
    axes: tuple[int, int] | None = None
    fill: str = ""
    distinct: tuple[int, int] | None = None
    rank: int | None = None
    singular: tuple[float, float] | None = None
    spectrum: tuple[float, ...] = ()
    sampled: int = 0
    twins: tuple[float, ...] = ()

    @property
    def distance(self) -> float | None:
        """The distance from an isometry: the largest distance of a singular value from one."""
        return None if self.singular is None else max(abs(value - 1) for value in self.singular)
