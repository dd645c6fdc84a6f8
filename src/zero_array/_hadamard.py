"""`hadamard`: the matrix of plus and minus ones, of any order that can be built."""

from . import _build, _namespace, _weight
from ._typing import Array, Device, DType, Namespace, Ordering, WindowLike


def hadamard(
    n: int,
    /,
    *,
    xp: Namespace | None = None,
    dtype: DType | None = None,
    device: Device | None = None,
    window: WindowLike | None = None,
    ordering: Ordering = "natural",
) -> Array:
    """Build a Hadamard matrix: plus and minus ones, every two rows of which are orthogonal.

    Parameters
    ----------
    n : int
        The order: a power of two, or a multiple of four that `hadamard_factors` knows, which are nearly all in use as
        widths of networks.
    xp, device
        As in `identity_init`.
    dtype : dtype or str, optional
        float64, float32, float16, bfloat16, int8, int16, int32 or int64, as the namespace's own object or by name. Left
        out: the namespace's default real dtype.
    window : sequence of (slice or (int, int)), optional
        Two slices or ``(start, stop)`` pairs: build this part of the matrix alone. Nothing else is computed.
    ordering : {"natural", "dyadic", "sequency"}
        The order of the rows, and of the columns. The other two are for powers of two alone: ``"dyadic"``, by reversed
        bits; ``"sequency"``, by the number of changes of sign (Walsh functions).

    Returns
    -------
    array
        An ``(n, n)`` array of `xp`, or one of the window's shape. The same on every backend and device.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or has a wrong value. An order that cannot be built is refused with the
        nearest ones below and above.

    Notes
    -----
    ``H H^T = n I`` and ``H = H^T``. A power of two is Sylvester's matrix, ``H[i, j] = (-1)^popcount(i & j)``; all other
    orders are Kronecker products of it with blocks of Paley's constructions over finite fields, whose entries tell the
    squares of the field from the rest.

    References
    ----------
    R. E. A. C. Paley, "On orthogonal matrices", J. Math. Phys. 12 (1933).

    Examples
    --------
    >>> import zero_array
    >>> zero_array.hadamard(4, dtype="int8")
    array([[ 1,  1,  1,  1],
           [ 1, -1,  1, -1],
           [ 1,  1, -1, -1],
           [ 1, -1, -1,  1]], dtype=int8)

    The last row of a matrix of 834 MiB, alone:

    >>> zero_array.hadamard(29568, dtype="int8", window=[(29567, 29568), (0, 8)])
    array([[ 1, -1, -1,  1, -1,  1,  1, -1]], dtype=int8)
    """
    wanted = _weight.signs(n, window=window, ordering=ordering)
    xp = _namespace.namespace(xp)
    return _build.build(xp, wanted, _namespace.dtype(xp, dtype, device, ints=True), device)
