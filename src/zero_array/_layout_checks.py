"""What the initialisers of frameworks refuse beside wrong layouts. Their messages, in the grammar of `_checks`."""

from typing import Any

from ._typing import Shape


def no_key(shape: Any) -> TypeError:
    """The refusal of a shape where JAX's initialisers take a key."""
    return TypeError(
        f"`shape` must come after a key; got the shape {shape!r} in its place: Haiku passes no key, so take the "
        "initialiser from zero_array.haiku"
    )


def no_sharding(value: Any) -> TypeError:
    """The refusal of what is no sharding of JAX."""
    return TypeError(f"`out_sharding` must be a NamedSharding or a PartitionSpec; got {value!r}")


def no_mesh(value: Any) -> ValueError:
    """The refusal of a sharding that does not say over which devices."""
    return ValueError(f"`out_sharding` must be a NamedSharding where no mesh is set; got {value!r}: see jax.set_mesh")


def no_explicit_axis(name: str, kind: str) -> ValueError:
    """The refusal of a sharding by axes of a mesh that JAX's own initialisers refuse as well."""
    return ValueError(
        f"`out_sharding` must name Explicit axes of the mesh; got {name!r}, which is {kind}: make the mesh with "
        "AxisType.Explicit, or jit the call with out_shardings"
    )


def no_placement(value: Any, backend: str) -> ValueError:
    """The refusal of a layout on a backend of Keras that has none."""
    return ValueError(f"`layout` must be None on Keras's {backend} backend; got {value!r}")


def three_axes(shape: Shape) -> ValueError:
    """The refusal to guess what the axes of a kernel of Keras mean."""
    return ValueError(
        f"`in_axis` and `out_axis` must be given for a kernel of three axes; got {shape}: pass in_axis=-2, "
        "out_axis=-1 for Conv1D, in_axis=0, out_axis=(1, 2) for an attention's query, key or value, "
        "in_axis=(0, 1), out_axis=2 for its output, in_axis=(), batch_axis=-2, out_axis=-1 for DepthwiseConv1D"
    )


def no_array_of_mlx(value: Any) -> TypeError:
    """The refusal of what is no array by initialisers that take one."""
    return TypeError(f"`array` must be an mlx.core.array; got {value!r}")
