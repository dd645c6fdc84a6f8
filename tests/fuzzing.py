"""Any arguments at all, good and bad: what Hypothesis draws, and what must then be true of every call.

Of each argument a good and any other value are drawn, and every combination of them is called: 1,024 calls.
"""

import re
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from fractions import Fraction
from io import StringIO
from itertools import product
from typing import Any

import numpy
from hypothesis import strategies as st

import zero_array
from zero_array.__main__ import main
from zero_array.backends import backend

INITS = (zero_array.identity_init, zero_array.hadamard_init, zero_array.zero_init)
MESSAGE = re.compile(r"`\w+`( and `\w+`)? must [^\0]+; got [^\0]*")
NAMES = ("paper", "same", "orthonormal", "pad", "exact", "auto", "first", "distinct", "float32", "int8", "all", "")
small = st.integers(-4, 12)
anything = st.one_of(
    st.none(),
    st.booleans(),
    small,
    small,
    st.sampled_from([2**31, 2**31 + 1, 2**63, -(2**63), 10**30]),
    st.floats(),
    st.sampled_from(NAMES),
    st.text(max_size=3),
    st.binary(max_size=3),
    st.lists(small, max_size=4),
    st.lists(small, max_size=4).map(tuple),
    st.lists(st.tuples(small, small), max_size=4),
    st.lists(st.slices(8), max_size=4),
    st.sampled_from([range(2, 5), {2: 3}, {3, 4}, slice(0, 2), object(), float, numpy.float32, numpy.dtype("int8")]),
    st.sampled_from(
        [numpy.int8(3), numpy.float64(2), numpy.bool_(1), numpy.array([4, 2]), numpy.array(3), numpy.ones(())]
    ),
)


@st.composite
def choices(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Two values for each argument, the first of which go together."""
    is_huge = draw(st.booleans())
    sizes = st.sampled_from([2**31, 2**31 - 1, 2**20 + 8, 3 * 2**20, 100_003, 92, 12]) if is_huge else st.integers(1, 7)
    shape = draw(st.lists(sizes, min_size=2, max_size=4 if is_huge else 5))
    rank = len(shape)
    out_axis, in_axis = draw(st.permutations(range(-rank, 0)))[:2]
    groups = draw(st.sampled_from([d for d in range(1, 8) if shape[out_axis] % d == 0]))
    starts = [draw(st.integers(0, size)) for size in shape]
    window = [(start, min(size, start + draw(st.integers(0, 5)))) for start, size in zip(starts, shape, strict=True)]
    kinds = st.sampled_from(["float64", "float32", "float16", "bfloat16"])
    axes = st.integers(-rank, rank - 1)
    good: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {  # one value, and others that may go with it
        "shape": (tuple(shape), st.lists(sizes, min_size=rank, max_size=rank)),
        "dtype": (draw(kinds), kinds),
        "in_axis": (in_axis, axes),
        "out_axis": (out_axis, axes),
        "groups": (groups, st.integers(1, 3)),
        "center": (
            draw(st.sampled_from(["paper", "same"])),
            st.lists(st.just(0), min_size=rank - 2, max_size=rank - 2),
        ),
        "window": (window, st.just([slice(start, stop) for start, stop in window])),
        "scale": (draw(st.sampled_from(["orthonormal", "paper"])), st.just("paper")),
        "order": (draw(st.sampled_from(["pad", "auto"])), st.just("exact")),
        "columns": (draw(st.sampled_from(["first", "distinct"])), st.just("distinct")),
    }
    anywhere = anything.filter(lambda value: value is not None) if is_huge else anything  # the whole would be huge
    return {
        name: [first, draw(other if draw(st.booleans()) else anywhere if name == "window" else anything)]
        for name, (first, other) in good.items()
    }


def check(choice: dict[str, list[Any]], init: Any) -> tuple[int, int]:
    """Make all calls; how many these are, and how many of them built an array."""
    names = [
        name for name in choice if init is not zero_array.identity_init or name not in ("scale", "order", "columns")
    ]
    calls = built = 0
    for values in product(*(choice[name] for name in names)):
        (_, shape), *options = zip(names, values, strict=True)
        calls += 1
        built += check_call(init, shape, dict(options), must_build=calls == 1)
    return calls, built


def check_call(init: Any, shape: Any, options: dict[str, Any], *, must_build: bool = False) -> bool:
    """Whether a call builds an array, of the shape and dtype asked for; where not, it is refused in one sentence."""
    array = made(init, shape, **options)
    if array is None:
        assert not must_build, (shape, options)
        return False
    asked = options["dtype"]
    assert array.shape == extent(shape, options["window"])
    assert str(array.dtype) == ("float64" if asked is None else asked if isinstance(asked, str) else numpy.dtype(asked))
    return True


def made(function: Any, *given: Any, **options: Any) -> Any:
    """What a call returns; None where it refuses, by the two kinds of error alone, and in a sentence of the grammar."""
    try:
        return function(*given, **options)
    except (TypeError, ValueError) as error:
        message = str(error)
    assert MESSAGE.fullmatch(message), (given, options)
    return None


def extent(shape: Sequence[int], window: Any) -> tuple[int, ...]:
    """The shape of a window, by what Python itself makes of slices."""
    if window is None:
        return tuple(shape)
    slices = [part if isinstance(part, slice) else slice(*part) for part in window]
    return tuple(len(range(*part.indices(size))) for part, size in zip(slices, shape, strict=True))


@st.composite
def transforms(draw: st.DrawFn) -> dict[str, list[Any]]:
    """Three arrays, one of them good, and three values for each of the arguments of `hadamard_transform`."""
    shape = draw(st.lists(st.sampled_from([0, 1, 2, 4, 12, 3, 20]), min_size=1, max_size=3))
    kinds = st.sampled_from(
        ["float64", "float32", "float16", "complex64", "int8", "uint8", "uint64", "int64", "bool", "O"]
    )
    scales = st.sampled_from([10**400, -(10**400), 2**63, 2**53 + 1, float("nan"), float("inf"), Fraction(1, 3), 1e300])
    return {
        "x": [numpy.ones(shape, dtype=draw(kinds)), numpy.ones((*shape, 8), dtype=draw(kinds)), draw(anything)],
        "axis": [-1, draw(small), draw(anything)],
        "scale": [draw(st.sampled_from([1.0, 2, "orthonormal"])), draw(scales), draw(anything)],
        "ordering": ["natural", draw(st.sampled_from(["dyadic", "sequency"])), draw(anything)],
    }


def check_transforms(choice: dict[str, list[Any]]) -> tuple[int, int]:
    """Make all calls; how many these are, and how many of them gave an array."""
    calls = built = 0
    for x, axis, scale, ordering in product(*choice.values()):
        calls += 1
        with numpy.errstate(all="ignore"):
            array = made(zero_array.hadamard_transform, x, axis=axis, scale=scale, ordering=ordering)
        if array is not None:
            assert array.shape == x.shape
            assert array.dtype == (x.dtype if x.dtype.kind in "fc" else numpy.dtype("int64"))
            built += 1
    return calls, built


WORDS = """
show factors verify check --function zero_init hadamard_init identity_init --groups --scale paper orthonormal
--order exact auto pad --columns distinct first --backend numpy numpy:cpu torch: --dtype float32 float16 --json
--version -h 6x3 3X6 8x4x3x3 12x5 1x1 0x3 6 x 6x 92x4 2147483648x3 2147483644x4 9999999999x2 4x2147483648x1
1 2 3 12 92 -4 1e3 2147483643 1048573 -- - = --groups=2 --json=1 --order=exact
""".split()  # noqa: SIM905  # fifty words, to be read at a glance
words = st.sampled_from(WORDS)
commands = st.lists(words | words | st.text(max_size=4), max_size=6) | st.tuples(
    st.sampled_from(["show", "factors"]), st.sampled_from(["6x3", "12x5", "8x4x3x3", "92x4", "12", "92", "2147483643"])
).map(list)


def check_command(arguments: Sequence[str]) -> int:
    """Run the command; its exit status, which is 0 or, with one sentence on standard error, 2."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            status = main(arguments)
        except SystemExit as stop:
            status = int(stop.code or 0)
    assert (status, bool(out.getvalue()), bool(err.getvalue())) in {(0, True, False), (2, False, True)}, arguments
    assert status == 0 or re.search(r"^zero-array.*: error: .+", err.getvalue(), re.MULTILINE), arguments
    return status


def no_child(spec: str, dtype: str) -> dict[str, Any]:
    """In place of a process of its own for each backend: whether there is one of the name."""
    record = backend(spec.partition(":")[0])
    return {"backend": record.name, "device": "-", "version": dtype, "result": "not run", "status": 0}
