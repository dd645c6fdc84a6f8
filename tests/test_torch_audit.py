"""The audit of torch models: each broken start is found, with its remedy; good ones are not; nothing is touched."""

from functools import partial
from typing import Any

import pytest
import torch
from blocks import BLOCKS, TOKENS, block, data
from broken import GALLERY, batch, seeded
from torch import Tensor, nn

import zero_array.torch

each_broken = pytest.mark.parametrize("name", GALLERY)


@pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel:UserWarning")  # that is what is broken
@each_broken
def test_gallery(name: str) -> None:
    """What is broken is found, by its parameter, with the remedy; no other error is claimed."""
    broken = GALLERY[name]
    report = zero_array.torch.audit(seeded(broken.build), batch(name))
    found = {(str(item.severity), item.parameter, item.what): item for item in report}
    assert broken.findings <= set(found), str(report)
    assert all(broken.remedy in found[key].remedy for key in broken.findings), str(report)
    errors = {what for severity, _, what in found if severity == "error"}
    assert errors <= {what for _, _, what in broken.findings} | broken.errors, str(report)


@pytest.mark.parametrize("start", ["own", "ZerO"])
@pytest.mark.parametrize("name", BLOCKS)
def test_good_blocks_have_no_errors(name: str, start: str) -> None:
    """Blocks with a head, at their own start and started by `init_`, are without errors."""
    x = data(*BLOCKS[name][2])

    def build() -> nn.Module:
        inner = block(name)
        return nn.Sequential(inner, nn.Flatten(), nn.Linear(inner(x).flatten(1).shape[1], 3))

    model = seeded(build, 1)  # some seeds make a ReLU of four units dead
    if start == "ZerO":
        zero_array.torch.init_(model, example_inputs=x)
    report = zero_array.torch.audit(model, x)
    assert not report.filter(severity="error").findings, str(report)
    (branches,) = report.filter(what="branches")
    count = 2 if name == "parallel" else 1
    assert branches.evidence.startswith(f"{count if start == 'ZerO' else 0} of {count} ")


def test_same_report_whatever_is_drawn() -> None:
    """A model that draws in evaluation mode too has one report, whatever torch's random state."""
    model, x = seeded(partial(block, "drop path")), data(*TOKENS)
    reports = set()
    for seed in range(20):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            reports.add(zero_array.torch.audit(model, x).to_json())
    assert len(reports) == 1


def test_reach_and_depth() -> None:
    """What waits behind zeros has no gradient now, and one after a step; signal and gradient are those of torch."""
    x = data(3, 4)
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))
    nn.init.zeros_(model[1].weight)
    report = zero_array.torch.audit(model, x, steps=1, loss=lambda outputs: outputs.square().sum())
    reach = {item.parameter: item for item in report.reach}
    assert (reach["0.weight"].now, reach["1.weight"].now > 0) == (0.0, True)
    assert all(item.after for item in reach.values())
    assert [item.module for item in report.depth] == ["0", "1"]  # the model itself returns what its last layer does
    hidden = model[0](x).detach().requires_grad_()
    outputs = model[1](hidden)
    outputs.square().sum().backward()
    first, second = report.depth
    assert first.signal == pytest.approx(float(hidden.detach().square().mean().sqrt()))
    assert first.gradient == 0.0
    assert second.signal == pytest.approx(float(outputs.detach().square().mean().sqrt()))
    assert second.gradient == pytest.approx(float((2 * outputs).detach().square().mean().sqrt()))
    assert zero_array.torch.audit(model, x).reach[0].after is None


def test_gradients_are_those_of_torch() -> None:
    """The reach now is the gradient that a plain backward pass makes in training mode."""
    x = data(4, 4)
    model = seeded(lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 3)))
    report = zero_array.torch.audit(model, x, loss=lambda outputs: outputs.square().sum())
    model(x).square().sum().backward()
    for item in report.reach:
        gradient = model.get_parameter(item.parameter).grad
        assert gradient is not None
        assert item.now == pytest.approx(float(gradient.abs().max()), rel=1e-5)


def test_twins_part_by_their_successors() -> None:
    """Twins behind a random head have unequal gradients, and are none of this kind."""
    model = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))
    zero_array.torch.hadamard_init_(model[0].weight)
    nn.init.zeros_(model[0].bias)
    assert not zero_array.torch.audit(model, data(3, 4)).filter(what="twins that stay").findings


def test_twins_with_unequal_biases() -> None:
    """Outputs with equal weights and unequal biases are no twins."""
    model = seeded(GALLERY["twins behind a zero head"].build)
    assert not (torch.nn.init.normal_(model[0].bias) == 0).any()
    assert not zero_array.torch.audit(model, batch("twins behind a zero head")).filter(what="twins that stay").findings


def test_twins_are_counted() -> None:
    """A slice of 16 x 4 has 4 different rows; dropout is said to part the twins."""
    model = seeded(GALLERY["twins behind a zero head"].build)
    for inner, ending in ((model, "won't part them"), (nn.Sequential(model, nn.Dropout(0.5)), "but dropout will")):
        (found,) = zero_array.torch.audit(inner, batch("twins behind a zero head")).filter(what="twins that stay")
        assert found.evidence.startswith("12 of 16 outputs")
        assert found.evidence.endswith(ending)


def test_remedy_of_zeros_in_series() -> None:
    """What the remedy names helps: `init_` with it leaves no error."""
    name = "branch of two zeros"
    model = seeded(GALLERY[name].build)
    zero_array.torch.init_(model, example_inputs=batch(name), overrides={"0.a.weight": "identity"})
    assert not zero_array.torch.audit(model, batch(name)).filter(severity="error").findings


def test_remedy_of_twins() -> None:
    """So does the one of twins."""
    name = "twins behind a zero head"
    model = seeded(GALLERY[name].build)
    zero_array.torch.init_(model, columns="distinct", head="zeros")
    assert not zero_array.torch.audit(model, batch(name)).filter(what="twins that stay").findings


@pytest.mark.parametrize("name", ["attention", "fused attention", "multihead"])
def test_uniform_softmax(name: str) -> None:
    """Keys of zeros make each row of a softmax uniform, whoever computes it, which is a note."""
    model, x = seeded(partial(block, name)), data(*TOKENS)
    zero_array.torch.init_(model, example_inputs=x)
    report = zero_array.torch.audit(model, x)
    assert [item.severity for item in report.filter(what="uniform softmax")] == ["note"]


class Masked(nn.Module):
    """Attention to what came before, by torch's own function."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.v = nn.Linear(4, 8), nn.Linear(4, 4)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> dict[str, Any]:
        """Attend; two queries to a key."""
        query, value = self.q(x).unflatten(-1, (2, 4)).transpose(1, 2), self.v(x)[:, None]
        attend = nn.functional.scaled_dot_product_attention
        causal = attend(query, value, value, is_causal=mask is None, attn_mask=mask, enable_gqa=True)
        return {"scores": causal.mean(1), "number": 3, "nothing": None}


@pytest.mark.parametrize("mask", [None, torch.ones(5, 5, dtype=torch.bool).tril(), torch.zeros(5, 5)], ids=str)
@pytest.mark.parametrize("factor", [1.0, 1e4])
def test_masked_softmax(factor: float, mask: Tensor | None) -> None:
    """What is masked does not count: the first row of a causal attention has no choice, and is not sharp."""
    inputs = {"x": data(2, 5, 4) * factor, "mask": mask}
    report = zero_array.torch.audit(seeded(Masked), inputs)
    assert bool(report.filter(what="saturated softmax").findings) == (factor > 1)


def test_recurrent() -> None:
    """Recurrent layers, which keep lists of their weights, are looked at too."""
    model = nn.LSTM(3, 4, batch_first=True)
    weights = list(model._flat_weights)
    report = zero_array.torch.audit(model, data(2, 5, 3), steps=2)
    assert report.worst is None
    assert all(one is two for one, two in zip(weights, model._flat_weights, strict=True))
    assert all(item.after for item in report.reach)


def test_frozen_parameters() -> None:
    """What is frozen is not asked for a gradient."""
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 3))
    model[0].requires_grad_(False)
    report = zero_array.torch.audit(model, data(3, 4))
    assert [item.parameter for item in report.reach] == ["1.weight", "1.bias"]
    assert report.worst is None


class Own(nn.Linear):
    """It returns its loss."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """The loss, and what has no part in it."""
        return {"loss": super().forward(x).square().sum(), "other": self.bias * 1e6}


def test_own_loss() -> None:
    """The loss that a model returns is the one that is taken."""
    report = zero_array.torch.audit(Own(4, 3), data(3, 4))
    assert report.reach[1].now < 1e3


def test_half_precision() -> None:
    """A model of bfloat16 is looked at as any other."""
    model = seeded(lambda: nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)).bfloat16())
    zero_array.torch.init_(model, head="zeros")
    report = zero_array.torch.audit(model, data(3, 4).bfloat16(), steps=1)
    assert {item.what for item in report} == {"late gradient", "twins that stay", "twin rows"}


class Turned(nn.Module):
    """A layer of its own, whose columns are the outputs; as in GPT-2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.empty(inputs, outputs)), nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return torch.addmm(self.bias, x.flatten(0, -2), self.weight).unflatten(0, x.shape[:-1])


class TurnedAttention(nn.Module):
    """An attention of such layers."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = Turned(8, 24), Turned(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        """Attend."""
        query, key, value = self.qkv(x).split(8, -1)
        return x + self.out(nn.functional.scaled_dot_product_attention(query, key, value))


def test_layers_of_bare_parameters() -> None:
    """Layers that are known by their use alone are looked at as any other: here values and outputs are zero."""
    model, x = TurnedAttention(), data(2, 5, 8)
    zero_array.torch.init_(model, example_inputs=x)
    assert zero_array.torch.audit(model, x).filter(what="zeros in series").worst is None
    with torch.no_grad():
        model.out.weight.zero_()
    (finding,) = zero_array.torch.audit(model, x).filter(what="zeros in series")
    assert (finding.severity, finding.parameter) == ("error", "qkv.weight")
