"""Parameters of a network as data, and a plan: what each is filled with, and why."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, NamedTuple, get_args

from .._typing import Center, Choice, Order, Scale, Shape
from .._weight import Weight, weight
from . import _json, _network_checks, _plan_checks

Kind = Literal[
    "linear",
    "conv",
    "recurrent",
    "bilinear",
    "embedding",
    "norm",
    "norm offset",
    "bias",
    "scale",
    "gain",
    "slope",
    "offset",
    "unknown",
]
"""What a parameter is. The first four hold matrices. A norm offset is a norm's scale less one, a scale multiplies, an
offset (a position, a token) is added, and a gain is the norm of each output's weights where these are held as norm and
direction."""

MATRICES = ("linear", "conv", "recurrent", "bilinear")

Fill = Literal["identity", "hadamard", "zeros", "ones", "norms", "untouched"]
"""What a parameter starts as; "norms", of a gain alone, are those of the directions, so that these are the weights."""

FILLS: tuple[Fill, ...] = tuple(fill for fill in get_args(Fill) if fill != "norms")
"""What a user may ask for."""


class Part(NamedTuple):
    """Some rows of a packed matrix along its out axis: what they belong to ("query", "forget gate"), and how many."""

    label: str
    size: int


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a network, as an adapter read it.

    Attributes
    ----------
    name : str
        Its first name in the network.
    kind : str
        What it is: see `Kind`.
    shape : tuple of int
        Its shape; for a bilinear layer ``(out, in1 * in2)``; if `axes` are given, that of the matrix or kernel.
    out_axis, in_axis, groups, center, transposed
        The layout of a matrix or kernel, as in `zero_array.zero_init`; the groups are along the in axis where
        `transposed`.
    parts : tuple of Part
        What is packed along the out axis; empty for a single matrix. The rows of one label are one matrix.
    aliases : tuple of str
        Its other names, if it is tied.
    direction : str
        For a gain: the parameter that holds the directions.
    is_divided : bool
        Whether the layer divides it by its own norm, so that zeros would become NaN.
    axes : tuple of tuple of int
        If several axes of the array count together: those of each axis of `shape`, the last one fastest, and ``()`` for
        one that the array does not have. Empty if each axis of `shape` is one axis of the array.
    """

    name: str
    kind: Kind
    shape: Shape
    out_axis: int = 0
    in_axis: int = 1
    groups: int = 1
    center: Center = "paper"
    transposed: bool = False
    parts: tuple[Part, ...] = ()
    aliases: tuple[str, ...] = ()
    direction: str = ""
    is_divided: bool = False
    axes: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        """Check the kind, and what is packed."""
        _plan_checks.parameter(self, get_args(Kind))

    def outputs(self) -> dict[str, int]:
        """The number of outputs of the matrix of each label, in one group."""
        parts = self.parts or (Part("", self.shape[self.out_axis]),)
        groups = 1 if self.transposed else self.groups
        return {label: sum(part.size for part in parts if part.label == label) // groups for label, _ in parts}


class Block(NamedTuple):
    """A part of a parameter along its out axis, ``start`` to ``stop``, and what it holds: a weight or a constant."""

    start: int
    stop: int
    content: Weight | float


@dataclass(frozen=True, slots=True)
class Entry:
    """What one parameter is filled with: a fill for each label of its parts (with the label "" if it has none)."""

    parameter: Parameter
    fills: tuple[tuple[str, Fill], ...]
    scale: Scale
    order: Order
    columns: Choice
    reason: str

    def __post_init__(self) -> None:
        """Check the fills."""
        _plan_checks.entry(self, get_args(Fill))

    @property
    def name(self) -> str:
        """The parameter's name."""
        return self.parameter.name

    @property
    def fill(self) -> str:
        """The fill in words: "identity", "query identity, key zeros, value zeros", "hadamard in each of 4 parts"."""
        fills = {fill for _, fill in self.fills}
        if len(fills) == 1 and len(self.fills) > 1:
            return f"{fills.pop()} in each of {len(self.fills)} parts"
        return ", ".join(f"{label} {fill}".strip() for label, fill in self.fills)

    def blocks(self) -> Iterator[Block]:
        """What to write, block by block along the out axis; nothing for "untouched" and "norms".

        Raises
        ------
        TypeError, ValueError
            If the fill is a matrix and the parameter has no such layout.
        """
        parameter, fills = self.parameter, dict(self.fills)
        parts = parameter.parts or (Part("", parameter.shape[parameter.out_axis] if parameter.shape else 1),)
        totals = {label: sum(part.size for part in parts if part.label == label) for label, _ in parts}
        done = dict.fromkeys(totals, 0)
        start = 0
        for label, size in parts:
            fill = fills[label]
            if fill in ("identity", "hadamard"):
                shape = list(parameter.shape)
                shape[parameter.out_axis] = totals[label]
                window = [(0, length) for length in shape]
                window[parameter.out_axis] = (done[label], done[label] + size)
                yield Block(start, start + size, self._weight(fill, shape, window))
            elif fill in ("zeros", "ones"):
                yield Block(start, start + size, float(fill == "ones"))
            start += size
            done[label] += size

    def _weight(self, fill: Any, shape: list[int], window: list[tuple[int, int]]) -> Weight:
        layout = self.parameter
        return weight(
            fill,
            tuple(shape),
            in_axis=layout.in_axis,
            out_axis=layout.out_axis,
            groups=layout.groups,
            center=layout.center,
            window=window,
            scale=self.scale,
            order=self.order,
            columns=self.columns,
            transposed=layout.transposed,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What each parameter of a network is filled with, and why. It prints as a table.

    Attributes
    ----------
    recipe : str
        The name of the recipe that made it.
    entries : tuple of Entry
        One for each parameter, in the network's order.
    """

    recipe: str
    entries: tuple[Entry, ...]

    def __iter__(self) -> Iterator[Entry]:
        """The entries in order."""
        return iter(self.entries)

    def __len__(self) -> int:
        """The number of parameters."""
        return len(self.entries)

    def __getitem__(self, name: str) -> Entry:
        """The entry of a parameter, by any of its names."""
        for entry in self.entries:
            if name in (entry.name, *entry.parameter.aliases):
                return entry
        raise KeyError(name)

    def filter(self, pattern: str = "*", *, fill: Fill | None = None, kind: Kind | None = None) -> "Plan":
        """The part of the plan whose names match a pattern such as ``"layer1.*"``, with that fill or kind."""
        if fill is not None and fill not in FILLS:
            raise _network_checks.no_fill("fill", fill, FILLS)
        if kind is not None:
            _plan_checks.known("kind", kind, get_args(Kind))
        found = (
            entry
            for entry in self.entries
            if fnmatchcase(entry.name, pattern)
            and (fill is None or fill in dict(entry.fills).values())
            and (kind is None or kind == entry.parameter.kind)
        )
        return Plan(self.recipe, tuple(found))

    def differences(self, other: "Plan") -> list[tuple[str, str, str]]:
        """Where two plans disagree: name, this plan's fill, the other's ("absent" where it has no such parameter)."""
        mine, others = ({entry.name: entry for entry in plan} for plan in (self, other))
        return [
            (name, *(plan[name].fill if name in plan else "absent" for plan in (mine, others)))  # type: ignore[misc]
            for name in mine | others
            if mine.get(name) != others.get(name)
        ]

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """The plan that :meth:`to_json` wrote.

        Raises
        ------
        ValueError
            If the text is no JSON, or not of a plan: a field that is missing, unknown or of another type, an unknown
            fill or kind.
        """
        found: Plan = _json.read(cls, text)
        return found

    def __str__(self) -> str:
        """An aligned table: name, shape, fill, reason."""
        rows = [("parameter", "shape", "fill", "reason")]
        rows += [
            (entry.name, "x".join(map(str, entry.parameter.shape)) or "-", entry.fill, entry.reason) for entry in self
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)
