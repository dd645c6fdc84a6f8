"""Is it still the start? Arrays of every backend against their definition, whole and by shards."""

from typing import Any

import numpy
import pytest
from cases import CASES, Case, bits
from memory import peak

import zero_array
from zero_array import _stream

RANDOM = numpy.random.default_rng(7)
each_case = pytest.mark.parametrize("case", CASES[::7], ids=lambda case: case.id)


def compare(array: Any, case: Case, function: str | None = None) -> zero_array._stream.Comparison:
    """An array against the weight of a case, or of another function."""
    name: Any = f"{function or case.function}_init"
    return zero_array.compare(array, case.shape, function=name, **case.options)


@each_case
def test_start(case: Case, dtype: str, xp: Any, device: Any) -> None:
    """No entry of a weight, or of its window, differs from its own definition."""
    array = case.build(xp=xp, dtype=dtype, device=device)
    assert compare(array, case) == (numpy.prod(array.shape), 0, None)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.id in {"groups-conv", "window-inside", "everywhere"}],
    ids=lambda case: case.id,
)
def test_other_weights(case: Case, dtype: str, xp: Any, device: Any) -> None:
    """All entries that are another function's are counted, and the first one is named by its index in the whole."""
    identity = Case("", "identity", case.shape, case.options)
    array, other = (which.build(xp=xp, dtype=dtype, device=device) for which in (case, identity))
    different = numpy.argwhere(bits(array) != bits(other))
    starts = [start for start, _ in case.options.get("window", [(0, 0)] * len(case.shape))]
    first = tuple(int(start + index) for start, index in zip(starts, different[0], strict=True))
    assert len(different) > 10
    assert compare(array, case, "identity") == (numpy.prod(array.shape), len(different), first)


class Stored:
    """A weight on a disk, as it were: what is sliced is there, the rest is not."""

    shape, dtype = (4096, 8192), numpy.dtype("float32")
    window = ((2**31 - 4096, 2**31), (2**30, 2**30 + 8192))

    def __getitem__(self, key: tuple[slice, ...]) -> Any:
        window = [(start + k.start, start + k.stop) for k, (start, _) in zip(key, self.window, strict=True)]
        return zero_array.zero_init((2**31, 2**31 - 1), dtype=self.dtype, window=window)


def test_compare_memory() -> None:
    """What has a shape, a dtype and slices is read a window at a time: 128 MiB in less than 64."""
    found: list[Any] = []
    shape = (2**31, 2**31 - 1)
    assert peak(lambda: found.append(zero_array.compare(Stored(), shape, window=Stored.window))) < 64 * 2**20
    assert found == [(2**25, 0, None)]


@pytest.mark.parametrize("value", [-0.0, float("nan"), 1e-30, 1.0])
def test_one_bit(value: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A single other entry is found in any of the windows, a negative zero and no number too."""
    monkeypatch.setattr(_stream, "CHUNK", 10)
    array = zero_array.zero_init((20, 30), dtype="float32")
    assert zero_array.compare(array, (20, 30)) == (600, 0, None)
    array[17, 23] = value
    assert zero_array.compare(array, (20, 30)) == (600, 1, (17, 23))
    array[19, 29] = value
    assert zero_array.compare(array, (20, 30)) == (600, 2, (17, 23))


class Sharded:
    """An array of which others hold parts, as DTensors and arrays of several processes of JAX are."""

    shape, dtype, is_fully_addressable = (4, 3), numpy.dtype("float32"), False


class OnMesh(Sharded):
    """A DTensor says so in another way."""

    is_fully_addressable, device_mesh = True, "two processes"


@pytest.mark.parametrize(
    ("array", "options", "error", "message"),
    [
        ([[1.0]], {}, TypeError, "`array` must be an array; got list"),
        (memoryview(b"no dtype"), {}, TypeError, "`array` must be an array; got memoryview"),
        (
            OnMesh(),
            {},
            TypeError,
            "`array` must be here as a whole; got shards of a OnMesh: pass what this process holds, and its `window`",
        ),
        (
            Sharded(),
            {},
            TypeError,
            "`array` must be here as a whole; got shards of a Sharded: pass what this process holds, and its `window`",
        ),
        (
            numpy.zeros((4, 3), "int8"),
            {},
            TypeError,
            "`array` must be of float64, float32, float16 or bfloat16; got int8",
        ),
        (numpy.zeros((2, 3)), {}, ValueError, "`array` must have the shape of its window, (4, 3); got (2, 3)"),
        (
            numpy.zeros((2, 3)),
            {"window": ((3, 5), (0, 3))},
            ValueError,
            "`window` must lie inside the shape, 0 <= start <= stop <= 4 on axis 0; got (3, 5)",
        ),
        (
            numpy.zeros((4, 3)),
            {"function": "zero"},
            ValueError,
            "`function` must be 'zero_init', 'hadamard_init' or 'identity_init'; got 'zero'",
        ),
    ],
    ids=["list", "no dtype", "on a mesh", "sharded", "integers", "shape", "window", "function"],
)
def test_refusals(array: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    """What cannot be compared is refused in one sentence."""
    with pytest.raises(error) as caught:
        zero_array.compare(array, (4, 3), **options)
    assert str(caught.value) == message
