"""ZerO for Flax: whole models of nnx, in place, and of linen. Its initialisers are those of `zero_array.jax`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from flax import linen, nnx

from ._auditing._report import Report
from ._learning._words import Words
from ._planning import _network_checks
from ._planning._plan import Fill, Plan
from ._planning._recipe import Options, Recipe
from ._typing import BranchEnd, Choice, Embeddings, Head, Order, Scale
from .jax._audit import CUT, look
from .jax._tree import named, planned, rebuilt, started

__all__ = ["audit", "init"]

_MODEL = "flax.nnx.Module, or one linen.Module and its `variables`"
_WORDS = Words.of("flax", CUT)
_LINEN = Words.of("flax", CUT, "model, variables=...")


def init(
    model: nnx.Module | linen.Module,
    recipe: str | Recipe | Plan = "auto",
    *,
    variables: Any = None,
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
) -> Any:
    """Initialize a whole model by ZerO: a model of nnx in place; for one of linen, as new variables.

    Parameters
    ----------
    model : nnx.Module or linen.Module
        The model. Of nnx every `nnx.Param` is filled; their metadata and shardings stay, and those that
        `nnx.eval_shape` made abstract become arrays.
    recipe : str, Recipe or Plan
        As in `zero_array.torch.init_`.
    variables : dict, optional
        For linen: what ``model.init`` returned, whose collection "params" is filled.
    apply : callable, optional
        What to trace in place of ``model(*example_inputs)``. For nnx ``apply(model, *example_inputs)``, such as
        ``lambda model, x: model.encode(x)``; for linen ``apply(variables, *example_inputs)``, by default `model.apply`.
    example_inputs : array, tuple or dict, optional
        What to call it with (a dict by keyword): arrays, or `jax.ShapeDtypeStruct`; anything else, such as
        ``train=False``, is passed as it is. Needed where no plan is given.
    branches, overrides, head, embeddings, branch_end, scale, order, columns, dry_run
        As in `zero_array.torch.init_`. Names are paths joined by dots, such as ``"layers.0.kernel"``.

    Returns
    -------
    Plan or (dict, Plan)
        For nnx the plan; for linen new variables and the plan: what each parameter starts as, and why.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or has a wrong value, or if something cannot be decided. The model is not
        changed then.

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
    options = Options(head, embeddings, branch_end, scale, order, columns)
    others = {"apply": apply, "example_inputs": example_inputs, "branches": branches, "overrides": overrides}
    if isinstance(model, linen.Module):
        held, rest, call = _linen(model, variables, apply)
        plan = planned(recipe, call, held, rest, options=options, others=others)
        params = variables["params"]
        return {**variables, "params": params if dry_run else rebuilt(params, started(held, plan))}, plan
    if not isinstance(model, nnx.Module) or variables is not None:
        raise _network_checks.no_model(model, _MODEL)
    held, rest, merged = _opened(model)

    def function(held: dict[str, Any], rest: Any, *args: Any, **kwargs: Any) -> Any:
        return (apply or _call)(merged(held, rest), *args, **kwargs)

    plan = planned(recipe, function, held, rest, options=options, others=others)
    if not dry_run:
        new = started(held, plan)
        live = nnx.to_flat_state(nnx.state(model, nnx.Param))  # the model's own variables
        for path, variable in live:
            name = ".".join(map(str, path))
            if name in new:
                variable.set_raw_value(new[name])
    return plan


def audit(
    model: nnx.Module | linen.Module,
    example_inputs: Any,
    *,
    variables: Any = None,
    apply: Callable[..., Any] | None = None,
    loss: Callable[[Any], Any] | None = None,
    steps: int = 0,
) -> Report:
    """Find what a model cannot learn from its start, by its weights, one run, and its gradients.

    The model is traced once, and the trace is run with its values: of nnx with BatchNorm by the batch and without
    dropout, of linen as it is called. Then gradients are computed on copies of its parameters, and the copies are
    trained with Adam (learning rate 0.001): for as many steps as `steps` says, and for a few more while parameters, or
    outputs of layers, get their first gradient. The model, its modes and its random state, or its variables, are
    afterwards as they were.

    Parameters
    ----------
    model : nnx.Module or linen.Module
        The model, with values. Copies of its `nnx.Param`, or of the collection "params", are trained.
    example_inputs : array, tuple or dict
        What to call it with (a dict by keyword), with values; two examples or more if it has BatchNorm.
    variables, apply
        As in `init`.
    loss : callable, optional
        A function of what the model returns, which is traced. By default it is the ``loss`` that the model itself
        returns, if any, or the mean square of all its outputs against random numbers, the same ones each time.
    steps : int
        The number of steps of training after which the gradients are looked at again.

    Returns
    -------
    Report
        The findings. It prints as a table, and can be written as JSON and HTML.

    Raises
    ------
    TypeError, ValueError
        If the model is not one, or does not take the inputs, or if another argument is of the wrong kind.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> from flax import nnx
    >>> import zero_array.flax
    >>> zeros = {"kernel_init": nnx.initializers.zeros, "rngs": nnx.Rngs(0)}
    >>> model = nnx.Sequential(nnx.Linear(2, 2, **zeros), nnx.Linear(2, 2, **zeros))
    >>> report = zero_array.flax.audit(model, jnp.ones((3, 2)))
    >>> [finding.what for finding in report.filter("layers.0.kernel", severity="error")]
    ['all constant', 'zeros in series']
    """
    options: dict[str, Any] = {"loss": loss, "steps": steps}
    if isinstance(model, linen.Module):
        held, rest, call = _linen(model, variables, apply)
        return look(call, held, rest, example_inputs, **options, words=_LINEN, drops=False)
    if not isinstance(model, nnx.Module) or variables is not None:
        raise _network_checks.no_model(model, _MODEL)
    held, rest, merged = _opened(model)
    drops = any(
        "drop" in type(item).__name__.lower() and getattr(item, "rate", 0.0) for _, item in nnx.iter_graph(model)
    )

    def function(held: dict[str, Any], rest: Any, *args: Any, **kwargs: Any) -> Any:
        training = merged(held, rest)
        training.set_attributes(use_running_average=False, deterministic=True, raise_if_not_found=False)
        return (apply or _call)(training, *args, **kwargs)

    return look(function, held, rest, example_inputs, **options, words=_WORDS, drops=drops)


def _opened(model: nnx.Module) -> tuple[dict[str, Any], Any, Callable[[dict[str, Any], Any], Any]]:
    """The parameters of a model by name, the rest of its state, and what makes a new model of both."""
    graph, params, rest = nnx.split(model, nnx.Param, ...)
    flat = {".".join(map(str, path)): (path, variable) for path, variable in nnx.to_flat_state(params)}
    held = named({name: variable.get_raw_value() for name, (_, variable) in flat.items()}, model)

    def merged(held: dict[str, Any], rest: Any) -> Any:
        new = [(path, var.replace(held.get(name, var.get_raw_value()))) for name, (path, var) in flat.items()]
        return nnx.merge(graph, nnx.from_flat_state(new), rest)

    return held, rest, merged


def _call(model: Any, *args: Any, **kwargs: Any) -> Any:
    """What a model returns."""
    return model(*args, **kwargs)


def _linen(
    model: linen.Module, variables: Any, apply: Callable[..., Any] | None
) -> tuple[dict[str, Any], Any, Callable[..., Any]]:
    """The parameters of a model of linen by name, its other variables, and what it computes of both."""
    if not isinstance(variables, Mapping) or "params" not in variables:
        raise _network_checks.no_variables(variables)
    rest = {name: collection for name, collection in variables.items() if name != "params"}

    def function(held: dict[str, Any], rest: Any, *args: Any, **kwargs: Any) -> Any:
        return (apply or model.apply)({**rest, "params": rebuilt(variables["params"], held)}, *args, **kwargs)

    return named(variables["params"], model), rest, function
