"""ZerO for Haiku: initialisers as in ``haiku.initializers``, and whole models as their params and a function."""

from dataclasses import dataclass
from typing import Any

try:
    from haiku.initializers import Initializer
except ModuleNotFoundError as error:
    if error.name != "haiku":  # Haiku is here, and what it needs is not
        raise
    raise ModuleNotFoundError("zero_array.haiku needs Haiku: pip install dm-haiku", name="haiku") from None

from ._typing import Array, Axes, Center, Choice, Order, Scale
from .jax._audit import audit
from .jax._initializers import hadamard_init as _hadamard_init
from .jax._initializers import identity_init as _identity_init
from .jax._initializers import zero_init as _zero_init
from .jax._tree import init

__all__ = ["audit", "hadamard_init", "identity_init", "init", "zero_init"]


def identity_init(
    in_axis: Axes = -2, out_axis: Axes = -1, *, batch_axis: Axes = (), groups: int = 1, center: Center = "same"
) -> Initializer:
    """Make an initialiser of partial identities: ones where output and input have the same index, zeros elsewhere.

    Parameters
    ----------
    in_axis, out_axis, batch_axis, center
        As in `zero_array.jax.identity_init`. The defaults are right for ``haiku.Linear`` and all convolutions;
        transposed ones have ``in_axis=-1, out_axis=-2``.
    groups : int
        The layer's number of groups; for a depthwise convolution the number of channels.

    Returns
    -------
    haiku.initializers.Initializer
        ``init(shape, dtype)``, for ``w_init=`` and `haiku.get_parameter`. Nothing is random, so it uses no key of
        Haiku. Initialisers made with equal arguments are equal, and have equal hashes.

    Raises
    ------
    TypeError, ValueError
        Not before the shape is known: `init` raises as `zero_array.identity_init` does.

    Examples
    --------
    >>> import zero_array.haiku
    >>> zero_array.haiku.identity_init()([2, 3], "float32")
    Array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    layout: dict[str, Any] = {"batch_axis": batch_axis, "groups": groups, "center": center}
    return _Initializer(_identity_init(in_axis, out_axis, **layout))


def hadamard_init(
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    *,
    batch_axis: Axes = (),
    groups: int = 1,
    center: Center = "same",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
) -> Initializer:
    """Make an initialiser of slices of a scaled Hadamard matrix.

    Parameters
    ----------
    in_axis, out_axis, batch_axis, groups, center
        As in `identity_init`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Returns
    -------
    haiku.initializers.Initializer
        As in `identity_init`.

    Raises
    ------
    TypeError, ValueError
        As in `identity_init`.

    Examples
    --------
    >>> import zero_array.haiku
    >>> zero_array.haiku.hadamard_init(scale="paper")([2, 2], "float32")
    Array([[ 1.,  1.],
           [ 1., -1.]], dtype=float32)
    """
    layout: dict[str, Any] = {"batch_axis": batch_axis, "groups": groups, "center": center}
    options: dict[str, Any] = {"scale": scale, "order": order, "columns": columns}
    return _Initializer(_hadamard_init(in_axis, out_axis, **layout, **options))


def zero_init(
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    *,
    batch_axis: Axes = (),
    groups: int = 1,
    center: Center = "same",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
) -> Initializer:
    """Make an initialiser of ZerO weights: partial identities, or Hadamard slices where the layer widens.

    ZerO is not zeros: for those, use ``haiku.initializers.Constant(0)``.

    Parameters
    ----------
    in_axis, out_axis, batch_axis, groups, center
        As in `identity_init`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Returns
    -------
    haiku.initializers.Initializer
        As in `identity_init`.

    Raises
    ------
    TypeError, ValueError
        As in `identity_init`.

    Examples
    --------
    >>> import zero_array.haiku
    >>> zero_array.haiku.zero_init()([2, 4], "float32")
    Array([[ 0.5,  0.5,  0.5,  0.5],
           [ 0.5, -0.5,  0.5, -0.5]], dtype=float32)
    """
    layout: dict[str, Any] = {"batch_axis": batch_axis, "groups": groups, "center": center}
    options: dict[str, Any] = {"scale": scale, "order": order, "columns": columns}
    return _Initializer(_zero_init(in_axis, out_axis, **layout, **options))


@dataclass(frozen=True, slots=True)
class _Initializer:
    """What the factories make: one of JAX that is called as Haiku does, without a key."""

    init: Any

    def __call__(self, shape: Any, dtype: Any) -> Array:
        """Build the weight."""
        return self.init(None, shape, dtype)
