"""A ZerO weight as data: which rule fills it, how its axes are laid out, and which part is wanted.

Every entry is a closed form of its indices. For output ``o`` (counted inside its group of ``period``) and input ``i``::

    identity    1                                 where o == i, else 0
    hadamard    constant * H[o, column(i)]

at the centre tap of the kernel axes, and 0 at every other tap. ``H`` is the Hadamard matrix that the `factors` multiply
to; of Sylvester's, ``H[o, i] = (-1)^popcount(o & i)``.
"""

from collections.abc import Sequence
from math import prod, sqrt
from typing import Any, NamedTuple, Self, get_args

from . import _checks, _columns, _order_checks, _orders
from ._orders import Factor
from ._typing import Center, Choice, Columns, Function, Order, Ordering, Rule, Scale, Shape, Window, WindowLike

DEFINITION = 1
"""The version of the definition of every weight. Weights of equal shape, dtype and options have equal bytes wherever
this number is equal; a change of any byte is a new number."""

RULES: dict[Function, Rule | None] = {"zero_init": None, "hadamard_init": "hadamard", "identity_init": "identity"}
"""The rule of each constructor; None is Algorithm 1's choice."""


class Weight(NamedTuple):
    """One weight, or a window of one.

    Attributes
    ----------
    rule : {"identity", "hadamard"}
        The closed form of its entries.
    constant : float
        The absolute value of the entries of a Hadamard weight; 1.0 for an identity.
    out_axis, in_axis : int
        The channel axes, counted from the front.
    outputs, inputs : int
        The size of one group's block. Output ``o`` of the weight is ``o % outputs`` of its block; so with inputs.
    taps : tuple of (int or None)
        Per axis: the tap that holds the matrix, None on the channel axes.
    window : tuple of (int, int)
        Per axis: the part wanted, ``(start, stop)``.
    factors : tuple of Factor
        What the Hadamard matrix is made of.
    columns : {"natural", "dyadic", "sequency", "distinct"}
        The order in which the inputs take its columns.
    """

    rule: Rule
    constant: float
    out_axis: int
    in_axis: int
    outputs: int
    inputs: int
    taps: tuple[int | None, ...]
    window: Window
    factors: tuple[Factor, ...] = ()
    columns: Columns = "natural"

    @property
    def shape(self) -> Shape:
        """The shape of the window."""
        return tuple([stop - start for start, stop in self.window])

    @property
    def channel_axes(self) -> tuple[int, int]:
        """The two channel axes in the order they have in memory: the rows and columns of each tap's matrix."""
        return min(self.out_axis, self.in_axis), max(self.out_axis, self.in_axis)

    def period(self, axis: int) -> int:
        """The size of one block along a channel axis."""
        return self.outputs if axis == self.out_axis else self.inputs

    def is_repeated(self, axis: int) -> bool:
        """Whether the window reaches from one group into another along a channel axis."""
        start, stop = self.window[axis]
        return start % self.period(axis) + stop - start > self.period(axis)

    def crosses_groups(self) -> bool:
        """Whether it does along either channel axis."""
        return any(map(self.is_repeated, self.channel_axes))

    def block(self) -> Self:
        """The matrix of one group, outputs x inputs."""
        whole = ((0, self.outputs), (0, self.inputs))
        return self._replace(out_axis=0, in_axis=1, taps=(None, None), window=whole)

    @property
    def order(self) -> int:
        """The order of the Hadamard matrix."""
        return _orders.order_of(self.factors)

    def is_plain(self) -> bool:
        """Whether an entry is the parity of its indices: Sylvester's matrix, its columns in their own order."""
        return self.columns == "natural" and not _orders.has_blocks(self.factors)

    def is_turned(self) -> bool:
        """Whether the columns that are taken lie along the rows of each tap's matrix in memory."""
        return self.columns != "natural" and self.in_axis < self.out_axis

    def column_numbers(self, start: int, stop: int) -> list[int]:
        """Which columns of the matrix some inputs of a block take."""
        blocks = [factor.order for factor in self.factors if factor.q]
        degree = (self.order // prod(blocks)).bit_length() - 1
        return list(_columns.numbers(self.columns, tuple(blocks), degree, start, stop))

    def part(self, window: Window) -> Self:
        """The same weight seen through another window, whose indices count from the start of this one."""
        offsets = (start for start, _ in self.window)
        shifted = ((offset + start, offset + stop) for offset, (start, stop) in zip(offsets, window, strict=True))
        return self._replace(window=tuple(shifted))

    def distinct_rows(self) -> int | None:
        """How many outputs of one block differ, the others being twins of these; None where no formula tells."""
        if self.rule == "identity":
            return min(self.outputs, self.inputs + 1)  # all rows past the last input are zero
        if _orders.has_blocks(self.factors):
            return None
        if self.columns == "distinct":
            return min(self.outputs, 1 << min(self.inputs, 31))  # the first columns are 1, 2, 4 ...
        return min(self.outputs, 1 << (self.inputs - 1).bit_length())  # the bits above say nothing

    def centre(self, axes: Sequence[int]) -> tuple[int, int]:
        """Which tap is the central one, and of how many, over some kernel axes of the window in C order."""
        number, count = 0, 1
        for axis in axes:
            start, stop = self.window[axis]
            number = number * (stop - start) + (self.taps[axis] or 0) - start
            count *= stop - start
        return number, count

    def is_zero(self) -> bool:
        """Whether the window is empty or misses the centre tap."""
        for tap, (start, stop) in zip(self.taps, self.window, strict=True):
            if start == stop or (tap is not None and not start <= tap < stop):
                return True
        return False


def weight(
    rule: Rule | None,
    shape: Any,
    *,
    in_axis: int,
    out_axis: int,
    groups: int,
    center: Center,
    window: WindowLike | None,
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
    transposed: bool = False,
) -> Weight:
    """Check the arguments of a constructor and return what it builds; ``rule=None`` is Algorithm 1's choice.

    The groups are along the out axis, or along the in axis where `transposed`, as in torch's transposed convolutions.
    """
    full = _checks.shape(shape)
    into, out = _checks.axes(len(full), in_axis, out_axis)
    outputs, inputs = full[out], full[into]
    if transposed:
        inputs //= _checks.groups(groups, inputs, "in")
    else:
        outputs //= _checks.groups(groups, outputs, "out")
    kernel = [axis for axis in range(len(full)) if axis not in (into, out)]
    found = dict(zip(kernel, _checks.taps(center, tuple(full[axis] for axis in kernel)), strict=True))
    _checks.one_of("scale", scale, get_args(Scale))
    _checks.one_of("order", order, get_args(Order))
    _checks.one_of("columns", columns, get_args(Choice))
    if rule is None:
        rule = "hadamard" if outputs > inputs else "identity"
    factors = _factors(max(outputs, inputs), order) if rule == "hadamard" else ()
    size = _orders.order_of(factors)
    return Weight(
        rule=rule,
        constant=sqrt((1 if scale == "orthonormal" else 2) / size) if rule == "hadamard" else 1.0,
        out_axis=out,
        in_axis=into,
        outputs=outputs,
        inputs=inputs,
        taps=tuple(found.get(axis) for axis in range(len(full))),
        window=_checks.window(window, full),
        factors=factors,
        columns="distinct" if columns == "distinct" and rule == "hadamard" else "natural",
    )


def _factors(size: int, order: Order) -> tuple[Factor, ...]:
    """What the Hadamard matrix of a weight is made of: of order `size`, or Sylvester's of the least ``2^m >= size``."""
    if order != "pad":
        found = _orders.factors(size)
        if found is not None:
            return found
        if order == "exact":
            raise _order_checks.not_exact(size, *_orders.nearest(size))
    exponent = (size - 1).bit_length()
    return (Factor("sylvester", 1 << exponent),) if exponent else ()


def signs(n: Any, *, window: WindowLike | None, ordering: Ordering) -> Weight:
    """Check the arguments of `zero_array.hadamard` and return what it builds."""
    order = _order_checks.order(n)
    factors = _orders.factors(order)
    if factors is None:
        raise _order_checks.no_order(order, *_orders.nearest(order))
    _orders.check_ordering(ordering, order, factors)
    return Weight(
        rule="hadamard",
        constant=1.0,
        out_axis=0,
        in_axis=1,
        outputs=order,
        inputs=order,
        taps=(None, None),
        window=_checks.window(window, (order, order)),
        factors=factors,
        columns=ordering,
    )
