"""Whole models: any tree of parameters and a function of it; a plan, and a tree that is started as it says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import jax
from jax.sharding import NamedSharding

from .. import _namespace
from .._model import make
from .._planning import _network_checks
from .._planning._filling import Filling
from .._planning._plan import Fill, Parameter, Plan
from .._planning._recipe import Options, Recipe
from .._planning._structure import Structure
from .._typing import Array, BranchEnd, Choice, Embeddings, Head, Order, Scale
from ._initializers import build
from ._jaxpr import is_float
from ._read import read


def init(
    tree: Any,
    recipe: str | Recipe | Plan = "auto",
    *,
    apply: Callable[..., Any] | None = None,
    example_inputs: Any = None,
    branches: Sequence[str] | Literal["found"] | None = None,
    overrides: Mapping[str, Fill] | None = None,
    head: Head | None = None,
    embeddings: Embeddings | None = None,
    branch_end: BranchEnd | None = None,
    scale: Scale | None = None,
    order: Order | None = None,
    columns: Choice | None = None,
    dry_run: bool = False,
) -> tuple[Any, Plan]:
    """Initialize a tree of parameters by ZerO, given the function that computes with it.

    What each parameter is, which of its axes are inputs and outputs, and where branches, attention and the head are, is
    read from a trace of the function, which computes nothing; names are not used. What cannot be decided is an error
    that says what to pass.

    Parameters
    ----------
    tree : pytree
        The parameters: all arrays of real numbers in it, or `jax.ShapeDtypeStruct` in place of some. It is not changed.
    recipe : str, Recipe or Plan
        As in `zero_array.torch.init_`.
    apply : callable, optional
        ``apply(tree, *example_inputs)``, what the model computes. Needed where no plan is given.
    example_inputs : array, tuple or dict, optional
        What to call it with after the tree (a dict by keyword): arrays, or `jax.ShapeDtypeStruct`; anything else is
        passed as it is. Needed where no plan is given.
    branches, overrides, head, embeddings, branch_end, scale, order, columns, dry_run
        As in `zero_array.torch.init_`. Names are paths joined by dots, such as ``"linear.w"``.

    Returns
    -------
    tree : pytree
        A new one, of the same structure, dtypes and shardings: each device makes its own part. What the plan leaves
        untouched is the same array as before; with `dry_run`, everything is.
    plan : Plan
        What each parameter starts as, and why; it prints as a table.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or has a wrong value, or if something cannot be decided.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import zero_array.jax
    >>> params = {"up": jnp.empty((2, 4)), "down": jnp.empty((4, 2))}
    >>> def apply(params, x):
    ...     return x + jnp.tanh(x @ params["up"]) @ params["down"]
    >>> params, plan = zero_array.jax.init(params, apply=apply, example_inputs=jnp.ones((1, 2)))
    >>> print(plan)
    parameter  shape  fill      reason
    down       4x2    zeros     last weight of a residual branch
    up         2x4    hadamard  Algorithm 1, 2 -> 4
    """
    options = Options(head, embeddings, branch_end, scale, order, columns)
    others = {"apply": apply, "example_inputs": example_inputs, "branches": branches, "overrides": overrides}
    held = named(tree, tree, "tree")
    if apply is not None and not callable(apply):
        raise _network_checks.no_callable(apply)

    def function(held: dict[str, Any], _: None, *args: Any, **kwargs: Any) -> Any:
        return apply(rebuilt(tree, held), *args, **kwargs)  # type: ignore[misc]  # where it is given

    plan = planned(recipe, function if apply else None, held, None, options=options, others=others)
    return (tree if dry_run else rebuilt(tree, started(held, plan))), plan


def named(tree: Any, model: Any, argument: str = "model") -> dict[str, Any]:
    """The arrays of real numbers in a tree, by the paths to them; refuses a tree without any."""
    leaves = {_name(path): leaf for path, leaf in jax.tree.leaves_with_path(tree)}
    held = {name: leaf for name, leaf in leaves.items() if hasattr(leaf, "shape") and is_float(leaf)}
    if not held:
        raise _network_checks.no_parameters(model, argument)
    return held


def rebuilt(tree: Any, held: Mapping[str, Any]) -> Any:
    """The tree with other arrays at some paths."""
    return jax.tree.map_with_path(lambda path, leaf: held.get(_name(path), leaf), tree)


def parts(tree: Any, kind: type) -> list[Any]:
    """What is of one type in a tree, such as the modules of a model."""
    found = jax.tree.leaves(tree, is_leaf=lambda item: isinstance(item, kind))
    return [item for item in found if isinstance(item, kind)]


def replaced(tree: Any, kind: type, function: Callable[[Any], Any]) -> Any:
    """The tree, with what a function makes of these in their place."""
    return jax.tree.map(
        lambda item: function(item) if isinstance(item, kind) else item,
        tree,
        is_leaf=lambda item: isinstance(item, kind),
    )


def _name(path: Any) -> str:
    """A path with dots between; the boxes in which linen keeps metadata are no part of it."""
    return jax.tree_util.keystr(  # type: ignore[no-any-return]
        [key for key in path if getattr(key, "name", "") != "value"], simple=True, separator="."
    )


def planned(
    recipe: str | Recipe | Plan,
    function: Callable[..., Any] | None,
    held: Mapping[str, Any],
    state: Any,
    *,
    options: Options,
    others: Mapping[str, Any],
) -> Plan:
    """The plan of ``function(held, state, *inputs)``, whose parameters are `held` by name."""

    def traced() -> tuple[list[Parameter], Structure]:
        if function is None:
            raise _network_checks.no_function()
        if others["example_inputs"] is None:
            raise _network_checks.inputs_needed()
        return read(function, held, state, others["example_inputs"])

    plan = make(recipe, held, traced, options, **others)
    started(held, plan, dry_run=True)
    return plan


def started(held: Mapping[str, Any], plan: Plan, *, dry_run: bool = False) -> dict[str, Array]:
    """New arrays for the parameters that a plan does not leave as they are; everything is checked first."""
    fillings = {}
    for entry in plan:
        leaf = held.get(entry.name)
        filling = Filling.of(entry, None if leaf is None else tuple(leaf.shape))
        if filling and leaf is not None:
            try:
                _namespace.dtype(jax.numpy, leaf.dtype)
            except TypeError as error:
                raise _network_checks.no_real_parameter(entry.name, leaf.dtype) from error
            fillings[entry.name] = filling
    return {} if dry_run else {name: array(filling, held[name]) for name, filling in fillings.items()}


def array(filling: Filling, leaf: Any) -> Array:
    """The array in place of a leaf, where that is."""
    place = None if isinstance(leaf, jax.core.Tracer) else getattr(leaf, "sharding", None)
    if isinstance(place, NamedSharding):
        return build(filling, tuple(leaf.shape), leaf.dtype, place)
    made = build(filling, tuple(leaf.shape), leaf.dtype, None)
    return jax.device_put(made, place) if getattr(leaf, "committed", False) else made
