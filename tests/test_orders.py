"""Hadamard matrices of any order: the mathematics, the choice of factors, the order of columns, the certificates."""

from itertools import pairwise
from math import isqrt, sqrt
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import hadamard as scipy_hadamard

import zero_array
from zero_array import _columns, _orders
from zero_array.__main__ import main
from zero_array._commands import _verify

WIDTHS = [
    *(12, 20, 24, 28, 36, 40, 48, 60, 64, 80, 96, 100, 104, 128, 160, 192, 256, 320, 384, 448, 512, 576, 640, 768, 896),
    *(1024, 1152, 1280, 1536, 1600, 1920, 2048, 2304, 2560, 2880, 3072, 3584, 4096, 4304, 4864, 5120, 6656, 8960),
    *(10944, 11008, 13824, 14336, 18944, 29568),
]
"""Widths of models in use."""

SMALL = [1, 2, 4, 8, *(n for n in WIDTHS if n <= 1600)]


def is_prime_power(q: int) -> bool:
    """Whether all prime factors of a number are the same one."""
    primes = {d for d in range(2, q + 1) if q % d == 0 and all(d % e for e in range(2, isqrt(d) + 1))}
    return len(primes) == 1


@pytest.mark.parametrize("n", SMALL)
def test_rows_are_orthogonal(n: int) -> None:
    """``H H^T = n I`` for entries of plus and minus one, and the matrix is symmetric."""
    whole = zero_array.hadamard(n, dtype="float32")
    assert numpy.array_equal(numpy.abs(whole), numpy.ones((n, n)))
    assert numpy.array_equal(whole @ whole.T, n * numpy.eye(n))
    assert numpy.array_equal(whole, whole.T)


@pytest.mark.parametrize("n", [n for n in WIDTHS if n > 1600 and n not in (4304, 18944, 29568)])
def test_certificates(n: int) -> None:
    """Every width in use that can be built is certified, entry by entry; the two largest by `zero-array verify`."""
    certificate = _verify.verify(n)
    assert (certificate.order, certificate.factors) == (n, zero_array.hadamard_factors(n))
    assert certificate.proven
    assert certificate.seconds > 0


def test_widths_in_use() -> None:
    """Of 49 widths in use one cannot be built."""
    assert len(WIDTHS) == 49
    assert [n for n in WIDTHS if zero_array.hadamard_factors(n) is None] == [4304]


@pytest.mark.parametrize("m", range(11))
def test_scipy(m: int) -> None:
    """A power of two is SciPy's matrix."""
    assert numpy.array_equal(zero_array.hadamard(2**m, dtype="int64"), scipy_hadamard(2**m))


@pytest.mark.parametrize("q", [7, 11, 19, 23, 43])
def test_legendre(q: int) -> None:
    """Beyond its border a block of the first kind holds Legendre symbols of sums, by Euler's criterion."""
    (block,) = [_orders.Factor("paley1", q + 1, q)]
    signs = _orders.minus_signs(block.kind, q)
    for number in range(1, q):
        assert signs[number] is (pow(number, (q - 1) // 2, q) == q - 1)
    assert signs[0]  # the diagonal of zeros became -1


@pytest.mark.parametrize("n", [2, 4, 64, 256])
def test_sequency(n: int) -> None:
    """Row ``k`` of the sequency ordering changes its sign ``k`` times; the matrix stays symmetric."""
    walsh = zero_array.hadamard(n, ordering="sequency")
    assert [int(numpy.count_nonzero(numpy.diff(row))) for row in walsh] == list(range(n))
    assert numpy.array_equal(walsh, walsh.T)


def test_dyadic() -> None:
    """In dyadic order row ``k`` is the product of the Rademacher functions of the bits of ``k``."""
    paley = zero_array.hadamard(64, ordering="dyadic")
    rademacher = [numpy.where(numpy.arange(64) >> (5 - bit) & 1, -1, 1) for bit in range(6)]
    for k in range(64):
        expected = numpy.prod([rademacher[bit] for bit in range(6) if k >> bit & 1], axis=0)
        assert numpy.array_equal(paley[k], numpy.broadcast_to(expected, 64))


@given(n=st.sampled_from([1, 2, 12, 20, 36, 64, 100, 104, 240, 576, 1152, 8960]), data=st.data())
def test_windows(n: int, data: st.DataObject) -> None:
    """A window is the slice of the whole."""
    ends = [sorted(data.draw(st.tuples(*[st.integers(0, min(n, 1152))] * 2))) for _ in range(2)]
    whole = zero_array.hadamard(n, dtype="int8", window=[(0, min(n, 1152))] * 2)
    window = zero_array.hadamard(n, dtype="int8", window=ends)
    assert numpy.array_equal(window, whole[slice(*ends[0]), slice(*ends[1])])


@pytest.mark.parametrize("n", [4 * 503, 7 * 504])
def test_large_blocks(n: int) -> None:
    """Windows of large blocks, which are looked up piece by piece, tile the matrix."""
    whole = zero_array.hadamard(n, dtype="int8")
    assert numpy.array_equal(whole[1000:1010], zero_array.hadamard(n, dtype="int8", window=[(1000, 1010), (0, n)]))
    assert numpy.array_equal(whole[:, 3:9], zero_array.hadamard(n, dtype="int8", window=[(0, n), (3, 9)]))


@pytest.mark.parametrize("n", range(1, 400))
def test_factors(n: int) -> None:
    """The factors multiply to the order and are what they are called; where there are none, no one block would do."""
    factors = zero_array.hadamard_factors(n)
    if factors is None:
        assert n % 4 or not (is_prime_power(n - 1) or (n % 8 == 4 and is_prime_power(n // 2 - 1)))
        assert n & (n - 1)
        return
    assert numpy.prod([factor.order for factor in factors], dtype=int) == n
    blocks = [factor for factor in factors if factor.kind != "sylvester"]
    assert sorted(blocks, key=lambda factor: -factor.order) == blocks == list(factors[: len(blocks)])
    assert len(factors) - len(blocks) <= 1
    for factor in blocks:
        assert factor.order == (factor.q + 1 if factor.kind == "paley1" else 2 * (factor.q + 1))
        assert factor.q % 4 == (3 if factor.kind == "paley1" else 1)
        assert is_prime_power(factor.q)


def test_nearest() -> None:
    """The nearest orders can be built, and none between them."""
    for n in (3, 5, 92, 116, 1001, 4304, 13696):
        below, above = _orders.nearest(n)
        known = [order for order in range(below, above + 1) if zero_array.hadamard_factors(order) is not None]
        assert known == [below, above]
        assert below < n < above


def test_largest_field() -> None:
    """A block whose table would take gigabytes is not used, and its order not built; the nearest ones still are."""
    assert zero_array.hadamard_factors(2 * (827307997 + 1)) is None
    assert zero_array.hadamard_factors(2_097_148) == (_orders.Factor("paley2", 2_097_148, 1_048_573),)
    with pytest.raises(
        ValueError, match=r"^`n` must be an order that can be built; got 1654615996: the nearest are \d"
    ):
        zero_array.hadamard(1_654_615_996, window=((0, 1), (0, 1)))


def test_factors_print_well() -> None:
    """Factors are plain tuples, which print as what they are, and cannot be changed."""
    factors = zero_array.hadamard_factors(40)
    assert repr(factors) == "(Factor(kind='paley1', order=20, q=19), Factor(kind='sylvester', order=2, q=0))"
    assert isinstance(factors, tuple)


@pytest.mark.parametrize("degree", range(13))
def test_shift_register(degree: int) -> None:
    """The register goes through all numbers, powers of two first, and can be started anywhere."""
    whole = _columns.shift_register(degree, 0, 2**degree)
    assert sorted(whole) == list(range(2**degree))
    assert whole[:degree] == [2**bit for bit in range(degree)]
    for start in (1, 2**degree // 3, 2**degree - 1, 2**degree + 1):
        expected = [whole[(start + number) % 2**degree] for number in range(5)]
        assert _columns.shift_register(degree, start, 5) == expected


@pytest.mark.parametrize("degree", range(1, 32))
def test_polynomials_are_primitive(degree: int) -> None:
    """x has the order ``2^degree - 1``: no smaller power that could be one is."""
    size = 2**degree - 1
    rest, primes = size, set()
    for prime in range(2, 50_000):
        while rest % prime == 0:
            rest //= prime
            primes.add(prime)
    primes.add(rest)  # below 50000^2: 1 or a prime
    assert _columns._power(degree, size) == 1
    assert all(_columns._power(degree, size // prime) != 1 for prime in primes - {1})


@pytest.mark.parametrize("blocks", [(), (12,), (12, 12), (20, 12, 4)], ids=str)
@pytest.mark.parametrize("degree", [0, 1, 4])
def test_distinct_columns(blocks: tuple[int, ...], degree: int) -> None:
    """Every column is taken once, and any part of them is that part."""
    n = int(numpy.prod(blocks, dtype=int)) << degree
    whole = _columns.numbers("distinct", blocks, degree, 0, n)
    assert sorted(whole) == list(range(n))
    for start, stop in pairwise((0, n // 3, n // 2, n)):
        assert list(_columns.numbers("distinct", blocks, degree, start, stop)) == list(whole[start:stop])


ROWS: list[tuple[int, int, dict[str, Any]]] = [
    (256, 16, {}),
    (4096, 1024, {}),
    (3072, 768, {}),
    (3072, 768, {"order": "exact"}),
    (11008, 2752, {"order": "exact"}),
    (2880, 720, {"order": "exact"}),
    (128256, 4096, {}),
]


@pytest.mark.parametrize(("outputs", "inputs", "options"), ROWS, ids=str)
def test_all_rows_are_distinct(outputs: int, inputs: int, options: dict[str, Any]) -> None:
    """With distinct columns no two outputs start equal, seen by windows of rows."""
    found: set[bytes] = set()
    for top in range(0, outputs, 4096):
        window = ((top, min(top + 4096, outputs)), (0, inputs))
        part = zero_array.zero_init((outputs, inputs), dtype="float16", window=window, columns="distinct", **options)
        found.update(row.tobytes() for row in numpy.packbits(part < 0, axis=1))
    assert len(found) == outputs


@pytest.mark.parametrize("columns", ["first", "distinct"])
@pytest.mark.parametrize(("outputs", "inputs"), [(1152, 384), (3072, 768), (60, 59), (2, 1)], ids=str)
def test_exact_weights_are_orthonormal(columns: Any, outputs: int, inputs: int) -> None:
    """All singular values of an exact weight are one: ``W^T W = I``."""
    weight = zero_array.zero_init((outputs, inputs), order="exact", columns=columns)
    assert numpy.allclose(weight.T @ weight, numpy.eye(inputs), rtol=0, atol=1e-12)


def test_exact_weight_of_a_real_layer() -> None:
    """So are those of 11008 x 4096, a few columns against all: their signs, whose products float32 adds exactly."""
    signs = numpy.sign(zero_array.zero_init((11008, 4096), dtype="float32", order="exact"))
    assert numpy.array_equal(signs[:, 1000:1100].T @ signs, 11008 * numpy.eye(4096)[1000:1100])


@pytest.mark.parametrize("m", range(32))
def test_constants_of_powers_of_two(m: int) -> None:
    """The constant by a square root is the one by a power, to the last bit, in both scales."""
    assert sqrt(1 / 2**m) == 2.0 ** (-m / 2)
    assert sqrt(2 / 2**m) == 2.0 ** (-(m - 1) / 2)


def test_exact_is_padded_where_it_is_a_power_of_two() -> None:
    """Where the larger side is a power of two, exact and padded weights are the same bytes."""
    for shape in ((128, 32), (64, 64), (1, 1)):
        padded = zero_array.hadamard_init(shape)
        assert padded.tobytes() == zero_array.hadamard_init(shape, order="exact").tobytes()


def test_factors_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The command prints how orders are made."""
    assert main(["factors", "1", "12", "3072", "100"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "1 = 1",
        "12 = paley1(11)",
        "3072 = paley1(11) x sylvester(256)",
        "100 = paley2(49)",
    ]


def test_verify_command(capsys: pytest.CaptureFixture[str]) -> None:
    """The command proves what it is asked to, and says how long it took."""
    assert main(["verify", "12", "104"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("12 = paley1(11): H H^T = 12 I, proven in 0.")
    assert second.startswith("104 = paley2(25) x sylvester(2): H H^T = 104 I, proven in 0.")


@pytest.mark.parametrize("order", [12, 96])
def test_a_wrong_sign_is_found(order: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """One wrong sign, in a small matrix or in the whole, is no Hadamard matrix, and the status is 1."""

    def wrong(n: int, **options: Any) -> Any:
        array = zero_array.hadamard(n, **options)
        if n == order:
            array[-1, -1] *= -1
        return array

    monkeypatch.setattr(_verify, "hadamard", wrong)
    assert main(["verify", "96"]) == 1
    assert "96 = paley1(11) x sylvester(8): NOT a Hadamard matrix in " in capsys.readouterr().out


@pytest.mark.parametrize("command", ["factors", "verify"])
def test_commands_refuse(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An order that cannot be built is refused with the nearest ones."""
    with pytest.raises(SystemExit) as stop:
        main([command, "92"])
    assert stop.value.code == 2
    assert "`n` must be an order that can be built; got 92: the nearest are 88 and 96" in capsys.readouterr().err
