"""ZerO for Keras 3: initialisers for any of its backends, the same bits on each."""

from collections.abc import Iterable
from typing import Any, ClassVar

import keras

from .. import _checks, _layout_checks
from .._layout import Layout, frozen
from .._typing import Array, Axes, Center, Choice, Order, Rule, Scale


class _Init(keras.initializers.Initializer):
    """What the three have in common."""

    rule: ClassVar[Rule | None]

    def __init__(self, in_axis: Axes | None, out_axis: Axes | None, **options: Any) -> None:
        self.options = {"in_axis": frozen(in_axis), "out_axis": frozen(out_axis)}
        self.options |= {name: frozen(value) for name, value in options.items()}

    def __call__(self, shape: Any, dtype: Any = None, layout: Any = None) -> Array:
        """Build the weight; `layout` is a ``keras.distribution.TensorLayout`` or a sharding of JAX."""
        shape = _checks.shape(tuple(shape) if isinstance(shape, Iterable) else shape)  # TensorFlow's is no sequence
        wanted = self._layout(shape)
        dtype = keras.config.floatx() if dtype is None else keras.backend.standardize_dtype(dtype)
        layout = getattr(layout, "backend_layout", layout)
        if keras.config.backend() == "jax":
            from ..jax._initializers import build

            return build(wanted, shape, dtype, layout)
        if layout is not None:
            raise _layout_checks.no_placement(layout, keras.config.backend())
        return keras.ops.convert_to_tensor(wanted.build(shape, xp=None, dtype=dtype), dtype=dtype)

    def _layout(self, shape: tuple[int, ...]) -> Layout:
        """The layout for a shape; refuses to guess one of three axes."""
        axes = {"in_axis": self.options["in_axis"], "out_axis": self.options["out_axis"]}
        if len(shape) == 3 and None in axes.values():
            raise _layout_checks.three_axes(shape)
        given = {name: axis for name, axis in axes.items() if axis is not None}
        return Layout(self.rule, **self.options | {"in_axis": -2, "out_axis": -1} | given)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal initialiser."""
        return dict(self.options)


@keras.saving.register_keras_serializable("zero_array")
class IdentityInit(_Init):
    """Partial identities: ones where output and input have the same index, zeros elsewhere.

    Parameters
    ----------
    in_axis, out_axis : int or sequence of int, optional
        The axes that count inputs and outputs. By default -2 and -1, as in ``(*kernel, in, out)``, for matrices and
        kernels of four axes or more. For three axes they must be given, since a kernel of Conv1D and one of attention
        may have the same shape. Axes of a sequence count together, the last one fastest. ``()`` is one input without an
        axis.
    batch_axis : int or sequence of int
        The axes along which the weight is repeated: with ``in_axis=()``, -2 is for depthwise kernels.
    groups : int
        The layer's number of groups; 4 for an LSTM, 3 for a GRU.
    center : {"same", "paper"} or int or sequence of int
        The tap of each kernel axis that holds the matrix: ``(k - 1) // 2``, the identity of ``padding="same"``, or
        ``k // 2``, which differs for even kernels, or one int per kernel axis, such as -1 for ``padding="causal"``.

    Raises
    ------
    TypeError, ValueError
        When called: as in `zero_array.identity_init`, and for a shape of three axes if the axes were not given.

    Examples
    --------
    >>> import keras
    >>> import zero_array.keras
    >>> init = zero_array.keras.IdentityInit()
    >>> keras.ops.convert_to_numpy(init((2, 3)))
    array([[1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """

    rule = "identity"

    def __init__(
        self,
        in_axis: Axes | None = None,
        out_axis: Axes | None = None,
        *,
        batch_axis: Axes = (),
        groups: int = 1,
        center: Center = "same",
    ) -> None:
        super().__init__(in_axis, out_axis, batch_axis=batch_axis, groups=groups, center=center)


class _ScaledInit(_Init):
    """Those whose entries have a scale."""

    def __init__(
        self,
        in_axis: Axes | None = None,
        out_axis: Axes | None = None,
        *,
        batch_axis: Axes = (),
        groups: int = 1,
        center: Center = "same",
        scale: Scale = "orthonormal",
        order: Order = "pad",
        columns: Choice = "first",
    ) -> None:
        options = {"scale": scale, "order": order, "columns": columns}
        super().__init__(in_axis, out_axis, batch_axis=batch_axis, groups=groups, center=center, **options)


@keras.saving.register_keras_serializable("zero_array")
class HadamardInit(_ScaledInit):
    """Slices of a scaled Hadamard matrix.

    Parameters
    ----------
    in_axis, out_axis, batch_axis, groups, center
        As in `IdentityInit`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Raises
    ------
    TypeError, ValueError
        As in `IdentityInit`.

    Examples
    --------
    >>> import keras
    >>> import zero_array.keras
    >>> init = zero_array.keras.HadamardInit(scale="paper")
    >>> keras.ops.convert_to_numpy(init((2, 2)))
    array([[ 1.,  1.],
           [ 1., -1.]], dtype=float32)
    """

    rule = "hadamard"


@keras.saving.register_keras_serializable("zero_array")
class ZeroInit(_ScaledInit):
    """ZerO weights: partial identities, or Hadamard slices where the layer widens.

    ZerO is not zeros: for those, use ``keras.initializers.Zeros``.

    Parameters
    ----------
    in_axis, out_axis, batch_axis, groups, center
        As in `IdentityInit`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Raises
    ------
    TypeError, ValueError
        As in `IdentityInit`.

    Examples
    --------
    >>> import keras
    >>> import zero_array.keras
    >>> layer = keras.layers.Dense(4, kernel_initializer=zero_array.keras.ZeroInit())
    >>> layer.build((None, 2))
    >>> keras.ops.convert_to_numpy(layer.kernel.value)
    array([[ 0.5,  0.5,  0.5,  0.5],
           [ 0.5, -0.5,  0.5, -0.5]], dtype=float32)
    """

    rule = None
