"""Windows of Hadamard matrices of any order, and with any columns: products of small windows of their factors.

What `_signs` is for Sylvester's matrix in its natural order, which needs neither tables nor lists of columns.
"""

from math import isqrt
from typing import Any

from . import _namespace, _orders, _signs
from ._orders import Factor
from ._target import Target
from ._typing import Array
from ._weight import Weight

Factors = tuple[Factor, ...]

SHORT = 16
"""Up to this many rows, all entries are found one by one."""

FEW = 2**15
"""How many entries to find one by one at once, where all of them are: each takes some 25 bytes on the way."""


def window(
    target: Target, factors: Factors, constant: float, rows: tuple[int, int], cols: Array, *, turned: bool = False
) -> Array:
    """``constant * H[rows, cols]`` for a range of rows and an array of columns; where `turned`, its transpose."""
    xp = target.xp
    width, order = cols.shape[0], _orders.order_of(factors)
    if order < width:  # some columns return
        some = window(target, factors, constant, rows, target.arange(0, order), turned=turned)
        return xp.take(some, cols, axis=0 if turned else 1)
    (top, bottom), (head, tail) = rows, _cut(factors, rows[1] - rows[0])
    if bottom - top <= SHORT or not head or not tail:
        row = xp.reshape(target.arange(top, bottom), (1, -1) if turned else (-1, 1))
        minus = is_minus(target, factors, row, xp.reshape(cols, (-1, 1) if turned else (1, -1)))
        return xp.where(minus, target.floats(-constant), target.floats(constant))
    length = _orders.order_of(tail)
    high = window(target, head, 1.0, _signs.bands_of(rows, length), cols // length, turned=turned)
    low = window(target, tail, constant, (0, length), cols % length, turned=turned)
    start, count = top % length, bottom - top
    if turned:
        product = _signs.signed(target, xp.reshape(high, (width, -1, 1)), xp.reshape(low, (width, 1, length)))
        return xp.reshape(product, (width, -1))[:, start : start + count]
    product = _signs.signed(target, xp.reshape(high, (-1, 1, width)), xp.reshape(low, (1, length, width)))
    return _signs.rows_of(xp.reshape(product, (-1, width)), start, count)


def columns(target: Target, weight: Weight, start: int, stop: int) -> Array:
    """The columns of the matrix that some inputs of a block take."""
    if weight.columns == "natural":
        return target.arange(start, stop)
    return target.indices(weight.column_numbers(start, stop))


def has_rest(factors: Factors, rows: tuple[int, int]) -> bool:
    """Whether :func:`window` cuts some rows out of more that it makes: turned, they are apart in memory."""
    length = _orders.order_of(_cut(factors, rows[1] - rows[0])[1])
    return rows[0] % length > 0 or rows[1] % length > 0


def _cut(factors: Factors, height: int) -> tuple[Factors, Factors]:
    """Two products whose product is that of all `factors`, such that few rows of both make `height` rows of it."""
    head, length = list(factors), 1
    tail: list[Factor] = []
    while head:
        last, part = head[-1], 1 << isqrt(height).bit_length()
        if last.kind == "sylvester" and last.order > part:
            head[-1:] = [Factor("sylvester", last.order // part), Factor("sylvester", part)]
            last = head[-1]
        longer = length * last.order
        if longer + height // longer >= length + height // length:
            break
        tail.insert(0, head.pop())
        length = longer
    return tuple(head), tuple(tail)


def is_looked_up(factors: Factors) -> bool:
    """Whether most entries of a window are found one by one: where little is left of the order beside one block."""
    block = max([1, *[factor.order for factor in factors if factor.q]])
    return _orders.order_of(factors) < SHORT * block


def is_minus(target: Target, factors: Factors, i: Array, j: Array) -> Array:
    """Which entries are -1, from arrays of the numbers of their rows and columns that broadcast together."""
    if not factors:
        return i != j  # both zero: the order is 1
    *head, last = factors
    if head:  # no remainder of a single factor's order, which may not fit 32 bits
        row, col = i % last.order, j % last.order
        found = is_minus(target, tuple(head), i // last.order, j // last.order)
        return found != is_minus(target, (last,), row, col)
    return is_odd(target, i & j) if last.kind == "sylvester" else _is_minus_in_block(target, last, i, j)


def is_odd(target: Target, number: Array) -> Array:
    """Whether the bits of a number are odd in number."""
    xp = target.xp
    if hasattr(xp, "bitwise_count"):
        return xp.bitwise_count(number) % 2 == 1
    for shift in (16, 8, 4, 2, 1):
        number = number ^ xp.bitwise_right_shift(number, target.indices(shift))
    return number % 2 == 1


def _is_minus_in_block(target: Target, factor: Factor, i: Array, j: Array) -> Array:
    """The same in a Paley block: a look into its table, at the place that the sum of the two indices tells.

    Row and column 0 are a border; the others belong to the elements of the field. A block of the second construction
    has a cell of ``2 x 2`` at each of these places.
    """
    xp, q = target.xp, factor.q
    half: Any = 0
    if factor.kind == "paley2":
        i, j, half = i // 2, j // 2, i % 2 + j % 2
    p, degree = _orders.field(q) or (q, 1)
    place: Any = 0
    for unit in (p**k for k in range(degree)):  # the sum of the coordinates
        place = place + ((i - 1) // unit + (j - 1) // unit) % p * unit
    border = xp.where(i + j == 0, target.indices(q + 1), target.indices(q))
    place = xp.where((i == 0) | (j == 0), border, place) + half * (q + 2)
    signs = _namespace.constants(xp, _orders.minus_signs(factor.kind, q), None, target.place)
    return _namespace.gather(xp, signs, place)
