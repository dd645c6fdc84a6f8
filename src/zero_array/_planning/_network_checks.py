"""What is refused about whole networks. Every message of recipes, plans and models is written here.

The grammar is that of `_checks`; each function makes the error, and the caller raises it.
"""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from .._typing import Shape


def no_model(value: Any, wanted: str = "torch.nn.Module") -> TypeError:
    """The refusal of something that is no model."""
    what = f"the class {value.__name__}: call it first" if isinstance(value, type) else kind(value)
    return TypeError(f"`model` must be one {wanted}; got {what}")


def no_variables(value: Any) -> TypeError:
    """The refusal of variables of linen that are none."""
    return TypeError(f"`variables` must be what model.init returned, with 'params' in it; got {kind(value)}")


def wrapped_model(value: Any) -> TypeError:
    """The refusal of a model in a wrapper that hides its code or its names."""
    return TypeError(f"`model` must be the plain model; got {kind(value)}: pass the model before it is wrapped")


def no_parameters(value: Any, argument: str = "model") -> ValueError:
    """The refusal of a model with nothing to start."""
    return ValueError(f"`{argument}` must have parameters; got {kind(value)}, which has none")


def no_plain_layer(path: str, value: Any, step: str) -> TypeError:
    """The refusal of a layer that holds a weight in pieces, or in fewer bits."""
    where = f" at {path}" if path else ""
    return TypeError(
        f"`model` must hold its weights as they are; got {kind(value)}{where}: start the model before {step}"
    )


def lazy_parameter(name: str) -> TypeError:
    """The refusal of a model with parameters that have no shape yet."""
    return TypeError(f"`model` must have shapes; got a lazy {name}: run a batch through the model first")


def no_real_parameter(name: str, dtype: Any) -> TypeError:
    """The refusal of a parameter of integers and the like."""
    return TypeError(
        f"`model` must hold float64, float32, float16 or bfloat16; got {name} of {dtype}: leave it as it is by "
        f"overrides={{{name!r}: 'untouched'}}"
    )


def no_module(value: Any) -> ValueError:
    """The refusal of a module that is no part of the model."""
    return ValueError(f"`module` must be part of the model that the plan is of; got {kind(value)}, which is not")


def untraceable(value: Any) -> ValueError:
    """The refusal of a model that cannot be read without running it."""
    return ValueError(
        f"`example_inputs` must be given: torch.fx can't trace {type(value).__name__}: pass what to call it with"
    )


def not_built(value: Any) -> ValueError:
    """The refusal of a model of Keras that has no variables yet."""
    return ValueError(f"`model` must be built; got {kind(value)} without variables: call it with a batch first")


def same_names(paths: Sequence[str]) -> ValueError:
    """The refusal of a model of Keras whose variables can't be told apart by their paths."""
    twice = [path for path, other in pairwise(paths) if path == other]
    return ValueError(f"`model` must have one variable of each path; got more of {_listed(twice)}: name its layers")


def not_symbolic(value: Any, error: Exception) -> ValueError:
    """The refusal of a model of Keras that can't be called with symbolic tensors."""
    return ValueError(
        f"it can't be told what {type(value).__name__} computes ({type(error).__name__}: {error}): write its `call` "
        "with layers and keras.ops, or name the last layers of all branches by branches=[...], [] where there are none"
    )


def not_exported(value: Any, error: Exception) -> ValueError:
    """The refusal of a model of MLX whose graph can't be had."""
    return ValueError(
        f"it can't be told what {type(value).__name__} computes ({type(error).__name__}: {error}): pass example_inputs "
        "that it takes, write its `__call__` so that it looks at no numbers, or name the last layers of all branches "
        "by branches=[...], [] where there are none"
    )


def no_function() -> ValueError:
    """The refusal of a tree alone, which does not say what is computed of it."""
    return ValueError("`apply` must be given: what each parameter is follows from what the function computes of them")


def no_callable(value: Any) -> TypeError:
    """The refusal of something that can't be called, such as Haiku's pair of two functions."""
    remedy = ": pass its .apply" if hasattr(value, "apply") else ""
    return TypeError(f"`apply` must be a function of the tree and the inputs; got {kind(value)}{remedy}")


def inputs_needed() -> ValueError:
    """The refusal of a model without inputs to trace it with."""
    return ValueError(
        "`example_inputs` must be given: pass what to call the model with, of which shape and dtype alone are read"
    )


def no_inputs(value: Any) -> TypeError:
    """The refusal of example inputs without a tensor."""
    return TypeError(f"`example_inputs` must be a tensor, or a tuple or dict that holds one; got {kind(value)}")


def failing_inputs(error: Exception) -> ValueError:
    """The refusal of example inputs that the model does not take."""
    told = f"{type(error).__name__}: {error}"
    wants_key = "called with an RNG" in told or "MissingRNGError" in told  # Haiku
    remedy = ": pass a key before them, or haiku.without_apply_rng(model).apply, which takes none" if wants_key else ""
    return ValueError(f"`example_inputs` must be what the model takes; got {told}{remedy}")


def sharded() -> ValueError:
    """The refusal to look for the structure of a model that is sharded already."""
    return ValueError(
        "`model` must not be sharded before its plan is made; got DTensors: call init_(model, ..., dry_run=True) "
        "before sharding, and init_(model, plan) after"
    )


def no_plan(value: Any) -> TypeError:
    """The refusal of something that is no plan."""
    return TypeError(f"`plan` must be a Plan, as init_(model, dry_run=True) returns it; got {kind(value)}")


def other_model(name: str, shape: Shape, found: Shape | None) -> ValueError:
    """The refusal of a plan that was made for another model."""
    has = "none of that name" if found is None else f"one of shape {found}"
    return ValueError(f"the plan must be of this model; it has {name} of shape {shape}, and the model {has}")


def missing_in_plan(names: Sequence[str]) -> ValueError:
    """The refusal of a plan that says nothing about some parameters of the model."""
    return ValueError(f"the plan must be of this model; it says nothing about {_listed(names)}")


def plan_with_options(options: Sequence[str]) -> ValueError:
    """The refusal of options beside a plan, which would do nothing."""
    return ValueError(
        f"`{options[0]}` must be left out where a plan is given, which has it all; make a new plan with it"
    )


def no_recipe(value: Any, names: Sequence[str]) -> TypeError | ValueError:
    """The refusal of an unknown recipe."""
    message = f"`recipe` must be one of {', '.join(names)}, a Recipe or a Plan; got "
    if not isinstance(value, str):
        return TypeError(message + kind(value))
    if value.lstrip().startswith("{"):
        return ValueError(f"{message}the text of a plan: pass Plan.from_json(text)")
    return ValueError(message + repr(value) + _closest(value, names))


def other_recipe(name: str) -> ValueError:
    """The refusal of a recipe that is for another sort of network."""
    wanted, found, other = {
        "resnet": ("with normalisation", "has none", "normfree"),
        "normfree": ("without normalisation", "has norms", "resnet"),
        "transformer": ("with attention, as matmul(softmax(...), value) or torch's own", "shows none", "auto"),
    }[name]
    return ValueError(f"`recipe` {name!r} is for networks {wanted}; this one {found}: use {other!r}")


def no_choice(option: str, value: Any, choices: Sequence[object]) -> TypeError | ValueError:
    """The refusal of an option's value."""
    message = f"`{option}` must be {' or '.join(map(repr, choices))}; got "
    return ValueError(message + repr(value)) if isinstance(value, str) else TypeError(message + kind(value))


def no_overrides(value: Any) -> TypeError:
    """The refusal of overrides that are no dict."""
    return TypeError(
        f"`overrides` must be a dict of patterns and fills, such as {{'head.*': 'zeros'}}; got {kind(value)}"
    )


def no_fill(what: str, value: Any, fills: Sequence[str]) -> TypeError | ValueError:
    """The refusal of something that is no fill."""
    message = f"`{what}` must be one of {', '.join(fills)}; got "
    return (
        ValueError(message + repr(value) + _closest(value, fills))
        if isinstance(value, str)
        else TypeError(message + kind(value))
    )


def no_match(pattern: Any, names: Iterable[str]) -> TypeError | ValueError:
    """The refusal of an override that would do nothing."""
    message = "`overrides` must name parameters of the model; got "
    if not isinstance(pattern, str):
        return TypeError(message + kind(pattern))
    names = list(names)
    if any(name.startswith(f"{pattern}.") for name in names):
        return ValueError(f"{message}{pattern!r}, a module: write {pattern + '.*'!r}")
    return ValueError(f"{message}{pattern!r}, which matches none{_closest(pattern, names)}")


def no_matrix_to_fill(name: str, shape: Shape, fill: str) -> ValueError:
    """The refusal of a matrix for a vector or scalar."""
    return ValueError(f"`overrides` must ask for {fill!r} of matrices alone; got {name} of shape {shape}")


def no_kernel(name: str, shape: Shape, fill: str) -> ValueError:
    """The refusal of a matrix for what may be a stack of them (experts), or a kernel."""
    return ValueError(
        f"`overrides` can't ask for {fill!r} of {name}, whose axes {shape} are unknown: ask for 'untouched', and start "
        "each matrix of it yourself"
    )


def no_zeros(name: str) -> ValueError:
    """The refusal of zeros where they would be divided by their norm."""
    return ValueError(
        f"{name} can't start as zeros, since its layer divides it by its norm: choose another start by "
        f"overrides={{{name!r}: 'identity'}}"
    )


def no_ends(value: Any) -> TypeError:
    """The refusal of something that is no list of branches' ends."""
    return TypeError(f"`branches` must be 'found' or a list of names of modules or weights; got {kind(value)}")


def no_end(name: str) -> ValueError:
    """The refusal of a branch's end that is no layer."""
    return ValueError(f"`branches` must name modules that hold a weight, or such weights; got {name!r}")


def no_branches(recipe: str) -> ValueError:
    """The refusal of ends of branches for a recipe that has none."""
    return ValueError(f"`branches` must be left out for the recipe {recipe!r}, which knows none: use 'auto'")


def undecided(places: Sequence[str]) -> ValueError:
    """The refusal to guess which side of a sum is a residual branch."""
    return ValueError(
        f"it can't be told which side of a sum is a residual branch: both have as many layers in {_listed(places)}: "
        "name the last layers of all branches by branches=[...], or leave these sums as they are by branches='found'"
    )


def unknown_parameters(names: Sequence[str]) -> ValueError:
    """The refusal to guess, or skip, parameters of modules that are not known."""
    return ValueError(
        f"it can't be told what these parameters are: {_listed(names)}: say what each starts as, such as "
        f"overrides={{{names[0]!r}: 'untouched'}}"
    )


def packed(name: str, roles: Sequence[str]) -> ValueError:
    """The refusal to guess which rows of a packed matrix make queries, keys and values."""
    return ValueError(
        f"it can't be told which rows of {name} make {', '.join(roles)} (it mostly can with example_inputs): say what "
        f"it starts as by overrides={{{name!r}: ...}}"
    )


def kind(value: Any) -> str:
    """What something is: a short value itself, of all else its type."""
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def _closest(value: str, names: Iterable[str]) -> str:
    """The name that was probably meant."""
    names = list(names)
    found = get_close_matches(value, names, n=1) or get_close_matches(value.lower(), names, n=1)
    return f": did you mean {found[0]!r}?" if found else ""


def _listed(names: Sequence[str]) -> str:
    """Some names; of very many the first."""
    shown = [name or "the model itself" for name in dict.fromkeys(names)]
    more = f" and {len(shown) - 20} more" if len(shown) > 20 else ""
    return ", ".join(shown[:20]) + more
