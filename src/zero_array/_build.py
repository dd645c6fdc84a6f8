"""From a weight to an array: lazy, compiled or eager; and if eager, at once or in pieces, by runs or by factors.

All ways give the same bits: entries are only copied, selected, or multiplied by one or minus one. A zero is never a
product (it might come out as -0.0). Beside the result a tenth of it is held, or 1 MiB, but in libraries whose arrays
cannot be written in part.
"""

from collections.abc import Callable
from functools import partial
from itertools import accumulate, pairwise
from math import prod
from typing import Any

from . import _checks, _namespace, _products, _signs
from ._target import Target
from ._typing import Array, Device, DType, Namespace
from ._weight import Weight


def build(xp: Namespace, weight: Weight, dtype: DType, device: Device | None, chunks: Any = "auto") -> Array:
    """Return the window of ``weight`` as an array of ``xp``."""
    place = _namespace.placement(device)
    if _namespace.is_chunked(xp):
        return _chunked(xp, weight, dtype, place, chunks)
    formula = _namespace.compiled(xp, _formula, device)
    if formula is not None:
        return formula(xp, weight, dtype)
    target = Target(xp, dtype, place)
    pieces = _pieces(target, weight) if _namespace.writes_in_place(xp) else 0
    return _in_pieces(target, weight, pieces) if pieces else _at_once(target, weight)


def _at_once(target: Target, weight: Weight) -> Array:
    """The array in one go."""
    if weight.is_zero():
        return target.zeros(weight.shape)
    length = _run(weight)
    return _gathered(target, weight, length) if length else _assembled(target, weight)


FEW = 3 * 2**15
"""That many entries may be held beside the result, however small it is: less than 1 MiB of float64."""

SHARE = 12
"""Else this part of the result: with the small tables that are not counted, less than a tenth."""

PIECES = 32
"""Into how many pieces a large weight is cut: a piece, held while it is copied, is a thirtieth of it."""

TINY = 2**13
"""A weight of so few entries is held twice, but for kernels, whose matrix is put into zeros."""

HUGE = 2**40
"""More entries than that are allocated before anything is filled, so that missing memory is refused at once."""


def _pieces(target: Target, weight: Weight) -> int:
    """In how many pieces to write a weight; 0 where building it at once holds little beside the result.

    Much are the matrix of a kernel, the block of repeated groups, the factors of few rows of many columns, and in half
    precision the numbers of short runs. With each row or column of a piece go some integers.
    """
    size = prod(weight.shape)
    if weight.is_zero():
        return 0
    if size > HUGE:
        return PIECES
    return _pieces_of_signs(target, weight) if weight.is_plain() else _pieces_of_product(weight)


def _pieces_of_signs(target: Target, weight: Weight) -> int:
    """The same for an identity, or a Hadamard matrix whose entries are the parities of their indices."""
    size = prod(weight.shape)
    short, long = sorted(weight.shape[axis] for axis in weight.channel_axes)
    taps = size // (short * long)
    if size <= TINY:
        return int(taps > 1)
    if taps == 1:
        if run := _run(weight):  # whose numbers, of 32 bits, are held
            return PIECES // 2 if size > 2**22 and run < 64 and "16" in str(target.dtype) else 0
        if _beside(weight) <= max(FEW, size // SHARE):
            return 0
    return min(-(-long * (2 * short + 8) // FEW), -(-(PIECES + 128 // short) // taps))


def _pieces_of_product(weight: Weight) -> int:
    """The same for a Hadamard matrix of another order, or with other columns."""
    down, across = weight.channel_axes
    size, matrix = prod(weight.shape), weight.shape[down] * weight.shape[across]
    if size <= TINY:  # turned, some rows out of more would lie apart in memory
        return int(weight.is_turned() and _products.has_rest(weight.factors, weight.window[weight.out_axis]))
    if _products.is_looked_up(weight.factors):
        return -(-matrix // _products.FEW)
    if size > matrix or weight.shape[down] < 1024 or weight.crosses_groups():
        return min(PIECES, -(-size // 2**15))
    return int(weight.is_turned() and _products.has_rest(weight.factors, weight.window[weight.out_axis]))


def _beside(weight: Weight) -> int:
    """About how many entries :func:`_assembled` holds beside a matrix: its factors and integers, and one block."""
    down, across = (min(weight.shape[axis], weight.period(axis)) for axis in weight.channel_axes)
    found = 0
    if weight.rule == "hadamard" and down > 1:
        length = _signs.band_length(down)
        start = weight.window[weight.channel_axes[0]][0] % weight.period(weight.channel_axes[0])
        first, last = _signs.bands_of((start, start + down), length)
        bands = last - first
        found = across * (bands + length + 8 + bands * length - down)
    if weight.crosses_groups():
        found = max(found, down * across + 4 * max(weight.shape))  # one after the other
    return found


def _in_pieces(target: Target, weight: Weight, pieces: int) -> Array:
    """Write the matrix into the centre tap, piece by piece along its longer axis."""
    shape, unit = weight.shape, _run(weight) or 1
    axis = max(weight.channel_axes, key=shape.__getitem__)
    step = -(-shape[axis] // (pieces * unit)) * unit
    part = [
        (0, size) if tap is None else (tap - start, tap - start + 1)
        for size, tap, (start, _) in zip(shape, weight.taps, weight.window, strict=True)
    ]
    array = target.zeros(shape)
    for start in range(0, shape[axis], step):
        part[axis] = (start, min(start + step, shape[axis]))
        array[tuple(slice(*ends) for ends in part)] = _at_once(target, weight.part(tuple(part)))
        _namespace.settle(target.xp, array)
    return array


def _run(weight: Weight) -> int:
    """The length of the runs of columns that :func:`_gathered` copies; 0 where they would be too short to pay.

    A power of two that divides the first column, the number of columns and the period of the columns. The table of
    runs is kept smaller than the result.
    """
    rows, cols = weight.channel_axes
    (start, stop), size = weight.window[cols], prod(weight.shape)
    if size <= _signs.MEDIUM or size > weight.shape[rows] * (stop - start) or not weight.is_plain():
        return 0
    if weight.rule == "identity" and not weight.crosses_groups():
        return 0  # `eye` does not even touch most of the memory
    aligned = start | stop | weight.period(cols)
    length = min(_signs.longest_run(size), aligned & -aligned)
    while length > 1 and 2 * length > min(weight.shape[rows], stop - start):
        length //= 2
    return length if length >= 32 else 0


def _gathered(target: Target, weight: Weight, length: int) -> Array:
    """Copy runs of `length` columns of a matrix from a table of all different runs."""
    rows, cols = weight.channel_axes

    # the table: `length` runs, and as many more for the other value of a band (the negatives, or zeros)
    if weight.rule == "hadamard":
        table = _signs.table(target, length, weight.constant, negated=True)
    else:
        table = target.eye(2 * length, length)

    # the index: which run goes where, one number for each
    def first(bands: tuple[int, int], across: tuple[int, int]) -> Array:
        """The first run of each band of rows, over some runs of a block."""
        if weight.rule == "hadamard":
            return _signs.first_runs(target, length, bands, across)
        is_diagonal = target.eye(bands[1] - bands[0], across[1] - across[0], k=bands[0] - across[0]) > 0
        return target.xp.where(is_diagonal, target.indices(0), target.indices(length))

    def run(part: tuple[int, int]) -> Array:
        """The run at each place, for some rows of a block."""
        make = partial(first, _signs.bands_of(part, length))
        return _signs.runs(target, _over_groups(target, weight, cols, make, axis=1, unit=length), length, part)

    index = _over_groups(target, weight, rows, run, axis=0)
    return target.xp.reshape(target.rows(table, target.xp.reshape(index, (-1,))), weight.shape)


def _assembled(target: Target, weight: Weight) -> Array:
    """Make one block, repeat it over the groups, put it at the centre tap."""
    xp = target.xp
    rows, cols = weight.channel_axes

    def block(down: tuple[int, int], across: tuple[int, int]) -> Array:
        """Some rows and columns of a block."""
        if weight.rule == "hadamard":
            return _hadamard(target, weight, down, across)
        return target.eye(down[1] - down[0], across[1] - across[0], k=down[0] - across[0])

    def band(down: tuple[int, int]) -> Array:
        """Some rows of a block, over all columns."""
        return _over_groups(target, weight, cols, partial(block, down), axis=1)

    matrix = _over_groups(target, weight, rows, band, axis=0)
    shape = weight.shape
    if len(shape) == 2:
        return matrix
    kernel = [axis for axis in range(len(shape)) if axis not in (rows, cols)]
    matrix = xp.reshape(matrix, tuple(1 if axis in kernel else size for axis, size in enumerate(shape)))
    centre, taps = weight.centre(kernel)
    if taps == 1:
        return matrix
    is_centre = target.arange(0, taps) == centre
    is_centre = xp.reshape(is_centre, tuple(size if axis in kernel else 1 for axis, size in enumerate(shape)))
    return xp.where(is_centre, matrix, target.floats(0.0))


def _hadamard(target: Target, weight: Weight, down: tuple[int, int], across: tuple[int, int]) -> Array:
    """Some rows and columns of a block."""
    if weight.is_plain():
        return _signs.window(target, weight.constant, down, across)
    outputs, inputs = (across, down) if weight.is_turned() else (down, across)
    cols = _products.columns(target, weight, *inputs)
    return _products.window(target, weight.factors, weight.constant, outputs, cols, turned=weight.is_turned())


def _over_groups(
    target: Target, weight: Weight, along: int, make: Callable[[tuple[int, int]], Array], *, axis: int, unit: int = 1
) -> Array:
    """What `make` makes of a range of one block's indices, for the window's range of a channel axis, by `unit`."""
    start, stop = (index // unit for index in weight.window[along])
    period = weight.period(along) // unit
    offset, count = start % period, stop - start
    if offset + count <= period:
        return make((offset, offset + count))
    if count < period:  # the end of one group and the beginning of the next
        return target.xp.concat([make((offset, period)), make((0, offset + count - period))], axis=axis)
    return target.xp.take(make((0, period)), target.arange(offset, offset + count) % period, axis=axis)


def _formula(xp: Namespace, weight: Weight, dtype: DType) -> Array:
    """The closed form of every entry at once: compiled, it has no temporaries, and shards like any element-wise map."""

    def index(axis: int) -> Array:
        """The indices along an axis; on a channel axis, those inside their group."""
        (start, stop), period = weight.window[axis], weight.period(axis)
        found = xp.arange(stop - start, dtype=xp.int32)  # any index fits; the half of the default under x64
        if weight.taps[axis] is not None:
            found = found + start
        elif weight.is_repeated(axis):
            found = (found + start) % period
        else:  # no modulus: it may not fit 32 bits
            found = found + start % period
        return xp.reshape(found, tuple(-1 if axis == other else 1 for other in range(len(weight.window))))

    output, into = index(weight.out_axis), index(weight.in_axis)
    zero, one, plus, minus = (xp.asarray(value, dtype=dtype) for value in (0.0, 1.0, weight.constant, -weight.constant))
    if weight.rule == "hadamard":
        if weight.columns != "natural":
            numbers = weight.column_numbers(*weight.window[weight.in_axis])  # inputs have no groups here
            into = xp.reshape(xp.asarray(numbers, dtype=xp.int32), into.shape)
        target = Target(xp, dtype, {})
        array = xp.where(_products.is_minus(target, weight.factors, output, into), minus, plus)
    else:
        array = xp.where(output == into, one, zero)
    for axis, tap in enumerate(weight.taps):
        if tap is not None:
            array = xp.where(index(axis) == tap, array, zero)
    return array


def _chunked(xp: Namespace, weight: Weight, dtype: DType, place: dict[str, Device], chunks: Any) -> Array:
    """A lazy array whose chunks are windows, each built alone by NumPy when it is wanted."""
    if chunks == "auto" and 0 in weight.shape:
        chunks = weight.shape  # both libraries divide by zero
    try:
        sizes = xp.empty(weight.shape, dtype=dtype, chunks=chunks, **place).chunks
    except ZeroDivisionError:
        raise _checks.no_chunks(chunks) from None
    if min(min(axis) for axis in sizes) < 0:
        raise _checks.no_chunks(chunks)
    bounds = tuple(tuple(pairwise(accumulate(axis, initial=0))) for axis in sizes)
    return xp.map_blocks(partial(_chunk, weight=weight, dtype=dtype, bounds=bounds), chunks=sizes, dtype=dtype)


def _chunk(*_: Any, block_id: tuple[int, ...], weight: Weight, dtype: DType, bounds: Any) -> Array:
    """One chunk; cubed passes an empty one along, which is not read."""
    part = tuple(axis[number] for axis, number in zip(bounds, block_id, strict=True))
    return build(_namespace.namespace(None), weight.part(part), dtype, None)
