"""`hadamard_transform`: the product with a Hadamard matrix, one small factor after the other."""

from functools import partial
from math import prod
from typing import Literal

from . import _checks, _columns, _namespace, _order_checks, _orders, _products, _signs
from ._orders import Factor
from ._products import Factors
from ._target import Target
from ._typing import Array, DType, Namespace, Ordering

BITS = 5
"""Sylvester's factors are applied by matrices of up to ``2^5`` rows: on CPUs, those of 16 and 32 were the fastest."""

WITH_EXTRA = 128
"""The largest block that takes a remainder of Sylvester's factors in."""

ROWS = 128
"""So many vectors are multiplied at once: OpenBLAS, below NumPy, has a faster way for small products."""

PIECE, LARGE = 2**18, 2**20
"""So many entries of a large array on a CPU go through all factors at once, to stay in the cache; and how large."""


def hadamard_transform(
    x: Array, /, *, axis: int = -1, scale: float | Literal["orthonormal"] = 1.0, ordering: Ordering = "natural"
) -> Array:
    """Multiply by a Hadamard matrix along an axis, without building it.

    Parameters
    ----------
    x : array
        An array of any library, of real floats, integers or complex numbers. The length of the axis is a power of two
        or another order that `hadamard_factors` knows; nothing is padded.
    axis : int
        The axis; all others are batch axes. Arrays of Dask and cubed must have one chunk along it.
    scale : float or "orthonormal"
        A factor for the result. With ``"orthonormal"``, which is ``1 / sqrt(n)``, the transform is its own inverse.
    ordering : {"natural", "dyadic", "sequency"}
        As in `hadamard`.

    Returns
    -------
    array
        ``scale * H x``, of the shape and dtype of `x`; integers become the library's default ones if they are shorter.

    Raises
    ------
    TypeError, ValueError
        If `x` is not an array of numbers, if an argument is of the wrong kind or has a wrong value, or if there is no
        matrix for the length of the axis.

    Notes
    -----
    ``H`` is a Kronecker product, and each of its factors is applied by a matrix product: a vector takes ``n`` times the
    sum of the factors' orders operations. Half precision is summed in float32 and rounded once. Integers are exact as
    long as the sums fit; they need a library that multiplies matrices of integers (torch on CUDA does not). For MLX,
    which does not either, outer products are added: slower, and with memory for up to 20 arrays like the result.

    ``H`` is symmetric: the gradient of a transform is the same transform.

    Examples
    --------
    >>> import numpy
    >>> import zero_array
    >>> zero_array.hadamard_transform(numpy.asarray([1.0, 2.0, 3.0, 4.0]))
    array([10., -2., -4.,  0.])
    >>> zero_array.hadamard_transform(numpy.ones((2, 12), dtype="int8"), axis=0)
    array([[2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
           [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]])
    """
    xp = _namespace.of(x)
    _order_checks.plain(x)
    axis = _checks.axis("axis", axis, x.ndim, "an array")
    length = len(range(x.shape[axis]))  # which torch's compiler may have for a symbol: it must be a number
    factors = _orders.factors(length) if length else None
    if factors is None:
        raise _order_checks.no_length(length, axis, _orders.nearest(length)[1] if length else 1)
    _orders.check_ordering(ordering, length, factors)
    name = _namespace.name_of(x.dtype)
    if name is None or name == "bool":
        raise _order_checks.no_numbers(x.dtype)
    in_chunks = _namespace.is_chunked(xp)
    if in_chunks and len(x.chunks[axis]) > 1:
        raise _order_checks.many_chunks(len(x.chunks[axis]), axis)
    worker = _namespace.namespace(None) if in_chunks else xp  # NumPy has each chunk
    _, result = _dtypes(worker, x.dtype)
    largest = int(worker.iinfo(result).max) if "int" in name else None
    constant = _order_checks.factor(scale, length, largest=largest)
    apply = partial(_apply, xp=worker, factors=factors, axis=axis, constant=constant, ordering=ordering)
    return xp.map_blocks(apply, x, dtype=result) if in_chunks else apply(x)


def _dtypes(xp: Namespace, dtype: DType) -> tuple[DType, DType]:
    """In which dtype the sums are taken, and which dtype the result has."""
    name = _namespace.name_of(dtype) or ""
    if name in ("float16", "bfloat16"):
        return xp.float32, dtype
    if "int" in name and name != "int64":
        dtype = xp.__array_namespace_info__().default_dtypes()["integral"]
    return dtype, dtype


def _apply(x: Array, *, xp: Namespace, factors: Factors, axis: int, constant: float, ordering: Ordering) -> Array:
    """The transform of an array that is all there."""
    dtype, result = _dtypes(xp, x.dtype)
    target = Target(xp, dtype, _namespace.placement_of(x))
    *most, last = _groups(factors)
    matrices = [*(_matrix(target, group, 1.0) for group in most), _matrix(target, last, constant)]
    length, outer, inner = x.shape[axis], prod(x.shape[:axis]), prod(x.shape[axis + 1 :])
    vectors = xp.reshape(x, (outer, length, inner))
    step = max(1, PIECE // (length * inner)) if inner else outer
    if step < outer and prod(x.shape) >= LARGE and _namespace.is_cached(xp, x):
        found = xp.empty_like(vectors, dtype=result)
        for start in range(0, outer, step):
            part = found[start : start + step]
            out = part if dtype == result else None
            product = _product(target, vectors[start : start + step], matrices, out)
            if out is None:
                part[...] = product
    else:
        found = _cast(xp, _product(target, vectors, matrices), result)
    found = xp.reshape(found, x.shape)
    if ordering == "natural":
        return found
    return xp.take(
        found, target.indices(list(_columns.numbers(ordering, (), length.bit_length() - 1, 0, length))), axis=axis
    )


def _product(target: Target, vectors: Array, matrices: list[Array], out: Array | None = None) -> Array:
    """The product of all matrices with vectors along the middle axis of three, into `out` where it is given."""
    xp, shape = target.xp, vectors.shape
    found = _cast(xp, vectors, target.dtype)
    inner, size = shape[2], prod(shape)
    for matrix in reversed(matrices):  # each is symmetric
        length = matrix.shape[0]
        into = out if matrix is matrices[0] else None
        if inner == 1:
            count = size // length
            rows = ROWS if count % ROWS == 0 else count
            found = _matmul(xp, xp.reshape(found, (count // rows, rows, length)), matrix, into)
        else:
            outer = size // (length * inner) if inner else 0
            found = _matmul(xp, matrix, xp.reshape(found, (outer, length, inner)), into)
        inner *= length
    return xp.reshape(found, shape)


def _matmul(xp: Namespace, a: Array, b: Array, out: Array | None) -> Array:
    """The product of one matrix with several."""
    if out is None:
        return _namespace.matmul(xp, a, b)
    return xp.matmul(a, b, out=xp.reshape(out, b.shape if a.ndim < b.ndim else a.shape))


def _cast(xp: Namespace, x: Array, dtype: DType) -> Array:
    """An array in a dtype; where it has it, the same array."""
    return x if x.dtype == dtype else xp.astype(x, dtype)


def _groups(factors: Factors) -> list[Factors]:
    """Factors that are applied as one: each Paley block, and Sylvester's by some bits.

    A remainder of one or two bits is not worth a pass over the memory, and goes with the block before it.
    """
    blocks: list[Factors] = [(factor,) for factor in factors if factor.q]
    bits = (_orders.order_of(factors) // _orders.order_of([block for (block,) in blocks])).bit_length() - 1
    extra = bits % BITS
    if blocks and 0 < extra <= 2 and blocks[-1][0].order << extra <= WITH_EXTRA:
        blocks[-1] = (*blocks[-1], Factor("sylvester", 1 << extra))
        bits -= extra
    count = -(-bits // BITS)
    parts = [bits // count + (number < bits % count) for number in range(count)]
    return [*blocks, *((Factor("sylvester", 1 << part),) for part in parts)] or [()]


def _matrix(target: Target, group: Factors, constant: float) -> Array:
    """The product of a group of factors, as an array."""
    order = _orders.order_of(group)
    if _orders.has_blocks(group):
        return _products.window(target, group, constant, (0, order), target.arange(0, order))
    return _signs.table(target, order, constant, negated=False)
