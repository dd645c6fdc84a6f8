"""What is true of every weight: random cases against the reference, and the mathematics."""

from math import prod
from typing import Any

import numpy
import pytest
import reference
from cases import Case
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard as scipy_hadamard

import zero_array
from zero_array._host import to_bytes

few = settings(max_examples=50)
sizes = st.one_of(st.integers(1, 40), st.sampled_from([1, 2, 16, 32, 48, 64, 96, 128]))
scales = st.sampled_from(["orthonormal", "paper"])


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any call: which rule, how large, in which layout, which part of it."""
    groups = draw(st.sampled_from([1, 1, 1, 2, 3, 5]))
    outputs, inputs = draw(sizes) * groups, draw(sizes)
    kernel = draw(st.lists(st.integers(1, 4), max_size=3).filter(lambda taps: prod(taps) <= 16))
    rank = 2 + len(kernel)
    out_axis, in_axis = draw(st.permutations(range(rank)))[:2]
    remaining = iter(kernel)
    shape = tuple(
        outputs if axis == out_axis else inputs if axis == in_axis else next(remaining) for axis in range(rank)
    )
    function = draw(st.sampled_from(["identity", "hadamard", "zero"]))
    options: dict[str, Any] = {
        "out_axis": out_axis - rank * draw(st.booleans()),
        "in_axis": in_axis - rank * draw(st.booleans()),
        "groups": groups,
        "center": draw(st.sampled_from(["paper", "same", tuple(draw(st.integers(-k, k - 1)) for k in kernel)])),
    }
    if function != "identity":
        options["scale"] = draw(scales)
    if draw(st.booleans()):
        options["window"] = tuple(tuple(sorted(draw(st.tuples(*[st.integers(0, size)] * 2)))) for size in shape)
    return Case("random", function, shape, options)


@given(case=cases(), dtype=st.sampled_from(list(reference.FORMATS)))
def test_main_property(case: Case, dtype: str) -> None:
    """The bytes of any weight, or of any part of one, are those of the reference."""
    array = getattr(zero_array, f"{case.function}_init")(case.shape, dtype=dtype, **case.options)
    assert array.shape == tuple(b - a for a, b in case.options.get("window", [(0, size) for size in case.shape]))
    assert to_bytes(array) == reference.to_bytes(list(reference.flat(reference.weight(case))), dtype)


@few
@given(case=cases(), dtype=st.sampled_from(["float64", "float32", "float16"]))
def test_no_negative_zero(case: Case, dtype: str) -> None:
    """Every zero is positive."""
    array = getattr(zero_array, f"{case.function}_init")(case.shape, dtype=dtype, **case.options)
    assert not numpy.signbit(array[array == 0]).any()


@few
@given(m=st.integers(0, 8), inputs=st.data())
def test_columns_are_orthonormal(m: int, inputs: st.DataObject) -> None:
    """With a power of two of outputs, ``W^T W`` is the identity."""
    columns = inputs.draw(st.integers(1, 2**m))
    weight = zero_array.hadamard_init((2**m, columns))
    assert numpy.allclose(weight.T @ weight, numpy.eye(columns), rtol=0, atol=1e-6)


@few
@given(m=st.integers(0, 8), inputs=st.data())
def test_paper_scale_doubles_the_gram_matrix(m: int, inputs: st.DataObject) -> None:
    """The paper's constant is larger by the square root of two."""
    columns = inputs.draw(st.integers(1, 2**m))
    weight = zero_array.hadamard_init((2**m, columns), scale="paper")
    assert numpy.allclose(weight.T @ weight, 2 * numpy.eye(columns), rtol=0, atol=1e-6)


@few
@given(outputs=st.integers(1, 300), inputs=st.integers(1, 300))
def test_twins(outputs: int, inputs: int) -> None:
    """Only ``min(P, 2^ceil(log2 Q))`` rows differ, whatever the order of the Hadamard matrix."""
    weight = zero_array.hadamard_init((outputs, inputs))
    assert len(numpy.unique(weight, axis=0)) == min(outputs, 2 ** (inputs - 1).bit_length())


@pytest.mark.parametrize("m", range(10))
def test_involution(m: int) -> None:
    """A square Hadamard weight of a power of two is its own inverse."""
    weight = zero_array.hadamard_init((2**m, 2**m))
    assert numpy.allclose(weight @ weight, numpy.eye(2**m), rtol=0, atol=1e-12)


@pytest.mark.parametrize("m", range(11))
def test_scipy(m: int) -> None:
    """SciPy's Hadamard matrix, times the constant, is the same array."""
    expected = (scipy_hadamard(2**m) * 2.0 ** (-m / 2)).astype(numpy.float32)
    assert numpy.array_equal(zero_array.hadamard_init((2**m, 2**m), dtype="float32"), expected)


@few
@given(outputs=st.integers(1, 200), inputs=st.integers(1, 200), scale=scales)
def test_hadamard_transposed(outputs: int, inputs: int, scale: Any) -> None:
    """A Hadamard weight transposed is the one of the transposed shape."""
    wide = zero_array.hadamard_init((outputs, inputs), scale=scale)
    assert numpy.array_equal(wide, zero_array.hadamard_init((inputs, outputs), scale=scale).T)


@few
@given(outputs=sizes, inputs=sizes, groups=st.integers(1, 3))
def test_layout_is_a_transposition(outputs: int, inputs: int, groups: int) -> None:
    """Exchanging `in_axis` and `out_axis`, and the sizes with them, transposes the array."""
    array = zero_array.zero_init((outputs * groups, inputs), groups=groups)
    other = zero_array.zero_init((inputs, outputs * groups), groups=groups, in_axis=0, out_axis=1)
    assert numpy.array_equal(other, array.T)


@few
@given(case=cases())
def test_any_layout_is_a_transposition(case: Case) -> None:
    """Moving the channel axes anywhere among the kernel axes is a transposition of the array."""
    options = {key: value for key, value in case.options.items() if key not in ("window", "in_axis", "out_axis")}
    rank = len(case.shape)
    into, out = case.options["in_axis"] % rank, case.options["out_axis"] % rank
    kernel = [axis for axis in range(rank) if axis not in (into, out)]
    init = getattr(zero_array, f"{case.function}_init")
    first = init([case.shape[axis] for axis in (out, into, *kernel)], **options)
    moved = init(case.shape, in_axis=into, out_axis=out, **options)
    assert numpy.array_equal(moved.transpose(out, into, *kernel), first)


@few
@given(outputs=sizes, inputs=sizes, groups=st.integers(1, 4), scale=scales)
def test_groups_are_copies(outputs: int, inputs: int, groups: int, scale: Any) -> None:
    """Each group holds the weight of one block alone."""
    block = zero_array.zero_init((outputs, inputs), scale=scale)
    packed = zero_array.zero_init((outputs * groups, inputs), groups=groups, scale=scale)
    assert numpy.array_equal(packed, numpy.concatenate([block] * groups))


@few
@given(outputs=sizes, inputs=sizes)
def test_algorithm_one(outputs: int, inputs: int) -> None:
    """ZerO is the identity where a layer does not widen, and the Hadamard slice where it does."""
    init = zero_array.hadamard_init if outputs > inputs else zero_array.identity_init
    assert numpy.array_equal(zero_array.zero_init((outputs, inputs)), init((outputs, inputs)))


@few
@given(outputs=sizes, inputs=sizes)
def test_identity(outputs: int, inputs: int) -> None:
    """The partial identity is NumPy's."""
    assert numpy.array_equal(zero_array.identity_init((outputs, inputs)), numpy.eye(outputs, inputs))


@pytest.mark.parametrize(("kernel", "padding"), [(3, (1, 1)), (4, (1, 2)), (1, (0, 0)), (2, (0, 1))])
def test_same_is_the_identity_under_same_padding(kernel: int, padding: tuple[int, int]) -> None:
    """A depthwise kernel with its tap at ``"same"`` leaves a signal as it is under SAME padding."""
    signal = numpy.arange(1.0, 8.0)
    taps = zero_array.zero_init((1, 1, kernel), center="same")[0, 0]
    padded = numpy.pad(signal, padding)
    assert numpy.array_equal(numpy.correlate(padded, taps, mode="valid"), signal)


def test_fresh_memory() -> None:
    """Two calls share no memory, and what comes back may be written."""
    first, second = zero_array.zero_init((96, 64)), zero_array.zero_init((96, 64))
    first[:] = 7
    assert not numpy.shares_memory(first, second)
    assert (second != 7).all()
