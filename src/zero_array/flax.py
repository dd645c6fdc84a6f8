"""ZerO for Flax: whole models of nnx, in place, and of linen. Its initialisers are those of `zero_array.jax`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from flax import linen, nnx

from . import _network_checks
from ._plan import Fill, Plan
from ._recipe import Recipe
from ._typing import Choice, Order, Scale
from .jax._tree import named, planned, rebuilt, started

__all__ = ["init"]


def init(
    model: nnx.Module | linen.Module,
    recipe: str | Recipe | Plan = "auto",
    *,
    variables: Any = None,
    apply: Callable[..., Any] | None = None,
    example_inputs: Any = None,
    branches: Sequence[str] | Literal["found"] | None = None,
    overrides: Mapping[str, Fill] | None = None,
    head: Literal["algorithm1", "zeros", "keep"] | None = None,
    embeddings: Literal["keep", "algorithm1"] | None = None,
    branch_end: Literal["weight", "norm"] | None = None,
    scale: Scale | None = None,
    order: Order | None = None,
    columns: Choice | None = None,
    dry_run: bool = False,
) -> Any:
    """Start a whole model as ZerO says: one of nnx in place, of one of linen the variables anew.

    Parameters
    ----------
    model : nnx.Module or linen.Module
        The model. What is started of nnx are its `nnx.Param`; their metadata and shardings stay, and what
        `nnx.eval_shape` made abstract is there after it.
    recipe : str, Recipe or Plan
        As in `zero_array.torch.init_`.
    variables : dict, optional
        Of linen: what ``model.init`` returned. Its collection "params" is started.
    apply : callable, optional
        What to trace in place of ``model(*example_inputs)``: ``apply(model, *example_inputs)`` of nnx, such as
        ``lambda model, x: model.encode(x)``; ``apply(variables, *example_inputs)`` of linen, its default `model.apply`.
    example_inputs : array, tuple or dict, optional
        What to call it with (a dict by keyword): arrays, or `jax.ShapeDtypeStruct`; anything else, such as
        ``train=False``, is passed as it is. Needed where no plan is given.
    branches, overrides, head, embeddings, branch_end, scale, order, columns, dry_run
        As in `zero_array.torch.init_`. Names are paths with dots between, such as ``"layers.0.kernel"``.

    Returns
    -------
    Plan or (dict, Plan)
        Of nnx the plan; of linen new variables, and the plan: what each parameter starts as, and why.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or has a wrong value, or if something cannot be decided. The model is left
        as it was.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from flax import nnx
    >>> import zero_array.flax
    >>> model = nnx.Sequential(nnx.Linear(2, 4, rngs=nnx.Rngs(0)), nnx.relu, nnx.Linear(4, 2, rngs=nnx.Rngs(1)))
    >>> print(zero_array.flax.init(model, example_inputs=jnp.ones((1, 2))))
    parameter        shape  fill      reason
    layers.0.bias    4      zeros     bias
    layers.0.kernel  2x4    hadamard  Algorithm 1, 2 -> 4
    layers.2.bias    2      zeros     bias
    layers.2.kernel  4x2    identity  Algorithm 1, 4 -> 2
    """
    options: dict[str, Any] = {"head": head, "embeddings": embeddings, "branch_end": branch_end}
    options |= {"scale": scale, "order": order, "columns": columns}
    others = {"apply": apply, "example_inputs": example_inputs, "branches": branches, "overrides": overrides}
    if isinstance(model, linen.Module):
        return _linen(model, variables, recipe, options, others, dry_run=dry_run)
    if not isinstance(model, nnx.Module) or variables is not None:
        raise _network_checks.no_model(model, "flax.nnx.Module, or one linen.Module and its `variables`")
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    flat = {".".join(map(str, path)): (path, variable) for path, variable in nnx.to_flat_state(params)}
    held = named({name: variable.get_raw_value() for name, (_, variable) in flat.items()}, model)

    def function(held: dict[str, Any], rest: Any, *args: Any, **kwargs: Any) -> Any:
        new = [(path, var.replace(held.get(name, var.get_raw_value()))) for name, (path, var) in flat.items()]
        merged = nnx.merge(graph, nnx.from_flat_state(new), rest)
        return apply(merged, *args, **kwargs) if apply else merged(*args, **kwargs)

    plan = planned(recipe, function, held, rest, options=options, others=others)
    if not dry_run:
        new = started(held, plan)
        live = nnx.to_flat_state(nnx.state(model, nnx.Param))  # the model's own variables
        for path, variable in live:
            name = ".".join(map(str, path))
            if name in new:
                variable.set_raw_value(new[name])
    return plan


def _linen(
    model: linen.Module, variables: Any, recipe: Any, options: Any, others: Mapping[str, Any], *, dry_run: bool
) -> tuple[Any, Plan]:
    """New variables, and the plan."""
    if not isinstance(variables, Mapping) or "params" not in variables:
        raise _network_checks.no_variables(variables)
    rest = {name: collection for name, collection in variables.items() if name != "params"}
    held = named(variables["params"], model)
    apply = others["apply"] or model.apply

    def function(held: dict[str, Any], rest: Any, *args: Any, **kwargs: Any) -> Any:
        return apply({**rest, "params": rebuilt(variables["params"], held)}, *args, **kwargs)

    plan = planned(recipe, function, held, rest, options=options, others=others)
    params = variables["params"] if dry_run else rebuilt(variables["params"], started(held, plan))
    return {**variables, "params": params}, plan
