"""Branches and attentions are found by tracing and by running, and blocks start as their shortcut and learn."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from blocks import BLOCKS, PACKED, TOKENS, Block, block, data, linear, packed_block, unrolled, zeros
from torch import Tensor, nn
from torch.nn import functional

import zero_array.torch

each_block = pytest.mark.parametrize("name", BLOCKS)


@each_block
def test_branches_are_found(name: str) -> None:
    """Tracing and running find the same, and exactly the ends of the branches are zero."""
    *_, shape, expected = BLOCKS[name]
    traced = zero_array.torch.init_(block(name), dry_run=True)
    assert zero_array.torch.init_(block(name), dry_run=True, example_inputs=data(*shape)) == traced
    if name != "multihead":
        assert zeros(traced) == expected


def test_multihead() -> None:
    """The module of torch is labelled by the adapter: of its packed rows, keys and values are zero."""
    plan = zero_array.torch.init_(block("multihead"))
    assert plan["a.in_proj_weight"].fill == "query identity, key zeros, value zeros"
    assert plan["a.out_proj.weight"].fill == "identity"


@each_block
@pytest.mark.parametrize("mode", [True, False], ids=["training", "evaluation"])
def test_blocks_start_as_their_shortcut(name: str, mode: bool) -> None:
    """Two blocks in a row return what goes into the first, or its projection, whatever random masks there are."""
    shape = BLOCKS[name][2]
    module = block(name)
    zero_array.torch.init_(module)
    module.train(mode)
    x = data(*shape)
    shortcut = module.d(x) if name == "projected" else module.a(x) if name == "additive U-Net" else x
    expected = functional.relu(shortcut) if name == "resnet" else shortcut
    assert torch.allclose(module(x), expected, rtol=0, atol=1e-6)


@each_block
def test_all_parameters_learn(name: str) -> None:
    """Within five steps of SGD each parameter has had a gradient that is not zero, but for keys' biases."""
    torch.manual_seed(0)
    shape = BLOCKS[name][2]
    module = block(name)
    zero_array.torch.init_(module)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    moved: set[str] = set()
    for step in range(5):
        optimizer.zero_grad()
        y = module(data(*shape) * (step + 1))
        (y - data(*y.shape)).square().mean().backward()
        optimizer.step()
        moved |= {key for key, item in module.named_parameters() if item.grad is not None and item.grad.any()}
    assert {key for key, _ in module.named_parameters()} - moved <= {"k.bias"}


@pytest.mark.parametrize("name", PACKED)
def test_packed_attention(name: str) -> None:
    """Running tells which rows make query, key and value; tracing can't, and says what to do."""
    module = packed_block(name)
    with pytest.raises(
        ValueError, match=r"^it can't be told which rows of qkv.weight make query, key, value \(it mostly can with ex"
    ):
        zero_array.torch.init_(module)
    plan = zero_array.torch.init_(module, example_inputs=data(*TOKENS))
    assert plan["qkv.weight"].fill == "query identity, key zeros, value zeros"
    rows = torch.arange(12).reshape((3, 4) if name == "packed" else (2, 3, 2))
    queries, keys, values = rows if name == "packed" else rows.transpose(0, 1).flatten(1)
    assert torch.equal(module.qkv.weight[queries], torch.eye(4))
    assert not module.qkv.weight[keys].any()
    assert not module.qkv.weight[values].any()
    assert torch.equal(module(data(*TOKENS)), data(*TOKENS))


@pytest.mark.parametrize("is_run", [False, True])
def test_no_branches(is_run: bool) -> None:
    """Joining side by side, and steps of a recurrence, make no branch."""
    dense = Block(lambda self, x: torch.cat([x, self.b(self.a(x))], -1), a=linear(), b=linear())
    recurrent = Block(unrolled, i=linear(), h=linear())
    for module in (dense, recurrent):
        plan = zero_array.torch.init_(module, example_inputs=data(*TOKENS) if is_run else None)
        assert (plan.recipe, zeros(plan)) == ("mlp", set())


TRANSFORMERS: dict[str, tuple[Callable[[], nn.Module], Any]] = {
    "encoder layer": (lambda: nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), data(*TOKENS)),
    "encoder": (
        lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, norm_first=False), 2),
        data(*TOKENS),
    ),
    "decoder layer": (lambda: nn.TransformerDecoderLayer(4, 2, 8, batch_first=True), (data(*TOKENS), data(*TOKENS))),
    "both": (lambda: nn.Transformer(4, 2, 1, 1, 8, batch_first=True), (data(*TOKENS), data(*TOKENS))),
}


@pytest.mark.parametrize(("build", "inputs"), TRANSFORMERS.values(), ids=TRANSFORMERS)
def test_transformers(build: Callable[[], nn.Module], inputs: Any) -> None:
    """Torch's own transformers are read by running, though they take another way for that in evaluation mode."""
    module = build()
    plan = zero_array.torch.init_(module, example_inputs=inputs)
    assert plan.recipe == "transformer"
    attentions = [entry for entry in plan if entry.name.endswith("in_proj_weight")]
    assert {entry.fill for entry in attentions} == {"query identity, key zeros, value zeros"}
    assert zeros(plan) == {entry.name for entry in attentions} | {
        entry.name for entry in plan if entry.name.endswith("linear2.weight")
    }
    assert not [entry.name for entry in plan if "unknown" in entry.parameter.kind]


def test_decoder_layer_is_traced() -> None:
    """A transformer layer that can be traced gives the same plan so."""
    build, inputs = TRANSFORMERS["decoder layer"]
    module = build()
    assert zero_array.torch.init_(module, dry_run=True) == zero_array.torch.init_(
        module, dry_run=True, example_inputs=inputs
    )


def test_pre_norm_transformer_is_its_input() -> None:
    """A stack of pre-norm layers returns what it is given."""
    layer = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True, norm_first=True, dropout=0.0)
    module = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    zero_array.torch.init_(module, example_inputs=data(*TOKENS))
    for mode in (True, False):
        assert torch.equal(module.train(mode)(data(*TOKENS)), data(*TOKENS))


def test_undecided_branches() -> None:
    """Where both sides have as many layers the user decides: by a name, or by none."""
    model = Block(lambda self, x: self.a(x) + self.b(x), a=linear(), b=linear())
    ways: Any = (([], set()), ("found", set()), (["a"], {"a.weight"}), (("b.weight",), {"b.weight"}))
    for branches, expected in ways:
        plan = zero_array.torch.init_(model, branches=branches)
        assert zeros(plan) == expected


def scattered(self: Any, x: Tensor) -> Tensor:
    """A branch that is written into an empty tensor, piece by piece."""
    y = torch.empty_like(x)
    y[..., :2] = self.b(self.a(x).relu())[..., :2]
    y[..., 2:] = self.c(x)[..., 2:]
    return x + y


def test_written_in_pieces() -> None:
    """What is put into a tensor by index is a part of it: both layers end the branch."""
    model = Block(scattered, a=linear(), b=linear(), c=linear())
    assert zeros(zero_array.torch.init_(model, example_inputs=data(*TOKENS))) == {"b.weight", "c.weight"}


@dataclass(slots=True)
class Scores:
    """A result of one's own."""

    scores: Tensor


def test_result_of_its_own() -> None:
    """The head is found in results that are dataclasses, too."""
    model = Block(lambda self, x: Scores(self.b(self.a(x))), a=linear(), b=linear())
    assert zeros(zero_array.torch.init_(model, example_inputs=data(*TOKENS), head="zeros")) == {"b.weight"}
    assert zeros(zero_array.torch.init_(model, head="zeros")) == {"b.weight"}


def test_transformers_inputs() -> None:
    """A model that brings its own inputs is run on them where it can't be traced."""
    model = Block(lambda self, x: x + self.a(x) if x.sum() < 1e9 else x, a=linear())
    model.dummy_inputs = {"x": data(*TOKENS)}
    assert zeros(zero_array.torch.init_(model)) == {"a.weight"}


@pytest.mark.parametrize("is_run", [False, True], ids=["traced", "run"])
@pytest.mark.parametrize(
    "function",
    [
        *(torch.sigmoid, functional.hardsigmoid, functional.logsigmoid, functional.softplus, torch.exp),
        *(nn.Sigmoid(), nn.Hardsigmoid(), nn.LogSigmoid(), nn.Softplus()),
        *(nn.Softmax(-1), nn.LogSoftmax(-1), nn.Softmin(-1)),
    ],
    ids=lambda function: getattr(function, "__name__", type(function).__name__),
)
def test_what_is_never_zero(function: Callable[[Tensor], Tensor], is_run: bool) -> None:
    """Zeros before a function that makes something else of them would be no shortcut: the layer is not the end."""
    module = Block(lambda self, x: x + self.f(self.a(x)), a=linear())
    module.f = function
    plan = zero_array.torch.init_(module, example_inputs=data(2, 4) if is_run else None)
    assert plan["a.weight"].fill == "identity"


def summed(self: Any, x: Tensor) -> Tensor:
    """A branch that is added in place to zeros."""
    y = torch.zeros_like(x)
    y.add_(self.b(self.a(x).relu()))
    return x + y


def indexed(self: Any, x: Tensor) -> Tensor:
    """The same, row by row."""
    y = torch.zeros_like(x)
    y.index_add_(0, torch.arange(3), self.b(self.a(x).relu()))
    return x + y


def viewed(self: Any, x: Tensor) -> Tensor:
    """The same through a view, of which the other name is read."""
    y = torch.zeros_like(x)
    y.view(-1).add_(self.b(self.a(x).relu()).view(-1))
    return x + y


def halved(self: Any, x: Tensor) -> Tensor:
    """The same, into two halves."""
    y = torch.zeros_like(x)
    first, second = y.chunk(2, -1)
    z = self.b(self.a(x).relu())
    torch.mul(z[..., :2], 1.0, out=first)
    torch.mul(z[..., 2:], 1.0, out=second)
    return x + y


@pytest.mark.parametrize("forward", [summed, indexed, viewed, halved])
def test_changed_in_place(forward: Callable[..., Tensor]) -> None:
    """What is changed in place and read by another name is lost to tracing, which says so: running sees it."""
    model = Block(forward, a=linear(), b=linear())
    with pytest.raises(ValueError, match="`example_inputs` must be given"):
        zero_array.torch.init_(model)
    assert zeros(zero_array.torch.init_(model, example_inputs=data(*TOKENS))) == {"b.weight"}


def test_results_in_place() -> None:
    """Where the result of a change in place is read alone, tracing is enough."""
    model = Block(lambda self, x: self.b(self.a(x).relu_().mul_(2.0)).add_(x), a=linear(), b=linear())
    assert zeros(zero_array.torch.init_(model)) == {"b.weight"}


def mixed(self: Any, given: tuple[Tensor, Tensor]) -> Tensor:
    """The neighbours' sum in a sparse graph."""
    x, graph = given
    return x + torch.sparse.mm(graph, self.b(self.a(x).relu()))


def by_rows(self: Any, x: Tensor) -> Tensor:
    """A block, row by row."""
    return torch.vmap(lambda row: row + self.b(self.a(row).relu()))(x)


def by_columns(self: Any, x: Tensor) -> Tensor:
    """A branch, of a matrix that is the other way round, as is its result."""
    branch = torch.vmap(lambda row: self.b(self.a(row).relu()), in_dims=1, out_dims=1)
    return x + branch(x.t().contiguous()).t()


def by_entries(self: Any, x: Tensor) -> Tensor:
    """Batches of rows."""
    return torch.vmap(torch.vmap(lambda row: row + self.b(self.a(row).relu())))(x[None])[0]


@pytest.mark.parametrize(
    ("forward", "inputs"),
    [
        (mixed, ((data(5, 4), torch.eye(5).to_sparse()),)),
        *((forward, data(5, 4)) for forward in (by_rows, by_columns, by_entries)),
    ],
)
def test_tensors_without_memory(forward: Callable[..., Tensor], inputs: Any) -> None:
    """Sparse tensors, and those inside of `torch.vmap`, are followed too; the audit runs there as well."""
    model = Block(forward, a=linear(), b=linear())
    assert zeros(zero_array.torch.init_(model, example_inputs=inputs)) == {"b.weight"}
    assert not zero_array.torch.audit(model, inputs).filter(severity="error")


ENDS: dict[str, tuple[Callable[[Tensor], Tensor], bool]] = {
    "gelu": (functional.gelu, True),
    "tanh": (torch.tanh, True),
    "hardswish": (functional.hardswish, True),
    "gated by itself": (lambda y: y * torch.sigmoid(y), True),
    "two gates of one layer": (
        lambda y: torch.tanh(y[..., :2]).repeat(1, 2) * torch.sigmoid(y[..., 2:]).repeat(1, 2),
        True,
    ),
    "never zero first": (lambda y: torch.exp(y.mean(-1, keepdim=True)) * y, True),
    "modulated": (lambda y: y[..., :2].repeat(1, 2) * (1 + y[..., 2:].repeat(1, 2)), True),
    "square": (torch.square, False),
    "power": (lambda y: y**2, False),
    "times itself": (lambda y: y * y, False),
    "packed GLU": (lambda y: functional.gelu(y[..., :2]).repeat(1, 2) * y[..., 2:].repeat(1, 2), False),
    "matrix product": (lambda y: y @ y.T @ y, False),
    "absolute": (torch.abs, False),
    "relu of a part": (lambda y: torch.cat([torch.relu(y[..., :2]), y[..., 2:] ** 2], -1), False),
    "chosen by sign": (lambda y: torch.where(y > 0, y, 0.0), False),
    "times its sign": (lambda y: y * (y > 0), False),
    "shrunk": (functional.softshrink, False),
    "tanhshrink": (functional.tanhshrink, False),
    "rounded": (torch.round, False),
    "product of a stack": (lambda y: torch.stack([y, y]).prod(0), False),
    "by its norm": (lambda y: y / y.norm(), False),
    "normalised": (lambda y: functional.normalize(y, dim=-1), False),
    "by its deviation": (lambda y: (y - y.mean()) / y.std(), False),
}


@pytest.mark.parametrize("is_run", [False, True], ids=["traced", "run"])
@pytest.mark.parametrize("name", ENDS)
def test_zeros_have_a_gradient(name: str, is_run: bool) -> None:
    """The last layer is zero exactly where zeros have a finite gradient, as torch itself says."""
    function, is_end = ENDS[name]
    module = Block(lambda self, x: x + self.f(self.b(torch.relu(self.a(x)))), a=linear(), b=linear())
    module.f = function
    plan = zero_array.torch.init_(module, example_inputs=data(4, 4) if is_run else None)
    assert zeros(plan) == ({"b.weight"} if is_end else set())
    nn.init.zeros_(module.b.weight)
    module(data(4, 4)).sub(1).square().mean().backward()
    gradient = module.b.weight.grad
    assert gradient is not None
    assert (bool(gradient.isfinite().all() and gradient.any() and gradient.abs().max() < 1e3)) == is_end


def stuck(module: nn.Module, *inputs: Tensor) -> set[str]:
    """The parameters of which a row or a column is as it was after twenty steps."""
    before = {name: parameter.detach().clone() for name, parameter in module.named_parameters()}
    optimizer = torch.optim.Adam(module.parameters(), 1e-2)
    wanted = torch.linspace(-1, 1, module(*inputs).numel()).reshape(module(*inputs).shape)
    for _ in range(20):
        optimizer.zero_grad()
        (module(*inputs) - wanted).square().mean().backward()
        optimizer.step()
    moved = {name: parameter != before[name] for name, parameter in module.named_parameters()}
    return {name for name, at in moved.items() if not all(at.any(axis).all() for axis in range(at.ndim))}


def heads(block: Any, x: Tensor) -> Tensor:
    """Attention by two modules, side by side."""
    parts = [
        functional.scaled_dot_product_attention(*(layer(x) for layer in (head[0], head[1], head[2])))
        for head in (block.first, block.second)
    ]
    return x + block.out(torch.cat(parts, -1))


@pytest.mark.parametrize("width", [2, 4, 8], ids=["half", "whole", "wide"])
def test_heads_side_by_side(width: int) -> None:
    """All heads that one projection joins end its branch: by their values, or where it narrows by itself."""
    first, second = (nn.ModuleList(nn.Linear(4, width) for _ in range(3)) for _ in range(2))
    module = Block(heads, first=first, second=second, out=nn.Linear(2 * width, 4))
    x = data(2, 6, 4)
    plan = zero_array.torch.init_(module, example_inputs=x)
    values = {f"{name}.2.weight" for name in ("first", "second")}
    ends = {"out.weight"} if width > 2 else values
    assert {entry.name for entry in plan if "zeros" in entry.fill and entry.parameter.kind == "linear"} == ends | {
        f"{name}.1.weight" for name in ("first", "second")
    }
    assert torch.equal(module(x), x)
    assert stuck(module, x) <= {
        f"{name}.1.bias" for name in ("first", "second")
    }  # softmax knows no shift of its scores


def test_attention_and_layers_in_one_projection() -> None:
    """A projection of an attention beside something else is the end of their branch."""

    def forward(self: Any, x: Tensor) -> Tensor:
        query, key, value = self.qkv(x).chunk(3, -1)
        attended = functional.scaled_dot_product_attention(query, key, value)
        return x + self.out(torch.cat([attended, functional.gelu(self.up(x))], -1))

    module = Block(forward, qkv=nn.Linear(4, 12), up=nn.Linear(4, 8), out=nn.Linear(12, 4))
    x = data(2, 6, 4)
    plan = zero_array.torch.init_(module, example_inputs=x)
    assert plan["out.weight"].fill == "zeros"
    assert plan["qkv.weight"].fill == "query identity, key zeros, value identity"
    assert torch.equal(module(x), x)


def test_weight_twice_in_one_branch() -> None:
    """A weight that is used twice in series would be two zeros in series."""
    module = Block(
        lambda self, x: x + functional.linear(functional.gelu(self.up(x)), self.up.weight.T), up=nn.Linear(4, 8)
    )
    assert zeros(zero_array.torch.init_(module, example_inputs=data(2, 4))) == set()
    assert stuck(module, data(2, 4)) == set()


def test_condition_is_no_shortcut() -> None:
    """What is made of a condition and added in every layer is no shortcut of the data, whose only way has layers."""

    class Conditioned(nn.Module):  # type: ignore[misc]  # torch is not typed here
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
            self.embeddings = nn.ModuleList(nn.Linear(2, 4) for _ in range(3))

        def forward(self, x: Tensor, condition: Tensor) -> Tensor:
            for layer, embedding in zip(self.layers, self.embeddings, strict=True):
                x = functional.gelu(layer(x) + embedding(condition))
            return x

    module, x, condition = Conditioned(), data(5, 4), data(5, 2)
    assert zeros(zero_array.torch.init_(module, example_inputs=(x, condition))) == set()
    assert not torch.equal(module(x, condition), module(x + 1, condition))


@pytest.mark.parametrize("tokens", [False, True])
@pytest.mark.parametrize("is_run", [False, True], ids=["traced", "run"])
def test_shared_condition(is_run: bool, tokens: bool) -> None:
    """A condition that is embedded once and added to each layer is none either, before tokens too."""

    class Shared(nn.Module):  # type: ignore[misc]  # torch is not typed here
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(9, 4)
            self.first, self.second, self.embedding = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(2, 4)

        def forward(self, x: Tensor, condition: Tensor) -> Tensor:
            shared = self.embedding(condition)
            x = self.table(x) if tokens else x
            return self.second(torch.tanh(self.first(x) + shared)) + shared

    inputs = (torch.arange(5) if tokens else data(5, 4), data(5, 2))
    assert zeros(zero_array.torch.init_(Shared(), example_inputs=inputs if is_run else None)) == set()


@pytest.mark.parametrize("is_run", [False, True], ids=["traced", "run"])
@pytest.mark.parametrize("name", ["type_as", "to"])
def test_softmax_in_another_dtype(name: str, is_run: bool) -> None:
    """Scores that go to another dtype and back are those of an attention."""

    def forward(self: Any, x: Tensor) -> Tensor:
        scores = self.q(x) @ self.k(x).transpose(-2, -1)
        shares = getattr(functional.softmax(scores.float(), -1), name)(scores)
        return x + self.out(shares @ self.v(x))

    module = Block(forward, **{part: nn.Linear(4, 4) for part in ("q", "k", "v", "out")})
    plan = zero_array.torch.init_(module, example_inputs=data(2, 6, 4) if is_run else None)
    assert (plan["k.weight"].fill, plan["v.weight"].fill, plan["out.weight"].fill) == (
        "key zeros",
        "value zeros",
        "identity",
    )
