"""Whole models: branches found by tracing and by running, blocks that start as their shortcut, nothing else touched."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules import module as torch_module

import zero_array
import zero_array.torch
from zero_array.recipes import Plan


class Block(nn.Module):
    """Any block: its layers by name, and what it computes of them."""

    def __init__(self, compute: Callable[[Any, Tensor], Tensor], **layers: nn.Module | nn.Parameter) -> None:
        super().__init__()
        self.compute = compute
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, x: Tensor) -> Tensor:
        """What was asked for."""
        return self.compute(self, x)


def linear(into: int = 4, out: int = 4) -> nn.Module:
    """A layer."""
    return nn.Linear(into, out)


def conv(into: int = 4, out: int = 4, size: int = 3) -> nn.Module:
    """A convolution that keeps the size, and its norm."""
    return nn.Sequential(nn.Conv2d(into, out, size, padding=size // 2, bias=False), nn.BatchNorm2d(out))


def heads(x: Tensor) -> Tensor:
    """Two heads of two features."""
    return x.view(x.shape[0], x.shape[1], 2, -1).transpose(1, 2)


def plain_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attention in pieces."""
    return ((q @ k.transpose(-2, -1)) * 0.5).softmax(-1) @ v


def join(x: Tensor) -> Tensor:
    """The heads side by side again."""
    return x.transpose(1, 2).flatten(2)


def drop_path(x: Tensor) -> Tensor:
    """Branches of some samples are dropped."""
    return x.div(0.5) * x.new_empty((x.shape[0],) + (1,) * (x.ndim - 1)).bernoulli_(0.5)


def mixed(self: Any, x: Tensor, core: Callable[..., Tensor]) -> Tensor:
    """An attention block with three projections."""
    y = self.n(x)
    return x + self.o(join(core(heads(self.q(y)), heads(self.k(y)), heads(self.v(y)))))


def packed(self: Any, x: Tensor) -> Tensor:
    """An attention block with one projection, in the order query, key, value."""
    q, k, v = self.qkv(self.n(x)).reshape(x.shape[0], x.shape[1], 3, 2, -1).permute(2, 0, 3, 1, 4).unbind(0)
    return x + self.o(join(functional.scaled_dot_product_attention(q, k, v)))


def interleaved(self: Any, x: Tensor) -> Tensor:
    """An attention block with one projection, head by head."""
    q, k, v = self.qkv(self.n(x)).view(x.shape[0], x.shape[1], 2, 6).transpose(1, 2).chunk(3, dim=-1)
    return x + self.o(join(plain_attention(q, k, v)))


def resized(layer: nn.Module, y: Tensor) -> Tensor:
    """A layer, and a view that asks its input for a size."""
    return layer(y).view(y.size(0), y.shape[1], -1)


def additive(self: Any, y: Tensor) -> Tensor:
    """A U-Net that adds, from its first layer on."""
    return y + self.d(self.c(self.b(y).relu()).relu())


def unrolled(self: Any, x: Tensor) -> Tensor:
    """A recurrent network, step by step."""
    state = x.new_zeros(x.shape)
    for _ in range(3):
        state = torch.tanh(self.i(x) + self.h(state))
    return state


def squeeze_excite(self: Any, x: Tensor) -> Tensor:
    """A block whose branch is gated by itself."""
    y = self.b(self.a(x).relu())
    return x + y * self.s(y.mean((2, 3), keepdim=True)).sigmoid()


QKVO: dict[str, Any] = dict.fromkeys("qkvo", linear) | {"n": lambda: nn.LayerNorm(4)}
PICTURE, TOKENS = (3, 4, 5, 5), (3, 5, 4)

BLOCKS: dict[str, tuple[Callable[[Any, Tensor], Tensor], dict[str, Callable[[], Any]], tuple[int, ...], set[str]]] = {
    "mlp": (lambda self, x: x + self.b(self.a(x).relu()), {"a": linear, "b": linear}, TOKENS, {"b.weight"}),
    "in place": (lambda self, x: self.b(self.a(x).relu()).add_(x), {"a": linear, "b": linear}, TOKENS, {"b.weight"}),
    "sum by name": (
        lambda self, x: torch.add(x, self.b(functional.gelu(self.a(x)))),
        {"a": lambda: linear(4, 8), "b": lambda: linear(8, 4)},
        TOKENS,
        {"b.weight"},
    ),
    "resnet": (
        lambda self, x: functional.relu(x + self.b(functional.relu(self.a(x)))),
        {"a": conv, "b": conv},
        PICTURE,
        {"b.0.weight"},
    ),
    "projected": (
        lambda self, x: self.d(x) + self.c(self.b(self.a(x).relu()).relu()),
        {"a": lambda: conv(4, 2, 1), "b": lambda: conv(2, 2), "c": lambda: conv(2, 8, 1), "d": lambda: conv(4, 8, 1)},
        PICTURE,
        {"c.0.weight"},
    ),
    "pre-activation": (
        lambda self, x: x + self.b(self.m(self.a(self.n(x).relu())).relu()),
        {"a": linear, "b": linear, "n": lambda: nn.LayerNorm(4), "m": lambda: nn.LayerNorm(4)},
        TOKENS,
        {"b.weight"},
    ),
    "depthwise": (
        lambda self, x: x + self.b(functional.gelu(self.a(self.n(self.d(x).permute(0, 2, 3, 1))))).permute(0, 3, 1, 2),
        {
            "d": lambda: nn.Conv2d(4, 4, 3, padding=1, groups=4),
            "n": lambda: nn.LayerNorm(4),
            "a": lambda: linear(4, 8),
            "b": lambda: linear(8, 4),
        },
        PICTURE,
        {"b.weight"},
    ),
    "layer scale": (
        lambda self, x: x + self.gamma * self.b(self.a(x).relu()),
        {"a": linear, "b": linear, "gamma": lambda: nn.Parameter(torch.full((4,), 1e-5))},
        TOKENS,
        {"b.weight"},
    ),
    "drop path": (
        lambda self, x: x + drop_path(self.b(self.a(x).relu())),
        {"a": linear, "b": linear},
        TOKENS,
        {"b.weight"},
    ),
    "squeeze and excite": (
        squeeze_excite,
        {"a": conv, "b": conv, "s": lambda: nn.Conv2d(4, 4, 1)},
        PICTURE,
        {"b.0.weight"},
    ),
    "gated": (
        lambda self, x: x + self.c(functional.silu(self.a(x)) * self.b(x)),
        {"a": linear, "b": linear, "c": linear},
        TOKENS,
        {"c.weight"},
    ),
    "gated end": (
        lambda self, x: x + functional.glu(self.a(x)),
        {"a": lambda: linear(4, 8)},
        TOKENS,
        {"a.weight"},
    ),
    "size of an inner activation": (
        lambda self, x: x + resized(self.b, self.a(x).relu()),
        {"a": linear, "b": linear},
        TOKENS,
        {"b.weight"},
    ),
    "attention": (lambda self, x: mixed(self, x, plain_attention), QKVO, TOKENS, {"k.weight", "v.weight"}),
    "fused attention": (
        lambda self, x: mixed(self, x, functional.scaled_dot_product_attention),
        QKVO,
        TOKENS,
        {"k.weight", "v.weight"},
    ),
    "multihead": (
        lambda self, x: x + self.a(x, x, x, need_weights=False)[0],
        {"a": lambda: nn.MultiheadAttention(4, 2, batch_first=True)},
        TOKENS,
        set(),
    ),
    "parallel": (
        lambda self, x: mixed(self, x, plain_attention) + self.b(self.a(self.n(x)).relu()),
        QKVO | {"a": linear, "b": linear},
        TOKENS,
        {"k.weight", "v.weight", "b.weight"},
    ),
    "additive U-Net": (
        lambda self, x: additive(self, self.a(x)),
        {"a": linear, "b": linear, "c": linear, "d": linear},
        TOKENS,
        {"d.weight"},
    ),
}

PACKED: dict[str, Callable[[Any, Tensor], Tensor]] = {"packed": packed, "interleaved": interleaved}


def block(name: str) -> Block:
    """A block of the table, in training mode."""
    compute, layers, *_ = BLOCKS[name]
    return Block(compute, **{key: build() for key, build in layers.items()})


def packed_block(name: str) -> Block:
    """An attention with one projection for query, key and value."""
    return Block(PACKED[name], qkv=linear(4, 12), o=linear(), n=nn.LayerNorm(4))


def data(*shape: int) -> Tensor:
    """Numbers without meaning, always the same."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(1)) - 0.5


def zeros(plan: Plan) -> set[str]:
    """The names of all matrices that start as zeros."""
    return {
        entry.name
        for entry in plan
        if "zeros" in entry.fill and entry.parameter.kind in ("linear", "conv", "recurrent")
    }


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


def test_undecided_branches() -> None:
    """Where both sides have as many layers the user decides: by a name, or by none."""
    model = Block(lambda self, x: self.a(x) + self.b(x), a=linear(), b=linear())
    ways: Any = (([], set()), ("found", set()), (["a"], {"a.weight"}), (("b.weight",), {"b.weight"}))
    for branches, expected in ways:
        plan = zero_array.torch.init_(model, branches=branches)
        assert zeros(plan) == expected


def test_transformers_inputs() -> None:
    """A model that brings its own inputs is run on them where it can't be traced."""
    model = Block(lambda self, x: x + self.a(x) if x.sum() < 1e9 else x, a=linear())
    model.dummy_inputs = {"x": data(*TOKENS)}
    assert zeros(zero_array.torch.init_(model)) == {"a.weight"}
