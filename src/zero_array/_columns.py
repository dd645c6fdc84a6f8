"""In which order the columns of a Hadamard matrix are taken; every matrix here is symmetric, so that rows would do too.

Two orders are for Sylvester's matrix alone: ``dyadic``, by reversed bits, and ``sequency``, by the number of changes of
sign. ``distinct`` is for any: few of its first columns suffice for all rows to differ.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import prod

from . import _namespace
from ._typing import Columns

POLYNOMIALS = (
    0,
    1,
    3,
    3,
    3,
    5,
    3,
    3,
    29,
    17,
    9,
    5,
    83,
    27,
    43,
    3,
    45,
    9,
    39,
    39,
    9,
    5,
    3,
    33,
    27,
    9,
    71,
    39,
    9,
    5,
    83,
    9,
)
"""For each degree the least primitive polynomial over GF(2): its bits below the leading one."""


@lru_cache(maxsize=16)  # of tuples of ints: the chunks and pieces of a weight share them
@_namespace.untraced
def numbers(columns: Columns, blocks: tuple[int, ...], degree: int, start: int, stop: int) -> Sequence[int]:
    """The columns from `start` to `stop` of a product of blocks and Sylvester's of order ``2^degree``, by number.

    Not for the natural order, in which they are their own numbers.

    ``distinct`` moves on in every factor at each step: in blocks to the next column, in Sylvester's matrix in the order
    of a shift register.
    """
    if columns == "dyadic":
        return [_reversed(number, degree) for number in range(start, stop)]
    if columns == "sequency":
        return [_reversed(number ^ number >> 1, degree) for number in range(start, stop)]
    period = prod(blocks)
    first = start // period
    register = shift_register(degree, first, (stop - 1) // period + period - first)
    found = []
    for number in range(start, stop):
        turn, step = divmod(number, period)
        found.append((_diagonal(step, blocks) << degree) + register[turn + step - first])
    return found


def _diagonal(number: int, orders: Sequence[int]) -> int:
    """A column of a product: as the first digit of `number` goes up by one, so does every digit of the result."""
    found = moved = 0
    for order in orders:
        number, digit = divmod(number, order)
        moved += digit
        found = found * order + moved % order
    return found


def _reversed(number: int, degree: int) -> int:
    """The lowest `degree` bits in reverse."""
    return int(f"{number:0{degree}b}"[::-1], 2)


def shift_register(degree: int, start: int, count: int) -> list[int]:
    """Numbers ``start`` to ``start + count`` of the powers of x in GF(2^degree), with 0 after the last, over and over.

    They begin with 1, 2, 4 and all other powers of two, and only then mix the bits.
    """
    size = 1 << degree
    start %= size
    value = _power(degree, start)
    found = []
    for number in range(start, start + count):
        if number % size == size - 1:
            found.append(0)
            value = 1
        else:
            found.append(value)
            value = _times_x(value, degree)
    return found


def _times_x(value: int, degree: int) -> int:
    value <<= 1
    return value ^ (1 << degree | POLYNOMIALS[degree]) if value >> degree else value


def _power(degree: int, exponent: int) -> int:
    """The power of x: by squares."""
    result = 1 if degree else 0
    for bit in f"{exponent:b}":
        factor, result, shifted = result, 0, result
        while factor:  # the square
            if factor & 1:
                result ^= shifted
            factor >>= 1
            shifted = _times_x(shifted, degree)
        if bit == "1":
            result = _times_x(result, degree)
    return result
