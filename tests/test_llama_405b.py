"""The example of a model that fits no machine: its figures, its cuts, and that it would see an error."""

import random
import tracemalloc
from itertools import pairwise, product

import llama_405b
import pytest
from llama_405b import INSIDE, OUTSIDE

ONE_OF_EACH = {item.name.rpartition(".")[2]: item for item in llama_405b.parameters()}


def test_figures() -> None:
    """All windows of 1,024 ranks are listed, and 500 that are drawn from them are right."""
    found = llama_405b.run()
    assert found["parameters"] == 405_853_388_800  # as published
    assert found["windows"] == 1024 * 1137
    assert found["held"] == found["parameters"] + 7 * 253 * 16384  # each of a group of eight holds the 253 norms
    assert found["right"] == 500
    assert found["most bytes"] * 1024 < 1.001 * 4 * found["held"]
    assert found["largest bytes"] == 4 * 126 * 16384


def test_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few MiB are all that is ever held; of two layers, which hold what all of them hold, one after the other."""
    monkeypatch.setattr(llama_405b, "LAYERS", 2)
    tracemalloc.start()
    try:
        assert llama_405b.run(windows=50)["right"] == 50
        assert tracemalloc.get_traced_memory()[1] < 32 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ONE_OF_EACH)
def test_windows_tile(name: str) -> None:
    """The windows of all ranks are those of a grid over the whole parameter; only norms are held more than once."""
    parameter = ONE_OF_EACH[name]
    held = [llama_405b.window(parameter, rank) for rank in range(OUTSIDE * INSIDE)]
    held = [part for part in held if llama_405b.size(part)]
    axes = [sorted({part[axis] for part in held}) for axis in range(len(parameter.shape))]
    for size, ends in zip(parameter.shape, axes, strict=True):
        assert (ends[0][0], ends[-1][1]) == (0, size)
        assert all(before[1] == after[0] for before, after in pairwise(ends))
    assert sorted(held) == sorted(list(product(*axes)) * (INSIDE if parameter.kind == "norm" else 1))


@pytest.mark.parametrize(("fill", "shape"), [("hadamard", (53248, 16384)), ("identity", (16384, 16384))], ids=str)
def test_an_error_would_be_seen(fill: str, shape: tuple[int, ...]) -> None:
    """A window that is built one row off is found wrong."""
    part, shifted = ((1000, 1052), (0, 16384)), ((1001, 1053), (0, 16384))
    for built, expected in ((part, True), (shifted, False)):
        array = llama_405b.build(fill, shape, built)
        assert llama_405b.is_right(fill, shape, part, array, llama_405b.drawn(part, random.Random(0), 1000)) is expected
