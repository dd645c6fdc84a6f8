"""What users of torch try first and can't do: the model, the options, and the exact refusal."""

from collections.abc import Callable
from typing import Any

import numpy
import torch
from torch import Tensor, nn

import zero_array.torch
from zero_array.recipes import Plan, Recipe


class Residual(nn.Module):
    """A block with a gate that is no layer."""

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.a, self.act, self.b = nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Add a branch."""
        return x + self.b(self.act(self.a(x)))


class Two(Residual):
    """Two sides of equal length."""

    def forward(self, x: Tensor) -> Tensor:
        """Add both."""
        return self.a(x) + self.b(x)


class Choosing(Residual):
    """What it does depends on its input."""

    def forward(self, x: Tensor) -> Tensor:
        """Choose."""
        return self.a(x) if x.sum() > 0 else self.b(x)


class Failing(Residual):
    """It fails."""

    def forward(self, x: Tensor) -> Tensor:  # noqa: ARG002  # as a model has it
        """Fail."""
        raise RuntimeError("no more")


class Packed(nn.Module):
    """An attention whose query, key and value are packed."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(4, 12)

    def forward(self, x: Tensor) -> Tensor:
        """Attend."""
        query, key, value = self.qkv(x).chunk(3, -1)
        return nn.functional.scaled_dot_product_attention(query, key, value)


class Gated(nn.Module):
    """A parameter that nobody knows."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Parameter(torch.ones(3, 3))

    def forward(self, x: Tensor) -> Tensor:
        """Contract with it."""
        return torch.einsum("ij,bj->bi", self.gate, x)


def chain(*more: nn.Module) -> nn.Module:
    """Two layers and an activation."""
    return nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 3), *more)


def integers() -> nn.Module:
    """A layer of integers."""
    layer = nn.Linear(4, 4)
    layer.weight = nn.Parameter(torch.ones(4, 4, dtype=torch.int8), requires_grad=False)
    return layer


def plan_of(model: nn.Module) -> Plan:
    """A plan."""
    return zero_array.torch.init_(model, dry_run=True)


ONES = torch.ones(2, 4)
RECIPES = "`recipe` must be one of auto, zero-distinct, mlp, resnet, normfree, transformer, a Recipe or a Plan; got "
FILLS = "must be one of identity, hadamard, zeros, ones, untouched; got "
INPUTS = "`example_inputs` must be a tensor, or a tuple or dict that holds one; got "
TAKES = "`example_inputs` must be what the model takes; got "
ENDS = "`branches` must be 'found' or a list of names of modules or weights; got "
NO_END = "`branches` must name modules that hold a weight, or such weights; got "
DTYPES = "`model` must hold float64, float32, float16 or bfloat16; got "
SAYS_NOTHING = "the plan must be of this model; it says nothing about "
NO_PARAMETERS = "`model` must have parameters; got "
Options = dict[str, Any]

MISUSES: list[tuple[Callable[[], Any], Options, type[Exception], str]] = [
    (lambda: [chain()], {}, TypeError, "`model` must be one torch.nn.Module; got a list"),
    (lambda: chain().state_dict(), {}, TypeError, "`model` must be one torch.nn.Module; got an OrderedDict"),
    (lambda: chain().parameters(), {}, TypeError, "`model` must be one torch.nn.Module; got a generator"),
    (lambda: chain()[0].weight, {}, TypeError, "`model` must be one torch.nn.Module; got a Parameter"),
    (lambda: nn.Linear, {}, TypeError, "`model` must be one torch.nn.Module; got the class Linear: call it first"),
    (lambda: None, {}, TypeError, "`model` must be one torch.nn.Module; got None"),
    (
        lambda: torch.compile(chain()),
        {},
        TypeError,
        "`model` must be the plain model; got an OptimizedModule: pass the model before it is wrapped",
    ),
    (
        lambda: nn.DataParallel(chain()),
        {},
        TypeError,
        "`model` must be the plain model; got a DataParallel: pass the model before it is wrapped",
    ),
    (
        lambda: torch.jit.script(chain()),
        {},
        TypeError,
        "`model` must be the plain model; got a RecursiveScriptModule: pass the model before it is wrapped",
    ),
    (nn.ReLU, {}, ValueError, NO_PARAMETERS + "a ReLU, which has none"),
    (
        lambda: torch.ao.quantization.quantize_dynamic(chain(), {nn.Linear}),
        {},
        ValueError,
        NO_PARAMETERS + "a Sequential, which has none",
    ),
    (
        lambda: nn.Sequential(nn.Linear(4, 4), nn.LazyLinear(4)),
        {},
        TypeError,
        "`model` must have shapes; got a lazy 1.weight: run a batch through the model first",
    ),
    (
        integers,
        {"overrides": {"weight": "identity"}},
        TypeError,
        DTYPES + "weight of torch.int8: leave it as it is by overrides={'weight': 'untouched'}",
    ),
    (
        lambda: nn.Linear(4, 4, dtype=torch.complex64),
        {},
        TypeError,
        DTYPES + "weight of torch.complex64: leave it as it is by overrides={'weight': 'untouched'}",
    ),
    (chain, {"recipe": ONES}, TypeError, RECIPES + "a Tensor: pass inputs as example_inputs=..."),
    (chain, {"recipe": (ONES, ONES)}, TypeError, RECIPES + "a tuple: pass inputs as example_inputs=..."),
    (chain, {"recipe": "resnett"}, ValueError, RECIPES + "'resnett': did you mean 'resnet'?"),
    (chain, {"recipe": "MLP"}, ValueError, RECIPES + "'MLP': did you mean 'mlp'?"),
    (chain, {"recipe": "kaiming"}, ValueError, RECIPES + "'kaiming'"),
    (chain, {"recipe": None}, TypeError, RECIPES + "None"),
    (chain, {"recipe": Recipe}, TypeError, RECIPES + "a type"),
    (chain, {"recipe": {"0.weight": "zeros"}}, TypeError, RECIPES + "a dict"),
    (
        chain,
        {"recipe": plan_of(chain()).to_json()},
        ValueError,
        RECIPES + "the text of a plan: pass Plan.from_json(text)",
    ),
    (
        Residual,
        {"recipe": "resnet"},
        ValueError,
        "`recipe` 'resnet' is for networks with normalisation; this one has none: use 'normfree'",
    ),
    (
        lambda: chain(nn.LayerNorm(3)),
        {"recipe": "normfree"},
        ValueError,
        "`recipe` 'normfree' is for networks without normalisation; this one has norms: use 'resnet'",
    ),
    (
        Residual,
        {"recipe": "transformer"},
        ValueError,
        (
            "`recipe` 'transformer' is for networks with attention, as matmul(softmax(...), value) or torch's own; "
            "this one shows none: use 'auto'"
        ),
    ),
    (chain, {"head": "zero"}, ValueError, "`head` must be 'algorithm1' or 'zeros' or 'keep'; got 'zero'"),
    (chain, {"head": True}, TypeError, "`head` must be 'algorithm1' or 'zeros' or 'keep'; got True"),
    (chain, {"embeddings": "zeros"}, ValueError, "`embeddings` must be 'keep' or 'algorithm1'; got 'zeros'"),
    (chain, {"branch_end": "norms"}, ValueError, "`branch_end` must be 'weight' or 'norm'; got 'norms'"),
    (chain, {"scale": 2.0}, TypeError, "`scale` must be 'orthonormal' or 'paper'; got 2.0"),
    (
        chain,
        {"overrides": ["0.weight"]},
        TypeError,
        "`overrides` must be a dict of patterns and fills, such as {'head.*': 'zeros'}; got a list",
    ),
    (
        chain,
        {"overrides": {"0.wieght": "zeros"}},
        ValueError,
        "`overrides` must name parameters of the model; got '0.wieght', which matches none: did you mean '0.weight'?",
    ),
    (
        chain,
        {"overrides": {"2": "zeros"}},
        ValueError,
        "`overrides` must name parameters of the model; got '2', a module: write '2.*'",
    ),
    (
        chain,
        {"overrides": {"2.weight": "zero"}},
        ValueError,
        f"`overrides['2.weight']` {FILLS}'zero': did you mean 'zeros'?",
    ),
    (chain, {"overrides": {"*": nn.init.zeros_}}, TypeError, f"`overrides['*']` {FILLS}a function"),
    (chain, {"overrides": {"*": torch.ones(4, 4)}}, TypeError, f"`overrides['*']` {FILLS}a Tensor"),
    (
        chain,
        {"overrides": {"*.bias": "identity"}},
        ValueError,
        "`overrides` must ask for 'identity' of matrices alone; got 0.bias of shape (4,)",
    ),
    (Residual, {"branches": "b"}, TypeError, ENDS + "a str"),
    (Residual, {"branches": [Residual().b]}, TypeError, ENDS + "a list"),
    (Residual, {"branches": True}, TypeError, ENDS + "True"),
    (Residual, {"branches": ["act"]}, ValueError, NO_END + "'act'"),
    (Residual, {"branches": ["b.bias"]}, ValueError, NO_END + "'b.bias'"),
    (Residual, {"branches": ["c"]}, ValueError, NO_END + "'c'"),
    (
        Residual,
        {"recipe": "mlp", "branches": ["b"]},
        ValueError,
        "`branches` must be left out for the recipe 'mlp', which knows none: use 'auto'",
    ),
    (
        Two,
        {},
        ValueError,
        (
            "it can't be told which side of a sum is a residual branch: both have as many layers in the model itself: "
            "name the last layers of all branches by branches=[...], or leave these sums as they are by "
            "branches='found'"
        ),
    ),
    (
        Choosing,
        {},
        ValueError,
        "`example_inputs` must be given: torch.fx can't trace Choosing: pass what to call it with",
    ),
    (
        lambda: nn.ModuleList([nn.Linear(4, 4)]),
        {},
        ValueError,
        "`example_inputs` must be given: torch.fx can't trace ModuleList: pass what to call it with",
    ),
    (
        Gated,
        {},
        ValueError,
        (
            "it can't be told what these parameters are: gate: say what each starts as, such as "
            "overrides={'gate': 'untouched'}"
        ),
    ),
    (
        Packed,
        {},
        ValueError,
        (
            "it can't be told which rows of qkv.weight make query, key, value (it mostly can with example_inputs): say "
            "what it starts as by overrides={'qkv.weight': ...}"
        ),
    ),
    (
        lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)),
        {"head": "zeros"},
        ValueError,
        (
            "parametrizations.weight.original can't start as zeros, since its layer divides it by its norm: choose "
            "another start by overrides={'parametrizations.weight.original': 'identity'}"
        ),
    ),
    (chain, {"example_inputs": (1, 4)}, TypeError, INPUTS + "a tuple"),
    (chain, {"example_inputs": numpy.ones((1, 4))}, TypeError, INPUTS + "a ndarray"),
    (chain, {"example_inputs": iter([ONES])}, TypeError, INPUTS + "a list_iterator"),
    (
        chain,
        {"example_inputs": torch.ones(2, 5)},
        ValueError,
        TAKES + "RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x5 and 4x4)",
    ),
    (
        chain,
        {"example_inputs": ONES.to("meta")},
        ValueError,
        TAKES + "RuntimeError: Tensor on device cpu is not on the expected device meta!",
    ),
    (
        chain,
        {"example_inputs": [ONES, ONES]},
        ValueError,
        TAKES + "TypeError: Sequential.forward() takes 2 positional arguments but 3 were given",
    ),
    (Failing, {"example_inputs": ONES}, ValueError, TAKES + "RuntimeError: no more"),
    (chain, {"recipe": plan_of(nn.Linear(3, 3))}, ValueError, SAYS_NOTHING + "0.weight, 0.bias, 2.weight, 2.bias"),
    (lambda: chain(nn.Linear(3, 3)), {"recipe": plan_of(chain())}, ValueError, SAYS_NOTHING + "3.weight, 3.bias"),
    (
        lambda: nn.Linear(4, 2, bias=False),
        {"recipe": plan_of(nn.Linear(2, 4, bias=False))},
        ValueError,
        "the plan must be of this model; it has weight of shape (4, 2), and the model one of shape (2, 4)",
    ),
    (
        lambda: nn.Bilinear(2, 3, 4),
        {"recipe": plan_of(nn.Bilinear(3, 3, 4))},
        ValueError,
        "the plan must be of this model; it has weight of shape (4, 9), and the model one of shape (4, 6)",
    ),
    (
        chain,
        {"recipe": plan_of(chain(nn.Linear(3, 3)))},
        ValueError,
        "the plan must be of this model; it has 3.weight of shape (3, 3), and the model none of that name",
    ),
    (
        chain,
        {"recipe": plan_of(chain()), "head": "zeros"},
        ValueError,
        "`head` must be left out where a plan is given, which has it all; make a new plan with it",
    ),
    (
        chain,
        {"recipe": plan_of(chain()), "overrides": {}},
        ValueError,
        "`overrides` must be left out where a plan is given, which has it all; make a new plan with it",
    ),
]
