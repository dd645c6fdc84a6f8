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
    """Build a Hadamard matrix: entries of plus and minus one, and any two rows orthogonal.

    Parameters
    ----------
    n : int
        The order: a power of two, or a multiple of four that `hadamard_factors` knows; that includes nearly all widths
        of networks in use.
    xp, device
        As in `identity_init`.
    dtype : dtype or str, optional
        float64, float32, float16, bfloat16, int8, int16, int32 or int64, as the namespace's own object or by name. By
        default the namespace's default real dtype.
    window : sequence of (slice or (int, int)), optional
        Two slices or ``(start, stop)`` pairs: build only this part of the matrix. Nothing else is computed.
    ordering : {"natural", "dyadic", "sequency"}
        The order of the rows, and of the columns. For powers of two only: ``"dyadic"``, by reversed bits, and
        ``"sequency"``, by the number of sign changes (Walsh functions).

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
    orders are Kronecker products of it with blocks of Paley's constructions, whose signs say which elements of a finite
    field are squares.

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

    Only the last row of a matrix of 834 MiB:

    >>> zero_array.hadamard(29568, dtype="int8", window=[(29567, 29568), (0, 8)])
    array([[ 1, -1, -1,  1, -1,  1,  1, -1]], dtype=int8)
    """
    wanted = _weight.signs(n, window=window, ordering=ordering)
    xp = _namespace.namespace(xp)
    return _build.build(xp, wanted, _namespace.dtype(xp, dtype, device, ints=True), device)
