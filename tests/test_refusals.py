"""What the hosts refuse, word for word, without their libraries; their own sessions provoke it."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from zero_array import _checks, _layout_checks
from zero_array._planning import _network_checks
from zero_array._planning._recipe import Options, check, choose
from zero_array._planning._structure import Attention, Structure
from zero_array.recipes import RECIPES, Parameter, plan


@pytest.mark.parametrize(("xp", "name"), [(numpy, "numpy"), ("dask", "'dask'")], ids=["module", "no module"])
def test_refusal_of_a_host(xp: Any, name: str) -> None:
    """A host that works for one library refuses all others, and says where to go."""
    sentence = f"`xp` must be dask.array or left out here; got {name}: use zero_array's own functions for it"
    assert str(_checks.other_namespace(xp, "dask.array")) == sentence


@pytest.mark.parametrize(
    ("refuse", "given", "kind", "message"),
    [
        (_checks.no_tensor, [1.0], TypeError, "`tensor` must be a torch.Tensor; got [1.0]"),
        (
            _checks.no_tensor,
            SimpleNamespace(weight=1.0),
            TypeError,
            "`tensor` must be a torch.Tensor; got SimpleNamespace: pass layer.weight",
        ),
        (
            _checks.no_plain_tensor,
            "a DTensor",
            TypeError,
            "`tensor` must be a plain dense tensor; got a DTensor: build its local part by zero_init(..., window=...)",
        ),
        (
            _checks.no_shape,
            0,
            TypeError,
            "`tensor` must have a shape; got an int: run a batch through the lazy module first",
        ),
        (
            _checks.no_matrix,
            (4,),
            ValueError,
            "`tensor` must have two or more axes; got shape (4,): vectors start as zeros or ones",
        ),
    ],
    ids=["no tensor", "a layer", "no plain tensor", "no shape", "no matrix"],
)
def test_refusals_in_place(refuse: Any, given: Any, kind: type[Exception], message: str) -> None:
    """What the functions in place refuse, word for word."""
    error = refuse(given)
    assert (type(error), str(error)) == (kind, message)


def test_refusal_of_shared_elements() -> None:
    """What torch's `expand` makes is refused."""
    assert str(_checks.shared_elements((3, 4), (0, 1))) == (
        "`tensor` must have a place in memory for each element; got the shape (3, 4) with the strides (0, 1): "
        "pass what was expanded, or a clone"
    )


INITIALISERS: list[tuple[Exception, type[Exception], str]] = [
    (
        _layout_checks.no_key([4, 2]),
        TypeError,
        (
            "`shape` must come after a key; got the shape [4, 2] in its place: Haiku passes no key, so take the "
            "initialiser from zero_array.haiku"
        ),
    ),
    (_layout_checks.no_sharding(3), TypeError, "`out_sharding` must be a NamedSharding or a PartitionSpec; got 3"),
    (
        _layout_checks.no_mesh("P"),
        ValueError,
        "`out_sharding` must be a NamedSharding where no mesh is set; got 'P': see jax.set_mesh",
    ),
    (
        _layout_checks.no_explicit_axis("a", "Auto"),
        ValueError,
        (
            "`out_sharding` must name Explicit axes of the mesh; got 'a', which is Auto: make the mesh with "
            "AxisType.Explicit, or jit the call with out_shardings"
        ),
    ),
    (
        _layout_checks.no_placement("x", "torch"),
        ValueError,
        "`layout` must be None on Keras's torch backend; got 'x'",
    ),
    (
        _layout_checks.three_axes((12, 3, 4)),
        ValueError,
        (
            "`in_axis` and `out_axis` must be given for a kernel of three axes; got (12, 3, 4): pass in_axis=-2, "
            "out_axis=-1 for Conv1D, in_axis=0, out_axis=(1, 2) for an attention's query, key or value, "
            "in_axis=(0, 1), out_axis=2 for its output, in_axis=(), batch_axis=-2, out_axis=-1 for DepthwiseConv1D"
        ),
    ),
    (_layout_checks.no_array_of_mlx(3), TypeError, "`array` must be an mlx.core.array; got 3"),
    (
        _checks.no_matrix((4,), "array"),
        ValueError,
        "`array` must have two or more axes; got shape (4,): vectors start as zeros or ones",
    ),
]


@pytest.mark.parametrize(("error", "kind", "message"), INITIALISERS, ids=[message for *_, message in INITIALISERS])
def test_refusals_of_initialisers(error: Exception, kind: type[Exception], message: str) -> None:
    """What the frameworks' initialisers refuse, word for word; their own sessions provoke it."""
    assert (type(error), str(error)) == (kind, message)


NAMES = "auto, zero-distinct, mlp, resnet, normfree, transformer, a Recipe or a Plan"

RECIPE: list[tuple[Any, type[Exception], str]] = [
    ("resnett", ValueError, "'resnett': did you mean 'resnet'?"),
    ("MLP", ValueError, "'MLP': did you mean 'mlp'?"),
    ("zeros", ValueError, "'zeros'"),
    ('{"recipe": "mlp"}', ValueError, "the text of a plan: pass Plan.from_json(text)"),
    (None, TypeError, "None"),
    (3, TypeError, "3"),
    ({}, TypeError, "a dict"),
    (numpy.ones(2), TypeError, "a ndarray: pass inputs as example_inputs=..."),
    ([{}, numpy.ones(2)], TypeError, "a list: pass inputs as example_inputs=..."),
    ({"x": numpy.ones(2)}, TypeError, "a dict: pass inputs as example_inputs=..."),
    (OSError(), TypeError, "an OSError"),
]


@pytest.mark.parametrize(("given", "kind", "got"), RECIPE, ids=[got for *_, got in RECIPE])
def test_no_recipe(given: Any, kind: type[Exception], got: str) -> None:
    """What is no recipe is refused, with the name that was probably meant."""
    with pytest.raises(kind) as caught:
        check(given, Options())
    assert str(caught.value) == f"`recipe` must be one of {NAMES}; got {got}"


OPTIONS: list[tuple[str, Any, type[Exception], str]] = [
    ("head", "zero", ValueError, "`head` must be 'algorithm1' or 'zeros' or 'keep'; got 'zero'"),
    ("head", True, TypeError, "`head` must be 'algorithm1' or 'zeros' or 'keep'; got True"),
    ("embeddings", "zeros", ValueError, "`embeddings` must be 'keep' or 'algorithm1'; got 'zeros'"),
    ("branch_end", ["norm"], TypeError, "`branch_end` must be 'weight' or 'norm'; got a list"),
    ("scale", 2.0, TypeError, "`scale` must be 'orthonormal' or 'paper'; got 2.0"),
]


@pytest.mark.parametrize(("option", "value", "kind", "message"), OPTIONS, ids=[message for *_, message in OPTIONS])
def test_no_choice(option: str, value: Any, kind: type[Exception], message: str) -> None:
    """What is no choice of an option is refused."""
    with pytest.raises(kind) as caught:
        check("mlp", Options(**{option: value}))
    assert str(caught.value) == message


FITTING: list[tuple[str, str]] = [
    ("resnet", "with normalisation; this one has none: use 'normfree'"),
    ("normfree", "without normalisation; this one has norms: use 'resnet'"),
    (
        "transformer",
        "with attention, as matmul(softmax(...), value) or torch's own; this one shows none: use 'auto'",
    ),
]


@pytest.mark.parametrize(("recipe", "message"), FITTING, ids=[recipe for recipe, _ in FITTING])
@pytest.mark.parametrize("as_data", [False, True])
def test_other_recipe(recipe: str, message: str, as_data: bool) -> None:
    """A recipe for another sort of network is refused."""
    norms = [Parameter("n", "norm", (4,))] if recipe == "normfree" else []
    with pytest.raises(ValueError, match=r"^`recipe` ") as caught:
        choose(RECIPES[recipe] if as_data else recipe, norms, Structure(), Options())
    assert str(caught.value) == f"`recipe` {recipe!r} is for networks {message}"


def test_fitting_recipe() -> None:
    """A recipe that fits is what it says, with the options that were chosen."""
    found = Structure(attentions=(Attention({}, {}, {}, (), ends_branch=False),))
    chosen = choose("transformer", [], found, Options(head="zeros"))
    assert (chosen.name, chosen.head, chosen.scale, chosen.attention) == ("transformer", "zeros", "orthonormal", True)


FILLS = "identity, hadamard, zeros, ones, untouched"

OVERRIDES: list[tuple[Any, type[Exception], str]] = [
    (
        ["a.weight"],
        TypeError,
        "`overrides` must be a dict of patterns and fills, such as {'head.*': 'zeros'}; got a list",
    ),
    ("zeros", TypeError, "`overrides` must be a dict of patterns and fills, such as {'head.*': 'zeros'}; got a str"),
    ({0: "zeros"}, TypeError, "`overrides` must name parameters of the model; got 0"),
    ({"a": "zeros"}, ValueError, "`overrides` must name parameters of the model; got 'a', a module: write 'a.*'"),
    (
        {"b.weight": "zeros"},
        ValueError,
        "`overrides` must name parameters of the model; got 'b.weight', which matches none: did you mean 'a.weight'?",
    ),
    ({"*.gate": "ones"}, ValueError, "`overrides` must name parameters of the model; got '*.gate', which matches none"),
    ({"*": "zero"}, ValueError, f"`overrides['*']` must be one of {FILLS}; got 'zero': did you mean 'zeros'?"),
    ({"*": "norms"}, ValueError, f"`overrides['*']` must be one of {FILLS}; got 'norms'"),
    ({"*": None}, TypeError, f"`overrides['*']` must be one of {FILLS}; got None"),
    ({"*": numpy.zeros}, TypeError, f"`overrides['*']` must be one of {FILLS}; got a builtin_function_or_method"),
    ({"*": "identity"}, ValueError, "`overrides` must ask for 'identity' of matrices alone; got a.bias of shape (4,)"),
]


@pytest.mark.parametrize(("given", "kind", "message"), OVERRIDES, ids=[message for *_, message in OVERRIDES])
def test_no_overrides(given: Any, kind: type[Exception], message: str) -> None:
    """Overrides that are none, do nothing or ask for nothing are refused."""
    parameters = [Parameter("a.weight", "linear", (4, 4)), Parameter("a.bias", "bias", (4,))]
    with pytest.raises(kind) as caught:
        plan(parameters, RECIPES["mlp"], overrides=given)
    assert str(caught.value) == message


REFUSED: list[tuple[Exception, type[Exception], str]] = [
    (_network_checks.no_model([1]), TypeError, "`model` must be one torch.nn.Module; got a list"),
    (
        _network_checks.no_model(dict),
        TypeError,
        "`model` must be one torch.nn.Module; got the class dict: call it first",
    ),
    (
        _network_checks.wrapped_model(OSError()),
        TypeError,
        "`model` must be the plain model; got an OSError: pass the model before it is wrapped",
    ),
    (
        _network_checks.no_variables([1]),
        TypeError,
        "`variables` must be what model.init returned, with 'params' in it; got a list",
    ),
    (
        _network_checks.not_built({}),
        ValueError,
        "`model` must be built; got a dict without variables: call it with a batch first",
    ),
    (
        _network_checks.same_names(["a/kernel", "a/kernel", "b/kernel"]),
        ValueError,
        "`model` must have one variable of each path; got more of a/kernel: name its layers",
    ),
    (
        _network_checks.not_symbolic({}, TypeError("no array")),
        ValueError,
        (
            "it can't be told what dict computes (TypeError: no array): write its `call` with layers and keras.ops, or "
            "name the last layers of all branches by branches=[...], [] where there are none"
        ),
    ),
    (
        _network_checks.not_exported({}, TypeError("no array")),
        ValueError,
        (
            "it can't be told what dict computes (TypeError: no array): pass example_inputs that it takes, write its "
            "`__call__` so that it looks at no numbers, or name the last layers of all branches by branches=[...], [] "
            "where there are none"
        ),
    ),
    (
        _network_checks.no_plain_layer("", {}, "a step"),
        TypeError,
        "`model` must hold its weights as they are; got a dict: start the model before a step",
    ),
    (
        _network_checks.no_plain_layer("a.b", {}, "a step"),
        TypeError,
        "`model` must hold its weights as they are; got a dict at a.b: start the model before a step",
    ),
    (
        _network_checks.no_function(),
        ValueError,
        "`apply` must be given: what each parameter is follows from what the function computes of them",
    ),
    (
        _network_checks.no_callable(SimpleNamespace(apply=len)),
        TypeError,
        "`apply` must be a function of the tree and the inputs; got a SimpleNamespace: pass its .apply",
    ),
    (_network_checks.no_callable(3), TypeError, "`apply` must be a function of the tree and the inputs; got 3"),
    (
        _network_checks.failing_inputs(ValueError("Apply must be called with an RNG")),
        ValueError,
        (
            "`example_inputs` must be what the model takes; got ValueError: Apply must be called with an RNG: pass a "
            "key before them, or haiku.without_apply_rng(model).apply, which takes none"
        ),
    ),
    (
        _network_checks.inputs_needed(),
        ValueError,
        "`example_inputs` must be given: pass what to call the model with, of which shape and dtype alone are read",
    ),
    (
        _checks.other_part((2, 3), (3, 3), (6, 3)),
        ValueError,
        "`tensor` must hold (3, 3) of (6, 3) here, as its placement says; got (2, 3)",
    ),
    (_network_checks.no_parameters({}), ValueError, "`model` must have parameters; got a dict, which has none"),
    (
        _network_checks.lazy_parameter("a"),
        TypeError,
        "`model` must have shapes; got a lazy a: run a batch through the model first",
    ),
    (
        _network_checks.no_real_parameter("a", "int8"),
        TypeError,
        (
            "`model` must hold float64, float32, float16 or bfloat16; got a of int8: leave it as it is by "
            "overrides={'a': 'untouched'}"
        ),
    ),
    (
        _network_checks.no_module({}),
        ValueError,
        "`module` must be part of the model that the plan is of; got a dict, which is not",
    ),
    (
        _network_checks.untraceable({}),
        ValueError,
        "`example_inputs` must be given: torch.fx can't trace dict: pass what to call it with",
    ),
    (
        _network_checks.no_inputs((1, 4)),
        TypeError,
        "`example_inputs` must be a tensor, or a tuple or dict that holds one; got a tuple",
    ),
    (
        _network_checks.failing_inputs(KeyError("x")),
        ValueError,
        "`example_inputs` must be what the model takes; got KeyError: 'x'",
    ),
    (
        _network_checks.sharded(),
        ValueError,
        (
            "`model` must not be sharded before its plan is made; got DTensors: call init_(model, ..., dry_run=True) "
            "before sharding, and init_(model, plan) after"
        ),
    ),
    (
        _network_checks.no_plan("mlp"),
        TypeError,
        "`plan` must be a Plan, as init_(model, dry_run=True) returns it; got a str",
    ),
    (
        _network_checks.other_model("a", (2, 3), (3, 2)),
        ValueError,
        "the plan must be of this model; it has a of shape (2, 3), and the model one of shape (3, 2)",
    ),
    (
        _network_checks.other_model("a", (2, 3), None),
        ValueError,
        "the plan must be of this model; it has a of shape (2, 3), and the model none of that name",
    ),
    (
        _network_checks.missing_in_plan(["a", "b"]),
        ValueError,
        "the plan must be of this model; it says nothing about a, b",
    ),
    (
        _network_checks.plan_with_options(["head", "scale"]),
        ValueError,
        "`head` must be left out where a plan is given, which has it all; make a new plan with it",
    ),
    (
        _network_checks.no_ends("a"),
        TypeError,
        "`branches` must be 'found' or a list of names of modules or weights; got a str",
    ),
    (
        _network_checks.no_end("relu"),
        ValueError,
        "`branches` must name modules that hold a weight, or such weights; got 'relu'",
    ),
    (
        _network_checks.no_branches("mlp"),
        ValueError,
        "`branches` must be left out for the recipe 'mlp', which knows none: use 'auto'",
    ),
    (
        _network_checks.undecided(["", *(f"b{number}" for number in range(25)), "b1"]),
        ValueError,
        (
            "it can't be told which side of a sum is a residual branch: both have as many layers in the model itself, "
            f"{', '.join(f'b{number}' for number in range(19))} and 6 more: name the last layers of all branches by "
            "branches=[...], or leave these sums as they are by branches='found'"
        ),
    ),
]


@pytest.mark.parametrize(("error", "kind", "message"), REFUSED, ids=[message for *_, message in REFUSED])
def test_refusals_of_models(error: Exception, kind: type[Exception], message: str) -> None:
    """What is refused of whole models, word for word; torch's session provokes it."""
    assert (type(error), str(error)) == (kind, message)


class Missing:
    """Finds no module of some name."""

    def __init__(self, library: str) -> None:
        self.library = library

    def find_spec(self, name: str, *_: Any) -> None:
        """Say so, as Python does; of all others nothing."""
        if name.partition(".")[0] == self.library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


MISSING = {
    "haiku": "zero_array.haiku needs Haiku: pip install dm-haiku",
    "keras": "zero_array.keras needs Keras: pip install keras",
    **{library: f"No module named {library!r}" for library in ("dask", "equinox", "flax", "jax", "mlx", "torch")},
}


@pytest.mark.parametrize("library", MISSING)
def test_without_a_framework(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    """Where a framework is missing, its host names it, and what to type where that is not its name, or not all."""
    for name in [*sys.modules]:
        if name.partition(".")[0] == library or name.startswith(f"zero_array.{library}"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(library), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module(f"zero_array.{library}")
    assert (str(caught.value), caught.value.name) == (MISSING[library], library)


def test_keras_without_its_backend(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where Keras is there and what it runs on is not, Keras itself says so."""
    (tmp_path / "keras.py").write_text("import tensorflow_that_is_missing\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("keras", "zero_array.keras"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'tensorflow_that_is_missing'$"):
        importlib.import_module("zero_array.keras")
