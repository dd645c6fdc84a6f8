"""Argument checks and messages of Hadamard matrices and their transform, in the grammar of `_checks`."""

from math import sqrt
from numbers import Real
from typing import Any

from ._checks import LONGEST, has_order, integer


def order(value: Any) -> int:
    """Check the order of a matrix: an int from 1."""
    found = integer(value)
    if found is None:
        raise TypeError(f"`n` must be an int >= 1; got {value!r}")
    if found < 1:
        raise ValueError(f"`n` must be an int >= 1; got {value!r}")
    if found > LONGEST:
        raise ValueError(f"`n` must not be larger than 2**31; got {value!r}")
    return found


def no_order(n: int, below: int, above: int) -> ValueError:
    """The refusal of an order of which no Hadamard matrix can be built."""
    return ValueError(f"`n` must be an order that can be built; got {n}: the nearest are {below} and {above}")


def not_exact(n: int, below: int, above: int) -> ValueError:
    """The refusal of a weight for whose larger side no Hadamard matrix can be built."""
    return ValueError(
        f"`order` must be 'pad' or 'auto' where no Hadamard matrix of the order can be built; got 'exact' for {n}: "
        f"the nearest orders are {below} and {above}"
    )


def no_ordering(ordering: str, n: int) -> ValueError:
    """The refusal of an ordering that is defined for powers of two alone."""
    return ValueError(f"`ordering` must be 'natural' where the order is no power of two; got {ordering!r} for {n}")


def factor(value: Any, n: int, *, largest: int | None) -> float:
    """What a transform of length `n` is multiplied by; `largest` is the largest integer, None where it is of floats."""
    message = f"`scale` must be a real number or 'orthonormal'; got {value!r}"
    if isinstance(value, str) and value != "orthonormal":
        raise ValueError(message)
    if isinstance(value, bool) or not isinstance(value, (str, Real)):
        raise TypeError(message)
    exact: Any = sqrt(1 / n) if isinstance(value, str) else value
    try:
        found = float(exact)
    except OverflowError:
        raise ValueError(f"`scale` must be a number that a float can hold; got {value!r}") from None
    if largest is None:
        return found
    if not found.is_integer() or int(exact) != exact:
        raise ValueError(f"`scale` must be a whole number for an array of integers; got {value!r}")
    if abs(int(exact)) > largest:
        raise ValueError(f"`scale` must not be larger than the array's integers, {largest} at most; got {value!r}")
    return int(exact)


def no_array(value: Any) -> TypeError:
    """The refusal of something that is no array."""
    remedy = ": pass numpy.asarray(x)" if isinstance(value, (list, tuple)) else ""
    return TypeError(f"`x` must be an array of an array library; got {type(value).__name__}{remedy}")


def plain(x: Any) -> None:
    """Check that an array is dense, and multiplies as its library's arrays do."""
    kinds = [kind.__name__ for kind in type(x).__mro__]
    if "matrix" in kinds:
        raise TypeError("`x` must be a plain dense array; got a numpy.matrix: pass numpy.asarray(x)")
    if "MaskedArray" in kinds:
        raise TypeError("`x` must be a plain dense array; got a masked one: pass x.filled(0)")
    if "Tensor" in kinds and "sparse" in str(getattr(x, "layout", "")):
        raise TypeError("`x` must be a plain dense array; got a sparse one: pass x.to_dense()")


def no_numbers(dtype: Any) -> TypeError:
    """The refusal of an array that cannot be transformed."""
    remedy = ": pass x.astype(x.dtype.newbyteorder('='))" if has_order(dtype) else ""
    return TypeError(f"`x` must be an array of real floats, complex numbers or integers; got {dtype!s}{remedy}")


def no_length(n: int, axis: int, above: int) -> ValueError:
    """The refusal of an axis for whose length no Hadamard matrix can be built."""
    return ValueError(
        f"`x` must have an axis whose length is an order that can be built; got {n} on axis {axis}: "
        f"pad it with zeros to {above}"
    )


def many_chunks(count: int, axis: int) -> ValueError:
    """The refusal of a lazy array that is cut along the axis of a transform."""
    return ValueError(f"`x` must have one chunk along the axis; got {count} on axis {axis}: rechunk it first")
