"""ZerO weights the slow, plain way: lists, recursion and slices, straight from the paper's definitions.

Shares no code with the package and imports neither it nor NumPy. ``python tests/reference.py`` writes ``golden.json``.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import frexp, sqrt
from typing import Any

from cases import CASES, GOLDEN, SIGNS, Case

DEFINITION = 1

Matrix = list[list[float]]
Nested = Any
"""Lists of lists (of lists ...) of floats, one level per axis."""

FORMATS = {"float64": (11, 52), "float32": (8, 23), "float16": (5, 10), "bfloat16": (8, 7)}
"""Bits of the exponent and of the fraction."""


FACTORS = {
    12: [("paley1", 11)],
    20: [("paley1", 19)],
    24: [("paley1", 11), ("sylvester", 1)],
    28: [("paley1", 27)],
    36: [("paley2", 17)],
    40: [("paley1", 19), ("sylvester", 1)],
    48: [("paley1", 11), ("sylvester", 2)],
    52: [("paley2", 25)],
    60: [("paley1", 59)],
    76: [("paley2", 37)],
    84: [("paley1", 83)],
    96: [("paley1", 11), ("sylvester", 3)],
    100: [("paley2", 49)],
    104: [("paley2", 25), ("sylvester", 1)],
    240: [("paley1", 19), ("paley1", 11)],
    344: [("paley1", 343)],
    576: [("paley1", 11), ("paley1", 11), ("sylvester", 2)],
    768: [("paley1", 11), ("sylvester", 6)],
    1152: [("paley1", 11), ("paley1", 11), ("sylvester", 3)],
    8960: [("paley1", 27), ("paley1", 19), ("sylvester", 4)],
}
"""The orders of the cases that are no powers of two, by their Kronecker factors."""

FIELDS = {25: (5, (3, 1)), 27: (3, (2, 1, 0)), 49: (7, (4, 1)), 343: (7, (5, 1, 0))}
"""``x^k`` as a polynomial, lowest coefficient first, in the fields of the cases that are no primes."""


def sylvester(m: int) -> Matrix:
    """Definition 2: ``H_m = [[H, H], [H, -H]]``."""
    if m == 0:
        return [[1.0]]
    half = sylvester(m - 1)
    return [row + row for row in half] + [row + [-sign for sign in row] for row in half]


def squares(q: int) -> tuple[int, set[int]]:
    """The prime of a field of `q` elements and the numbers of its squares, by squaring every element."""
    p, rule = FIELDS.get(q, (q, (0,)))
    k = len(rule)
    found = set()
    for number in range(1, q):
        digits = [number // p**power % p for power in range(k)]
        square = [0] * (2 * k - 1)
        for a, first in enumerate(digits):
            for b, second in enumerate(digits):
                square[a + b] += first * second
        for power in range(2 * k - 2, k - 1, -1):  # x^power by the rule
            top = square.pop()
            for step, coefficient in enumerate(rule):
                square[power - k + step] += top * coefficient
        found.add(sum(digit % p * p**power for power, digit in enumerate(square)))
    return p, found


def paley(kind: str, q: int) -> Matrix:
    """Paley's constructions, with the indices of the field added where he subtracts them: a symmetric matrix."""
    p, found = squares(q)
    symbols = [[0.0 if i == j == 0 else 1.0 for j in range(q + 1)] for i in range(q + 1)]
    for a in range(q):
        for b in range(q):
            place, unit = 0, 1
            while unit < q:
                place += (a // unit % p + b // unit % p) % p * unit
                unit *= p
            symbols[a + 1][b + 1] = 0.0 if place == 0 else 1.0 if place in found else -1.0
    if kind == "paley1":
        symbols[0][0] = 1.0
        return [[-1.0 if symbol == 0 else symbol for symbol in row] for row in symbols]
    cells = {0.0: [[1.0, -1.0], [-1.0, -1.0]], 1.0: [[1.0, 1.0], [1.0, -1.0]], -1.0: [[-1.0, -1.0], [-1.0, 1.0]]}
    return [[entry for symbol in row for entry in cells[symbol][half]] for row in symbols for half in (0, 1)]


class Hadamard:
    """A Hadamard matrix by its factors, an entry at a time."""

    def __init__(self, order: int) -> None:
        m = order.bit_length() - 1
        factors = FACTORS.get(order, [("sylvester", m)])
        assert order in FACTORS or order == 2**m
        self.order = order
        self.factors = [sylvester(size) if kind == "sylvester" else paley(kind, size) for kind, size in factors]
        self.m = factors[-1][1] if factors[-1][0] == "sylvester" else 0
        self.blocks = [len(factor) for factor in self.factors if len(factor) % 4 == 0 and len(factor) & len(factor) - 1]

    def entry(self, i: int, j: int) -> float:
        """The product of one entry of each factor."""
        found = 1.0
        for factor in reversed(self.factors):
            i, row = divmod(i, len(factor))
            j, column = divmod(j, len(factor))
            found *= factor[row][column]
        return found

    def columns(self, name: str) -> list[int]:
        """The order of its columns by their numbers in this matrix."""
        if name in ("first", "natural"):
            return list(range(self.order))
        if name == "distinct":
            return self.distinct()
        rows = sylvester(self.m)
        if name == "sequency":  # sorted by the number of changes of sign
            return sorted(range(self.order), key=lambda row: sum(a != b for a, b in pairwise(rows[row])))
        return [int(f"{number:0{self.m}b}"[::-1] or "0", 2) if self.m else 0 for number in range(self.order)]

    def distinct(self) -> list[int]:
        """In each block one column after the other, in Sylvester's matrix by a shift register, and all of them once."""
        register = shift_register(self.m)
        found: list[int] = []
        for number in range(self.order):
            rest, moved, column = number, 0, 0
            for order in self.blocks:
                moved += rest % order
                rest //= order
                column = column * order + moved % order
            step = number % (self.order >> self.m)
            found.append(column * 2**self.m + register[(rest + step) % 2**self.m])
        assert sorted(found) == list(range(self.order))
        return found


def shift_register(m: int) -> list[int]:
    """All numbers of `m` bits: the powers of x modulo the first polynomial that gives all but 0, then 0."""
    for polynomial in range(2**m, 2 ** (m + 1)):
        found: list[int] = []
        value = 1
        while value not in found[:1] and len(found) < 2**m:
            found.append(value)
            value = 2 * value if 2 * value < 2**m else 2 * value ^ polynomial
        if len(set(found)) == 2**m - 1 and 0 not in found:
            return [*found, 0]
    return [0]  # m = 0


def identity(outputs: int, inputs: int) -> Matrix:
    """Definition 1: the partial identity ``I*``."""
    return [[1.0 if i == j else 0.0 for j in range(inputs)] for i in range(outputs)]


def hadamard(outputs: int, inputs: int, options: dict[str, Any]) -> Matrix:
    """``c I* H_m I*``: the upper left corner of the least order that holds it, or what the options make of it."""
    order, m = max(outputs, inputs), 0
    while 2**m < order:
        m += 1
    if options["order"] == "pad" or (options["order"] == "auto" and order not in FACTORS):
        order = 2**m
    if order == 2**m:
        constant = 2.0 ** (-m / 2) if options["scale"] == "orthonormal" else 2.0 ** (-(m - 1) / 2)
    else:
        constant = sqrt(1 / order) if options["scale"] == "orthonormal" else sqrt(2 / order)
    whole = Hadamard(order)
    columns = whole.columns(options["columns"])[:inputs]
    return [[constant * whole.entry(output, column) for column in columns] for output in range(outputs)]


def matrix(function: str, outputs: int, inputs: int, options: dict[str, Any]) -> Matrix:
    """One block by its rule; ``"zero"`` is Algorithm 1."""
    if function == "identity" or (function == "zero" and outputs <= inputs):
        return identity(outputs, inputs)
    return hadamard(outputs, inputs, options)


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
        "order": "pad",
        "columns": "first",
        "window": None,
    }
    options |= case.options
    into, out = options["in_axis"] % rank, options["out_axis"] % rank
    block = matrix(case.function, case.shape[out] // options["groups"], case.shape[into], options)
    rows: Matrix = block * options["groups"]
    kernel = [axis for axis in range(rank) if axis not in (into, out)]
    tap = centre(options["center"], [case.shape[axis] for axis in kernel])

    def entry(index: tuple[int, ...]) -> float:
        if tuple(index[axis] for axis in kernel) != tap:
            return 0.0
        return float(rows[index[out]][index[into]])

    whole = fill(case.shape, entry)
    return whole if options["window"] is None else cut(whole, options["window"])


def signs(case: Case) -> Matrix:
    """The matrix of plus and minus ones of a case, or its window."""
    whole = Hadamard(case.shape[0])
    columns = whole.columns(case.options.get("ordering", "natural"))
    rows, cols = (range(*ends) for ends in case.options.get("window", [(0, whole.order)] * 2))
    return [[whole.entry(row, columns[col]) for col in cols] for row in rows]


def encode(value: float, dtype: str) -> bytes:
    """The little-endian IEEE bytes of a double, rounded once to ``dtype``, ties to even; of an integer as int8."""
    if dtype == "int8":
        return int(value).to_bytes(1, "little", signed=True)
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
    is_signs = case.function == "signs"
    entries = list(flat(signs(case) if is_signs else weight(case)))
    dtypes = [*FORMATS, "int8"] if is_signs else FORMATS
    return {dtype: hashlib.sha256(to_bytes(entries, dtype)).hexdigest() for dtype in dtypes}


def main() -> None:
    """Write ``golden.json``."""
    golden = {"definition": DEFINITION, "digests": {case.id: digests(case) for case in [*CASES, *SIGNS]}}
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
