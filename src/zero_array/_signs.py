"""Windows of the Sylvester sign table: ``H[i, j] = (-1)^popcount(i & j)``.

Split an index into high and low bits, ``i = I L + l`` with ``L`` a power of two. The parity of ``i & j`` is then that
of ``I & J`` plus that of ``l & k``: a large table is a small one, repeated with changing sign. The small ones are
looked up: the parity of a number is that of the xor of its bytes, and Python lists those of
256 numbers. The large one is one pass over memory.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from . import _namespace
from ._target import Target
from ._typing import Array

Number = TypeVar("Number", int, float)

SMALL = 256
"""Up to this many entries, one list of Python floats beats the calls that a faster way would take."""

MEDIUM = 2**14
"""Up to this many, looking each up does."""

BYTE = 256
"""The parity of a number is looked up byte by byte."""


LONG = 64
"""The longest side of a factor: two of them fit the processor's first cache."""


def parities(rows: Iterable[int], cols: Iterable[int], even: Number, odd: Number) -> list[list[Number]]:
    """A nested list: `even` or `odd` as ``i & j`` has an even or odd number of bits."""
    pair = (even, odd)
    return [[pair[(i & j).bit_count() & 1] for j in cols] for i in rows]


def by_parity(count: int, even: float, odd: float) -> list[float]:
    """`even` or `odd` as a number has an even or odd number of bits, for those below a power of two."""
    found, opposite = [even], [odd]
    while len(found) < count:
        found, opposite = found + opposite, opposite + found
    return found


def looked_up(
    target: Target,
    make: Callable[[Any], Array],
    rows: tuple[int, int],
    cols: tuple[int, int],
    pair: tuple[float, float],
) -> Array:
    """The first or second of a pair as ``i & j`` has an even or odd number of bits; `make` makes its list an array."""
    common = target.xp.reshape(target.arange(*rows), (-1, 1)) & target.arange(*cols)
    last = min(rows[1], cols[1]) - 1
    count = min(BYTE, 1 << last.bit_length())
    while last >= BYTE:  # the sum of the bytes, bit by bit, has the same parity
        common, last = (common // BYTE) ^ (common % BYTE), last // BYTE
    return target.entries(make(by_parity(count, *pair)), common)


def table(target: Target, length: int, constant: float, *, negated: bool) -> Array:
    """``constant * H`` of order `length` (a power of two), with ``-constant * H`` below it where `negated`."""
    order = 2 * length if negated else length  # the right half of twice the order: its highest bit turns the signs
    if length > LONG:
        whole = table(target, LONG, constant, negated=False)
        pair = (whole, -whole)
        signs = parities(range(order // LONG), range((order - length) // LONG, order // LONG), 0, 1)
        return target.xp.concat([target.xp.concat([pair[odd] for odd in row], axis=1) for row in signs])
    return looked_up(target, target.floats, (0, order), (order - length, order), (constant, -constant))


def longest_run(size: int) -> int:
    """The longest runs of columns that a matrix of so many entries is copied by.

    Their table stays in the processor's first cache, or where the matrix is large in the second: the longer the runs,
    the less memory their numbers take.
    """
    return 64 if size < 2**20 else 128


def runs(target: Target, first: Array, length: int, rows: tuple[int, int]) -> Array:
    """Which run of a table goes where, from the first run that each band of `length` rows takes.

    A row takes from its band's first run on the one of its own number in the band.
    """
    xp = target.xp
    bands, across = first.shape
    run = xp.reshape(first, (bands, 1, across)) + xp.reshape(target.arange(0, length), (1, length, 1))
    return rows_of(xp.reshape(run, (bands * length, across)), rows[0] % length, rows[1] - rows[0])


def first_runs(target: Target, length: int, bands: tuple[int, int], across: tuple[int, int]) -> Array:
    """Where the runs of a band of rows begin in a negated table, for a range of bands and one of runs across."""
    return looked_up(target, target.indices, bands, across, (0, length))


def window(target: Target, constant: float, rows: tuple[int, int], cols: tuple[int, int]) -> Array:
    """``constant * H[rows, cols]`` for any two ranges."""
    (top, bottom), (left, right) = rows, cols
    height, width = bottom - top, right - left
    xp = target.xp
    period = 1 << (right - 1).bit_length()  # rows that far apart are twins
    if period < height and period * width <= SMALL and top % period == height % period == 0:
        block = window(target, constant, (0, period), cols)
        return xp.reshape(xp.broadcast_to(block, (height // period, period, width)), (height, width))
    if height * width <= SMALL:
        return target.floats(parities(range(*rows), range(*cols), constant, -constant))
    if height * width <= MEDIUM:
        return looked_up(target, target.floats, rows, cols, (constant, -constant))
    if height == 1:  # the same split, of the columns
        signs = target.floats(parities(range(*bands_of(cols, LONG)), [top // LONG], 1.0, -1.0))
        row = target.floats(parities([top % LONG], range(LONG), constant, -constant))
        whole = xp.reshape(signs * row, (-1, 1))
        return xp.reshape(rows_of(whole, left % LONG, width), (1, width))
    length = band_length(height)
    high, low = factors(target, constant, rows, cols, length)
    product = signed(target, xp.reshape(high, (-1, 1, width)), xp.reshape(low, (1, length, width)))
    return rows_of(xp.reshape(product, (-1, width)), top % length, height)


def signed(target: Target, signs: Array, values: Array) -> Array:
    """The product with plus and minus ones."""
    bits = _namespace.half_bits(target.xp, values)
    if bits is None:
        return signs * values
    # a half is turned by its highest bit: processors multiply halves slowly, or not at all
    turned = bits(signs) & -(2**15) ^ bits(values)
    return turned.view(target.dtype)


def band_length(height: int) -> int:
    """The length of the bands into which :func:`window` cuts rows: about the root of their number."""
    return min(LONG, 1 << (height.bit_length() // 2))


def factors(
    target: Target, constant: float, rows: tuple[int, int], cols: tuple[int, int], length: int
) -> tuple[Array, Array]:
    """One row of signs per band of `length` rows, and the `length` rows that each band multiplies by them."""
    xp = target.xp
    signs = window(target, 1.0, bands_of(rows, length), bands_of(cols, length))
    across, start, width = signs.shape[1], cols[0] % length, cols[1] - cols[0]
    # taken, not spread as the other: contiguous, so that dpnp's product is too and needs no copy to be reshaped
    high = xp.take(signs, target.arange(start, start + width) // length, axis=1)
    low = xp.reshape(table(target, length, constant, negated=False), (length, 1, length))
    low = xp.reshape(xp.broadcast_to(low, (length, across, length)), (length, across * length))
    return high, low if width == across * length else low[:, start : start + width]


def bands_of(rows: tuple[int, int], length: int) -> tuple[int, int]:
    """The range of bands of `length` rows that hold some rows."""
    return rows[0] // length, -(-rows[1] // length)


def rows_of(array: Array, start: int, count: int) -> Array:
    """`count` rows from `start`: of a C-ordered array a contiguous view."""
    return array if count == array.shape[0] else array[start : start + count, :]
