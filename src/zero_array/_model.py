"""From the parameters of a model to its plan: what `init` of every framework does alike."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ._planning import _network_checks
from ._planning._plan import MATRICES, Parameter, Plan
from ._planning._recipe import Options, Recipe, check, choose
from ._planning._structure import Branch, Structure
from .recipes import plan


def make(
    recipe: str | Recipe | Plan,
    names: Iterable[str],
    read: Callable[[], tuple[Sequence[Parameter], Structure]],
    options: Options,
    *,
    branches: Any,
    overrides: Any,
    **inputs: Any,
) -> Plan:
    """The plan by a recipe, or the one that is given; it says something about all parameters.

    Parameters
    ----------
    recipe
        As in `zero_array.torch.init_`.
    names : iterable of str
        The names of all parameters.
    read : callable
        Reads the model, once everything else is checked.
    options : Options
        Of the recipe.
    branches, overrides
        As in `zero_array.torch.init_`.
    **inputs
        What the model is read with: a plan that is given needs none of it.
    """
    if isinstance(recipe, Plan):
        others = {**options.given(), **inputs, "branches": branches, "overrides": overrides}
        if given := [name for name, value in others.items() if value is not None]:
            raise _network_checks.plan_with_options(given)
        made = recipe
    else:
        check(recipe, options)
        held, found = read()
        if branches == "found":
            found = found._replace(undecided=())
        elif branches is not None:
            found = _with_branches(found, held, branches)
        chosen = choose(recipe, held, found, options)
        if branches and branches != "found" and not chosen.branches:
            raise _network_checks.no_branches(chosen.name)
        made = plan(held, chosen, found, overrides)
    check_complete(names, made)
    return made


def check_complete(names: Iterable[str], made: Plan) -> None:
    """Check that a plan names all parameters of a model; what it names beyond is found where it is written."""
    named = {name for entry in made for name in (entry.name, *entry.parameter.aliases)}
    if missing := [name for name in names if name not in named]:
        raise _network_checks.missing_in_plan(missing)


def _with_branches(found: Structure, held: Sequence[Parameter], ends: Any) -> Structure:
    """A structure with other branches: those that end in the modules or weights named."""
    if isinstance(ends, str) or not isinstance(ends, Sequence) or not all(isinstance(name, str) for name in ends):
        raise _network_checks.no_ends(ends)
    return found._replace(
        branches=tuple(Branch("", (_weight_name(held, name),), (), (), dead=False) for name in ends),
        attentions=tuple(attention._replace(ends_branch=False) for attention in found.attentions),
        undecided=(),
    )


def _weight_name(held: Sequence[Parameter], name: str) -> str:
    """The weight that a module or parameter named by the user stands for: its only matrix."""
    matrices = {
        alias: parameter.name
        for parameter in held
        if parameter.kind in MATRICES
        for alias in (parameter.name, *parameter.aliases)
    }
    inside = {weight for alias, weight in matrices.items() if _holds(name, alias)}
    if name not in matrices and len(inside) != 1:
        raise _network_checks.no_end(name)
    return matrices.get(name) or inside.pop()


def _holds(module: str, name: str) -> bool:
    """Whether a parameter is one of a module's own, or behind a parametrization of one."""
    rest = name.removeprefix(module)
    own = rest[1:].removeprefix("parametrizations.weight.")
    return rest != name and rest[:1] in (".", "/") and "." not in own and "/" not in own
