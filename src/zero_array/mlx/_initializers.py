"""Initialisers as in ``mlx.nn.init``, which make an array in place of the one they are given."""

from collections.abc import Callable
from typing import Any

import mlx.core

from .. import _checks, _layout_checks
from .._init import construct
from .._typing import Array, Center, Choice, DType, Order, Rule, Scale


def identity_init(*, groups: int = 1, center: Center = "paper", dtype: DType | None = None) -> Callable[[Array], Array]:
    """Make an initialiser of partial identities: ones where output and input have the same index, zeros elsewhere.

    Parameters
    ----------
    groups : int
        The layer's number of groups; 3 for a packed query, key and value, 4 for the gates of an LSTM.
    center : {"paper", "same"} or int or sequence of int
        The tap of each kernel axis that holds the matrix: ``k // 2`` or ``(k - 1) // 2``, or one int per kernel axis.
        The identity tap of an MLX layer is its ``padding``.
    dtype : dtype or str, optional
        By default that of the array.

    Returns
    -------
    callable
        ``f(array) -> array`` for arrays in the layout of MLX, ``(out, *kernel, in / groups)``: the weights of
        ``nn.Linear`` and of all convolutions, including transposed ones.

    Raises
    ------
    TypeError, ValueError
        Not before there is an array: `f` raises as `zero_array.identity_init` does.

    Examples
    --------
    >>> import mlx.core
    >>> import zero_array.mlx
    >>> zero_array.mlx.identity_init()(mlx.core.zeros((2, 3)))
    array([[1, 0, 0],
           [0, 1, 0]], dtype=float32)
    """
    return _initializer("identity", dtype, groups=groups, center=center)


def hadamard_init(
    *,
    groups: int = 1,
    center: Center = "paper",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
    dtype: DType | None = None,
) -> Callable[[Array], Array]:
    """Make an initialiser of slices of a scaled Hadamard matrix.

    Parameters
    ----------
    groups, center, dtype
        As in `identity_init`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Returns
    -------
    callable
        As in `identity_init`.

    Raises
    ------
    TypeError, ValueError
        As in `identity_init`.

    Examples
    --------
    >>> import mlx.core
    >>> import zero_array.mlx
    >>> zero_array.mlx.hadamard_init(scale="paper")(mlx.core.zeros((2, 2)))
    array([[1, 1],
           [1, -1]], dtype=float32)
    """
    return _initializer("hadamard", dtype, groups=groups, center=center, scale=scale, order=order, columns=columns)


def zero_init(
    *,
    groups: int = 1,
    center: Center = "paper",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
    dtype: DType | None = None,
) -> Callable[[Array], Array]:
    """Make an initialiser of ZerO weights: partial identities, or Hadamard slices where the layer widens.

    ZerO is not zeros: for those, use ``mlx.nn.init.constant``.

    Parameters
    ----------
    groups, center, dtype
        As in `identity_init`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Returns
    -------
    callable
        As in `identity_init`.

    Raises
    ------
    TypeError, ValueError
        As in `identity_init`.

    Examples
    --------
    >>> import mlx.core
    >>> import zero_array.mlx
    >>> zero_array.mlx.zero_init()(mlx.core.zeros((4, 2)))
    array([[0.5, 0.5],
           [0.5, -0.5],
           [0.5, 0.5],
           [0.5, -0.5]], dtype=float32)
    """
    return _initializer(None, dtype, groups=groups, center=center, scale=scale, order=order, columns=columns)


def _initializer(rule: Rule | None, dtype: DType | None, **options: Any) -> Callable[[Array], Array]:
    """The initialiser of a rule and the options of a factory."""

    def init(array: mlx.core.array) -> mlx.core.array:
        """Build the weight in place of an array."""
        if not isinstance(array, mlx.core.array):
            raise _layout_checks.no_array_of_mlx(array)
        if array.ndim < 2:
            raise _checks.no_matrix(array.shape, "array")
        wanted = array.dtype if dtype is None else dtype
        layout: dict[str, Any] = {"in_axis": -1, "out_axis": 0, "window": None} | options
        return construct(rule, array.shape, xp=mlx.core, dtype=wanted, device=None, **layout)

    return init
