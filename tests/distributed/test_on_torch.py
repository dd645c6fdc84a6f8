"""DTensor, FSDP and tensor parallelism: a few processes together make the tensors that one makes, bit for bit."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from processes import together
from sharded import MESHES, PLACEMENTS, SHAPES, digest, model, pair

import zero_array.torch

each_count = pytest.mark.parametrize("processes", [1, 2, 4])
Made = dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """What one, two and four processes made, after one another; all of them have ended then."""
    folder = tmp_path_factory.mktemp("made")
    script = Path(__file__).with_name("sharded.py")
    for processes in (4, 2, 1):  # the first four leave a checkpoint
        together([(sys.executable, script, processes, folder)], seconds=120)
    return {count: json.loads((folder / f"{count}.json").read_text(encoding="utf-8")) for count in (1, 2, 4)}


def expected(whole: torch.nn.Module) -> dict[str, str]:
    """The digests of the parameters of a model that this process alone starts."""
    zero_array.torch.init_(whole)
    return {name: digest(parameter) for name, parameter in whole.named_parameters()}


@each_count
@pytest.mark.parametrize("where", [*PLACEMENTS, *MESHES])
@pytest.mark.parametrize("name", SHAPES)
def test_in_place(processes: int, where: str, name: str, made: Made) -> None:
    """A sharded tensor holds the parts of the whole, whichever axis is cut, evenly or not, once or twice."""
    if where in MESHES and processes != 4:
        assert f"{name}, {where}" not in made[processes]
        return
    shape, options = SHAPES[name]
    assert made[processes][f"{name}, {where}"] == digest(zero_array.torch.zero_init_(torch.empty(shape), **options))


@each_count
@pytest.mark.parametrize("way", ["whole", "by module"])
def test_fully_sharded_model(processes: int, way: str, made: Made) -> None:
    """A model that was planned on meta, sharded and filled is what one process fills, and computes the same."""
    whole = model()
    digests = expected(whole)
    assert {name: made[processes][f"{way}, {name}"] for name in digests} == digests
    assert made[processes][f"{way}, output"] == digest(whole(torch.arange(18.0).reshape(2, 3, 3)))


@pytest.mark.parametrize(("processes", "way"), [(1, "parallel"), (2, "parallel"), (4, "parallel"), (4, "both ways")])
def test_parallel_model(processes: int, way: str, made: Made) -> None:
    """So is one that is cut by tensor parallelism, evenly or not, and by FSDP along another axis of the mesh."""
    digests = expected(pair())
    assert {name: made[processes][f"{way}, {name}"] for name in digests} == digests


@each_count
def test_checkpoint(processes: int, made: Made) -> None:
    """A checkpoint that four processes wrote is the start, for whatever number of processes reads it."""
    digests = expected(model())
    assert {name: made[processes][f"checkpoint, {name}"] for name in digests} == digests


@each_count
@pytest.mark.parametrize("where", PLACEMENTS)
def test_shards_are_compared(processes: int, where: str, made: Made) -> None:
    """Every process finds its own shard to be the start, and then names the one entry that it changed."""
    parts = 1 if where == "replicated" else processes
    rows, cols = (64 // parts, 32) if where == "rows" else (64, 32 // parts)
    for rank, (before, after) in enumerate(made[processes][f"compared, {where}"]):
        part = rank % parts
        last = [rows * (part + 1) - 1, 31] if where == "rows" else [63, cols * (part + 1) - 1]
        assert before == [rows * cols, 0, None]
        assert after == [rows * cols, 1, last]
    message = (
        "TypeError: `array` must be here as a whole; got shards of a DTensor: pass what this process holds, and its"
    )
    assert made[processes]["compared as a whole"].startswith(message)


@each_count
def test_bilinear_layer(processes: int, made: Made) -> None:
    """A bilinear weight may be cut along its outputs; cut along an input it is refused before anything is written."""
    found = made[processes]
    whole = torch.nn.Bilinear(4, 3, 5)
    zero_array.torch.init_(whole)
    assert (found["bilinear 0, refusal"], found["bilinear 0"]) == ("nothing", digest(whole.weight))
    assert found["bilinear 0, first"] == "[1.0, 0.0, 0.0, 0.0]"
    if processes == 1:  # the whole is here
        return
    message = "TypeError: `tensor` must be a plain dense tensor; got a bilinear weight sharded along an input: "
    assert found["bilinear 1, refusal"].startswith(message)
    assert found["bilinear 1, first"] == "[7.0, 7.0, 7.0, 7.0]"


@each_count
def test_wrong_parts(processes: int, made: Made) -> None:
    """A sum over processes, or shards that are not those of the shape, are refused by all; nothing is written."""
    for refused in made[processes]["partial, refusals"]:
        message = "TypeError: `tensor` must be a plain dense tensor; got a DTensor placed by (Partial(sum),): "
        assert refused.startswith(message)
    rows = -(-17 // processes)
    for rank, refused in enumerate(made[processes]["other shape, refusals"]):
        wanted = (min(rows, 17 - rank * rows), 5)
        message = f"ValueError: `tensor` must hold {wanted} of (17, 5) here, as its placement says; got (3, 5)"
        assert refused == message
    assert made[processes]["partial, left"] == made[processes]["other shape, left"] == [True] * processes


@each_count
def test_planned_too_late(processes: int, made: Made) -> None:
    """A model that is sharded already is not read for its structure; a recipe that needs none is fine."""
    message = "ValueError: `model` must not be sharded before its plan is made; got DTensors: call init_(model, ..., "
    assert made[processes]["planned too late"].startswith(message)
    assert made[processes]["without structure"] == "mlp"
