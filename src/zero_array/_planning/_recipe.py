"""Recipes: which of the paper's rules a network follows, and what it does where the paper leaves it open."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, get_args

from .._typing import BranchEnd, Choice, Embeddings, Head, Order, Scale
from . import _network_checks
from ._plan import Parameter
from ._structure import Structure


@dataclass(frozen=True, slots=True)
class Recipe:
    """The rules for one kind of network.

    Attributes
    ----------
    name : str
        Its name, which the plan keeps.
    branches : bool
        Whether the last weights of residual branches are zeros, so that each block starts as its shortcut.
    branch_end : {"weight", "norm"}
        What is zero at the end of a branch: the last weight, or the scale of the norm behind it, if there is one.
    attention : bool
        Whether attention starts as in the paper: ``W_Q = I``, ``W_K = 0``, and ``W_V = 0`` where it ends a branch.
    head : {"algorithm1", "zeros", "keep"}
        The fill of the last weight before the output, which the paper leaves open.
    embeddings : {"keep", "algorithm1"}
        The fill of embeddings, which the paper leaves open.
    scale : {"orthonormal", "paper"}
        The constant of Hadamard weights, as in `zero_array.hadamard_init`.
    order : {"pad", "exact", "auto"}
        Their order, as in `zero_array.hadamard_init`; only "pad" is the paper's.
    columns : {"first", "distinct"}
        Their columns, as in `zero_array.hadamard_init`; only "first" is the paper's.
    """

    name: str
    branches: bool = True
    branch_end: BranchEnd = "weight"
    attention: bool = False
    head: Head = "algorithm1"
    embeddings: Embeddings = "keep"
    scale: Scale = "orthonormal"
    order: Order = "pad"
    columns: Choice = "first"

    def __post_init__(self) -> None:
        """Check every option."""
        for option, choices in _CHOICES.items():
            _check_option(option, getattr(self, option), choices)


class Options(NamedTuple):
    """What a user changes of a recipe; None leaves one as it is."""

    head: Head | None = None
    embeddings: Embeddings | None = None
    branch_end: BranchEnd | None = None
    scale: Scale | None = None
    order: Order | None = None
    columns: Choice | None = None

    def given(self) -> dict[str, Any]:
        """Those that are given."""
        return {option: value for option, value in self._asdict().items() if value is not None}


_CHOICES: dict[str, tuple[Any, ...]] = {
    "branches": (True, False),
    "branch_end": get_args(BranchEnd),
    "attention": (True, False),
    "head": get_args(Head),
    "embeddings": get_args(Embeddings),
    "scale": get_args(Scale),
    "order": get_args(Order),
    "columns": get_args(Choice),
}


def _check_option(option: str, value: Any, choices: tuple[Any, ...]) -> None:
    if type(value) is not type(choices[0]) or value not in choices:
        raise _network_checks.no_choice(option, value, choices)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("mlp", branches=False),
        Recipe("resnet"),
        Recipe("normfree"),
        Recipe("transformer", attention=True, head="keep"),
    )
}
"""The recipes by name."""

AUTO: dict[str, dict[str, Any]] = {"auto": {}, "zero-distinct": {"order": "auto", "columns": "distinct"}}
"""The one of these that a network's structure asks for, and what it changes in it. The second leaves no twins."""


def check(recipe: Any, options: Options) -> None:
    """Check that there is such a recipe, and that each option is one of its choices, or None."""
    if not isinstance(recipe, Recipe) and not (isinstance(recipe, str) and recipe in (*AUTO, *RECIPES)):
        raise _network_checks.no_recipe(recipe, (*AUTO, *RECIPES))
    for option, value in options.given().items():
        _check_option(option, value, _CHOICES[option])


def choose(recipe: str | Recipe, parameters: Iterable[Parameter], found: Structure, options: Options) -> Recipe:
    """The recipe of that name, some options changed; those of AUTO go by the structure."""
    kinds = {parameter.kind for parameter in parameters}
    changed = options.given()
    if isinstance(recipe, str) and recipe in AUTO:
        changed = AUTO[recipe] | changed
        if found.attentions:
            recipe = "transformer"
        elif "norm" in kinds:
            recipe = "resnet"
        else:
            recipe = "normfree" if found.branches or found.undecided else "mlp"
    if isinstance(recipe, str):
        recipe = RECIPES[recipe]
    fits = {"resnet": "norm" in kinds, "normfree": "norm" not in kinds, "transformer": bool(found.attentions)}
    if not fits.get(recipe.name, True):
        raise _network_checks.other_recipe(recipe.name)
    return replace(recipe, **changed)


def needs_structure(recipe: str | Recipe, options: Options) -> bool:
    """Whether a recipe asks for more than the parameters: for branches, attention or the head."""
    chosen = RECIPES.get(recipe) if isinstance(recipe, str) else recipe
    if chosen is None:
        return True
    return chosen.branches or chosen.attention or (options.head or chosen.head) != "algorithm1"
