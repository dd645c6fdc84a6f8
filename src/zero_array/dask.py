"""ZerO weights as Dask arrays: the constructors of the top level, with ``chunks``.

The arrays are lazy, and each chunk is built independently of the others.
"""

from collections.abc import Sequence
from typing import Any

import dask.array

from . import _checks, _namespace
from ._init import construct
from ._typing import Array, Center, Choice, Device, DType, Namespace, Order, Scale, WindowLike

__all__ = ["hadamard_init", "identity_init", "zero_init"]


def _dask(xp: Namespace | None) -> Namespace:
    """Dask's namespace; refuses any other that is asked for."""
    if xp is not None and _namespace.namespace(xp) is not _namespace.namespace(dask.array):
        raise _checks.other_namespace(xp, "dask.array")
    return dask.array


def identity_init(
    shape: Sequence[int],
    /,
    *,
    chunks: Any = "auto",
    xp: Namespace | None = None,
    dtype: DType | None = None,
    device: Device | None = None,
    in_axis: int = 1,
    out_axis: int = 0,
    groups: int = 1,
    center: Center = "paper",
    window: WindowLike | None = None,
) -> Array:
    """Build a partial identity as a Dask array.

    Parameters
    ----------
    shape, dtype, device, in_axis, out_axis, groups, center, window
        As in `zero_array.identity_init`.
    chunks : int, tuple or str
        As everywhere in Dask: a chunk length, a tuple of them, or a tuple of tuples. ``"auto"`` keeps each chunk within
        Dask's configured ``array.chunk-size``.
    xp : namespace, optional
        ``dask.array``, or left out.

    Returns
    -------
    dask.array.Array
        A lazy array of the shape asked for, or of the window's, with NumPy chunks.

    Raises
    ------
    TypeError, ValueError
        As in `zero_array.identity_init`.

    Examples
    --------
    >>> import zero_array.dask
    >>> zero_array.dask.identity_init((1_000_000, 1_000_000), chunks=10_000)[-1, -3:].compute()
    array([0., 0., 1.])
    """
    return construct(
        "identity",
        shape,
        xp=_dask(xp),
        dtype=dtype,
        device=device,
        chunks=chunks,
        in_axis=in_axis,
        out_axis=out_axis,
        groups=groups,
        center=center,
        window=window,
    )


def hadamard_init(
    shape: Sequence[int],
    /,
    *,
    chunks: Any = "auto",
    xp: Namespace | None = None,
    dtype: DType | None = None,
    device: Device | None = None,
    in_axis: int = 1,
    out_axis: int = 0,
    groups: int = 1,
    center: Center = "paper",
    window: WindowLike | None = None,
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
) -> Array:
    """Build a slice of a scaled Hadamard matrix as a Dask array.

    Parameters
    ----------
    shape, dtype, device, in_axis, out_axis, groups, center, window, scale, order, columns
        As in `zero_array.hadamard_init`.
    chunks, xp
        As in `identity_init`.

    Returns
    -------
    dask.array.Array
        A lazy array of the shape asked for, or of the window's, with NumPy chunks.

    Raises
    ------
    TypeError, ValueError
        As in `zero_array.hadamard_init`.

    Examples
    --------
    >>> import zero_array.dask
    >>> zero_array.dask.hadamard_init((4, 2), chunks=(2, 2)).compute()
    array([[ 0.5,  0.5],
           [ 0.5, -0.5],
           [ 0.5,  0.5],
           [ 0.5, -0.5]])
    """
    return construct(
        "hadamard",
        shape,
        xp=_dask(xp),
        dtype=dtype,
        device=device,
        chunks=chunks,
        in_axis=in_axis,
        out_axis=out_axis,
        groups=groups,
        center=center,
        window=window,
        scale=scale,
        order=order,
        columns=columns,
    )


def zero_init(
    shape: Sequence[int],
    /,
    *,
    chunks: Any = "auto",
    xp: Namespace | None = None,
    dtype: DType | None = None,
    device: Device | None = None,
    in_axis: int = 1,
    out_axis: int = 0,
    groups: int = 1,
    center: Center = "paper",
    window: WindowLike | None = None,
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
) -> Array:
    """Build a ZerO weight as a Dask array. ZerO is not zeros.

    Parameters
    ----------
    shape, dtype, device, in_axis, out_axis, groups, center, window, scale, order, columns
        As in `zero_array.zero_init`.
    chunks, xp
        As in `identity_init`.

    Returns
    -------
    dask.array.Array
        A lazy array of the shape asked for, or of the window's, with NumPy chunks.

    Raises
    ------
    TypeError, ValueError
        As in `zero_array.zero_init`.

    Examples
    --------
    >>> import zero_array.dask
    >>> zero_array.dask.zero_init((50257, 768), dtype="float32", chunks=(10_000, 768)).numblocks
    (6, 1)
    """
    return construct(
        None,
        shape,
        xp=_dask(xp),
        dtype=dtype,
        device=device,
        chunks=chunks,
        in_axis=in_axis,
        out_axis=out_axis,
        groups=groups,
        center=center,
        window=window,
        scale=scale,
        order=order,
        columns=columns,
    )
