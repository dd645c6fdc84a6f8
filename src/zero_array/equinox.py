"""ZerO for Equinox: whole models. Initialisers are those of `zero_array.jax`, with ``in_axis=1, out_axis=0``."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import equinox

from ._auditing._report import Report
from ._learning._words import Words
from ._planning import _network_checks
from ._planning._plan import Fill, Plan
from ._planning._recipe import Options, Recipe
from ._typing import BranchEnd, Choice, Embeddings, Head, Order, Scale
from .jax._audit import CUT, look
from .jax._tree import named, parts, planned, rebuilt, replaced, started

__all__ = ["audit", "init"]

_WORDS = Words.of("equinox", CUT)


def init(
    model: equinox.Module,
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
    """Initialize a whole model by ZerO: a new one, since modules of Equinox are immutable.

    Parameters
    ----------
    model : equinox.Module
        The model; all arrays of real numbers in it are its parameters. It is not changed.
    recipe : str, Recipe or Plan
        As in `zero_array.torch.init_`.
    apply : callable, optional
        What to trace in place of ``model(*example_inputs)``: ``apply(model, *example_inputs)``, such as
        ``lambda model, x: jax.vmap(model)(x)``.
    example_inputs : array, tuple or dict, optional
        What to call it with (a dict by keyword), one example without a batch as Equinox has it: arrays, or
        `jax.ShapeDtypeStruct`; anything else is passed as it is. Needed where no plan is given.
    branches, overrides, head, embeddings, branch_end, scale, order, columns, dry_run
        As in `zero_array.torch.init_`. Names are paths joined by dots, such as ``"layers.0.weight"``.

    Returns
    -------
    model : equinox.Module
        A new one, whose arrays have the shapes, dtypes and shardings of the old ones.
    plan : Plan
        What each parameter starts as, and why; it prints as a table.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or has a wrong value, or if something cannot be decided.

    Examples
    --------
    >>> import equinox, jax
    >>> import zero_array.equinox
    >>> model = equinox.nn.MLP(2, 2, width_size=4, depth=1, key=jax.random.key(0))
    >>> model, plan = zero_array.equinox.init(model, example_inputs=jax.numpy.ones(2))
    >>> print(plan)
    parameter        shape  fill      reason
    layers.0.weight  4x2    hadamard  Algorithm 1, 2 -> 4
    layers.0.bias    4      zeros     bias
    layers.1.weight  2x4    identity  Algorithm 1, 4 -> 2
    layers.1.bias    2      zeros     bias
    """
    options = Options(head, embeddings, branch_end, scale, order, columns)
    others = {"apply": apply, "example_inputs": example_inputs, "branches": branches, "overrides": overrides}
    held, function = _opened(model, apply)
    plan = planned(recipe, function, held, None, options=options, others=others)
    return (model if dry_run else rebuilt(model, started(held, plan))), plan


def audit(
    model: equinox.Module,
    example_inputs: Any,
    *,
    apply: Callable[..., Any] | None = None,
    loss: Callable[[Any], Any] | None = None,
    steps: int = 0,
) -> Report:
    """Find what a model cannot learn from its start, by its weights, one run, and its gradients.

    The model is traced once, without dropout, and what was traced is run with its values; then copies of its parameters
    are trained, as in `zero_array.jax.audit`. The model is left as it is.

    Parameters
    ----------
    model : equinox.Module
        The model, with values; all arrays of real numbers in it are its parameters.
    example_inputs : array, tuple or dict
        What to call it with (a dict by keyword), with values.
    apply : callable, optional
        What to trace in place of ``model(*example_inputs)``, which is one example: ``apply(model, *example_inputs)``,
        such as ``lambda model, x: jax.vmap(model)(x)`` for a batch as in training.
    loss, steps
        As in `zero_array.flax.audit`.

    Returns
    -------
    Report
        What was found; it prints as a table. It goes to JSON and HTML too.

    Raises
    ------
    TypeError, ValueError
        If the model is none, or does not take the inputs, or if another argument is of the wrong kind.

    Examples
    --------
    >>> import equinox, jax
    >>> import zero_array.equinox
    >>> model = equinox.nn.MLP(2, 2, width_size=2, depth=1, key=jax.random.key(0))
    >>> model = jax.tree.map(lambda leaf: leaf * 0 if equinox.is_array(leaf) else leaf, model)
    >>> x = jax.numpy.ones((3, 2))
    >>> report = zero_array.equinox.audit(model, x, apply=lambda model, x: jax.vmap(model)(x))
    >>> [finding.what for finding in report.filter("layers.0.weight", severity="error")]
    ['all constant', 'zeros in series', 'zeros before a ReLU']
    """
    held, function = _opened(replaced(model, equinox.nn.Dropout, equinox.nn.inference_mode), apply)
    drops = any(item.p for item in parts(model, equinox.nn.Dropout))
    return look(function, held, None, example_inputs, loss=loss, steps=steps, words=_WORDS, drops=drops)


def _opened(model: Any, apply: Callable[..., Any] | None) -> tuple[dict[str, Any], Callable[..., Any]]:
    """The parameters of a model by name, and what it computes of them."""
    if not isinstance(model, equinox.Module):
        raise _network_checks.no_model(model, "equinox.Module")

    def function(held: dict[str, Any], _: None, *args: Any, **kwargs: Any) -> Any:
        new = rebuilt(model, held)
        return apply(new, *args, **kwargs) if apply else new(*args, **kwargs)

    return named(model, model), function
