"""`zero-array factors N` and `zero-array verify N`: how a Hadamard matrix is made, and the proof that it is one."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any, NamedTuple

from .. import _order_checks, _orders
from .._hadamard import hadamard
from .._orders import Factor

BAND = 2**24
"""How many entries are compared at once."""


class Certificate(NamedTuple):
    """What `verify` found: the order, its factors, whether ``H H^T = n I`` is proven, and the seconds that it took."""

    order: int
    factors: tuple[Factor, ...]
    proven: bool
    seconds: float


def verify(n: int) -> Certificate:
    """Prove ``H H^T = n I`` for the matrix that `hadamard` builds, in integers, a band of rows at a time.

    Two facts are checked, of all entries. Every row of the matrix is the Kronecker product of rows of small matrices;
    and for each of these, of order ``o``, ``M M^T = o I``. The product of matrices with that property has it.
    """
    start = perf_counter()
    factors = known_factors(n)
    matrices = [matrix for factor in factors for matrix in _small(factor)]
    proven = all(_is_orthogonal(matrix) for matrix in matrices) and all(_is_product(n, matrices))
    return Certificate(n, factors, proven, perf_counter() - start)


def known_factors(n: int) -> tuple[Factor, ...]:
    """The factors of an order; refuses one that cannot be built."""
    factors = _orders.hadamard_factors(n)
    if factors is None:
        raise _order_checks.no_order(n, *_orders.nearest(n))
    return factors


def _small(factor: Factor) -> list[Any]:
    """The matrices that a factor is made of: a Paley block alone, Sylvester's as powers of the one of order 2."""
    if factor.kind == "sylvester":
        return [hadamard(2, dtype="int8")] * (factor.order.bit_length() - 1)
    return [hadamard(factor.order, dtype="int8")]


def _is_orthogonal(matrix: Any) -> bool:
    """Whether ``M M^T = o I``; float64 adds whole numbers exactly."""
    import numpy

    order = len(matrix)
    whole = matrix.astype(numpy.float64)
    step = max(1, BAND // order)
    return all(
        numpy.array_equal(whole[top : top + step] @ whole.T, order * numpy.eye(order)[top : top + step])
        for top in range(0, order, step)
    )


def _is_product(n: int, matrices: list[Any]) -> Iterator[bool]:
    """For each band of rows, whether it is the Kronecker product of rows of `matrices`."""
    import numpy

    step = max(1, BAND // n)
    for top in range(0, n, step):
        rows = numpy.arange(top, min(top + step, n))
        expected, unit = numpy.ones((len(rows), 1), dtype=numpy.int8), n
        for matrix in matrices:
            unit //= len(matrix)
            part = matrix[rows // unit % len(matrix)]
            expected = (expected[:, :, None] * part[:, None, :]).reshape(len(rows), -1)
        yield numpy.array_equal(hadamard(n, dtype="int8", window=((top, int(rows[-1]) + 1), (0, n))), expected)
