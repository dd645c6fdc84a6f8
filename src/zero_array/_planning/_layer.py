"""How a layer reads its weight, whatever the order and number of its axes."""

from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from .._typing import Center, Shape
from ._plan import Kind, Parameter, Part


class Layer(NamedTuple):
    """How a layer reads its matrix or kernel: which axes are outputs, inputs, taps, or copies of the layer."""

    kind: Kind
    outs: tuple[int, ...]
    ins: tuple[int, ...]
    taps: tuple[tuple[int, ...], ...] = ()
    stacked: tuple[int, ...] = ()
    groups: int = 1
    center: Center = "paper"

    def parameter(self, name: str, shape: Shape, parts: Sequence[str] = ()) -> Parameter:
        """The parameter, whose axes are merged where several count together; `parts` are packed along its outputs."""
        ones = [axis for axis, size in enumerate(shape) if size == 1 and axis not in self._used()]
        outs, ins = ((group or (ones.pop(0),)) if ones else group for group in (self.outs, self.ins))
        taps = tuple((group or (ones.pop(0),)) if ones else group for group in self.taps)
        copies = prod(shape[axis] for axis in self.stacked)
        outputs = prod(shape[axis] for axis in outs)
        packed = tuple(Part(label, outputs // len(parts)) for label in parts)
        common: dict[str, Any] = {"groups": self.groups * copies, "center": self.center, "parts": packed * copies}
        if not self.stacked and all(len(group) == 1 for group in (outs, ins, *taps)):
            return Parameter(name, self.kind, shape, outs[0], ins[0], **common)
        axes = ((*self.stacked, *outs), ins, *taps)
        sizes = tuple(prod(shape[axis] for axis in group) for group in axes)
        return Parameter(name, self.kind, sizes, 0, 1, **common, axes=axes)

    def _used(self) -> set[int]:
        return {*self.outs, *self.ins, *self.stacked, *(axis for group in self.taps for axis in group)}

    def covers(self, shape: Shape) -> bool:
        """Whether the layer reads the whole parameter."""
        return all(size == 1 or axis in self._used() for axis, size in enumerate(shape))
