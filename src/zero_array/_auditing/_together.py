"""What only several weights together show: all constant, equal ones, two scales, all rounded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from ._findings import Finding
from ._seen import Seen
from ._windows import Matrix

ANEW = "zero_array.torch.init_(model)"
"""What starts a whole model anew: the audits of models name their own framework's in its place."""


@dataclass(frozen=True, slots=True)
class Print:
    """What is kept of a weight to compare it with others."""

    matrix: Matrix
    is_constant: bool
    scale: str
    is_rounded: bool
    mark: tuple[Any, ...]


def fingerprint(seen: Seen) -> Print:
    """What to keep; the mark is equal where weights are, and empty where they need not be compared."""
    matrix, values = seen.matrix, seen.values
    if seen.rows is None:
        return Print(matrix, values.is_constant, "", False, ())
    rounded = values.fits_bfloat16 and not values.is_level and matrix.dtype in ("float32", "float64")
    scale = seen.found.scale if seen.found and seen.found.rule == "hadamard" else ""
    start = next(matrix.pieces()).values[:64, :64, :64] + 0
    mark = () if seen.found else (matrix.shape, values.low, values.high, sha1(start.tobytes()).digest())
    return Print(matrix, False, scale, rounded, mark)


def judge(prints: Sequence[Print]) -> Iterator[Finding]:
    """The findings."""
    matrices = [item for item in prints if item.matrix.axes is not None]
    if len(matrices) > 1 and all(item.is_constant for item in matrices):
        yield Finding(
            "error",
            matrices[0].matrix.name,
            "all constant",
            f"each of the {len(matrices)} matrices holds one value: no two units of a layer can ever differ",
            f"ZerO is not zeros: zero_array.zero_init for each, or {ANEW}",
        )
    yield from _scales(matrices)
    yield from _equal(matrices)
    rounded = [item for item in matrices if item.is_rounded]
    if rounded and len(rounded) == sum(bool(item.mark) for item in matrices):
        yield Finding(
            "note",
            rounded[0].matrix.name,
            "rounded",
            f"bfloat16 holds all values of {_count(rounded)} exactly",
            "saved as bfloat16, they take half the space or less, and are the same",
        )


def _count(items: Sequence[Print]) -> str:
    return "this matrix" if len(items) == 1 else f"these {len(items)} matrices"


def _scales(matrices: Sequence[Print]) -> Iterator[Finding]:
    """Both of the paper's two scales in one network."""
    named = {
        scale: [item.matrix.name for item in matrices if item.scale == scale] for scale in ("orthonormal", "paper")
    }
    if all(named.values()):
        yield Finding(
            "warning",
            named["paper"][0],
            "two scales",
            f"{len(named['orthonormal'])} Hadamard weights are orthonormal, {len(named['paper'])} larger by the square "
            f"root of two: {', '.join(named['paper'][:3])}",
            "give all the same `scale`",
        )


def _equal(matrices: Sequence[Print]) -> Iterator[Finding]:
    """Weights that are copies of each other, and no constants or identities, of which many are equal by right."""
    groups: dict[tuple[Any, ...], list[Print]] = {}
    for item in matrices:
        if item.mark:
            groups.setdefault(item.mark, []).append(item)
    for first, *others in groups.values():
        names = [item.matrix.name for item in others if not _is_same(first, item) and _is_equal(first, item)]
        if names:
            yield Finding(
                "note" if len(names) == 1 else "warning",
                first.matrix.name,
                "equal parameters",
                f"equal to {', '.join(names[:3])}{' and others' if len(names) > 3 else ''}",
                "right for tied weights; query, key and value, or experts, that start equal should start apart",
            )


def _is_same(one: Print, other: Print) -> bool:
    """Whether two names have the same memory: tied weights."""
    a, b = one.matrix.array, other.matrix.array
    return a is b or (hasattr(a, "data_ptr") and a.data_ptr() == b.data_ptr())


def _is_equal(one: Print, other: Print) -> bool:
    """Whether all values are equal."""
    return all(
        bool((a.values == b.values).all()) for a, b in zip(one.matrix.pieces(), other.matrix.pieces(), strict=True)
    )
