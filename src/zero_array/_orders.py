"""Hadamard matrices of many orders as data: the factors that one is made of, and their tables. No arrays.

A matrix of order ``n`` is the Kronecker product of Paley blocks, largest first, and a Sylvester matrix of order
``2^k``. Every factor is symmetric, so the product is; it is ``n`` times its own inverse.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import count, product
from math import isqrt
from typing import Literal, NamedTuple

from . import _checks, _namespace, _order_checks
from ._typing import Ordering


class Factor(NamedTuple):
    """One factor of a Hadamard matrix.

    Attributes
    ----------
    kind : {"sylvester", "paley1", "paley2"}
        The construction.
    order : int
        ``2^k``, ``q + 1`` or ``2 (q + 1)``.
    q : int
        The size of the finite field of a Paley block: a power of an odd prime, ``3 mod 4`` for the first construction
        and ``1 mod 4`` for the second. 0 for Sylvester's.
    """

    kind: Literal["sylvester", "paley1", "paley2"]
    order: int
    q: int = 0


def hadamard_factors(n: int, /) -> tuple[Factor, ...] | None:
    """The Kronecker factors of which `hadamard` builds the matrix of order `n`, from left to right.

    Parameters
    ----------
    n : int
        The order, from 1 to 2**31.

    Returns
    -------
    tuple of Factor or None
        The factors: Paley blocks, largest first, then Sylvester's matrix; their orders multiply to `n`. The empty tuple
        for order 1, None for an order that cannot be built.

    Raises
    ------
    TypeError, ValueError
        If `n` is not an int, or out of range.

    Notes
    -----
    Of all products that give `n`, the one whose Paley blocks have the least sum of orders is taken, since that is the
    work of a transform; of several of these, the one with the smallest blocks; of blocks of equal order, ``paley1``.

    References
    ----------
    R. E. A. C. Paley, "On orthogonal matrices", J. Math. Phys. 12 (1933).

    Examples
    --------
    >>> import zero_array
    >>> for factor in zero_array.hadamard_factors(3072):
    ...     print(factor)
    Factor(kind='paley1', order=12, q=11)
    Factor(kind='sylvester', order=256, q=0)
    >>> zero_array.hadamard_factors(92) is None
    True
    """
    return factors(_order_checks.order(n))


@_namespace.untraced
def factors(n: int) -> tuple[Factor, ...] | None:
    """The factors of order `n`; None where it cannot be built."""
    power = n & -n
    odd = n // power
    divisors = {d for i in range(1, isqrt(odd) + 1) if odd % i == 0 for d in (i, odd // i)} - {1}
    blocks = [block for d in divisors for k in range(2, power.bit_length()) if (block := _paley(d << k))]
    products = list(_products(n, sorted(blocks, key=_order)))
    if not products:
        return None
    found = min(products, key=lambda chosen: (sum(map(_order, chosen)), *map(_order, chosen)))
    rest = n // order_of(found)
    return (*reversed(found), *([Factor("sylvester", rest)] if rest > 1 else []))


def _order(factor: Factor) -> int:
    return factor.order


def order_of(factors: Iterable[Factor]) -> int:
    """The order of a product."""
    order = 1
    for factor in factors:
        order *= factor.order
    return order


def has_blocks(factors: Iterable[Factor]) -> bool:
    """Whether a product is more than Sylvester's matrix."""
    return any(factor.q for factor in factors)


def _products(n: int, blocks: list[Factor]) -> Iterator[list[Factor]]:
    """All products of `blocks` that leave a power of two of `n`, each in ascending order."""
    if n & (n - 1) == 0:
        yield []
    for number, block in enumerate(blocks):
        if n % block.order == 0:
            yield from ([block, *rest] for rest in _products(n // block.order, blocks[number:]))


LARGEST = 2**20
"""No larger field is used: its table would take minutes and gigabytes, however small the window that is asked for."""


def _paley(order: int) -> Factor | None:
    """The Paley block of an order that is a multiple of four; None where there is none."""
    if order - 1 <= LARGEST and field(order - 1):
        return Factor("paley1", order, order - 1)
    if order % 8 == 4 and order // 2 - 1 <= LARGEST and field(order // 2 - 1):
        return Factor("paley2", order, order // 2 - 1)
    return None


@_namespace.untraced
def field(q: int) -> tuple[int, int] | None:
    """``(p, k)`` where an odd `q` is ``p^k`` with a prime ``p``, else None."""
    p = next((d for d in range(3, isqrt(q) + 1, 2) if q % d == 0), q)
    k = next(k for k in count(1) if p**k >= q)
    return (p, k) if p**k == q else None


def equation(factors: tuple[Factor, ...]) -> str:
    """``12 = paley1(11)``: the order, and how it is made."""
    names = [f"{factor.kind}({factor.q or factor.order})" for factor in factors]
    return f"{order_of(factors)} = {' x '.join(names) or 1}"


def check_ordering(ordering: Ordering, n: int, factors: Iterable[Factor]) -> None:
    """Check the name of an ordering, for a matrix of these factors."""
    _checks.one_of("ordering", ordering, ("natural", "dyadic", "sequency"))
    if ordering != "natural" and has_blocks(factors):
        raise _order_checks.no_ordering(ordering, n)


def nearest(n: int) -> tuple[int, int]:
    """The nearest orders below and above one that cannot be built."""
    below = next(order for order in range(n - 1, 0, -1) if factors(order) is not None)
    return below, next(order for order in count(n + 1) if factors(order) is not None)


@lru_cache(maxsize=16)  # of tuples of bools: the blocks and pieces of a weight share them
@_namespace.untraced
def minus_signs(kind: str, q: int) -> tuple[bool, ...]:
    """Where a Paley block has -1, for each of the sums of indices that `_products.is_minus` forms.

    Per table: the field's elements by number (where a sum is no square), the border, the corner. One table for the
    first construction; for the second three, for the upper left, the two mixed and the lower right entries of each
    ``2 x 2`` cell.
    """
    squares = _squares(q)
    signs = tuple(number not in squares for number in range(1, q))
    if kind == "paley1":
        return (True, *signs, False, False)
    opposite = tuple(not sign for sign in signs)
    return (False, *signs, False, False, True, *signs, False, True, True, *opposite, True, True)


def _squares(q: int) -> set[int]:
    """The numbers of the squares of the field of `q`, zero left out: the digits of a number are the coordinates."""
    p, degree = field(q) or (q, 1)
    if degree == 1:
        return {i * i % p for i in range(1, p)}
    rules = (rule[::-1] for rule in product(range(p), repeat=degree))
    powers = next(powers for rule in rules if len(powers := _powers_of_x(rule, p)) == q - 1)
    return {sum(digit * p**k for k, digit in enumerate(square)) for square in powers[::2]}


def _powers_of_x(rule: tuple[int, ...], p: int) -> list[tuple[int, ...]]:
    """The powers of x until they come back to one, or longer than any field; `rule` is the highest, as a polynomial."""
    one = (1,) + (0,) * (len(rule) - 1)
    powers, element = [one], _times_x(one, rule, p)
    while element != one and len(powers) < p ** len(rule):
        powers.append(element)
        element = _times_x(element, rule, p)
    return powers


def _times_x(element: tuple[int, ...], rule: tuple[int, ...], p: int) -> tuple[int, ...]:
    """An element of a field times x: its coordinates, the lowest first."""
    lower = (0, *element[:-1])
    return tuple((digit + element[-1] * coefficient) % p for digit, coefficient in zip(lower, rule, strict=True))
