"""All weights of an audit, one after the other: what is seen of each, and the report of them."""

from collections.abc import Mapping
from dataclasses import replace
from math import prod, sqrt
from typing import Any

from . import _audit_checks, _judge, _recognise, _spectrum, _together, _twins, _values, _windows
from ._findings import Facts, Finding
from ._report import Report
from ._seen import Seen, distinct
from ._windows import Matrix

PARTS = 64
"""Into how many parts the rows are cut for the map of twins."""


def report(weights: Mapping[str, Any], layout: Any, tolerance: Any, dtype: Any) -> Report:
    """Check the arguments of `zero_array.audit` and do what it says."""
    _audit_checks.weights(weights)
    share = _audit_checks.tolerance(tolerance)
    _audit_checks.rounding(dtype)
    prints: list[_together.Print] = []
    facts: list[Facts] = []
    findings: list[Finding] = []
    for matrix in _windows.matrices(weights, layout):
        if 0 in matrix.shape or not matrix.dtype.startswith(("float", "bfloat")):
            facts.append(Facts(matrix.name, matrix.shape, matrix.dtype))
            findings += _judge.unread(matrix)
            continue
        one = _look(matrix, share, dtype)
        findings += _judge.judge(one)
        facts.append(_facts(one))
        prints.append(_together.fingerprint(one))
    findings += _together.judge(prints)
    return Report(tuple(findings), tuple(facts))


def _look(matrix: Matrix, share: float, rounding: str | None) -> Seen:
    """Look at one weight."""
    values = _values.values(matrix)
    seen = Seen(matrix, values)
    if matrix.axes is None or values.first_bad is not None or values.is_constant:
        return seen
    found = _recognise.recognise(matrix, values)
    rows = _twins.first_equal(matrix, of_rows=True)
    seen = replace(
        seen,
        found=found,
        rows=rows,
        columns=_twins.first_equal(matrix, of_rows=False),
        spectrum=(_recognise.spectrum(found, matrix) if found else None) or _spectrum.spectrum(matrix),
        elsewhere=None if found or not values.is_level else _elsewhere(matrix),
    )
    if share:
        seen = replace(seen, near=tuple(_twins.near(matrix, rows, share * values.largest)))
    if rounding and found is None and matrix.dtype in ("float32", "float64"):
        rounded = _twins.first_equal(matrix, of_rows=True, change=_values.ROUNDED[rounding])
        seen = replace(seen, rounded=rounded, rounding=rounding)
    return seen


def _elsewhere(matrix: Matrix) -> tuple[tuple[int, int], _recognise.Recognised] | None:
    """By which other axes it would be recognised, and as what."""
    count = len(matrix.shape)
    for axes in ((0, 1), (count - 1, count - 2)):
        if count > 2 and axes != matrix.axes:
            turned = replace(matrix, axes=axes)
            found = _recognise.recognise(turned, _values.values(turned))
            if found:
                return axes, found
    return None


def _facts(seen: Seen) -> Facts:
    """What is known of one weight."""
    matrix = seen.matrix
    facts = Facts(matrix.name, matrix.shape, matrix.dtype, matrix.axes)
    if seen.values.first_bad is not None:
        return facts
    if seen.rows is None:
        return _facts_of_constant(facts, seen.values)
    values = seen.spectrum.values
    return replace(
        facts,
        fill=str(seen.found or _spectrum.name(seen.spectrum)),
        distinct=(distinct(seen.rows), distinct(seen.columns)),
        rank=seen.spectrum.rank,
        singular=(float(values[-1]), float(values[0])),
        spectrum=_spectrum.some(values),
        sampled=seen.spectrum.sampled,
        twins=_map(seen.rows),
    )


def _facts_of_constant(facts: Facts, values: _values.Values) -> Facts:
    """What is known of a constant, and of a vector."""
    if not values.is_constant:
        return facts
    fill = "zeros" if values.low == 0 else f"constant {values.low:.6g}"
    if facts.axes is None:
        return replace(facts, fill=fill)
    size, outputs = prod(facts.shape), facts.shape[facts.axes[0]]
    largest = values.largest * sqrt(size)
    least = largest if 1 in (outputs, size // outputs) else 0.0
    return replace(facts, fill=fill, distinct=(1, 1), rank=int(largest > 0), singular=(least, largest))


def _map(first: Any) -> tuple[float, ...]:
    """For equal parts of the rows the share of those that equal an earlier one; nothing where none does."""
    import numpy

    twins = first != numpy.arange(len(first))
    parts = numpy.array_split(twins, min(PARTS, len(twins)))
    return tuple(float(part.mean()) for part in parts) if twins.any() else ()
