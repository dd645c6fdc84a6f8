"""What one parameter starts as, to be built as an array: for frameworks whose arrays are replaced, not written into."""

from dataclasses import dataclass
from math import prod
from typing import Any, Self

from .. import _build, _namespace
from .._typing import Array, DType, Namespace, Shape
from .._weight import Weight
from . import _network_checks
from ._plan import Block, Entry


@dataclass(frozen=True, slots=True)
class Filling:
    """The blocks of an entry, and the axes that they are laid out along: all of it but the dtype.

    Attributes
    ----------
    blocks : tuple of Block
        What is there along `out_axis`, without gaps.
    shape, out_axis, axes
        As of the parameter.
    """

    blocks: tuple[Block, ...]
    shape: Shape
    out_axis: int
    axes: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, entry: Entry, shape: Shape | None) -> Self | None:
        """What an entry makes of a parameter of that shape; None where that is left as it is. Checks the shape."""
        parameter = entry.parameter
        axes = parameter.axes
        fits = parameter.shape == (
            shape if shape is None or not axes else tuple(prod(_of(shape, group)) for group in axes)
        )
        if shape is None or not fits or prod(parameter.shape) != prod(shape):
            raise _network_checks.other_model(entry.name, parameter.shape, shape)
        blocks = tuple(entry.blocks())
        return cls(blocks, parameter.shape, parameter.out_axis, axes) if blocks else None

    def build(self, shape: Shape, *, xp: Namespace | None, dtype: DType) -> Array:
        """The array, of the shape that the entry was checked against."""
        xp = _namespace.namespace(xp)
        dtype = _namespace.dtype(xp, dtype)
        arrays = [self._block(block, xp, dtype) for block in self.blocks]
        array = arrays[0] if len(arrays) == 1 else xp.concat(arrays, axis=self.out_axis)
        if not self.axes:
            return xp.reshape(array, shape) if array.shape != shape else array
        order = [axis for group in self.axes for axis in group]
        order += [axis for axis in range(len(shape)) if axis not in order]  # of length one
        array = xp.reshape(array, _of(shape, order))
        return xp.permute_dims(array, tuple(order.index(axis) for axis in range(len(shape))))

    def _block(self, block: Block, xp: Namespace, dtype: DType) -> Array:
        """One block."""
        if isinstance(block.content, Weight):
            return _build.build(xp, block.content, dtype, None)
        shape = list(self.shape) or [1]
        shape[self.out_axis] = block.stop - block.start
        return (xp.ones if block.content else xp.zeros)(tuple(shape), dtype=dtype)


def _of(sizes: Shape, axes: Any) -> Shape:
    """The sizes of some axes."""
    return tuple(sizes[axis] for axis in axes)
