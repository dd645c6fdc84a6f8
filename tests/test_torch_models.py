"""Whole models: what is written, and that nothing else is touched, wherever they are and however they are filled."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from blocks import TOKENS, block, data, linear, packed_block, zeros
from torch import Tensor, nn
from torch.nn.modules import module as torch_module

import zero_array
import zero_array.torch
from zero_array.recipes import Plan


class Language(nn.Module):
    """An embedding, a block, and a head that is tied to the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = nn.Embedding(7, 4)
        self.block = block("mlp")
        self.again = self.block
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, numbers: Tensor | None = None, shift: Tensor | None = None, *, twice: bool = False) -> Tensor:
        """Scores of the next token; of none, nothing."""
        if numbers is None:
            return self.head.bias
        x = self.again(self.block(self.tokens(numbers)))
        if shift is not None or twice:
            x = x * 2
        return self.head(x)


NUMBERS = torch.arange(6).reshape(2, 3)


@pytest.mark.parametrize("inputs", [None, NUMBERS, (NUMBERS,), {"numbers": NUMBERS, "twice": True}], ids=type)
def test_tied_and_shared(inputs: Any) -> None:
    """What is tied or shared has one entry, which names all its names; what may be left out is left out in tracing."""
    plan = zero_array.torch.init_(Language(), example_inputs=inputs)
    assert {entry.name: entry.fill for entry in plan} == {
        "tokens.weight": "untouched",
        "block.a.weight": "identity",
        "block.a.bias": "zeros",
        "block.b.weight": "zeros",
        "block.b.bias": "zeros",
    }
    assert plan["tokens.weight"].reason == "embedding: not settled by the paper; also head.weight"
    assert plan["again.b.weight"] is plan["block.b.weight"]


def test_head_before_its_table() -> None:
    """A table that is tied to a head is a table, whichever the model names first."""
    model = nn.ModuleDict({"head": nn.Linear(4, 7, bias=False), "tokens": nn.Embedding(7, 4)})
    model["tokens"].weight = model["head"].weight
    (entry,) = zero_array.torch.init_(model, "mlp")
    assert (entry.name, entry.parameter.kind, entry.fill) == ("head.weight", "embedding", "untouched")
    assert entry.parameter.aliases == ("tokens.weight",)


def test_one_example_is_enough() -> None:
    """A model in training mode runs on a batch of one, which its norm would refuse: it runs in evaluation mode."""
    model = nn.Sequential(linear(), nn.BatchNorm1d(4))
    with pytest.raises(ValueError, match="Expected more than 1 value per channel when training"):
        model(data(1, 4))
    assert zero_array.torch.init_(model, example_inputs=data(1, 4)).recipe == "resnet"
    assert model.training


def digest(model: nn.Module) -> str:
    """The bytes of all that a model holds, and how it holds it."""
    found = hashlib.sha256()
    for name, tensor in sorted(model.state_dict(keep_vars=True).items()):
        found.update(f"{name} {tensor.dtype} {tensor.stride()} {tensor.requires_grad} {id(tensor)}".encode())
        found.update(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


class Restless(nn.Module):
    """A model that counts its calls, draws random numbers, and may fail."""

    def __init__(self, *, fails: bool = False) -> None:
        super().__init__()
        self.norm, self.a, self.b = nn.BatchNorm1d(4), linear(), linear()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("last", torch.zeros(1))
        self.fails = fails
        self.b.eval()

    def forward(self, x: Tensor) -> Tensor:
        """A block with noise."""
        self.calls += 1
        self.last = torch.rand(1)
        if self.fails:
            raise RuntimeError("no more")
        return x + self.b(self.a(self.norm(x)) + torch.rand(4))


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("is_run", [False, True])
def test_planning_touches_nothing(fails: bool, is_run: bool) -> None:
    """A dry run leaves parameters, gradients, buffers, modes, hooks and torch's random state as they were."""
    model = Restless(fails=fails)
    model.a.weight.grad = torch.ones(4, 4)
    before, state = digest(model), torch.random.get_rng_state()
    modes = [module.training for module in model.modules()]
    inputs = data(3, 4) if is_run else None
    if fails:
        with pytest.raises(ValueError, match=r"^`example_inputs` must be "):
            zero_array.torch.init_(model, example_inputs=inputs)
    else:
        assert zeros(zero_array.torch.init_(model, example_inputs=inputs, dry_run=True)) == {"b.weight"}
    assert digest(model) == before
    assert torch.equal(torch.random.get_rng_state(), state)
    assert [module.training for module in model.modules()] == modes
    assert bool((model.a.weight.grad == 1).all())
    assert not torch_module._global_forward_hooks
    assert not torch_module._global_forward_pre_hooks


def test_writing_keeps_identity() -> None:
    """Parameters stay the same objects, need their gradients as before, and buffers stay."""
    model = Restless()
    model.a.weight.requires_grad_(False)
    before = {name: (id(item), item.requires_grad, item.data_ptr()) for name, item in model.named_parameters()}
    zero_array.torch.init_(model)
    after = {name: (id(item), item.requires_grad, item.data_ptr()) for name, item in model.named_parameters()}
    assert after == before
    assert not model.calls.any()
    assert all(parameter.grad_fn is None for parameter in model.parameters())


def test_twice_is_once() -> None:
    """A model that has been filled gives the same plan, and the same bytes."""
    model = block("resnet")
    plan = zero_array.torch.init_(model)
    before = digest(model)
    assert zero_array.torch.init_(model) == plan
    assert digest(model) == before


def test_saved_plan() -> None:
    """A plan from JSON fills another model of the kind alike."""
    first, second = block("attention"), block("attention")
    plan = zero_array.torch.init_(first)
    zero_array.torch.init_(second, Plan.from_json(plan.to_json()))
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_meta_then_empty() -> None:
    """On meta there is a plan and no data; tied weights that came apart in `to_empty` are filled under every name."""
    whole = Language()
    overrides: Any = {"tokens.weight": "identity"}
    plan = zero_array.torch.init_(whole, overrides=overrides)
    with torch.device("meta"):
        model = Language()
    assert zero_array.torch.init_(model, overrides=overrides) == plan
    assert all(parameter.is_meta for parameter in model.parameters())
    model.to_empty(device="cpu")
    assert model.head.weight is not model.tokens.weight
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
    zero_array.torch.init_(model, plan)
    held = dict(whole.named_parameters(remove_duplicate=False))
    assert all(torch.equal(item, held[name]) for name, item in model.named_parameters(remove_duplicate=False))


def test_run_on_meta() -> None:
    """Example inputs of a model on meta may be anywhere: they are taken there."""
    with torch.device("meta"):
        model = packed_block("packed")
    for inputs in (data(*TOKENS), (data(*TOKENS),), {"x": data(*TOKENS)}):
        assert zeros(zero_array.torch.init_(model, example_inputs=inputs)) == {"qkv.weight"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_compiled_afterwards() -> None:
    """A model that was filled compiles without a break, and gives the same."""
    torch.compiler.reset()
    model = block("attention")
    zero_array.torch.init_(model)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    assert torch.allclose(compiled(data(*TOKENS)), model(data(*TOKENS)))


def test_loaded_parameters_are_skipped() -> None:
    """What transformers has loaded, and flagged so, is left; all else is filled."""
    model = nn.Sequential(linear(), linear())
    before = model[0].weight.clone()
    model[0].weight._is_hf_initialized = True
    zero_array.torch.init_(model)
    assert torch.equal(model[0].weight, before)
    assert torch.equal(model[1].weight, torch.eye(4))


def named_apply(fn: Callable[..., None], module: nn.Module, name: str = "") -> nn.Module:
    """Children first, each with its name, and the root last: as in timm."""
    for child_name, child in module.named_children():
        named_apply(fn, child, f"{name}.{child_name}" if name else child_name)
    fn(module=module, name=name)
    return module


def by_name(fill: Callable[..., None], model: nn.Module) -> Iterator[nn.Module]:
    """As timm does it."""
    yield named_apply(fill, model)


def one_by_one(fill: Callable[..., None], model: nn.Module) -> Iterator[nn.Module]:
    """As FSDP does it."""
    for module in model.modules():
        fill(module)
        yield module


@pytest.mark.parametrize("way", [by_name, one_by_one])
@pytest.mark.parametrize("name", ["resnet", "multihead", "attention", "layer scale"])
def test_initializer(way: Callable[..., Iterator[nn.Module]], name: str) -> None:
    """Filled module by module, a model is what it is as a whole; each call touches its module's own parameters only."""
    whole, model = block(name), block(name)
    plan = zero_array.torch.init_(whole)
    done: set[str] = set()
    untouched = {key: item.clone() for key, item in model.named_parameters()}
    prefixes = {module: key for key, module in model.named_modules()}
    for module in way(zero_array.torch.initializer(model, plan), model):
        done |= {".".join(filter(None, (prefixes[module], key))) for key, _ in module.named_parameters(recurse=False)}
        if way is one_by_one:
            rest = (item for key, item in model.named_parameters() if key not in done)
            assert all(
                torch.equal(item, before)
                for item, before in zip(rest, (untouched[key] for key in untouched if key not in done), strict=True)
            )
    assert all(torch.equal(one, other) for one, other in zip(whole.parameters(), model.parameters(), strict=True))


@pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is deprecated")
def test_initializer_of_normed_layers() -> None:
    """Norms and directions are filled together, by the module that holds them."""
    for wrap in (nn.utils.weight_norm, nn.utils.parametrizations.weight_norm):
        model = nn.Sequential(wrap(linear(4, 6)), wrap(nn.ConvTranspose1d(6, 4, 1)))
        plan = zero_array.torch.init_(model, dry_run=True)
        for module in model.modules():
            zero_array.torch.initializer(model, plan)(module)
        model[0](torch.ones(1, 4))
        assert torch.allclose(model[0].weight, zero_array.zero_init((6, 4), xp=torch))


def test_options() -> None:
    """Head, embeddings, scale and the branches named reach the weights."""
    model = nn.Sequential(nn.Embedding(6, 3), nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 6), nn.Linear(6, 2))
    plan = zero_array.torch.init_(model, head="zeros", embeddings="algorithm1", scale="paper", branches=["3"])
    assert plan.recipe == "normfree"
    assert torch.equal(model[0].weight, zero_array.zero_init((6, 3), xp=torch, scale="paper"))
    assert torch.equal(model[1].weight, zero_array.zero_init((6, 3), xp=torch, scale="paper"))
    assert not model[3].weight.any()
    assert not model[4].weight.any()
