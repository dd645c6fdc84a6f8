"""What an audit found, as data."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a network cannot learn from its start, or that its user should know.

    Attributes
    ----------
    severity : {"error", "warning", "note"}
        "error": something never learns; "warning": probably not what was meant; "note": worth knowing.
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
        That of the loss's gradient by its output.
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
        At the start; 0.0 where no gradient reaches it.
    after : float or None
        After the steps; None where none were asked for.
    """

    parameter: str
    now: float
    after: float | None
