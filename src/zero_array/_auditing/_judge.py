"""From what was seen of one weight to findings: what is wrong, how that shows, and what to do."""

from collections.abc import Iterator
from math import prod, sqrt
from typing import Any

from ._findings import Finding
from ._recognise import Recognised
from ._seen import Seen, distinct, period
from ._windows import Matrix


def judge(seen: Seen) -> Iterator[Finding]:
    """All findings on one weight."""
    values = seen.values
    if values.first_bad is not None:
        yield _not_finite(seen)
    elif seen.matrix.axes is not None and values.is_constant:
        yield _constant(seen)
    elif seen.rows is not None:
        for look in (_orientation, _dead, _unread, _twin_rows, _near, _twin_columns, _rounded, _fill, _rank):
            yield from look(seen)


def unread(matrix: Matrix) -> Iterator[Finding]:
    """What to say of a parameter that was passed over: nothing where it is empty, counts or indexes."""
    if not matrix.dtype.startswith(("int", "uint", "bool", "float", "bfloat")):
        yield Finding(
            "note",
            matrix.name,
            "not read",
            f"its dtype is {matrix.dtype}, and floats alone are looked at",
            "audit the checkpoint that it was made from",
        )


def _not_finite(seen: Seen) -> Finding:
    values = seen.values
    counts = [f"{values.nans} NaN"] * (values.nans > 0) + [f"{values.infinite} infinite"] * (values.infinite > 0)
    where = values.first_bad or (0, 0, 0)
    place = f"output {where[0]}, input {where[1]}, tap {where[2]}" if seen.matrix.axes else f"entry {where[0]}"
    return seen.finding(
        "error",
        "not finite",
        f"{' and '.join(counts)} of {prod(seen.matrix.shape)} values, the first at {place}",
        "start this parameter again, or go back to the last checkpoint without",
    )


def _constant(seen: Seen) -> Finding:
    if seen.values.low == 0:
        return seen.finding(
            "note",
            "zeros",
            "all values are zero",
            "right for the last weight of a residual branch; two in series never learn: zero_array.torch.audit(model, "
            "example_inputs) sees which these are",
        )
    return seen.finding(
        "warning",
        "constant",
        f"all values are {seen.values.low:.6g}: its {seen.matrix.sizes[0]} outputs are one",
        f"zero_array.zero_init({seen.matrix.shape}{_layout(seen)})",
    )


def _layout(seen: Seen) -> str:
    """The arguments by which a constructor builds in this layout."""
    out, into = seen.matrix.axes or (0, 1)
    named = "" if (out, into) == (0, 1) else f", out_axis={out}, in_axis={into}"
    return named + (f", groups={seen.matrix.sizes[0]}" if seen.is_depthwise else "")


def _orientation(seen: Seen) -> Iterator[Finding]:
    outputs, inputs, _ = seen.matrix.sizes
    out, into = seen.matrix.axes or (0, 1)
    if seen.elsewhere is not None:
        (a, b), other = seen.elsewhere
        yield seen.finding(
            "warning",
            "wrong axes",
            f"it is {other} with out_axis={a}, in_axis={b}, and was read with out_axis={out}, in_axis={into}",
            f"if the layer reads it by these, zero_init({seen.matrix.shape}, out_axis={out}, in_axis={into}); else "
            f"audit(..., layout=({a}, {b}))",
        )
    if seen.found is not None and seen.found.rule == "hadamard" and seen.found.weight.outputs < inputs:
        yield seen.finding(
            "warning",
            "wrong axes",
            f"a Hadamard weight that narrows {inputs} -> {outputs}, where Algorithm 1 has a partial identity",
            f"if its axes were swapped, zero_array.zero_init({seen.matrix.shape}, out_axis={out}, in_axis={into})",
        )


def _dead(seen: Seen) -> Iterator[Finding]:
    outputs, inputs, _ = seen.matrix.sizes
    dead = outputs - int(seen.values.live_rows.sum())
    if not dead or seen.elsewhere:
        return
    first = int(seen.values.live_rows.argmin())
    evidence = f"{dead} of {outputs} outputs are zero, the first is {first}"
    remedy = "one such row is right for padding; behind ReLU others never wake: start them again"
    if seen.found is not None:  # only an identity has rows of zeros
        evidence += f": a partial identity that widens {inputs} -> {outputs}, perhaps built with its axes swapped"
        remedy = f"zero_array.zero_init({seen.matrix.shape}{_layout(seen)}), which is a Hadamard weight where it widens"
    yield seen.finding("warning" if dead > 1 else "note", "dead outputs", evidence, remedy)


def _unread(seen: Seen) -> Iterator[Finding]:
    inputs = seen.matrix.sizes[1]
    unread = inputs - int(seen.values.live_columns.sum())
    if unread and not seen.elsewhere:
        yield seen.finding(
            "note",
            "unread inputs",
            f"{unread} of {inputs} inputs are not read, the first is {int(seen.values.live_columns.argmin())}",
            "right for a partial identity that narrows, and for pruned weights",
        )


def _counted(first: Any, live: Any) -> tuple[int, int, int]:
    """How many lines equal an earlier one and are not zero, the first of these, and what it equals."""
    import numpy

    twins = numpy.flatnonzero((first != numpy.arange(len(first))) & live)
    return (len(twins), int(twins[0]), int(first[twins[0]])) if len(twins) else (0, 0, 0)


def _are_equal_by_chance(seen: Seen, *, is_short: bool = False) -> bool:
    """Whether rows are so short that random ones may be equal: one number, or fewer than four of 16 bits."""
    length = seen.matrix.sizes[1] * seen.matrix.sizes[2]
    return seen.found is None and length < (4 if is_short or "16" in seen.matrix.dtype else 2)


def _twin_rows(seen: Seen) -> Iterator[Finding]:
    outputs, inputs, taps = seen.matrix.sizes
    twins, number, other = _counted(seen.rows, seen.values.live_rows)
    groups = seen.found.groups if seen.found else 1
    if not twins or _are_equal_by_chance(seen) or (groups > 1 and taps > 1):
        return
    different, again = distinct(seen.rows), period(seen.rows)
    blocks = outputs // again if again and outputs % again == 0 else 1
    if seen.is_depthwise and different == 1:
        yield seen.finding(
            "warning",
            "constant channels",
            f"all {outputs} channels have the same kernel, largest value {seen.values.largest:.6g}",
            f"where it is depthwise: zero_array.zero_init({seen.matrix.shape}{_layout(seen)}), the identity",
        )
        return
    is_meant = groups > 1 or seen.is_depthwise
    evidence = f"{different} of {outputs} outputs are different; output {number} equals output {other}"
    if blocks > 1:
        evidence += f", and so on in {blocks} equal blocks of {again}"
    if seen.found is None and "16" in seen.matrix.dtype:
        remedy = (
            f"if they differed before they were rounded to {seen.matrix.dtype}: start with differences above its step, "
            "or keep float32"
        )
    elif seen.found is None:
        remedy = "start them apart: behind equal successors, such outputs get equal gradients for ever"
    else:
        remedy = 'columns="distinct" makes all outputs differ'
    if blocks > 1 and again == inputs:
        remedy = (
            f"if it packs {blocks} matrices (query, key, value; gates): a start for each, such as groups={blocks}; "
            f"else {remedy}"
        )
    yield seen.finding("note" if is_meant else "warning", "twin rows", evidence, remedy)


def _near(seen: Seen) -> Iterator[Finding]:
    if seen.near:
        a, b = seen.near[0]
        yield seen.finding(
            "warning",
            "near twins",
            f"{len({twin for _, twin in seen.near})} of {seen.matrix.sizes[0]} outputs equal another to the tolerance; "
            f"output {b} nearly equals output {a}",
            "start them apart: what differs by rounding alone parts slowly",
        )


def _twin_columns(seen: Seen) -> Iterator[Finding]:
    twins, number, other = _counted(seen.columns, seen.values.live_columns)
    if twins and seen.matrix.sizes[0] > 1:
        yield seen.finding(
            "note",
            "twin columns",
            f"{distinct(seen.columns)} of {len(seen.columns)} inputs are read differently; input {number} is read as "
            f"input {other}",
            "equal inputs would get equal gradients: see that what they read differs",
        )


def _rounded(seen: Seen) -> Iterator[Finding]:
    if (
        seen.rounded is None
        or _are_equal_by_chance(seen, is_short=True)
        or (lost := distinct(seen.rows) - distinct(seen.rounded)) == 0
    ):
        return
    yield seen.finding(
        "warning",
        "dtype loss",
        f"{lost} of {seen.matrix.sizes[0]} outputs become equal to another when rounded to {seen.rounding}",
        f"keep {seen.matrix.dtype} master weights, or start with differences above the step of {seen.rounding}",
    )


def _fill(seen: Seen) -> Iterator[Finding]:
    """What is odd about a weight that was recognised."""
    found = seen.found
    if found is None:
        return
    sizes = [seen.matrix.shape[axis] for axis in seen.matrix.kernel]
    taps = [found.weight.taps[axis] for axis in seen.matrix.kernel]
    if any(tap == size // 2 and size % 2 == 0 for tap, size in zip(taps, sizes, strict=True)):
        yield seen.finding(
            "warning",
            "even kernel",
            f"the matrix is at tap {tuple(taps)} of a kernel of {tuple(sizes)}: a shift by one under SAME padding",
            'center="same" where the padding is SAME',
        )
    if found.scale == "other":
        yield _scale(seen, found)
    low, high = seen.spectrum.values[-1], seen.spectrum.values[0]
    sampled = f" of {seen.spectrum.sampled} of its columns" if seen.spectrum.sampled else ""
    if found.rule == "hadamard" and low < 0.999 * high:
        yield seen.finding(
            "note",
            "no isometry",
            f"singular values{sampled} from {low:.4g} to {high:.4g}: a slice of a Hadamard matrix of order "
            f"{found.weight.order}",
            'order="exact" is orthonormal where it can be built; no gain in training is claimed for that',
        )


def _scale(seen: Seen, found: Recognised) -> Finding:
    size = seen.values.largest
    if found.rule == "identity":
        return seen.finding(
            "note", "scale", f"an identity times {size:.6g}", "ZerO's identity has ones: zero_array.identity_init"
        )
    right = sqrt(1 / found.weight.order)
    return seen.finding(
        "warning",
        "scale",
        f"a Hadamard weight of entries {size:.6g}, which is {size / right:.4g} times the orthonormal {right:.6g}",
        "zero_array.hadamard_init has the scales 'orthonormal' and 'paper' (larger by the square root of two)",
    )


def _rank(seen: Seen) -> Iterator[Finding]:
    """A rank below what the different rows and columns could have; of weights that nobody recognised."""
    spectrum = seen.spectrum
    if spectrum.sampled or seen.found is not None or seen.is_depthwise:
        return
    rows = distinct(seen.rows) - (not seen.values.live_rows.all())
    columns = distinct(seen.columns) - (not seen.values.live_columns.all())
    most = min(rows, columns * seen.matrix.sizes[2])
    if spectrum.rank < most:
        yield seen.finding(
            "note",
            "rank",
            f"rank {spectrum.rank}, where its different outputs and inputs could have {most}",
            "right for a weight that was made low in rank; else start it again",
        )
