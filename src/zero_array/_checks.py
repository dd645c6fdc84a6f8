"""Argument checks of the core. Every message of the core is written here.

One grammar: *the argument* must be *this*; got *that*, then a remedy where one is usual. A wrong kind of
thing is a ``TypeError``, a wrong value a ``ValueError``, and nothing has been built when either is raised.
"""

import operator
import re
from collections.abc import Iterable, Sequence
from typing import Any

from ._typing import Center, Shape, Window

LONGEST = 2**31
"""The longest axis: every index then fits the 32-bit integers that some backends are limited to."""


def integer(value: Any) -> int | None:
    """``value`` as an int, or None where it is not one (bools and floats are not)."""
    if type(value) is int:
        return value
    if type(value).__name__ in ("bool", "bool_"):  # the second is NumPy's
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def integers(value: Any) -> tuple[int, ...] | None:
    """``value`` as a tuple of ints, or None where it is not a sequence of them."""
    if isinstance(value, (str, bytes, bytearray)) or not isinstance(value, Sequence):
        return None
    result = tuple([integer(item) for item in value])
    return None if None in result else result  # type: ignore[return-value]  # mypy cannot see that no None is left


def shape(value: Any) -> Shape:
    """Check a shape: two or more ints >= 1."""
    sizes = integers(value)
    if sizes is None or len(sizes) < 2 or min(sizes) < 1:
        message = f"`shape` must be two or more ints >= 1; got {value!r}"
        if sizes is None:
            raise TypeError(message if isinstance(value, (tuple, list)) else f"{message}: pass a tuple of ints")
        raise ValueError(message)
    if max(sizes) > LONGEST:
        raise ValueError(f"`shape` must have no axis longer than 2**31; got {value!r}")
    return sizes


def axes(rank: int, in_axis: Any, out_axis: Any) -> tuple[int, int]:
    """Check the two channel axes; both come back counted from the front, ``(in_axis, out_axis)``."""
    found = axis("in_axis", in_axis, rank, "a shape"), axis("out_axis", out_axis, rank, "a shape")
    if found[0] == found[1]:
        raise same_axes(rank, in_axis=in_axis, out_axis=out_axis)
    return found


def axis(name: str, value: Any, rank: int, what: str) -> int:
    """Check one axis of something of `rank` axes; it comes back counted from the front."""
    if rank == 0:
        raise ValueError("`x` must have one or more axes; got shape ()")
    found = integer(value)
    if found is not None and -rank <= found < rank:
        return found % rank
    message = f"`{name}` must be an int from {-rank} to {rank - 1} for {what} of {rank} axes; got {value!r}"
    raise (TypeError if found is None else ValueError)(message)


def same_axes(rank: int, **axes: Any) -> ValueError:
    """The refusal of an axis that would be two things at once."""
    names, values = [f"`{name}`" for name in axes], [repr(value) for value in axes.values()]
    wanted, got = (f"{', '.join(words[:-1])} and {words[-1]}" for words in (names, values))
    return ValueError(f"{wanted} must be different axes; got {got} for a shape of {rank} axes")


def groups(value: Any, length: int, axis: str) -> int:
    """Check the number of groups: an int >= 1 that divides the `length` of the ``"out"`` or ``"in"`` axis."""
    number = count("groups", value)
    if length % number:
        raise ValueError(
            f"`groups` must divide the length of the {axis} axis; got {number} groups for {length} {axis}puts"
        )
    return number


def count(name: str, value: Any) -> int:
    """Check a number of things: an int >= 1."""
    found = integer(value)
    if found is None:
        raise TypeError(f"`{name}` must be an int >= 1; got {value!r}")
    if found < 1:
        raise ValueError(f"`{name}` must be an int >= 1; got {value!r}")
    return found


def taps(value: Center, kernel: Shape) -> tuple[int, ...]:
    """The tap of each kernel axis that holds the matrix."""
    if isinstance(value, str):
        if value == "paper":
            return tuple(size // 2 for size in kernel)
        if value == "same":
            return tuple((size - 1) // 2 for size in kernel)
        raise ValueError(_CENTER + f"; got {value!r}")
    single = integer(value)
    found = integers(value) if single is None else (single,)
    if found is None:
        raise TypeError(_CENTER + f"; got {value!r}")
    if len(found) != len(kernel):
        remedy = f": write {(single,) * len(kernel)}" if single is not None and kernel else ""
        raise ValueError(f"{_CENTER}; got {value!r} for a kernel of {kernel}{remedy}")
    if not all(-size <= tap < size for tap, size in zip(found, kernel, strict=True)):
        raise ValueError(f"`center` must lie inside the kernel; got {value!r} for a kernel of {kernel}")
    return tuple(tap % size for tap, size in zip(found, kernel, strict=True))


_CENTER = "`center` must be 'paper', 'same' or one int per kernel axis"


def one_of(name: str, value: Any, names: tuple[str, ...]) -> None:
    """Check an argument that is one of a few names."""
    if isinstance(value, str) and value in names:
        return
    message = f"`{name}` must be {', '.join(map(repr, names[:-1]))} or {names[-1]!r}; got {value!r}"
    raise (ValueError if isinstance(value, str) else TypeError)(message)


def window(value: Any, full: Shape) -> Window:
    """Check a window: inside ``full``, one slice, range or ``(start, stop)`` pair per axis; None is the whole."""
    if value is None:
        return tuple((0, size) for size in full)
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise TypeError(f"`window` must be one slice or (start, stop) pair per axis; got {value!r}")
    if len(value) != len(full):
        raise ValueError(
            f"`window` must be one slice or (start, stop) pair per axis; got {len(value)} for {len(full)} axes"
        )
    return tuple(_range(part, axis, size) for axis, (part, size) in enumerate(zip(value, full, strict=True)))


def _range(part: Any, axis: int, size: int) -> tuple[int, int]:
    """Check one axis of a window; in slices negative ends count from the end, as everywhere in Python."""
    if isinstance(part, (slice, range)):
        if part.step is not None and integer(part.step) != 1:
            raise ValueError(f"`window` must have no step; got {part!r} on axis {axis}")
        ends: Any = (0 if part.start is None else part.start, size if part.stop is None else part.stop)
    else:
        ends = part
    found = integers(ends)
    if found is None or len(found) != 2:
        raise TypeError(f"`window` must be one slice or (start, stop) pair per axis; got {part!r} on axis {axis}")
    start, stop = [end + size if isinstance(part, slice) and end < 0 else end for end in found]
    if not 0 <= start <= stop <= size:
        remedy = (
            ": only slices count from the end, such as slice(-2, None)" if min(start, stop) < 0 and part is ends else ""
        )
        raise ValueError(
            f"`window` must lie inside the shape, 0 <= start <= stop <= {size} on axis {axis}; got {part!r}{remedy}"
        )
    return start, stop


def namespace(xp: Any) -> None:
    """Check that ``xp`` looks like an array namespace."""
    name = getattr(xp, "__name__", None)
    if name in _PARENTS:
        raise TypeError(f"`xp` must be an array namespace; got the package {name}: pass {_PARENTS[name]}")
    if isinstance(xp, str):
        raise TypeError(f"`xp` must be an array namespace, the module itself; got the string {xp!r}")
    if not callable(getattr(xp, "ndim", callable)):  # modules have a function of this name, arrays an int
        raise TypeError(f"`xp` must be an array namespace such as numpy; got an array of type {type(xp).__name__}")
    if not all(hasattr(xp, needed) for needed in ("asarray", "take", "float32")):
        raise TypeError(f"`xp` must be an array namespace such as numpy; got {xp!r}")


def other_namespace(xp: Any, wanted: str) -> TypeError:
    """The refusal of a namespace by functions that belong to one library."""
    name = getattr(xp, "__name__", repr(xp))
    return TypeError(f"`xp` must be {wanted} or left out here; got {name}: use zero_array's own functions for it")


_PARENTS = {"jax": "jax.numpy", "dask": "dask.array", "mlx": "mlx.core"}


def held(array: Any, shape: Shape) -> None:
    """Check an array that is to be read: whether it can be, and is of the shape wanted."""
    if not (hasattr(array, "shape") and hasattr(array, "dtype")):
        raise TypeError(f"`array` must be an array; got {type(array).__name__}")
    if hasattr(array, "device_mesh") or not getattr(array, "is_fully_addressable", True):
        raise TypeError(
            f"`array` must be here as a whole; got shards of a {type(array).__name__}: pass what this process holds, "
            "and its `window`"
        )
    if tuple(array.shape) != shape:
        raise ValueError(f"`array` must have the shape of its window, {shape}; got {tuple(array.shape)}")


def no_weight(dtype: Any) -> TypeError:
    """The refusal of an array that can hold no weight."""
    return TypeError(f"`array` must be of float64, float32, float16 or bfloat16; got {dtype}")


def no_dtype(value: Any, *, ints: bool = False) -> TypeError:
    """The refusal of a dtype that no weight can have, or, where `ints`, that cannot hold -1."""
    names = (
        "float64, float32, float16, bfloat16 or a signed integer" if ints else "float64, float32, float16 or bfloat16"
    )
    remedy = ": pass 'float32' or the like, and change the byte order of what comes back" if has_order(value) else ""
    return TypeError(f"`dtype` must be {names}, by name or as the namespace's own object; got {value!r}{remedy}")


def has_order(dtype: Any) -> bool:
    """Whether a dtype of NumPy, or its name, has a byte order that is not this machine's, or that is said."""
    return re.fullmatch(r"[<>=][fiuc]\d+", str(dtype)) is not None


def missing_dtype(name: str, library: str, remedy: str = "") -> ValueError:
    """The refusal of a dtype that this namespace does not have (now)."""
    return ValueError(f"`dtype` must be one that {library} has; got {name}{remedy}")


def no_device(value: Any) -> TypeError:
    """The refusal of what is no device of JAX."""
    remedy = f": pass jax.devices({value!r})[0]" if isinstance(value, str) else ""
    return TypeError(f"`device` must be a device or a sharding of JAX; got {value!r}{remedy}")


def no_gpu(library: str) -> ValueError:
    """The refusal of a GPU for a library that has none."""
    return ValueError(f"`device` must be one that {library} has; got 'gpu', and it runs on the CPU alone")


def no_backend(name: str, names: Iterable[str]) -> ValueError:
    """The refusal of a backend that is not in the table."""
    return ValueError(f"`backend` must be one of {', '.join(names)}; got {name!r}")


def no_chunks(value: Any) -> ValueError:
    """The refusal of chunks that are empty where they cannot be, or shorter than that."""
    return ValueError(f"`chunks` must be lengths >= 1, or -1 for a whole axis; got {value!r}")


def no_tensor(value: Any) -> TypeError:
    """The refusal of something that is no tensor by an in-place function."""
    return TypeError(f"`tensor` must be a torch.Tensor; got {value!r}")


def no_plain_tensor(kind: str) -> TypeError:
    """The refusal of a tensor whose elements cannot be written one by one: a DTensor, a sparse one."""
    return TypeError(
        f"`tensor` must be a plain dense tensor; got {kind}: build its local part by zero_init(..., window=...)"
    )


def other_part(local: Shape, wanted: Shape, whole: Shape) -> ValueError:
    """The refusal of a DTensor whose local part is not the one that its placement says."""
    return ValueError(f"`tensor` must hold {wanted} of {whole} here, as its placement says; got {local}")


def no_shape(value: Any) -> TypeError:
    """The refusal of a tensor that has no shape yet."""
    return TypeError(
        f"`tensor` must have a shape; got an {type(value).__name__}: run a batch through the lazy module first"
    )


def no_matrix(shape: Shape, argument: str = "tensor") -> ValueError:
    """The refusal of a vector or scalar."""
    return ValueError(f"`{argument}` must have two or more axes; got shape {shape}: vectors start as zeros or ones")
