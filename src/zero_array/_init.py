"""The three constructors: check the arguments, then build."""

from collections.abc import Sequence
from typing import Any

from . import _build, _namespace
from ._typing import Array, Center, Choice, Device, DType, Namespace, Order, Rule, Scale, WindowLike
from ._weight import weight


def construct(
    rule: Rule | None,
    shape: Sequence[int],
    *,
    xp: Namespace | None,
    dtype: DType | None,
    device: Device | None,
    chunks: Any = "auto",
    **layout: Any,
) -> Array:
    """Check everything, then build; ``rule=None`` is Algorithm 1's choice, ``chunks`` is for Dask and cubed."""
    wanted = weight(rule, shape, **layout)
    xp = _namespace.namespace(xp)
    return _build.build(xp, wanted, _namespace.dtype(xp, dtype, device), device, chunks)


def identity_init(
    shape: Sequence[int],
    /,
    *,
    xp: Namespace | None = None,
    dtype: DType | None = None,
    device: Device | None = None,
    in_axis: int = 1,
    out_axis: int = 0,
    groups: int = 1,
    center: Center = "paper",
    window: WindowLike | None = None,
) -> Array:
    """Build a partial identity: ones where output and input have the same index, zeros elsewhere.

    Parameters
    ----------
    shape : sequence of int
        ``(out, in / groups)`` for a matrix, ``(out, in / groups, *kernel)`` for a convolution. Other orders of the
        axes: see `in_axis` and `out_axis`.
    xp : namespace, optional
        The array library: ``numpy``, ``cupy``, ``torch``, ``jax.numpy``, ``dask.array``, ``mlx.core`` or any other
        array API namespace, raw or wrapped by array-api-compat. NumPy by default.
    dtype : dtype or str, optional
        float64, float32, float16 or bfloat16, as the namespace's own object or by name. By default the namespace's
        default real dtype.
    device : object, optional
        Passed on to the namespace unchanged. JAX takes a sharding too: each device then computes its own part.
    in_axis, out_axis : int
        The axes that count inputs and outputs; negative numbers count from the end. All other axes are the kernel's.
    groups : int
        The number of groups of a grouped convolution, or of matrices packed along the out axis (3 for a packed query,
        key and value): each group of outputs gets a block of its own.
    center : {"paper", "same"} or int or sequence of int
        The tap of each kernel axis that holds the matrix, all other taps being zero. ``"paper"`` is ``k // 2``,
        ``"same"`` is ``(k - 1) // 2``: they differ for even kernels, where the first is a shift under SAME padding and
        the second is not. Or one int per kernel axis (an int alone if there is one axis); -1 is the last tap.
    window : sequence of (slice or (int, int)), optional
        One slice, ``range`` or ``(start, stop)`` pair per axis: build only this part of the array. Nothing else is
        computed. In slices alone, negative numbers count from the end.

    Returns
    -------
    array
        An array of `xp` of the shape asked for, or of the window's. The same bits come out on every backend and device.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or has a wrong value. Nothing is built then.

    Notes
    -----
    ``W[o, i, centre] = 1 if o mod (out / groups) == i else 0``.

    References
    ----------
    Zhao, Schäfer, Anandkumar, "ZerO Initialization", arXiv 2110.12661, Definition 1.

    Examples
    --------
    >>> import zero_array
    >>> zero_array.identity_init((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]])

    A depthwise kernel, the identity of each channel at its middle tap:

    >>> zero_array.identity_init((2, 1, 3), groups=2, dtype="float32")
    array([[[0., 1., 0.]],
    <BLANKLINE>
           [[0., 1., 0.]]], dtype=float32)
    """
    return construct(
        "identity",
        shape,
        xp=xp,
        dtype=dtype,
        device=device,
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
    """Build a slice of a scaled Hadamard matrix, whose entries are all plus or minus one constant.

    `zero_init` uses it where a layer widens; this function takes any number of outputs and inputs.

    Parameters
    ----------
    shape, xp, dtype, device, in_axis, out_axis, groups, center, window
        As in `identity_init`.
    scale : {"orthonormal", "paper"}
        The constant. ``"orthonormal"`` is ``2 ** (-m / 2)``, as in the authors' code: the columns are orthonormal where
        the larger side is a power of two. ``"paper"`` is ``2 ** (-(m - 1) / 2)``, as printed in Algorithm 1, larger by
        the square root of two.
    order : {"pad", "exact", "auto"}
        The order of the matrix. ``"pad"`` is the paper's, the least power of two that holds the weight. ``"exact"`` is
        the larger side itself, so that the columns (or rows) are orthonormal; not every order can be built. ``"auto"``
        is exact where that can be built, else padded. The last two are not in the paper.
    columns : {"first", "distinct"}
        Which columns the inputs take. ``"first"`` is the paper's, the first ones. ``"distinct"``, not in the paper,
        takes columns by which all rows differ, so that no two outputs start as twins.

    Returns
    -------
    array
        An array of `xp` of the shape asked for, or of the window's. The same bits come out on every backend and device.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or has a wrong value. Nothing is built then.

    Notes
    -----
    ``W = c I* H_m I*``: with ``P = out / groups`` outputs and ``Q`` inputs, ``m`` is the least number with
    ``2^m >= max(P, Q)``, and ``W[o, i, centre] = c (-1)^popcount((o mod P) & i)``. Where ``P > Q`` this is
    Algorithm 1's ``m = ceil(log2 P)``. The constant is computed in double precision and rounded once.

    Only ``min(P, 2^ceil(log2 Q))`` rows differ: a wider layer starts with twins. With ``columns="distinct"`` input
    ``i`` takes column ``x^i`` of GF(2^m), in shift-register order: 1, 2, 4 ... first, so that all rows differ where
    ``Q >= m``.

    References
    ----------
    Zhao, Schäfer, Anandkumar, "ZerO Initialization", arXiv 2110.12661, Definition 2 and Algorithm 1.

    Examples
    --------
    >>> import zero_array
    >>> zero_array.hadamard_init((4, 2))
    array([[ 0.5,  0.5],
           [ 0.5, -0.5],
           [ 0.5,  0.5],
           [ 0.5, -0.5]])

    Only the last row of a matrix of 2 TiB:

    >>> zero_array.hadamard_init((2**20, 2**18), window=[(2**20 - 1, 2**20), (0, 4)])
    array([[ 0.00097656, -0.00097656, -0.00097656,  0.00097656]])
    """
    return construct(
        "hadamard",
        shape,
        xp=xp,
        dtype=dtype,
        device=device,
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
    """Build a ZerO weight: a partial identity, or a Hadamard slice where the layer widens.

    ZerO is not zeros: for those, use ``zeros`` of the array library.

    Parameters
    ----------
    shape, xp, dtype, device, in_axis, out_axis, groups, center, window
        As in `identity_init`.
    scale, order, columns
        As in `hadamard_init`; they matter only where the layer widens.

    Returns
    -------
    array
        An array of `xp` of the shape asked for, or of the window's. The same bits come out on every backend and device.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or has a wrong value. Nothing is built then.

    Notes
    -----
    With ``P = out / groups`` outputs and ``Q`` inputs: `identity_init` where ``P <= Q``, `hadamard_init` where
    ``P > Q``. A kernel holds that matrix at its centre tap and zeros at all others.

    The paper does not define grouped convolutions; here each group gets the matrix of its own block, so that a
    depthwise kernel starts as the identity.

    References
    ----------
    Zhao, Schäfer, Anandkumar, "ZerO Initialization", arXiv 2110.12661, Algorithms 1 and 2.

    Examples
    --------
    >>> import zero_array
    >>> zero_array.zero_init((2, 3))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    >>> zero_array.zero_init((4, 2), dtype="float32")
    array([[ 0.5,  0.5],
           [ 0.5, -0.5],
           [ 0.5,  0.5],
           [ 0.5, -0.5]], dtype=float32)
    """
    return construct(
        None,
        shape,
        xp=xp,
        dtype=dtype,
        device=device,
        in_axis=in_axis,
        out_axis=out_axis,
        groups=groups,
        center=center,
        window=window,
        scale=scale,
        order=order,
        columns=columns,
    )
