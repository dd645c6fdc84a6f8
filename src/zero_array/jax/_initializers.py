"""ZerO for JAX: initialisers as in ``jax.nn.initializers``, for JAX itself, Flax and Equinox."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import jax
import jax.numpy
from jax.nn.initializers import Initializer
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from .. import _checks, _layout_checks
from .._layout import Layout, frozen
from .._typing import Array, Axes, Center, Choice, DType, Namespace, Order, Rule, Scale, Shape


def identity_init(
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    *,
    batch_axis: Axes = (),
    groups: int = 1,
    transposed: bool = False,
    center: Center = "same",
    dtype: DType | None = None,
) -> Initializer:
    """Make an initialiser of partial identities: ones where output and input have the same index, zeros elsewhere.

    Parameters
    ----------
    in_axis, out_axis : int or sequence of int
        The axes that count inputs and outputs: by default those of ``(*kernel, in / groups, out)``, the layout of JAX,
        Flax and Haiku; Equinox has ``(out, in / groups, *kernel)``. Axes of a sequence count together, the last one
        fastest: ``(in, heads, size)`` is ``in_axis=0, out_axis=(1, 2)``. ``()`` is one input that has no axis.
    batch_axis : int or sequence of int
        The axes along which the weight is repeated, as independent copies.
    groups : int
        The layer's number of groups; 3 for a packed query, key and value, 4 for the gates of an LSTM.
    transposed : bool
        Whether the groups divide the inputs, as in torch's transposed convolutions.
    center : {"same", "paper"} or int or sequence of int
        The tap of each kernel axis that holds the matrix. ``"same"``, the default, is ``(k - 1) // 2``, as in
        ``jax.nn.initializers.delta_orthogonal``: the identity under SAME padding. ``"paper"`` is ``k // 2``: the two
        differ where ``k`` is even. Or one int per kernel axis.
    dtype : dtype or str, optional
        The dtype if the initialiser is called without one: JAX's default real dtype by default.

    Returns
    -------
    jax.nn.initializers.Initializer
        ``init(key, shape, dtype=None, out_sharding=None)``, for use under ``jit``, ``vmap`` and ``eval_shape`` as any
        other. The key is ignored, since nothing is random, and may be None. With ``out_sharding`` each device computes
        its own part. Initialisers made with equal arguments are equal, and have equal hashes.

    Raises
    ------
    TypeError, ValueError
        Not before the shape is known: `init` raises as `zero_array.identity_init` does, and if ``out_sharding`` is no
        sharding or names axes of a mesh that are not Explicit.

    Examples
    --------
    >>> import zero_array.jax
    >>> init = zero_array.jax.identity_init()
    >>> init(None, (2, 3), "float32")
    Array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    return _initializer("identity", dtype, in_axis, out_axis, batch_axis, groups, transposed, center)


def hadamard_init(
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    *,
    batch_axis: Axes = (),
    groups: int = 1,
    transposed: bool = False,
    center: Center = "same",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
    dtype: DType | None = None,
) -> Initializer:
    """Make an initialiser of slices of a scaled Hadamard matrix.

    Parameters
    ----------
    in_axis, out_axis, batch_axis, groups, transposed, center, dtype
        As in `identity_init`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Returns
    -------
    jax.nn.initializers.Initializer
        As in `identity_init`.

    Raises
    ------
    TypeError, ValueError
        As in `identity_init`.

    Examples
    --------
    >>> import zero_array.jax
    >>> init = zero_array.jax.hadamard_init(scale="paper")
    >>> init(None, (2, 2), "float32")
    Array([[ 1.,  1.],
           [ 1., -1.]], dtype=float32)
    """
    options = (groups, transposed, center, scale, order, columns)
    return _initializer("hadamard", dtype, in_axis, out_axis, batch_axis, *options)


def zero_init(
    in_axis: Axes = -2,
    out_axis: Axes = -1,
    *,
    batch_axis: Axes = (),
    groups: int = 1,
    transposed: bool = False,
    center: Center = "same",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
    dtype: DType | None = None,
) -> Initializer:
    """Make an initialiser of ZerO weights: partial identities, or Hadamard slices where the layer widens.

    ZerO is not zeros: for those, use ``jax.nn.initializers.zeros``.

    Parameters
    ----------
    in_axis, out_axis, batch_axis, groups, transposed, center, dtype
        As in `identity_init`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Returns
    -------
    jax.nn.initializers.Initializer
        As in `identity_init`.

    Raises
    ------
    TypeError, ValueError
        As in `identity_init`.

    Examples
    --------
    >>> import zero_array.jax
    >>> init = zero_array.jax.zero_init()
    >>> init(None, (2, 4), "float32")
    Array([[ 0.5,  0.5,  0.5,  0.5],
           [ 0.5, -0.5,  0.5, -0.5]], dtype=float32)
    """
    options = (groups, transposed, center, scale, order, columns)
    return _initializer(None, dtype, in_axis, out_axis, batch_axis, *options)


def _initializer(rule: Rule | None, dtype: DType | None, *layout: Any) -> "_Initializer":
    """The initialiser of a rule and of the fields of a layout."""
    return _Initializer(Layout(rule, *map(frozen, layout)), dtype)


@dataclass(frozen=True, slots=True, weakref_slot=True)  # jit refers weakly to what it compiles
class _Initializer:
    """What the factories make: ``jax.nn.initializers.Initializer`` is a protocol, which this one follows."""

    layout: Layout
    dtype: DType | None

    def __call__(
        self,
        key: Any,
        shape: Any,
        dtype: DType | None = None,
        out_sharding: NamedSharding | PartitionSpec | None = None,
    ) -> Array:
        """Build the weight; the key is ignored."""
        if isinstance(key, (list, tuple)) and not isinstance(shape, (list, tuple)):
            raise _layout_checks.no_key(key)
        if out_sharding is not None:
            _check(out_sharding)
        return build(self.layout, _checks.shape(shape), self.dtype if dtype is None else dtype, out_sharding)


def _check(sharding: Any) -> None:
    """Refuse what is no sharding, and what JAX's own initialisers refuse as well, in one sentence."""
    if not isinstance(sharding, (NamedSharding, PartitionSpec)):
        raise _layout_checks.no_sharding(sharding)
    is_named = isinstance(sharding, NamedSharding)
    mesh = sharding.mesh if is_named else jax.sharding.get_abstract_mesh()
    if mesh.empty:
        raise _layout_checks.no_mesh(sharding)
    types = dict(zip(mesh.axis_names, mesh.axis_types, strict=True))
    for part in sharding.spec if is_named else sharding:
        for name in part if isinstance(part, tuple) else (part,):
            if types.get(name, AxisType.Explicit) != AxisType.Explicit:
                raise _layout_checks.no_explicit_axis(name, types[name].name)


class Buildable(Protocol):
    """A layout, or a filling: hashable, so that what is compiled for it is found again."""

    def build(self, shape: Shape, /, *, xp: Namespace | None, dtype: DType | None) -> Array:
        """Build the array of that shape."""


def build(
    wanted: Buildable, shape: Sequence[int], dtype: DType | None, sharding: NamedSharding | PartitionSpec | None
) -> Array:
    """The weight; under a sharding, whose axes may be of any type, each device computes its own part."""
    is_typed = sharding is not None and AxisType.Explicit in jax.sharding.get_abstract_mesh().axis_types
    return _compiled(sharding, is_typed)(wanted, shape, dtype)


@cache  # of compiled functions, which hold no arrays
def _compiled(sharding: NamedSharding | PartitionSpec | None, is_typed: bool) -> Any:
    """A jitted function that builds a weight so sharded; `is_typed` where a mesh is set, whose types the result has."""

    def whole(wanted: Buildable, shape: Shape, dtype: DType | None) -> Array:
        """The weight, as one device would make it."""
        return wanted.build(shape, xp=jax.numpy, dtype=dtype)

    def typed(*arguments: Any) -> Array:
        """The same for the mesh that is set: of types, the out_shardings of a nested jit say nothing."""
        return jax.sharding.auto_axes(lambda: whole(*arguments), out_sharding=sharding)()

    if is_typed:
        return jax.jit(typed, static_argnums=(0, 1, 2))
    return jax.jit(whole, static_argnums=(0, 1, 2), out_shardings=sharding)
