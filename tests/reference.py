"""ZerO weights the slow, plain way: lists, recursion and slices, straight from the paper's definitions.

Shares no code with the package and imports neither it nor NumPy. ``python tests/reference.py`` writes ``golden.json``.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from math import frexp
from pathlib import Path
from typing import Any

from cases import CASES, Case

DEFINITION = 1
GOLDEN = Path(__file__).with_name("golden.json")

Matrix = list[list[float]]
Nested = Any
"""Lists of lists (of lists ...) of floats, one level per axis."""

FORMATS = {"float64": (11, 52), "float32": (8, 23), "float16": (5, 10), "bfloat16": (8, 7)}
"""Bits of the exponent and of the fraction."""


def sylvester(m: int) -> Matrix:
    """Definition 2: ``H_m = [[H, H], [H, -H]]``."""
    if m == 0:
        return [[1.0]]
    half = sylvester(m - 1)
    return [row + row for row in half] + [row + [-sign for sign in row] for row in half]


def identity(outputs: int, inputs: int) -> Matrix:
    """Definition 1: the partial identity ``I*``."""
    return [[1.0 if i == j else 0.0 for j in range(inputs)] for i in range(outputs)]


def hadamard(outputs: int, inputs: int, scale: str) -> Matrix:
    """``c I* H_m I*``: the upper left corner of the least order that holds it."""
    m = 0
    while 2**m < max(outputs, inputs):
        m += 1
    constant = 2.0 ** (-m / 2) if scale == "orthonormal" else 2.0 ** (-(m - 1) / 2)
    corner = [row[:inputs] for row in sylvester(m)[:outputs]]
    return [[constant * sign for sign in row] for row in corner]


def matrix(function: str, outputs: int, inputs: int, scale: str) -> Matrix:
    """One block by its rule; ``"zero"`` is Algorithm 1."""
    if function == "identity" or (function == "zero" and outputs <= inputs):
        return identity(outputs, inputs)
    return hadamard(outputs, inputs, scale)


def centre(rule: str | int | Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
    """The tap of each kernel axis that holds the matrix."""
    if rule == "paper":
        return tuple(k // 2 for k in kernel)
    if rule == "same":
        return tuple((k - 1) // 2 for k in kernel)
    assert not isinstance(rule, str)
    numbers = [rule] if isinstance(rule, int) else rule
    return tuple(range(k)[number] for k, number in zip(kernel, numbers, strict=True))


def fill(shape: Sequence[int], entry: Callable[[tuple[int, ...]], float], index: tuple[int, ...] = ()) -> Nested:
    """Nested lists whose entry at each index is ``entry(index)``."""
    if len(index) == len(shape):
        return entry(index)
    return [fill(shape, entry, (*index, number)) for number in range(shape[len(index)])]


def cut(array: Nested, window: Sequence[tuple[int, int]]) -> Nested:
    """The window of nested lists: one slice per level."""
    if not window:
        return array
    (start, stop), *rest = window
    return [cut(part, rest) for part in array[start:stop]]


def flat(array: Nested) -> Iterator[float]:
    """The entries in C order."""
    if isinstance(array, float):
        yield array
    else:
        for part in array:
            yield from flat(part)


def weight(case: Case) -> Nested:
    """The array of a case: the whole first, then its window."""
    rank = len(case.shape)
    options: dict[str, Any] = {
        "in_axis": 1,
        "out_axis": 0,
        "groups": 1,
        "center": "paper",
        "scale": "orthonormal",
        "window": None,
    }
    options |= case.options
    into, out = options["in_axis"] % rank, options["out_axis"] % rank
    block = matrix(case.function, case.shape[out] // options["groups"], case.shape[into], options["scale"])
    rows: Matrix = block * options["groups"]
    kernel = [axis for axis in range(rank) if axis not in (into, out)]
    tap = centre(options["center"], [case.shape[axis] for axis in kernel])

    def entry(index: tuple[int, ...]) -> float:
        if tuple(index[axis] for axis in kernel) != tap:
            return 0.0
        return float(rows[index[out]][index[into]])

    whole = fill(case.shape, entry)
    return whole if options["window"] is None else cut(whole, options["window"])


def encode(value: float, dtype: str) -> bytes:
    """The little-endian IEEE bytes of a double, rounded once to ``dtype``, ties to even."""
    exponent_bits, fraction_bits = FORMATS[dtype]
    lowest = 2 - 2 ** (exponent_bits - 1)  # the exponent of the least normal number, which subnormals share
    exponent = max(frexp(value)[1] - 1, lowest) if value else lowest
    units = round(abs(Fraction(value)) / Fraction(2) ** (exponent - fraction_bits))
    bits = ((exponent - lowest) << fraction_bits) + units  # the leading one of a normal number adds 1 to the exponent
    sign = int(value < 0) << (exponent_bits + fraction_bits)
    return int(sign + bits).to_bytes((1 + exponent_bits + fraction_bits) // 8, "little")


def to_bytes(entries: Sequence[float], dtype: str) -> bytes:
    """The bytes of all entries: a weight has three different ones at most."""
    code = {value: encode(value, dtype) for value in set(entries)}
    return b"".join([code[value] for value in entries])


def digests(case: Case) -> dict[str, str]:
    """SHA-256 over the little-endian C-order bytes, for every dtype."""
    entries = list(flat(weight(case)))
    return {dtype: hashlib.sha256(to_bytes(entries, dtype)).hexdigest() for dtype in FORMATS}


def main() -> None:
    """Write ``golden.json``."""
    golden = {"definition": DEFINITION, "digests": {case.id: digests(case) for case in CASES}}
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
