"""Models that nobody here wrote, started by `init_`: what they compute, and whether every part of them learns.

None of it asks the package what it found: the residual blocks and their shortcuts are those that the authors of the
models wrote (`zoo.py`), and what learns is seen by gradients.
"""

import math
import subprocess
import sys
from collections.abc import Iterator
from copy import deepcopy
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import torch
import zoo
from torch import Tensor, nn

import zero_array.torch

Run = tuple[str, int, int, int]
"""Entries of a parameter that are zero: its name, the axis, and the first and last index along it (not included)."""


def started(name: str, **options: Any) -> tuple[nn.Module, Any]:
    """A model of the zoo, written by `init_`, in training mode but without dropout, and its batch."""
    model, batch = zoo.built(name)
    zero_array.torch.init_(model, example_inputs=batch, **zoo.ZOO[name].options, **options)
    return without_dropout(model.train()), batch


def without_dropout(model: nn.Module) -> nn.Module:
    """The model, each module of it that drops something in evaluation mode (all others drop nothing in the zoo)."""
    for module in model.modules():
        if "drop" in type(module).__name__.lower() or "StochasticDepth" in type(module).__name__:
            module.eval()
    return model


def loss(model: nn.Module, batch: Any) -> Tensor:
    """The cross entropy of random classes."""
    logits = zoo.called(model, batch).flatten(0, -2)
    classes = torch.randint(logits.shape[-1], (len(logits),), generator=torch.Generator().manual_seed(1))
    return nn.functional.cross_entropy(logits.float(), classes)


def gradients(model: nn.Module, batch: Any) -> dict[str, Tensor]:
    """The gradient of the loss by parameter; zeros where there is none."""
    model.zero_grad()
    loss(model, batch).backward()
    return {name: torch.zeros_like(item) if item.grad is None else item.grad for name, item in model.named_parameters()}


def blocks(name: str, model: nn.Module, batch: Any) -> Iterator[tuple[str, Tensor, Tensor]]:
    """What each residual block of a model returns, and what its shortcut alone would, with the block's name."""
    seen: list[tuple[str, nn.Module, Tensor, Tensor]] = []

    def hook(where: str) -> Any:
        def note(module: nn.Module, given: tuple[Any, ...], named: dict[str, Any], result: Any) -> None:
            before = given[0] if given else named["hidden_states"]
            seen.append((where, module, before.clone(), (result if isinstance(result, Tensor) else result[0]).clone()))

        return note

    for where, module in model.named_modules():
        if type(module) in zoo.ZOO[name].shortcuts:
            module.register_forward_hook(hook(where), with_kwargs=True)
    with torch.no_grad():
        zoo.called(model, batch)
        for where, module, before, after in seen:
            shortcut = zoo.ZOO[name].shortcuts[type(module)](module, before)
            if shortcut is not None:
                yield where, after, shortcut


each_model = pytest.mark.parametrize("name", zoo.ZOO)


@each_model
def test_blocks_are_their_shortcuts(name: str) -> None:
    """At the start every residual block returns what its shortcut does, which is not zero; none is missed."""
    model, batch = started(name)
    found = list(blocks(name, model, batch))
    assert len(found) == zoo.ZOO[name].blocks
    for where, after, shortcut in found:
        torch.testing.assert_close(after, shortcut, rtol=1e-6, atol=1e-6, msg=where)
        assert shortcut.abs().mean() > 1e-3, where


@pytest.mark.parametrize("name", ["resnet50", "mobilenet_v3_small", "vit_b_16", "bert", "llama", "t5"])
def test_blocks_of_random_weights_are_not(name: str) -> None:
    """With the weights that the authors' own code draws, no block is its shortcut: the check above can fail."""
    model, batch = zoo.built(name)
    assert not any(torch.allclose(after, other, 1e-6, 1e-6) for _, after, other in blocks(name, model, batch))


def test_without_branches_nothing_is_zero() -> None:
    """DenseNet concatenates and adds nothing: of all its weights none is zero."""
    model, _ = started("densenet121")
    assert all(item.any() for key, item in model.named_parameters() if not key.endswith("bias"))


@each_model
def test_every_parameter_learns(name: str) -> None:
    """Within five steps of gradient descent every parameter gets a gradient."""
    model, batch = started(name)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    waiting = {key for key, item in model.named_parameters() if item.requires_grad}
    for _ in range(5):
        found = gradients(model, batch)
        assert all(item.isfinite().all() for item in found.values())
        waiting -= {key for key, item in found.items() if item.any()}
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    assert waiting == set()


def runs(model: nn.Module) -> Iterator[Run]:
    """All zeros of a model that fill a parameter, or rows or columns of it; tables of embeddings apart."""
    tables = {
        id(item) for module in model.modules() if isinstance(module, nn.Embedding) for item in module.parameters()
    }
    for name, tensor in model.named_parameters():
        if id(tensor) in tables:
            continue
        if not tensor.any():
            yield name, 0, 0, len(tensor) if tensor.ndim else 1
            continue
        for axis in range(2) if tensor.ndim > 1 else ():
            full = tensor.transpose(0, axis).flatten(1).any(1).tolist()
            for is_full, group in groupby(range(len(full)), full.__getitem__):
                indices = list(group)
                if not is_full:
                    yield name, axis, indices[0], indices[-1] + 1


def part(tensor: Tensor, run: Run) -> Tensor:
    """The entries that a run names."""
    return tensor.narrow(run[1], run[2], run[3] - run[2]) if tensor.ndim else tensor


def stuck(model: nn.Module, batch: Any) -> tuple[list[Run], dict[Run, int]]:
    """The zeros that can only move after one another: zeros in series. Of the others, when their turn to move comes.

    All else moves to random places near by. A zero that gets a gradient there will learn, and moves too from then on.
    What is left when nothing more gets a gradient waits for each other: for ever.
    """
    model = deepcopy(model)
    start = {name: tensor.detach().clone() for name, tensor in model.named_parameters()}
    waiting, turns = list(runs(model)), dict[Run, int]()
    torch.manual_seed(2)
    for turn in range(1, len(waiting) + 1):
        with torch.no_grad():
            for name, tensor in model.named_parameters():
                inputs = tensor[0].numel() if tensor.ndim > 1 else 1
                tensor.copy_(start[name] + torch.randn_like(tensor) * 0.1 / math.sqrt(inputs))
            for run in waiting:
                part(model.get_parameter(run[0]), run).zero_()
        found = gradients(model, batch)
        moving = [run for run in waiting if part(found[run[0]], run).any()]
        if not moving:
            break
        turns |= dict.fromkeys(moving, turn)
        waiting = [run for run in waiting if run not in turns]
    return waiting, turns


@each_model
def test_no_two_zeros_in_series(name: str) -> None:
    """No zero waits for one that waits for it, and none for more than two: biases of queries for keys for values."""
    waiting, turns = stuck(*started(name))
    assert waiting == []
    assert max(turns.values(), default=1) <= 3


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("llama", "model.layers.1.self_attn.v_proj.weight", "model.layers.1.self_attn.o_proj.weight"),
        ("bert", "*.1.attention.self.value.weight", "*.1.attention.output.dense.weight"),
        ("resnet18", "layer2.1.conv1.weight", "layer2.1.conv2.weight"),
        ("timm_mixer", "blocks.1.mlp_tokens.fc1.weight", "blocks.1.mlp_tokens.fc2.weight"),
        ("timm_dm_nfnet", "stages.2.1.conv3.gain", "stages.2.1.skipinit_gain"),
    ],
)
def test_two_zeros_in_series_are_found(name: str, first: str, second: str) -> None:
    """Two zeros in series that were put there by hand are found, both of them."""
    waiting, _ = stuck(*started(name, overrides={first: "zeros", second: "zeros"}))
    found = {run[0] for run in waiting}
    assert all(any(fnmatchcase(key, pattern) for key in found) for pattern in (first, second))


@each_model
def test_plans_are_stable(name: str) -> None:
    """The plan depends on no random weight, and on no inputs where the model can be traced; else some are asked for."""
    model, batch = zoo.built(name)
    options = {**zoo.ZOO[name].options, "dry_run": True}
    plan = zero_array.torch.init_(model, example_inputs=batch, **options)
    torch.manual_seed(7)
    other = zoo.ZOO[name].make()
    assert zero_array.torch.init_(other, example_inputs=zoo.ZOO[name].inputs(), **options) == plan
    if zoo.ZOO[name].traced:
        assert zero_array.torch.init_(other, **options) == plan
    else:
        with pytest.raises(ValueError, match="example_inputs"):
            zero_array.torch.init_(other, **options)


@each_model
def test_planning_changes_nothing(name: str) -> None:
    """A dry run leaves parameters, buffers, modes and the random state as they were; a real one, all but the first."""
    model, batch = zoo.built(name)
    for module in list(model.modules())[::2]:
        module.training = False
    modes, state, before = [module.training for module in model.modules()], torch.get_rng_state(), zoo.digest(model)
    buffers = {key: item.clone() for key, item in model.named_buffers()}
    zero_array.torch.init_(model, example_inputs=batch, dry_run=True, **zoo.ZOO[name].options)
    assert zoo.digest(model) == before
    zero_array.torch.init_(model, example_inputs=batch, **zoo.ZOO[name].options)
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(item, buffers[key]) for key, item in model.named_buffers())
    assert zoo.digest(model) != before


def test_same_bytes_in_another_process() -> None:
    """Two processes start the same model with the same bytes."""
    names = ["resnet18", "mobilenet_v3_small", "swin_t", "timm_nfnet", "bert", "gpt_neox", "t5"]
    done = subprocess.run(
        [sys.executable, Path(zoo.__file__), *names], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.splitlines() == [f"{name} {zoo.digest(started(name)[0])}" for name in names]
