"""JAX, one process with eight devices and two with four each: every shard is made where it lives, by itself."""

import json
import sys
from functools import cache
from hashlib import sha256
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy
import pytest
from jax_cases import CASES, DIRECTIONS
from processes import free_port, together

import zero_array

each_count = pytest.mark.parametrize("count", [1, 2, 4, 8])
each_processes = pytest.mark.parametrize("processes", [1, 2])


@cache
def found(processes: int) -> list[dict[str, Any]]:
    """What each of so many processes held; all of them have ended then."""
    with TemporaryDirectory() as folder:
        script, port = Path(__file__).with_name("jax_worker.py"), free_port()
        files = [Path(folder, f"{rank}.json") for rank in range(processes)]
        together(
            [(sys.executable, script, rank, processes, port, file) for rank, file in enumerate(files)], seconds=120
        )
        return [json.loads(file.read_text(encoding="ascii")) for file in files]


def directions(count: int) -> list[str]:
    """In which directions so many shards can lie."""
    return [name for name, (_, cuts) in DIRECTIONS.items() if count >= cuts]


@each_processes
@each_count
@pytest.mark.parametrize("case", CASES)
def test_shards(case: str, count: int, processes: int) -> None:
    """The shards that all processes hold, side by side, are the array that NumPy makes, in every direction and way."""
    shape, options = CASES[case]
    expected = zero_array.zero_init(shape, dtype="float32", **options)
    for direction in directions(count):
        for way in ("jit",) if "window" in options else ("jit", "callback"):
            name = f"{case}, {count}, {direction}, {way}"
            held = [shard for process in found(processes) for shard in process.get(name, [])]
            assert len(held) == count
            whole = numpy.full(expected.shape, numpy.nan, "float32")
            for ends, data in held:
                part = tuple(slice(*pair) for pair in ends)
                assert whole[part].size == whole.size / count
                whole[part] = numpy.frombuffer(bytes.fromhex(data), "float32").reshape(whole[part].shape)
            assert sha256(whole.tobytes()).hexdigest() == sha256(expected.tobytes()).hexdigest()


@each_processes
@each_count
@pytest.mark.parametrize("case", CASES)
def test_plan_of_a_device(case: str, count: int, processes: int) -> None:
    """The compiled call talks to no other device, reads nothing, and takes its shard's memory and no more."""
    shape, options = CASES[case]
    shard = 4 * prod(zero_array.zero_init(shape, **options).shape) // count
    for direction in directions(count):
        plans = [process.get(f"{case}, {count}, {direction}, plan") for process in found(processes)]
        assert any(plans)
        for plan in filter(None, plans):
            assert (plan["collectives"], plan["input"], plan["output"]) == ([], 0, shard)
            assert plan["temporary"] <= 4096


@each_processes
def test_both_processes_hold_half(processes: int) -> None:
    """Of eight shards, each process holds its own devices' alone."""
    assert {len(process["hadamard, 8, down, jit"]) for process in found(processes)} == {8 // processes}


@each_processes
def test_other_shapes(processes: int) -> None:
    """A shape that the devices cannot share is refused, and so is a window outside the shape, where it is held."""
    for process in found(processes):
        assert process["refusal of a shape"].startswith("IndivisibleError: ")
    message = "ValueError: `window` must lie inside the shape, 0 <= start <= stop <= 64 on axis 0; got slice("
    assert found(processes)[-1]["refusal of a window"].startswith(message)


@each_processes
def test_shards_are_compared(processes: int) -> None:
    """Each process finds its own shards to be the start, and names the entry that it changed."""
    for process in found(processes):
        assert process["compared"] == [[64 * 24 // 8, 0, None]] * (8 // processes)
        assert process["whole"].startswith("TypeError: `array` must be here as a whole; got shards of a ") == (
            processes == 2
        )
