"""`zero-array show SHAPE`: a small weight as signs, and what is known of it."""

from collections.abc import Iterator
from typing import Any

from .. import _orders
from .._build import build
from .._namespace import namespace
from .._typing import Function, Shape
from .._weight import RULES, Weight, weight

ROWS, COLUMNS = 64, 120
"""The largest matrix that is printed whole."""

MEASURED = 1024
"""The largest side for which singular values are computed."""


def show(function: Function, shape: Shape, **options: Any) -> Iterator[str]:
    """Yield the lines that describe the weight of ``function`` (the name of a constructor) for ``shape``."""
    whole = weight(RULES[function], shape, in_axis=1, out_axis=0, center="paper", window=None, **options)
    yield from _signs(whole)
    yield ""
    for name, fact in _facts(whole, whole.block()):
        yield f"{name:16} {fact}"


def _signs(whole: Weight) -> Iterator[str]:
    """The matrix at the centre tap, a line per output: 1 and . for an identity, + and - for a Hadamard weight."""
    sizes = whole.shape
    shown = (min(sizes[0], ROWS), min(sizes[1], COLUMNS))
    tap = [(t or 0, (t or 0) + 1) for t in whole.taps[2:]]
    part = whole.part(((0, shown[0]), (0, shown[1]), *tap))
    array = build(namespace(None), part, "float64", None).reshape(shown)
    one = "1" if whole.rule == "identity" else "+"
    for row in array.tolist():
        yield "".join("-" if value < 0 else one if value else "." for value in row)
    if shown != sizes[:2]:
        yield f"(the first {shown[0]} x {shown[1]} of {sizes[0]} x {sizes[1]})"


def _facts(whole: Weight, block: Weight) -> Iterator[tuple[str, str]]:
    """Names and values of what is known."""
    outputs, inputs = block.shape
    yield (
        "rule",
        f"{whole.rule}, {outputs} outputs x {inputs} inputs"
        + (f" in each of {whole.shape[0] // outputs} groups" if outputs < whole.shape[0] else ""),
    )
    if whole.taps[2:]:
        yield "centre tap", ", ".join(map(str, whole.taps[2:])) + "; zeros elsewhere"
    if whole.rule == "hadamard":
        yield "order", _orders.equation(block.factors)
        yield "scale", f"{whole.constant!r}"
    distinct, unknown = block.distinct_rows(), f"not computed above {MEASURED} x {MEASURED}"
    if max(outputs, inputs) > MEASURED:
        yield "distinct rows", unknown if distinct is None else f"{distinct} of {outputs}"
        yield "singular values", unknown
        return
    import numpy

    array = build(namespace(None), block, "float64", None)
    yield "distinct rows", f"{len(numpy.unique(array, axis=0))} of {outputs}"
    values = numpy.linalg.svd(array, compute_uv=False)
    yield "singular values", f"{values.min():.4g} to {values.max():.4g}"
