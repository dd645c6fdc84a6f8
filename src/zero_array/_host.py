"""From an array of any backend to bytes in host memory, for digests."""

from importlib import import_module
from typing import Any

import array_api_compat as compat

from ._typing import Array, Shape


def to_bytes(array: Array) -> bytes:
    """The little-endian C-order bytes of ``array``, wherever it lives.

    Only the weights' dtypes are handled. bfloat16, which most libraries cannot hand over, travels as float32: its bits
    are the upper half of that, exactly.
    """
    import numpy

    if hasattr(array, "compute"):  # Dask, cubed
        array = array.compute()
    is_bfloat16 = str(array.dtype).endswith("bfloat16")
    if is_bfloat16:
        xp = compat.array_namespace(array)
        array = xp.astype(array, xp.float32)
    host = numpy.ascontiguousarray(_on_host(array))
    if is_bfloat16:
        return (host.view(numpy.uint32) >> 16).astype("<u2").tobytes()
    return host.astype(host.dtype.newbyteorder("<"), copy=False).tobytes()


def _on_host(array: Array) -> Any:
    """``array`` as something that NumPy can read."""
    for method in ("unwrap_numpy", "asnumpy", "get", "cpu"):  # ndonnx, dpnp, CuPy, torch
        if hasattr(array, method):
            return getattr(array, method)()
    if type(array).__module__.startswith("array_api_strict"):
        return array.to_device(compat.array_namespace(array).Device("CPU_DEVICE"))
    return array


def finished(array: Array) -> Array:
    """``array`` once it is really there: computed, and its device idle."""
    if hasattr(array, "compute"):  # Dask, cubed
        return array.compute()
    if hasattr(array, "block_until_ready"):  # JAX
        return array.block_until_ready()
    if hasattr(array, "sycl_queue"):  # dpnp
        array.sycl_queue.wait()
    elif compat.is_cupy_array(array):
        array.device.synchronize()
    elif compat.is_torch_array(array) and array.is_cuda:
        import_module("torch").cuda.synchronize(array.device)
    elif type(array).__module__.startswith("mlx."):
        compat.array_namespace(array).eval(array)
    return array


def form(array: Any) -> tuple[Shape | None, str]:
    """The shape of an array and the name of its dtype, such as "float32"; None for what has no shape."""
    shape = getattr(array, "shape", None)
    if shape is None or not hasattr(array, "dtype"):
        return None, ""
    return tuple(int(size) for size in shape), str(array.dtype).rpartition(".")[2].strip("<>'")


def is_empty(array: Array) -> bool:
    """Whether an array has a shape and no values: on torch's meta device."""
    return bool(getattr(array, "is_meta", False))


def to_floats(array: Array) -> Any:
    """An array of floats, wherever it lives, as NumPy's: float64 as it is, all others as float32, which holds them."""
    import numpy

    if hasattr(array, "compute"):  # Dask, cubed
        array = array.compute()
    if hasattr(array, "detach"):  # torch: what NumPy can read has no gradient
        array = array.detach()
    if form(array)[1] not in ("float64", "float32", "float16"):
        xp = compat.array_namespace(array)
        array = xp.astype(array, xp.float32)
    host = numpy.asarray(_on_host(array))
    return host if host.dtype in ("float64", "float32") else host.astype("float32")
