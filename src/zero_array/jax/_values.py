"""What is known of the arrays in a traced function: activations, parameters, and what is made of these."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .._planning import _views
from .._planning._layer import Layer
from .._planning._views import View
from .._typing import Shape


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
    at_zero : float, optional
        The number that it holds throughout: of a constant; of others where the outputs of all layers are zero.
    """

    node: int | None = None
    name: str = ""
    view: View | None = None
    stacked: tuple[int, ...] = ()
    reads: tuple[str, ...] = ()
    role: str = ""
    features: Features | None = None
    scores: Scores | None = None
    at_zero: float | None = None


def dense(value: Value, base: View, outs: Iterable[int], ins: Iterable[int], batch: Iterable[int]) -> Layer | None:
    """The layout of a matrix, from the dimensions of its view that are multiplied and summed."""
    found: list[Any] = [_views.axes(value.view, base, dims) for dims in (outs, ins, batch)]
    if None in found:
        return None
    layout = Layer("linear", found[0], found[1], stacked=(*value.stacked, *found[2]))
    return layout if layout.covers(base.shape) else None


def kernel(value: Value, base: View, params: Mapping[str, Any], sizes: tuple[Shape, Shape]) -> Layer | None:
    """The layout of a kernel, from the parameters of a convolution and the lengths of its inputs and outputs."""
    out, into, *dims = params["dimension_numbers"].rhs_spec
    view: View = value.view
    found: list[Any] = [_views.axes(view, base, (dim,)) for dim in (out, into, *dims)]
    if None in found or params["batch_group_count"] != 1:
        return None
    steps = [params[key] for key in ("window_strides", "lhs_dilation", "rhs_dilation", "padding")]
    same = []
    for dim, stride, spread, dilation, (low, _), before, after in zip(dims, *steps, *sizes, strict=True):
        size = view.shape[dim]
        tap = low // dilation if view.strides[dim] >= 0 else size - 1 - low // dilation
        same.append(stride == 1 and after == before * spread and tap == (size - 1) // 2)
    layout = Layer(
        "conv",
        found[0],
        found[1],
        taps=tuple(found[2:]),
        stacked=value.stacked,
        groups=params["feature_group_count"],
        center="same" if all(same) else "paper",
    )
    return layout if layout.covers(base.shape) else None
