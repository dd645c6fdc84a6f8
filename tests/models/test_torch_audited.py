"""The audit of real models: none of what is claimed of them is false."""

from typing import Any

import pytest
import torch
import zoo
from torch import nn

import zero_array.torch
from zero_array._auditing._report import Report

NAMES = ["resnet50", "vit_b_16", "gpt2", "llama", "t5"]


def audited(name: str, *, started: bool, **options: Any) -> tuple[Report, nn.Module, Any]:
    """The report on a model of the zoo, at its own start or at ZerO's; the model is what it was."""
    model, batch = zoo.built(name)
    if started:
        zero_array.torch.init_(model, example_inputs=batch, **zoo.ZOO[name].options)
    before, state = zoo.digest(model), torch.get_rng_state()
    modes = [module.training for module in model.modules()]
    report = zero_array.torch.audit(model, batch, **options)
    assert zoo.digest(model) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    return report, model, batch


@pytest.mark.parametrize("name", NAMES)
def test_own_starts(name: str) -> None:
    """What the authors' own code starts has no error, no branch that is its shortcut, and no twins."""
    report, model, _ = audited(name, started=False)
    assert not report.filter(severity="error").findings, str(report)
    assert not {item.what for item in report if item.severity == "warning"} - {"dead outputs", "scale of the signal"}
    (branches,) = report.filter(what="branches")
    assert branches.evidence.startswith("0 of ")
    assert {item.parameter for item in report.reach} == {key for key, _ in model.named_parameters()}
    assert len(report.depth) > 10


@pytest.mark.parametrize("name", NAMES)
def test_zero_starts(name: str) -> None:
    """What `init_` starts has no error; all its branches are their shortcut; some twins stay, and are told."""
    report, *_ = audited(name, started=True)
    assert not report.filter(severity="error").findings, str(report)
    (branches,) = report.filter(what="branches")
    done, _, count = branches.evidence.split()[:3]
    assert done == count
    assert report.filter(what="twins that stay").findings


def test_distinct_columns() -> None:
    """The remedy of twins helps a real model too."""
    model, batch = zoo.built("gpt2")
    zero_array.torch.init_(model, example_inputs=batch, columns="distinct")
    assert not zero_array.torch.audit(model, batch).filter(what="twins that stay").findings


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_twins_stay(name: str) -> None:
    """Twins that are said to stay do so: after ten steps of the optimizer that trains them, they are still equal."""
    report, model, batch = audited(name, started=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    words = batch["input_ids"]
    for _ in range(10):
        optimizer.zero_grad()
        model(**batch, labels=words).loss.backward()
        optimizer.step()
    for item in report.filter(what="twins that stay"):
        weight = model.get_parameter(item.parameter).detach()
        rows = weight.T if type(model.get_submodule(item.parameter.rpartition(".")[0])).__name__ == "Conv1D" else weight
        count = int(item.evidence.split()[0])
        near = (rows[:, None] - rows[None]).abs().amax(-1) < 1e-5
        assert int(near.tril(-1).any(1).sum()) == count


def test_double_zero_in_gpt2() -> None:
    """Values and output projections of zeros are found in each block."""
    model, batch = zoo.built("gpt2")
    with torch.no_grad():
        for block in model.transformer.h:
            block.attn.c_attn.weight[:, 64:] = 0
            block.attn.c_proj.weight.zero_()
    report = zero_array.torch.audit(model, batch).filter(what="zeros in series")
    assert [item.parameter for item in report] == [f"transformer.h.{index}.attn.c_attn.weight" for index in (0, 1)]
    assert all(item.severity == "error" for item in report)
