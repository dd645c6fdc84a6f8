"""A weight of any size, a window at a time: its digest, and what an array that should hold it holds instead."""

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from itertools import product
from math import prod
from typing import Any, NamedTuple

from . import _checks, _host, _namespace
from ._build import build
from ._target import Target
from ._typing import Center, Choice, DType, Function, Order, Scale, Shape, Window, WindowLike
from ._weight import RULES, Weight, weight

CHUNK = 2**21
"""How many entries are held at once."""


def windows(shape: Shape, entries: int) -> Iterator[Window]:
    """The windows of a shape in C order, each a run of its bytes, and of at most so many entries."""
    if 0 in shape:
        return
    if not shape:
        yield ()
        return
    axis = next(axis for axis in range(len(shape)) if prod(shape[axis + 1 :]) <= entries)
    step = entries // prod(shape[axis + 1 :])
    for leading in product(*map(range, shape[:axis])):
        for start in range(0, shape[axis], step):
            own = start, min(start + step, shape[axis])
            yield (*((index, index + 1) for index in leading), own, *((0, size) for size in shape[axis + 1 :]))


def digest(whole: Weight, dtype: DType, rows: int | None, tell: Callable[[float], None]) -> str:
    """The SHA-256 of a weight's little-endian C-order bytes, some rows at a time; `tell` hears what part is done."""
    entries = CHUNK if rows is None else _checks.count("chunk", rows) * prod(whole.shape[1:])
    xp = _namespace.namespace(None)
    found, done = sha256(), 0
    for window in windows(whole.shape, entries):
        array = build(xp, whole.part(window), _namespace.dtype(xp, dtype), None)
        found.update(_host.to_bytes(array))
        done += array.size
        tell(done / prod(whole.shape))
    return found.hexdigest()


class Comparison(NamedTuple):
    """What `compare` found: the number of entries, how many differ, and the index in the whole of the first."""

    entries: int
    different: int
    first: tuple[int, ...] | None


def compare(
    array: Any,
    shape: Sequence[int],
    /,
    *,
    function: Function = "zero_init",
    window: WindowLike | None = None,
    in_axis: int = 1,
    out_axis: int = 0,
    groups: int = 1,
    center: Center = "paper",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
) -> Comparison:
    """Compare an array, or a shard of one, bit for bit with the ZerO weight that it should be.

    Parameters
    ----------
    array : array
        The whole weight, or the part of it that this process holds: an array of any library, or an object that has a
        shape, a dtype, and arrays for slices, such as a file on disk. It is read about 2 million entries at a time.
    shape : sequence of int
        The shape of the whole weight.
    function : {"zero_init", "hadamard_init", "identity_init"}
        The constructor to compare with.
    window : sequence of (slice or (int, int)), optional
        Which part of the whole the array is: one slice or ``(start, stop)`` pair per axis. By default all of it.
    in_axis, out_axis, groups, center, scale, order, columns
        As in `zero_init`.

    Returns
    -------
    Comparison
        A named tuple: ``entries``, how many the array has; ``different``, how many of them differ from the weight; and
        ``first``, the index in the whole weight of the first of these in C order, or None.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or has a wrong value, or if the array does not have the shape of its window.

    Notes
    -----
    Bits are compared: -0.0 is not 0.0.

    Examples
    --------
    >>> import zero_array
    >>> shard = zero_array.zero_init((1024, 256), window=[(512, 768), (0, 256)])
    >>> zero_array.compare(shard, (1024, 256), window=[(512, 768), (0, 256)])
    Comparison(entries=65536, different=0, first=None)
    >>> shard[3, 5] = 7
    >>> zero_array.compare(shard, (1024, 256), window=[(512, 768), (0, 256)])
    Comparison(entries=65536, different=1, first=(515, 5))
    """
    _checks.one_of("function", function, tuple(RULES))
    wanted = weight(
        RULES[function],
        shape,
        in_axis=in_axis,
        out_axis=out_axis,
        groups=groups,
        center=center,
        window=window,
        scale=scale,
        order=order,
        columns=columns,
    )
    _checks.held(array, wanted.shape)
    if _namespace.name_of(array.dtype) not in _namespace.FLOATS:
        raise _checks.no_weight(array.dtype)
    different, first = 0, None
    for part in windows(wanted.shape, CHUNK):
        places = _differences(array[tuple(slice(*ends) for ends in part)], wanted.part(part))
        if first is None and len(places):
            first = _index(int(places[0]), wanted.part(part).window)
        different += len(places)
    return Comparison(prod(wanted.shape), different, first)


def _differences(piece: Any, wanted: Weight) -> Any:
    """The places, in C order, of the entries of an array that are not those of a weight.

    A weight has three different entries at most, so it is built of 0, 1 and -1: their bits are the array's library's.
    """
    import numpy

    target = Target(_namespace.of(piece), piece.dtype, {})
    codes = [_host.to_bytes(target.floats(value)) for value in (0.0, wanted.constant, -wanted.constant)]
    table = numpy.frombuffer(b"".join(codes), dtype=f"<u{len(codes[0])}")
    signs = build(_namespace.namespace(None), wanted._replace(constant=1.0), numpy.int8, None)
    found = numpy.frombuffer(_host.to_bytes(piece), dtype=table.dtype)
    return numpy.flatnonzero(found != table[signs.reshape(-1)])


def _index(place: int, window: Window) -> tuple[int, ...]:
    """The index in the whole of a place in a window."""
    found = []
    for start, stop in reversed(window):
        place, index = divmod(place, stop - start)
        found.append(start + index)
    return tuple(reversed(found))
