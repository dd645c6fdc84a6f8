"""The outputs of weights: which start equal, and are told to change equally."""

from collections.abc import Mapping
from math import prod
from typing import Any

from .. import _host
from .._auditing._twins import first_equal
from .._auditing._windows import Matrix
from .._planning._plan import Parameter
from .._typing import Array

_CLOSE = 1e-5  # what sums in another order may differ by, relative to the largest entry of that output


def matrix(parameter: Parameter, array: Array) -> Any:
    """A weight as an array of the parameter's shape: of NumPy's, where several of its axes count together."""
    if not parameter.axes:
        return array
    host = _host.to_floats(array)
    order = [axis for group in parameter.axes for axis in group]
    order += [axis for axis in range(host.ndim) if axis not in order]  # of length one
    return host.transpose(order).reshape(parameter.shape)


def rows(parameter: Parameter, array: Array) -> Any:
    """The outputs of a weight, one a row, as NumPy's."""
    import numpy

    host = _host.to_floats(matrix(parameter, array)).reshape(parameter.shape)
    return numpy.moveaxis(host, parameter.out_axis, 0).reshape(parameter.shape[parameter.out_axis], -1)


def leaders(parameter: Parameter, array: Array) -> Any:
    """Of each output, the number of the first that equals it."""
    table = rows(parameter, array)
    return first_equal(Matrix(parameter.name, table, table.shape, str(table.dtype), (0, 1)), of_rows=True)


def twins(parameter: Parameter, first: Any, values: Mapping[str, Array], gradients: Mapping[str, Array | None]) -> int:
    """How many outputs equalled an earlier one at the start, and do now, also in their gradients, bias included.

    `first` is what `leaders` said at the start.
    """
    import numpy

    later = numpy.flatnonzero(first != numpy.arange(len(first)))
    if not len(later) or (parameter.transposed and parameter.groups > 1):  # whose outputs are cut in two axes
        return 0
    bias = parameter.name.removesuffix("weight").removesuffix("kernel") + "bias"
    tables = [rows(parameter, held[parameter.name]) for held in (values, gradients)]  # asked when there is a gradient
    for held in (values, gradients):
        vector = held.get(bias)
        if vector is not None and prod(_host.form(vector)[0] or ()) == len(first):
            tables.append(_host.to_floats(vector).reshape(-1, 1))
    same = (tables[1][later] != 0).any(1)  # outputs without a gradient are no twins, but dead
    for table in tables:
        one, other = table[later], table[first[later]]
        same &= abs(one - other).max(1) <= _CLOSE * abs(other).max(1)
    return int(same.sum())
