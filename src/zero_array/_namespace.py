"""The one door to array-api-compat: which namespace, which dtype, and how it likes to be asked."""

import re
from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, TypeVar

import array_api_compat as compat

from . import _checks, _order_checks
from ._typing import Array, Device, DType, Namespace

Function = TypeVar("Function", bound=Callable[..., Any])


def namespace(xp: Namespace | None) -> Namespace:
    """The standard-conforming namespace of ``xp``, raw or wrapped; NumPy where it is left out."""
    # by predicate, not by an array made for the purpose: CuPy without a GPU cannot make one
    if xp is None or _is(compat.is_numpy_namespace, xp):
        import array_api_compat.numpy

        return array_api_compat.numpy
    if _is(compat.is_torch_namespace, xp):
        import array_api_compat.torch

        return array_api_compat.torch
    if _is(compat.is_cupy_namespace, xp):
        import array_api_compat.cupy

        return array_api_compat.cupy
    if _is(compat.is_dask_namespace, xp):
        import array_api_compat.dask.array

        return array_api_compat.dask.array
    if _name(xp) == "cubed.array_api":  # cubed's functions, without `map_blocks`
        return import_module("cubed")
    _checks.namespace(xp)
    return xp


def of(x: Array) -> Namespace:
    """The standard-conforming namespace of an array."""
    try:
        return compat.array_namespace(x)
    except TypeError:
        raise _order_checks.no_array(x) from None


def is_cached(xp: Namespace, x: Array) -> bool:
    """Whether work on an array stays in a processor's cache if it is done in pieces: NumPy's, and torch's on the CPU.

    Not where torch traces, maps, or takes a gradient: it would take it of the whole for every piece, and writes none of
    this into an array that is there.
    """
    if _is(compat.is_torch_namespace, xp):
        import torch  # its compiler does not trace `import_module`

        if x.device.type != "cpu" or x.requires_grad or torch.compiler.is_compiling():
            return False
        try:
            x.untyped_storage()  # what `torch.func` wraps shows none
        except NotImplementedError:
            return False
        return torch.autograd.forward_ad.unpack_dual(x).tangent is None
    return _is(compat.is_numpy_namespace, xp)


def _is(belongs: Callable[[Namespace], bool], xp: Namespace) -> bool:
    """Whether a predicate of array-api-compat holds; it wants a module, and a namespace may be any object."""
    return isinstance(xp, ModuleType) and belongs(xp)


def _name(xp: Namespace) -> str:
    """The name of the library, raw or wrapped."""
    name: str = getattr(xp, "__name__", None) or repr(xp)
    return name.removeprefix("array_api_compat.")


def writes_in_place(xp: Namespace) -> bool:
    """Whether assigning to a part of an array is known to write that part; others (ndonnx) copy the whole."""
    return _name(xp) in {"numpy", "torch", "cupy", "dpnp", "array_api_strict", "mlx.core"}


def settle(xp: Namespace, array: Array) -> None:
    """Compute a lazy array (MLX) now: only then is the next part written into it, not into a copy."""
    if _name(xp) == "mlx.core":
        xp.eval(array)


def is_chunked(xp: Namespace) -> bool:
    """Whether arrays of ``xp`` are lazy and made of chunks (Dask, cubed)."""
    return hasattr(xp, "map_blocks")


def dtype(xp: Namespace, value: DType | None, device: Device | None = None, *, ints: bool = False) -> DType:
    """The namespace's dtype object for ``value``; its default real dtype for None. Integers only where `ints`."""
    if value is None:
        return xp.__array_namespace_info__().default_dtypes(device=device)["real floating"]
    name = name_of(value)
    if name is None or name not in (FLOATS + INTEGERS if ints else FLOATS):
        raise _checks.no_dtype(value, ints=ints)
    return _own_dtype(xp, name)


FLOATS = ("float64", "float32", "float16", "bfloat16")
INTEGERS = ("int8", "int16", "int32", "int64")


def name_of(dtype: DType) -> str | None:
    """The name of a dtype of numbers, or of bool; None of all else."""
    match = _DTYPE.fullmatch(str(dtype))
    return match and match[1]


_DTYPE = re.compile(r"(?:<class ')?(?:[\w.]+\.)?(bool|u?int(?:8|16|32|64)|b?float(?:16|32|64)|complex\d+)(?:'>)?")
"""How the libraries print these dtypes: float32, torch.float32, <class 'jax.numpy.float32'>."""


def _own_dtype(xp: Namespace, name: str) -> DType:
    """The dtype called ``name`` of a namespace; NumPy's own and ml_dtypes' where it builds on NumPy's."""
    library = _name(xp)
    if name.endswith("64") and _is(compat.is_jax_namespace, xp) and not import_module("jax").config.jax_enable_x64:
        raise _checks.missing_dtype(name, library, ": enable jax_enable_x64 first")
    found = getattr(xp, name, None)
    if found is not None:
        return found
    if not (is_chunked(xp) or _is(compat.is_numpy_namespace, xp) or _is(compat.is_cupy_namespace, xp)):
        raise _checks.missing_dtype(name, library)
    if library == "cubed" and name == "bfloat16":  # NumPy's chunks could have it; its store has none
        raise _checks.missing_dtype(name, library)
    if name != "bfloat16":
        return getattr(import_module("numpy"), name)
    try:
        return import_module("ml_dtypes").bfloat16
    except ModuleNotFoundError:
        raise _checks.missing_dtype(name, library, ": pip install ml_dtypes") from None


def placement(device: Device | None) -> dict[str, Device]:
    """The keyword that places an array: none where the caller named no device, so that the default applies."""
    return {} if device is None else {"device": device}


def untraced(function: Function) -> Function:
    """Have torch.compile call a function, and keep what it returns as a constant, where it would fail to trace it.

    What ``torch.compiler.assume_constant_result`` does, for modules that must not import torch.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]  # an attribute that torch's compiler reads
    return function


def constants(xp: Namespace, values: Any, dtype: DType | None, place: dict[str, Device]) -> Array:
    """Python numbers as an array; on torch's GPUs by way of pinned memory, else the copy waits for the stream."""
    if _is(compat.is_torch_namespace, xp):
        import torch  # its compiler does not trace `import_module`

        if not torch.compiler.is_compiling() and torch.cuda.is_initialized():  # before, there is nothing to wait for
            device = torch.device(place["device"]) if place else torch.get_default_device()
            if device.type == "cuda":
                found = torch.asarray(values, dtype=dtype, device="cpu")
                if type(found) is torch.Tensor:  # fake ones cannot be pinned
                    found = found.pin_memory()
                return found.to(device, non_blocking=True)
    return xp.asarray(values, dtype=dtype, **place)


def index_dtype(xp: Namespace) -> DType | None:
    """Which integers to take entries by: torch's short ones, a tenth faster; the others would make them long again."""
    return xp.int32 if hasattr(xp, "index_select") else None


def rows(xp: Namespace, table: Array, index: Array) -> Array:
    """Rows of a table by number."""
    if hasattr(xp, "index_select"):  # torch's own; `take` of array-api-compat makes a second index
        return xp.index_select(table, 0, index)
    return xp.take(table, index, axis=0)


def half_bits(xp: Namespace, x: Array) -> Callable[[Array], Array] | None:
    """What shows halves as integers of their bits, if an array holds halves and the library can (NumPy, torch)."""
    can = _is(compat.is_numpy_namespace, xp) or _is(compat.is_torch_namespace, xp)
    return (lambda half: half.view(xp.int16)) if can and name_of(x.dtype) in ("float16", "bfloat16") else None


def gather(xp: Namespace, values: Array, places: Array) -> Array:
    """The entries of a list at an array of places of any rank."""
    if _is(compat.is_jax_namespace, xp):  # nothing that is sharded may be reshaped
        return xp.take(values, places, axis=0)
    return xp.reshape(rows(xp, values, xp.reshape(places, (-1,))), places.shape)


def placement_of(x: Array) -> dict[str, Device]:
    """The keyword that places an array beside another; none where there is no choice, or where JAX makes it."""
    return {} if compat.is_jax_array(x) else placement(getattr(x, "device", None))


def matmul(xp: Namespace, a: Array, b: Array) -> Array:
    """The product of matrices, in full precision; JAX rounds the factors on some devices where it is not told.

    MLX multiplies matrices of floats alone: of integers the outer products are added, which is exact as well.
    """
    if _name(xp) == "mlx.core" and "int" in str(a.dtype):
        return sum(a[..., :, k : k + 1] * b[..., k : k + 1, :] for k in range(b.shape[-2]))
    if _is(compat.is_jax_namespace, xp):
        return xp.matmul(a, b, precision="highest")
    return xp.matmul(a, b)


def compiled(xp: Namespace, formula: Callable[..., Array], device: Device | None) -> Callable[..., Array] | None:
    """``formula`` as one compiled call where the library needs that to fuse it (JAX), else None.

    The arguments of ``formula`` are compile-time constants. ``device`` may be a sharding: each device then
    computes its own part.
    """
    if not _is(compat.is_jax_namespace, xp):
        return None
    jax = import_module("jax")
    if not (device is None or isinstance(device, (jax.Device, jax.sharding.Sharding))):
        raise _checks.no_device(device)
    return _jitted(formula, device)


@cache  # of compiled functions, which hold no arrays
def _jitted(formula: Callable[..., Array], device: Device | None) -> Callable[..., Array]:
    jax = import_module("jax")
    if device is None:
        return jax.jit(formula, static_argnums=(0, 1, 2))  # type: ignore[no-any-return]  # jax is not typed here
    if not isinstance(device, jax.sharding.Sharding):
        device = jax.sharding.SingleDeviceSharding(device)
    return jax.jit(formula, static_argnums=(0, 1, 2), out_shardings=device)  # type: ignore[no-any-return]  # as above
