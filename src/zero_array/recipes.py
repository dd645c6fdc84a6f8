"""Whole networks as data: parameters in, a plan out, without any framework.

A recipe says which of the paper's rules a network follows. What the paper leaves open is an option.

References
----------
Zhao, Schäfer, Anandkumar, "ZerO Initialization", arXiv 2110.12661, Algorithms 1 and 2.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ._planning import _network_checks
from ._planning._decide import asked_for, at_ends, decide, known
from ._planning._plan import FILLS, Entry, Fill, Parameter, Part, Plan
from ._planning._recipe import RECIPES, Recipe
from ._planning._structure import Structure

__all__ = ["RECIPES", "Entry", "Parameter", "Part", "Plan", "Recipe", "plan"]


def plan(
    parameters: Sequence[Parameter],
    recipe: Recipe,
    found: Structure | None = None,
    overrides: Mapping[str, Fill] | None = None,
) -> Plan:
    """Decide what each parameter of a network is filled with.

    Parameters
    ----------
    parameters : sequence of Parameter
        All parameters of the network, in order.
    recipe : Recipe
        The rules, such as ``RECIPES["resnet"]``.
    found : Structure, optional
        Its branches, attentions and head, as an adapter found them; by default it has none.
    overrides : mapping of str to str, optional
        Patterns of names, such as ``"blocks.*.gate"``, and the fill of the parameters that they match: "identity",
        "hadamard", "zeros", "ones" or "untouched". The first pattern that matches counts.

    Returns
    -------
    Plan
        One entry for each parameter.

    Raises
    ------
    TypeError, ValueError
        If a parameter that is trained is of unknown kind and no override names it, if an override matches nothing or
        its fill is unknown, or if parts of a packed matrix cannot be told apart.

    Examples
    --------
    >>> from zero_array.recipes import RECIPES, Parameter, plan
    >>> layers = [Parameter("hidden", "linear", (8, 4)), Parameter("head", "linear", (2, 8))]
    >>> print(plan(layers, RECIPES["mlp"], overrides={"head": "zeros"}))
    parameter  shape  fill      reason
    hidden     8x4    hadamard  Algorithm 1, 4 -> 8
    head       2x8    zeros     as asked by 'head'
    """
    found = found or Structure()
    overrides = {} if overrides is None else overrides
    _check_overrides(parameters, overrides)
    if recipe.branches and found.undecided:
        raise _network_checks.undecided(found.undecided)
    read = known(parameters, found.uses)
    unknown = [
        item.name for item in read if item.kind == "unknown" and not item.is_frozen and not asked_for(item, overrides)
    ]
    if unknown:
        raise _network_checks.unknown_parameters(unknown)
    ends = at_ends(read, recipe, found)
    return Plan(recipe.name, tuple(decide(parameter, recipe, found, overrides, ends) for parameter in read))


def _check_overrides(parameters: Sequence[Parameter], overrides: Any) -> None:
    """Every override names a fill, and matches something."""
    if not isinstance(overrides, Mapping):
        raise _network_checks.no_overrides(overrides)
    names = [name for item in parameters for name in (item.name, *item.aliases)]
    for pattern, fill in overrides.items():
        if not isinstance(pattern, str) or not any(fnmatchcase(name, pattern) for name in names):
            raise _network_checks.no_match(pattern, names)
        if not isinstance(fill, str) or fill not in FILLS:
            raise _network_checks.no_fill(f"overrides[{pattern!r}]", fill, FILLS)
