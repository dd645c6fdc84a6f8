"""What one run of a model shows: its operations, where they are zero or dead, and how sharp its softmaxes are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from .._planning._graph import Node
from .._planning._structure import Structure


class Softmax(NamedTuple):
    """How sharp one softmax is.

    Attributes
    ----------
    where : str
        The module that calls it.
    sharp : float
        The share of its rows that are one-hot to 1 %, of those with more than one entry that is not masked.
    is_uniform : bool
        Whether all entries of each row are equal.
    """

    where: str
    sharp: float
    is_uniform: bool


class Rectifier(NamedTuple):
    """How many units of a rectifier are zero for every example: `dead` of `units`, behind `node`, in module `where`."""

    where: str
    node: int
    dead: int
    units: int


class Run(NamedTuple):
    """What was seen in one run.

    Attributes
    ----------
    nodes : sequence of Node
        The operations.
    uses : mapping of str to set of str
        Of each parameter: the operations that read it directly.
    network : Structure
        Branches and attentions.
    largest : mapping of int to float
        Of each node, the largest absolute entry, where that is known.
    softmaxes : sequence of Softmax
        The softmaxes with a choice.
    rectifiers : sequence of Rectifier
        The rectifiers.
    shown : set of str
        The operations that are views of what they are given: reshape, slice, transpose.
    """

    nodes: Sequence[Node]
    uses: Mapping[str, Collection[str]]
    network: Structure
    largest: Mapping[int, float]
    softmaxes: Sequence[Softmax]
    rectifiers: Sequence[Rectifier]
    shown: Collection[str]


def softmax(scores: Any, where: str) -> Softmax | None:
    """How sharp a softmax over the last axis of NumPy's `scores` is; None where no row has a choice."""
    import numpy

    allowed = scores > -3e4  # what is below is masked: frameworks write infinity, or the least number of a dtype
    rows = allowed.sum(-1) > 1
    if not rows.any():
        return None
    scores, allowed = scores[rows], allowed[rows]
    most = numpy.where(allowed, scores, -numpy.inf).max(-1)
    least = numpy.where(allowed, scores, numpy.inf).min(-1)
    shares = numpy.exp(numpy.where(allowed, scores, -numpy.inf) - most[:, None])
    sharp = (1.0 / shares.sum(-1) > 0.99).mean()
    return Softmax(where, float(sharp), bool((most == least).all()))
