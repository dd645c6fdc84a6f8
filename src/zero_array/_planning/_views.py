"""Views: which axes of a parameter, or features of a layer, an array shows after it was reshaped, turned and cut.

NumPy keeps count: the strides of a view of an array of the same shape say which axes it shows. Nothing is stored there.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

View: TypeAlias = Any
"""A NumPy array, of which the shape and the strides are read, or its entries where it counts features."""


def empty(shape: Sequence[int]) -> View:
    """An array to be looked at by strides alone: its memory is never touched, and so never there."""
    import numpy

    return numpy.empty(shape, dtype="int8")


def features(shape: Sequence[int], axes: Iterable[int]) -> View:
    """An array of that shape which holds at each place of which feature it is: `axes` count them, the last fastest."""
    import numpy

    own = [size if axis in set(axes) else 1 for axis, size in enumerate(shape)]
    return numpy.broadcast_to(numpy.arange(numpy.prod(own), dtype="int32").reshape(own), shape)


def is_of(view: View, base: View) -> bool:
    """Whether a view still shows an array: reshaping may have had to copy it."""
    import numpy

    return bool(numpy.may_share_memory(view, base))


def axes(view: View, base: View, dims: Iterable[int]) -> tuple[int, ...] | None:
    """The axes of an array that some dimensions of a view show, in order; None where they do not show whole axes."""
    pieces: list[tuple[int, int]] = []  # of sizes and strides; what was one axis is put together again
    for dim in dims:
        size, stride = view.shape[dim], abs(view.strides[dim])
        if size == 1:
            continue
        if pieces and pieces[-1][1] == size * stride:
            pieces[-1] = pieces[-1][0] * size, stride
        else:
            pieces.append((size, stride))
    found: list[int] = []
    for size, stride in pieces:
        run: list[int] = []
        covered = 1
        for axis in reversed(range(base.ndim)):
            if base.shape[axis] > 1 and base.strides[axis] == stride * covered and covered < size:
                run.insert(0, axis)
                covered *= base.shape[axis]
        if covered != size:
            return None
        found += run
    return tuple(found)


def rows(view: View) -> Sequence[int]:
    """The features that a view shows."""
    import numpy

    seen = numpy.unique(view[tuple(slice(None) if stride else 0 for stride in view.strides)]).tolist()
    return range(seen[0], seen[-1] + 1) if seen and seen[-1] - seen[0] + 1 == len(seen) else tuple(seen)


def varying(view: View) -> set[int]:
    """The dimensions of a view along which it is not the same."""
    return {dim for dim, (size, stride) in enumerate(zip(view.shape, view.strides, strict=True)) if size > 1 and stride}
