"""What operations make of arrays that hold one number throughout, by which it is told whether zeros stay zeros."""

import math
import operator
from collections.abc import Callable, Sequence
from typing import Protocol

from ._graph import SUMS

_FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "add": operator.add,
    "clamp": lambda low, x, high: min(max(low, x), high),
    "cos": math.cos,
    "div": operator.truediv,
    "eq": operator.eq,
    "erf": math.erf,
    "erfc": math.erfc,
    "exp": math.exp,
    "expm1": math.expm1,
    "ge": operator.ge,
    "gt": operator.gt,
    "is_finite": math.isfinite,
    "le": operator.le,
    "log": math.log,
    "log10": math.log10,
    "log1p": math.log1p,
    "log2": math.log2,
    "logaddexp": lambda x, y: max(x, y) + math.log1p(math.exp(-abs(x - y))),
    "lt": operator.lt,
    "max": max,
    "min": min,
    "mul": operator.mul,
    "ne": operator.ne,
    "neg": operator.neg,
    "pow": math.pow,
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "sin": math.sin,
    "sqrt": math.sqrt,
    "square": lambda x: x * x,
    "sub": operator.sub,
    "tanh": math.tanh,
}
_OVER_MANY: dict[str, Callable[[float, int], float]] = {
    "logsumexp": lambda x, count: x + math.log(count),
    "reduce_max": lambda x, _: x,
    "reduce_min": lambda x, _: x,
    "reduce_sum": operator.mul,
}
_PRODUCTS = {"conv", "matmul", "mul"}


class Known(Protocol):
    """What an adapter knows of an array: the node of an activation, the parameters that it is made of, and a number.

    The number is the one that it holds throughout: of a constant; of others where the outputs of all layers are zero.
    """

    @property
    def node(self) -> int | None: ...
    @property
    def reads(self) -> tuple[str, ...]: ...
    @property
    def at_zero(self) -> float | None: ...


def result(op: str, given: Sequence[Known], *more: float, count: int = 1) -> float | None:
    """That number of the result of an operation, None where it is not known; `more` are operands after those given.

    What is made of parameters is not known, but where it is added it is a bias, and zero.
    """
    if all(value.node is None for value in given) and any(value.reads for value in given):
        return None
    numbers = [0.0 if op in SUMS and value.node is None and value.reads else value.at_zero for value in given]
    return number(op, [*numbers, *more], count)


def number(op: str, given: Sequence[float | None], count: int = 1) -> float | None:
    """The number that a result holds throughout where its operands hold `given`; None where that is not known.

    What is reduced over `count` entries has one operand. Of ``select_n`` the first operand is the number of the one
    that is taken.
    """
    if op in _PRODUCTS and 0.0 in given:
        return 0.0
    if op == "select_n":
        which, *cases = given
        return cases[int(which)] if which is not None else cases[0] if len(set(cases)) == 1 else None
    known = [value for value in given if value is not None]
    if not given or len(known) < len(given):
        return None
    try:
        result = _OVER_MANY[op](known[0], count) if op in _OVER_MANY else _FUNCTIONS[op](*known)
    except (ArithmeticError, KeyError, ValueError):  # such as the logarithm of zero, or an operation that is not here
        return None
    return result if math.isfinite(result) else None


def is_threshold(which: Known, *cases: Known) -> bool:
    """Whether a choice is a plain number where the layers are zero, and an activation elsewhere: no slope there."""
    return which.at_zero is not None and cases[int(which.at_zero)].node is None


def is_zero(value: float | None) -> bool | None:
    """Whether such a number is zero, but for rounding; None where it is not known."""
    return None if value is None else abs(value) < 1e-6
