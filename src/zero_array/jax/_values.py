"""What is known of the arrays in a traced function: activations, parameters, and what is made of these."""

from collections.abc import Iterable, Mapping
from math import prod
from typing import Any, NamedTuple

from .._plan import Parameter, Part
from .._typing import Center, Shape
from . import _views
from ._views import View


class Features(NamedTuple):
    """Which of the output features of some layers each entry of an array is, and how many they have."""

    names: tuple[str, ...]
    index: View
    total: int
    copies: int


class Scores(NamedTuple):
    """An array that shows the product of two others: its node, a view of it, and the axes of the first in it."""

    node: int
    view: View
    base: View
    first: range


class Value(NamedTuple):
    """What is known of one array; all left out, it is a constant.

    Attributes
    ----------
    node : int, optional
        Of an activation: the operation that makes it.
    name, view, stacked
        Of a parameter: its name, which part of it is seen how (None where that is lost), and the axes that were taken
        off it, one layer after the other.
    reads : tuple of str
        The parameters that it is made of, where it is no activation.
    role : str
        "divisor" of a norm's root and its inverse, "normal" of what was divided by it.
    features, scores
        Where it shows the output of a layer, or the product of two activations.
    """

    node: int | None = None
    name: str = ""
    view: View | None = None
    stacked: tuple[int, ...] = ()
    reads: tuple[str, ...] = ()
    role: str = ""
    features: Features | None = None
    scores: Scores | None = None


class Layout(NamedTuple):
    """How a layer reads its matrix or kernel: which axes of the parameter are what."""

    kind: Any
    outs: tuple[int, ...]
    ins: tuple[int, ...]
    taps: tuple[tuple[int, ...], ...] = ()
    stacked: tuple[int, ...] = ()
    groups: int = 1
    center: Center = "paper"

    def parameter(self, name: str, shape: Shape, gates: int) -> Parameter:
        """The parameter, whose axes are merged where several count together; `gates` are packed along its outputs."""
        ones = [axis for axis, size in enumerate(shape) if size == 1 and axis not in self._used()]
        outs, ins = ((group or (ones.pop(0),)) if ones else group for group in (self.outs, self.ins))
        taps = tuple((group or (ones.pop(0),)) if ones else group for group in self.taps)
        copies = prod(shape[axis] for axis in self.stacked)
        kind = "recurrent" if gates else self.kind
        parts = tuple(
            Part(f"gate {number + 1}", prod(shape[axis] for axis in outs) // gates) for number in range(gates)
        )
        common: dict[str, Any] = {"groups": self.groups * copies, "center": self.center, "parts": parts * copies}
        if not self.stacked and all(len(group) == 1 for group in (outs, ins, *taps)):
            return Parameter(name, kind, shape, outs[0], ins[0], **common)
        axes = ((*self.stacked, *outs), ins, *taps)
        sizes = tuple(prod(shape[axis] for axis in group) for group in axes)
        return Parameter(name, kind, sizes, 0, 1, **common, axes=axes)

    def _used(self) -> set[int]:
        return {*self.outs, *self.ins, *self.stacked, *(axis for group in self.taps for axis in group)}

    def covers(self, shape: Shape) -> bool:
        """Whether the layer reads the whole parameter."""
        return all(size == 1 or axis in self._used() for axis, size in enumerate(shape))


def dense(value: Value, base: View, outs: Iterable[int], ins: Iterable[int], batch: Iterable[int]) -> Layout | None:
    """The layout of a matrix, from the dimensions of its view that are multiplied and summed."""
    found = [_views.axes(value.view, base, dims) for dims in (outs, ins, batch)]
    if None in found:
        return None
    layout = Layout("linear", *found[:2], stacked=(*value.stacked, *found[2]))  # type: ignore[arg-type,misc]  # no None
    return layout if layout.covers(base.shape) else None


def kernel(value: Value, base: View, params: Mapping[str, Any], sizes: tuple[Shape, Shape]) -> Layout | None:
    """The layout of a kernel, from the parameters of a convolution and the lengths of its inputs and outputs."""
    out, into, *dims = params["dimension_numbers"].rhs_spec
    found = [_views.axes(value.view, base, (dim,)) for dim in (out, into, *dims)]
    if None in found or params["batch_group_count"] != 1:
        return None
    steps = [params[key] for key in ("window_strides", "lhs_dilation", "rhs_dilation", "padding")]
    same = []
    for dim, stride, spread, dilation, (low, _), before, after in zip(dims, *steps, *sizes, strict=True):
        size = value.view.shape[dim]
        tap = low // dilation if value.view.strides[dim] >= 0 else size - 1 - low // dilation
        same.append(stride == 1 and after == before * spread and tap == (size - 1) // 2)
    layout = Layout(
        "conv",
        *found[:2],  # type: ignore[arg-type]  # no None
        taps=tuple(found[2:]),  # type: ignore[arg-type]
        stacked=value.stacked,
        groups=params["feature_group_count"],
        center="same" if all(same) else "paper",
    )
    return layout if layout.covers(base.shape) else None
