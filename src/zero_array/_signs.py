"""Windows of the Sylvester sign table: ``H[i, j] = (-1)^popcount(i & j)``.

Split an index into high and low bits, ``i = I L + l`` with ``L`` a power of two. The parity of ``i & j`` is then that of
``I & J`` plus that of ``l & k``: a large table is a small one, repeated with changing sign. The small ones are made on
the host from Python ints, where ``int.bit_count`` is exact at any size; the large one is one pass over memory.
"""

from typing import Any, NamedTuple

from ._typing import Array, Device, DType, Namespace, Shape

SMALL = 512
"""Up to this many entries, one list of Python floats beats the calls that a faster way would take."""


class Target(NamedTuple):
    """Where an array is made, and as what: namespace, dtype, and the device keyword where there is one."""

    xp: Namespace
    dtype: DType
    place: dict[str, Device]

    def floats(self, values: Any) -> Array:
        """Python floats, each rounded once to the dtype."""
        return self.xp.asarray(values, dtype=self.dtype, **self.place)

    def indices(self, values: Any) -> Array:
        """Python ints (or bools) in the namespace's default dtype for them."""
        return self.xp.asarray(values, **self.place)

    def arange(self, count: int) -> Array:
        """The integers from 0."""
        return self.xp.arange(count, **self.place)

    def zeros(self, shape: Shape) -> Array:
        """Positive zeros."""
        return self.xp.zeros(shape, dtype=self.dtype, **self.place)

    def eye(self, rows: int, cols: int, k: int = 0) -> Array:
        """Ones on the ``k``-th diagonal."""
        return self.xp.eye(rows, cols, k=k, dtype=self.dtype, **self.place)


def odd(i: int, j: int) -> int:
    """1 where the entry ``(i, j)`` is negative, else 0."""
    return (i & j).bit_count() & 1


def table(target: Target, length: int, constant: float, *, negated: bool) -> Array:
    """``constant * H`` of order ``length`` (a power of two), with ``-constant * H`` below it where ``negated``."""
    low = 1 << (length.bit_length() // 2)  # the Kronecker product of two orders near the square root
    high = length // low
    outer = [[1.0 - 2.0 * odd(i, j) for j in range(high)] for i in range(high)]
    if negated:
        outer += [[-sign for sign in row] for row in outer]
    inner = [[constant * (1.0 - 2.0 * odd(i, j)) for j in range(low)] for i in range(low)]
    xp = target.xp
    left = xp.reshape(target.floats(outer), (len(outer), 1, high, 1))
    right = xp.reshape(target.floats(inner), (1, low, 1, low))
    return xp.reshape(left * right, (-1, length))


def window(target: Target, constant: float, rows: tuple[int, int], cols: tuple[int, int]) -> Array:
    """``constant * H[rows, cols]`` for any two ranges: the product of two small factors."""
    (top, bottom), (left, right) = rows, cols
    height, width = bottom - top, right - left
    if height * width <= SMALL:
        return target.floats([[-constant if odd(i, j) else constant for j in range(*cols)] for i in range(*rows)])
    xp = target.xp
    shift = min(6, height.bit_length() // 2)
    length = 1 << shift
    over, across = range(top >> shift, -(-bottom >> shift)), range(left >> shift, -(-right >> shift))
    signs = target.floats([[1.0 - 2.0 * odd(i, j) for j in across] for i in over])
    column = target.arange(width) + (left - across.start * length)
    high = xp.take(signs, column >> shift, axis=1)
    low = xp.take(table(target, length, constant, negated=False), column & (length - 1), axis=1)
    product = xp.reshape(high, (len(over), 1, width)) * xp.reshape(low, (1, length, width))
    return rows_of(xp.reshape(product, (-1, width)), top - over.start * length, height)


def rows_of(array: Array, start: int, count: int) -> Array:
    """``count`` rows from ``start``: of a C-ordered array a contiguous view."""
    return array if count == array.shape[0] else array[start : start + count, :]
