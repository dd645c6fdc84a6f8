"""DTensor and FSDP: a few processes together make the tensors that one makes, bit for bit."""

import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import torch
from sharded import MESHES, PLACEMENTS, SHAPES, digest, model, pair

import zero_array.torch

each_count = pytest.mark.parametrize("processes", [2, 4])


@cache
def found(processes: int) -> dict[str, str]:
    """What that many processes made; all of them have ended then."""
    with TemporaryDirectory() as folder:
        script = str(Path(__file__).with_name("sharded.py"))
        done = subprocess.run(
            [sys.executable, script, str(processes), folder], capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, done.stderr
        made: dict[str, str] = json.loads(Path(folder, "digests.json").read_text(encoding="utf-8"))
        return made


@each_count
@pytest.mark.parametrize("where", [*PLACEMENTS, *MESHES])
@pytest.mark.parametrize("name", SHAPES)
def test_in_place(processes: int, where: str, name: str) -> None:
    """A sharded tensor holds the parts of the whole, whichever axis is cut, evenly or not, once or twice."""
    if where in MESHES and processes != 4:
        assert f"{name}, {where}" not in found(processes)
        return
    shape, options = SHAPES[name]
    assert found(processes)[f"{name}, {where}"] == digest(zero_array.torch.zero_init_(torch.empty(shape), **options))


@each_count
@pytest.mark.parametrize("way", ["whole", "by module"])
def test_fully_sharded_model(processes: int, way: str) -> None:
    """A model that was planned on meta, sharded and filled is what one process fills, and computes the same."""
    whole = model()
    zero_array.torch.init_(whole)
    expected = {name: digest(parameter) for name, parameter in whole.named_parameters()}
    assert {name: found(processes)[f"{way}, {name}"] for name in expected} == expected
    assert found(processes)[f"{way}, output"] == digest(whole(torch.arange(18.0).reshape(2, 3, 3)))


def test_parallel_model() -> None:
    """So is a model that is cut along both axes of a mesh, its rows in turns."""
    whole = pair()
    zero_array.torch.init_(whole)
    expected = {name: digest(parameter) for name, parameter in whole.named_parameters()}
    assert {name: found(4)[f"parallel, {name}"] for name in expected} == expected


@each_count
def test_bilinear_layer(processes: int) -> None:
    """A bilinear weight may be cut along its outputs; cut along an input it is refused before anything is written."""
    made = found(processes)
    whole = torch.nn.Bilinear(4, 3, 5)
    zero_array.torch.init_(whole)
    assert (made["bilinear 0, refusal"], made["bilinear 0"]) == ("nothing", digest(whole.weight))
    assert made["bilinear 0, first"] == "[1.0, 0.0, 0.0, 0.0]"
    message = "TypeError: `tensor` must be a plain dense tensor; got a bilinear weight sharded along an input: "
    assert made["bilinear 1, refusal"].startswith(message)
    assert made["bilinear 1, first"] == "[7.0, 7.0, 7.0, 7.0]"


@each_count
def test_partial(processes: int) -> None:
    """A tensor that is a sum over processes has no parts to write."""
    message = "TypeError: `tensor` must be a plain dense tensor; got a DTensor placed by (Partial(sum),): "
    assert found(processes)["partial"].startswith(message)


@each_count
def test_planned_too_late(processes: int) -> None:
    """A model that is sharded already is not read for its structure; a recipe that needs none is fine."""
    message = "ValueError: `model` must not be sharded before its plan is made; got DTensors: call init_(model, ..., "
    assert found(processes)["planned too late"].startswith(message)
    assert found(processes)["without structure"] == "mlp"
