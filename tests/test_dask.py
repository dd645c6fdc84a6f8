"""Dask's own ways: nothing is computed early, chunks are as asked for, and each is built alone."""

from collections.abc import Iterator
from typing import Any

import dask
import dask.array
import numpy
import pytest

import zero_array
import zero_array.dask

FUNCTIONS = ["identity_init", "hadamard_init", "zero_init"]
each_function = pytest.mark.parametrize("function", FUNCTIONS)


@pytest.fixture
def computing() -> Iterator[list[int]]:
    """Counts the graphs that Dask is asked to compute."""
    count: list[int] = []

    def scheduler(graph: Any, keys: Any, **options: Any) -> Any:
        count.append(1)
        return dask.get(graph, keys, **options)

    with dask.config.set(scheduler=scheduler):
        yield count


@each_function
@pytest.mark.parametrize("shape", [(96, 64), (12, 7, 3), (5, 5)], ids=str)
def test_lazy(function: str, shape: tuple[int, ...], computing: list[int]) -> None:
    """Building and slicing compute nothing; computing does, once."""
    array = getattr(zero_array, function)(shape, xp=dask.array)[1:]
    assert computing == []
    expected = getattr(zero_array, function)(shape)[1:]
    assert numpy.array_equal(array.compute(), expected)
    assert len(computing) == 1


@each_function
@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ((10, 7), ((10, 10, 10, 3), (7, 7, 7, 1))),
        (20, ((20, 13), (20, 2))),
        ((-1, 11), ((33,), (11, 11))),
        (((30, 3), (1, 21)), ((30, 3), (1, 21))),
    ],
    ids=str,
)
def test_chunks(function: str, chunks: Any, expected: tuple[tuple[int, ...], ...]) -> None:
    """Chunks are the ones asked for, in any of Dask's forms, and make up the array."""
    array = getattr(zero_array.dask, function)((33, 22), chunks=chunks)
    assert array.chunks == expected
    assert numpy.array_equal(array.compute(), getattr(zero_array, function)((33, 22)))


@each_function
def test_default_chunks(function: str) -> None:
    """Left out, chunks keep within Dask's configured size."""
    with dask.config.set({"array.chunk-size": "64 KiB"}):
        array = getattr(zero_array, function)((1000, 500), xp=dask.array, dtype="float32")
    assert array.npartitions > 1
    assert max(array.chunks[0]) * max(array.chunks[1]) * 4 <= 64 * 1024


def test_options_reach_the_chunks() -> None:
    """Layout, groups, centre, scale and window mean what they mean elsewhere."""
    options: dict[str, Any] = {
        "in_axis": 3,
        "out_axis": 1,
        "groups": 3,
        "center": (0, -1),
        "scale": "paper",
        "window": ((0, 2), (5, 50), (1, 3), (0, 9)),
        "dtype": "float16",
    }
    array = zero_array.dask.zero_init((2, 60, 3, 10), chunks=4, **options)
    assert array.numblocks == (1, 12, 1, 3)
    assert array.compute().tobytes() == zero_array.zero_init((2, 60, 3, 10), **options).tobytes()


@each_function
def test_one_chunk_of_a_huge_weight(function: str, computing: list[int]) -> None:
    """One chunk of a weight of a million by a million is built alone."""
    array = getattr(zero_array.dask, function)((1_000_000, 1_000_000), chunks=1_000, dtype="float32")
    found = array.blocks[999, 998].compute()
    window = ((999_000, 1_000_000), (998_000, 999_000))
    assert numpy.array_equal(found, getattr(zero_array, function)((1_000_000,) * 2, window=window, dtype="float32"))
    assert len(computing) == 1


def test_graph_is_linear_in_chunks() -> None:
    """Ten times the chunks are ten times the tasks, a constant aside."""
    few, many = (
        len(zero_array.dask.zero_init((1000 * count, 1000), chunks=1000).__dask_graph__()) for count in (20, 200)
    )
    assert many - few <= 2 * 180


@each_function
@pytest.mark.parametrize("xp", [numpy, numpy.zeros((2, 2)), "dask.array"], ids=["numpy", "array", "string"])
def test_other_namespaces_are_refused(function: str, xp: Any) -> None:
    """Another library has no chunks: its namespace is refused."""
    with pytest.raises(TypeError, match=r"^`xp` must be "):
        getattr(zero_array.dask, function)((4, 2), xp=xp)


def test_refusal_names_the_remedy() -> None:
    """The refusal of NumPy says what to use instead."""
    with pytest.raises(TypeError) as caught:
        zero_array.dask.zero_init((4, 2), xp=numpy)
    assert str(caught.value) == (
        "`xp` must be dask.array or left out here; got numpy: use zero_array's own functions for it"
    )


@each_function
@pytest.mark.parametrize("xp", [None, dask.array], ids=["left out", "dask.array"])
def test_own_namespace(function: str, xp: Any) -> None:
    """Dask's namespace may be given or left out."""
    assert isinstance(getattr(zero_array.dask, function)((4, 2), xp=xp), dask.array.Array)


@each_function
def test_errors_come_at_once(function: str, computing: list[int]) -> None:
    """A bad argument is refused when the array is asked for, not when it is computed."""
    with pytest.raises(ValueError, match=r"^`groups` must divide"):
        getattr(zero_array.dask, function)((4, 2), groups=3)
    assert computing == []


@pytest.mark.parametrize("name", ["float32", "float16"])
def test_meta(name: str) -> None:
    """The array knows its dtype, and that its chunks are NumPy's."""
    array = zero_array.dask.zero_init((40, 20), dtype=name)
    assert array.dtype == name
    assert isinstance(array._meta, numpy.ndarray)


def test_signs_are_lazy(computing: list[int]) -> None:
    """A chunk of a large Hadamard matrix is built alone."""
    array = zero_array.hadamard(29568, xp=dask.array, dtype="int8")
    found = array[-3:, -50:].compute()
    window = ((29565, 29568), (29518, 29568))
    assert numpy.array_equal(found, zero_array.hadamard(29568, dtype="int8", window=window))
    assert len(computing) == 1


@pytest.mark.parametrize("options", [{"order": "exact"}, {"columns": "distinct"}], ids=str)
def test_options_of_the_matrix(options: dict[str, Any]) -> None:
    """Exact and distinct weights are chunked as all others are."""
    array = zero_array.dask.zero_init((96, 24), chunks=(20, 7), **options)
    assert array.numblocks == (5, 4)
    assert numpy.array_equal(array.compute(), zero_array.zero_init((96, 24), **options))


@pytest.mark.parametrize("chunks", [0, (4, 0), ((3, -3, 8), (4,))], ids=str)
def test_no_chunks(chunks: Any) -> None:
    """Chunks that Dask divides by, or takes and can't compute, are refused in one sentence."""
    with pytest.raises(ValueError, match=r"^`chunks` must be lengths >= 1, or -1 for a whole axis; got "):
        zero_array.dask.zero_init((8, 4), chunks=chunks)


def test_transform_is_lazy(computing: list[int]) -> None:
    """A transform computes nothing early, and keeps the chunks of the batch."""
    values = numpy.arange(5 * 96.0).reshape(5, 96)
    found = zero_array.hadamard_transform(dask.array.from_array(values, chunks=(2, 96)))
    assert computing == []
    assert found.chunks == ((2, 2, 1), (96,))
    assert numpy.array_equal(found.compute(), zero_array.hadamard_transform(values))


def test_transform_along_chunks_is_refused() -> None:
    """An axis that is cut is refused with the remedy."""
    with pytest.raises(ValueError, match="must have one chunk") as caught:
        zero_array.hadamard_transform(dask.array.ones((5, 96), chunks=(5, 32)))
    assert str(caught.value) == "`x` must have one chunk along the axis; got 3 on axis 1: rechunk it first"
