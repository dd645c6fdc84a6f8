"""Frameworks' layouts: axes that count the same channels together, and axes along which a weight is repeated.

An initialiser is made before any shape is known: it is a :class:`Layout`, and builds what it is asked for later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from . import _checks, _namespace
from ._init import construct
from ._typing import Array, Axes, Center, Choice, Device, DType, Namespace, Order, Rule, Scale, Shape


def frozen(value: Any) -> Any:
    """``value``, as a tuple where it is a list: layouts are compared, and read back from JSON."""
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Layout:
    """All of a weight but its shape.

    Attributes
    ----------
    rule : {"identity", "hadamard"} or None
        None is Algorithm 1's choice.
    in_axis, out_axis : int or tuple of int
        The axes that count inputs and outputs. Several count together, the last of them fastest; ``()`` is a single
        input or output that has no axis.
    batch_axis : int or tuple of int
        The axes along which the weight is repeated.
    groups, transposed, center, scale, order, columns
        As in :func:`zero_array._weight.weight`.
    """

    rule: Rule | None
    in_axis: Axes
    out_axis: Axes
    batch_axis: Axes = ()
    groups: int = 1
    transposed: bool = False
    center: Center = "same"
    scale: Scale = "orthonormal"
    order: Order = "pad"
    columns: Choice = "first"

    def build(
        self, shape: Sequence[int], *, xp: Namespace | None, dtype: DType | None, device: Device | None = None
    ) -> Array:
        """Check everything, then build the weight of this shape."""
        sizes = _checks.shape(shape)
        into, out, batch = self._axes(len(sizes))
        if len(into) == len(out) == 1 and not batch:
            return self._construct(sizes, into[0], out[0], xp, dtype, device)
        order = [*(axis for axis in range(len(sizes)) if axis not in {*into, *out, *batch}), *into, *out]
        kernel = order[: len(order) - len(into) - len(out)]
        merged = (*_of(sizes, kernel), prod(_of(sizes, into)), prod(_of(sizes, out)))
        array = self._construct(merged, -2, -1, xp, dtype, device)
        xp = _namespace.namespace(xp)
        array = xp.reshape(array, _of(sizes, order))
        array = xp.permute_dims(array, tuple(order.index(axis) for axis in sorted(order)))
        array = xp.reshape(array, tuple(1 if axis in batch else size for axis, size in enumerate(sizes)))
        return xp.broadcast_to(array, sizes)

    def _construct(self, shape: Shape, into: int, out: int, *where: Any) -> Array:
        """A weight whose inputs and outputs have one axis each."""
        xp, dtype, device = where
        return construct(
            self.rule,
            shape,
            xp=xp,
            dtype=dtype,
            device=device,
            in_axis=into,
            out_axis=out,
            groups=self.groups,
            transposed=self.transposed,
            center=self.center,
            scale=self.scale,
            order=self.order,
            columns=self.columns,
            window=None,
        )

    def _axes(self, rank: int) -> list[Shape]:
        """Check the axes of inputs, outputs and copies, and count them from the front."""
        given = {"in_axis": self.in_axis, "out_axis": self.out_axis, "batch_axis": self.batch_axis}
        each = {name: value if isinstance(value, tuple) else (value,) for name, value in given.items()}
        found = [tuple(_checks.axis(name, axis, rank, "a shape") for axis in axes) for name, axes in each.items()]
        if len({axis for axes in found for axis in axes}) < sum(map(len, found)):
            raise _checks.same_axes(rank, **given)
        return found


def _of(sizes: Shape, axes: Iterable[int]) -> Shape:
    """The sizes of some axes."""
    return tuple(sizes[axis] for axis in axes)
