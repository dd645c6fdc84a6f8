"""What an operation of a trace shows of an array: reshaped, turned or cut."""

from collections.abc import Mapping
from typing import Any

from .._planning._views import View

SAME = {"convert_element_type", "copy", "optimization_barrier", "reduce_precision", "sharding_constraint"}
SAME |= {"reshard", "mesh_cast", "stop_gradient", "copy_p", "pcast", "pvary"}
"""The operations that leave an array the same thing."""

VIEWS = {"broadcast_in_dim", "reshape", "rev", "slice", "split", "squeeze", "transpose", *SAME}
"""The operations that show an array, or a part of it, in another way."""


def shown(operation: str, params: Mapping[str, Any], view: View) -> list[View]:
    """The views that an operation of `VIEWS` makes of one: several of a split."""
    import numpy

    match operation:
        case "broadcast_in_dim":
            sizes = [1] * len(params["shape"])
            for axis, size in zip(params["broadcast_dimensions"], view.shape, strict=True):
                sizes[axis] = size
            views = [numpy.broadcast_to(view.reshape(sizes), params["shape"])]
        case "reshape":
            views = [view.reshape(params["new_sizes"])]
        case "rev":
            views = [numpy.flip(view, params["dimensions"])]
        case "slice":
            strides = params["strides"] or (1,) * view.ndim
            views = [view[tuple(map(slice, params["start_indices"], params["limit_indices"], strides))]]
        case "split":
            stops = numpy.cumsum(params["sizes"])[:-1]
            views = list(numpy.split(view, stops, axis=params["axis"]))
        case "squeeze":
            views = [view.squeeze(tuple(params["dimensions"]))]
        case "transpose":
            views = [view.transpose(params["permutation"])]
        case _:
            views = [view]
    return views
