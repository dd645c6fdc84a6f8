"""The audit of torch models leaves all as it was, and refuses what it can't do in one exact sentence."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
import torch
from blocks import data
from misuses import Failing, chain
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

import zero_array.torch


class Busy(nn.Module):
    """A model with everything that could be touched: it counts, caches, drops, norms, and hooks itself."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.norm, self.drop, self.b = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 3)
        self.a.bias.requires_grad_(False)
        self.norm.eval()
        self.weighted = torch.nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
        self.spectral = torch.nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))
        self.calls, self.log = 0, [0]
        self.cache: dict[str, Tensor] = {}
        self.fails = False
        self.seen: Tensor
        self.register_buffer("seen", torch.zeros(4))
        self.a.register_forward_hook(lambda module, given, result: None)

    def forward(self, x: Tensor) -> Tensor:
        """Change all that."""
        self.calls += 1
        self.log.append(self.calls)
        x.add_(1.0)
        self.cache["x"] = x
        self.seen = self.seen.add_(x.mean(0)) * 2
        y = self.spectral(self.weighted(self.drop(self.norm(self.a(x)))))
        if self.fails and y.requires_grad:
            raise RuntimeError("no more")
        return self.b(y + torch.rand(4))


def digest(model: nn.Module) -> str:
    """All that a model holds, and how, and torch's random state and hooks."""
    found = hashlib.sha256(torch.get_rng_state().numpy().tobytes())
    for name, module in model.named_modules():
        own = {
            key: sorted(value) if isinstance(value, dict) else value
            for key, value in sorted(vars(module).items())
            if not isinstance(value, Tensor | nn.Module)
        }
        found.update(f"{name} {own}".encode())
    for name, tensor in sorted(model.state_dict(keep_vars=True).items()):
        gradient = None if tensor.grad is None else tensor.grad.tolist()
        found.update(f"{name} {tensor.dtype} {tensor.requires_grad} {id(tensor)} {tensor._version} {gradient}".encode())
        found.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    hooks = torch_module._global_forward_hooks, torch_module._global_forward_pre_hooks
    found.update(repr([len(item) for item in hooks]).encode())
    return found.hexdigest()


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_is_touched(fails: bool) -> None:
    """Parameters, gradients, buffers, modes, hooks, attributes, inputs and the random state stay, also on errors."""
    model, x = Busy(), data(5, 4)
    model(x.clone()).sum().backward()
    model.fails = fails
    inputs, before = x.clone(), digest(model)
    parameters = {name: (item._version, item.grad) for name, item in model.named_parameters()}
    for _ in range(2):
        if fails:
            with pytest.raises(ValueError, match=r"in training mode; got RuntimeError: no more$"):
                zero_array.torch.audit(model, x, steps=2)
        else:
            zero_array.torch.audit(model, x, steps=2)
    assert {name: (item._version, item.grad) for name, item in model.named_parameters()} == parameters
    assert torch.equal(x, inputs)
    assert digest(model) == before


def test_digest_sees_changes() -> None:
    """The digest above differs after a run of the model, and after one gradient."""
    model, x = Busy(), data(5, 4)
    found = {digest(model)}
    with torch.random.fork_rng():
        model(x).sum().backward()
    found.add(digest(model))
    model.b.weight.grad = None
    found.add(digest(model))
    model.norm.train()
    assert len({*found, digest(model)}) == 4


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_same_report_each_time(mode: Any) -> None:
    """Two audits say the same, whatever torch's random state and mode."""
    model = Busy()
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first = zero_array.torch.audit(model, data(5, 4), steps=2)
        torch.manual_seed(4)
        with mode():
            assert zero_array.torch.audit(model, data(5, 4), steps=2) == first


def test_old_weight_norm() -> None:
    """The weights that older reparametrizations keep between calls are the model's own again."""
    with pytest.warns(FutureWarning, match="weight_norm"):
        model = torch.nn.utils.weight_norm(nn.Linear(4, 4))
    before = model.weight
    zero_array.torch.audit(model, data(3, 4))
    assert model.weight is before


def frozen() -> nn.Module:
    """Nothing of it is trained."""
    return chain().requires_grad_(False)


class Counting(nn.Linear):
    """It returns what has no gradient."""

    def forward(self, x: Tensor) -> Tensor:
        """The number of the largest output."""
        return super().forward(x).argmax(-1)


def sharded() -> nn.Module:
    """It looks as if it lay on several processes."""
    model = chain()
    model[0].weight.device_mesh = "two processes"
    return model


ONES = torch.ones(2, 4)
TAKES = "`example_inputs` must be what the model takes; got "
LOSS = "`loss` must return a tensor with one element that has a gradient; got "
MISUSES: list[tuple[Callable[[], Any], Any, dict[str, Any], type[Exception], str]] = [
    (lambda: [chain()], ONES, {}, TypeError, "`model` must be one torch.nn.Module; got a list"),
    (nn.ReLU, ONES, {}, ValueError, "`model` must have parameters; got a ReLU, which has none"),
    (
        lambda: chain().to("meta"),
        ONES,
        {},
        ValueError,
        ("`model` must hold values; got parameters on the meta device: give it memory by to_empty and start it first"),
    ),
    (sharded, ONES, {}, ValueError, "`model` must be whole; got DTensors: audit it before it is sharded"),
    (frozen, ONES, {}, ValueError, "`model` must have parameters with requires_grad; got one of which all are frozen"),
    (
        lambda: Counting(4, 4),
        ONES,
        {},
        ValueError,
        (
            "`model` must return tensors that depend on its parameters; got a Tensor: pass loss=, a function of what "
            "it returns"
        ),
    ),
    (
        chain,
        None,
        {},
        TypeError,
        "`example_inputs` must be a tensor, or a tuple or dict that holds one; got None",
    ),
    (
        chain,
        torch.ones(2, 5),
        {},
        ValueError,
        TAKES + "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x5 and 4x4)",
    ),
    (Failing, ONES, {}, ValueError, TAKES + "RuntimeError: no more"),
    (
        lambda: nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)),
        ONES[:1],
        {},
        ValueError,
        (f"{TAKES}ValueError: Expected more than 1 value per channel when training, got input size torch.Size([1, 4])"),
    ),
    (
        chain,
        ONES,
        {"loss": "mse"},
        TypeError,
        (
            "`loss` must be a function of what the model returns, such as "
            "lambda outputs: outputs.logits.square().mean(); got a str"
        ),
    ),
    (
        chain,
        ONES,
        {"loss": lambda outputs: outputs.logits},
        ValueError,
        "`loss` must take what the model returns; got AttributeError: 'Tensor' object has no attribute 'logits'",
    ),
    (chain, ONES, {"loss": lambda outputs: outputs}, ValueError, LOSS + "one of shape (2, 3)"),
    (chain, ONES, {"loss": lambda outputs: outputs.sum().item()}, TypeError, LOSS),
    (chain, ONES, {"loss": lambda outputs: outputs.sum().detach()}, ValueError, LOSS + "one without"),
    (chain, ONES, {"steps": -1}, ValueError, "`steps` must be an int >= 0; got -1"),
    (chain, ONES, {"steps": 1.0}, TypeError, "`steps` must be an int >= 0; got 1.0"),
    (chain, ONES, {"steps": True}, TypeError, "`steps` must be an int >= 0; got True"),
]


@pytest.mark.parametrize(
    ("build", "inputs", "options", "kind", "message"), MISUSES, ids=[f"{index}" for index in range(len(MISUSES))]
)
def test_misuse(
    build: Callable[[], Any], inputs: Any, options: dict[str, Any], kind: type[Exception], message: str
) -> None:
    """A misuse is refused in one exact sentence, and the model is what it was."""
    model = build()
    before = digest(model) if isinstance(model, nn.Module) and not next(model.parameters(), ONES).is_meta else None
    with pytest.raises(kind) as caught:
        zero_array.torch.audit(model, inputs, **options)
    assert str(caught.value).startswith(message) if message == LOSS else str(caught.value) == message
    assert before is None or digest(model) == before
