"""What operations make of one number throughout, against NumPy."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy
import pytest

from zero_array._planning import _at_zero

SAME = ("abs", "cos", "exp", "expm1", "log", "log10", "log1p", "log2", "sin", "sqrt", "square", "tanh")
UNARY: dict[str, Callable[..., Any]] = {name: getattr(numpy, name) for name in SAME} | {
    "erf": numpy.vectorize(math.erf),
    "erfc": lambda x: 1 - numpy.vectorize(math.erf)(x),
    "is_finite": numpy.isfinite,
    "neg": numpy.negative,
    "rsqrt": lambda x: 1 / numpy.sqrt(x),
    "sigmoid": lambda x: numpy.exp(x) / (numpy.exp(x) + 1),
}
BINARY: dict[str, Callable[..., Any]] = {
    "add": numpy.add,
    "div": numpy.divide,
    "eq": numpy.equal,
    "ge": numpy.greater_equal,
    "gt": numpy.greater,
    "le": numpy.less_equal,
    "logaddexp": numpy.logaddexp,
    "lt": numpy.less,
    "max": numpy.maximum,
    "min": numpy.minimum,
    "mul": numpy.multiply,
    "ne": numpy.not_equal,
    "pow": numpy.float_power,
    "sub": numpy.subtract,
}
OTHERS = {"clamp"}
REDUCTIONS: dict[str, Callable[..., Any]] = {
    "logsumexp": numpy.logaddexp.reduce,
    "reduce_max": numpy.max,
    "reduce_min": numpy.min,
    "reduce_sum": numpy.sum,
}
NUMBERS = (-1.5, 0.0, 0.5, 2.0)


def check(found: float | None, expected: Any) -> None:
    """It is the same number, and what is none is not known."""
    if numpy.isfinite(expected):
        assert found == pytest.approx(float(expected), abs=1e-12)
    else:
        assert found is None


def test_all_are_here() -> None:
    """Every operation is compared."""
    assert {*UNARY, *BINARY, *OTHERS} == set(_at_zero._FUNCTIONS)
    assert set(REDUCTIONS) == set(_at_zero._OVER_MANY)


@pytest.mark.parametrize("op", [*UNARY, *BINARY])
@numpy.errstate(all="ignore")
def test_functions(op: str) -> None:
    """Each is what NumPy makes of every number."""
    for x in NUMBERS:
        if op in UNARY:
            check(_at_zero.number(op, [x]), UNARY[op](x))
        for y in NUMBERS if op in BINARY else ():
            check(_at_zero.number(op, [x, y]), BINARY[op](x, y))


@pytest.mark.parametrize("op", REDUCTIONS)
def test_reductions(op: str) -> None:
    """Each is what NumPy makes of five such numbers."""
    for x in NUMBERS:
        check(_at_zero.number(op, [x], 5), REDUCTIONS[op](numpy.full(5, x)))


def test_clamp() -> None:
    """The bounds come before and behind, as in JAX."""
    assert [_at_zero.number("clamp", [-1.0, x, 1.0]) for x in (-3.0, 0.5, 3.0)] == [-1.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("op", "given", "expected"),
    [
        ("mul", [0.0, None], 0.0),
        ("matmul", [None, 0.0], 0.0),
        ("matmul", [1.0, 1.0], None),
        ("mul", [1.0, None], None),
        ("add", [0.0, None], None),
        ("exp", [1e9], None),
        ("max", [0.0, -math.inf], 0.0),
        ("select_n", [0.0, 2.0, 3.0], 2.0),
        ("select_n", [1.0, 2.0, None], None),
        ("select_n", [None, 2.0, 2.0], 2.0),
        ("select_n", [None, 2.0, 3.0], None),
        ("iota", [], None),
        ("cumsum", [0.0], None),
    ],
)
def test_what_is_not_known(op: str, given: list[float | None], expected: float | None) -> None:
    """Zero times anything is zero; what is not known, or no number, stays unknown."""
    assert _at_zero.number(op, given) == expected


class Known(NamedTuple):
    """What is known of an array."""

    node: int | None = None
    reads: tuple[str, ...] = ()
    at_zero: float | None = None


def test_parameters() -> None:
    """What is made of parameters is a bias where it is added to an activation, and unknown elsewhere."""
    active, bias, one = Known(node=0, at_zero=2.0), Known(reads=("bias",)), Known(at_zero=1.0)
    assert _at_zero.result("add", [active, bias]) == 2.0
    assert _at_zero.result("mul", [active, bias]) is None
    assert _at_zero.result("add", [one, bias]) is None
    assert _at_zero.result("pow", [active], 3) == 8.0
    assert _at_zero.result("reduce_sum", [active], count=4) == 8.0


def test_is_zero() -> None:
    """Rounding does not count."""
    assert [_at_zero.is_zero(value) for value in (None, 0.0, -1e-9, 1e-3)] == [None, True, True, False]


def test_thresholds() -> None:
    """A choice that is a number at zero is a threshold; one that is an activation there, or unknown, is none."""
    active, number = Known(node=0, at_zero=0.0), Known(at_zero=0.0)
    for which, expected in ((0.0, True), (1.0, False), (None, False)):
        assert _at_zero.is_threshold(Known(at_zero=which), number, active) == expected
