"""The audit of any function of parameters that JAX traces."""

from collections.abc import Callable, Mapping
from typing import Any

import jax

from .._auditing._report import Report
from .._learning import _checks
from .._learning._probe import probe
from .._learning._report import Seen, report
from .._learning._words import Words
from .._planning import _network_checks
from ._read import trace
from ._training import Training
from ._tree import named, rebuilt
from ._watch import watch

CUT = "stop_gradient or a rounding"
_WORDS = Words.of("jax", CUT, "tree, apply=...")


def audit(
    tree: Any,
    example_inputs: Any,
    *,
    apply: Callable[..., Any],
    loss: Callable[[Any], Any] | None = None,
    steps: int = 0,
) -> Report:
    """Find what a function of a tree of parameters cannot learn from its start: by its weights, one run, its gradients.

    The function is traced once, and what was traced is run with its values. Then copies of the parameters are trained:
    at least one gradient is made, and as many steps of Adam (learning rate 0.001) as `steps` says; a few more while
    parameters, or outputs of layers, get their first gradient. The tree is left as it is.

    Parameters
    ----------
    tree : pytree
        The parameters, such as the params of Haiku: all arrays of real numbers in it, with values.
    example_inputs : array, tuple or dict
        What to call it with beside the tree (a dict by keyword), with values: a batch as in training.
    apply : callable
        ``apply(tree, *example_inputs)``, what the model computes in training, without dropout. What it returns beside,
        such as new statistics of a norm, would count as outputs: leave it out.
    loss, steps
        As in `zero_array.flax.audit`.

    Returns
    -------
    Report
        What was found; it prints as a table. It goes to JSON and HTML too.

    Raises
    ------
    TypeError, ValueError
        If the tree has no parameters, or the function does not take it, or if another argument is of the wrong kind.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import zero_array.jax
    >>> params = {"a": jnp.zeros((2, 2)), "b": jnp.zeros((2, 2))}
    >>> def apply(params, x):
    ...     return x @ params["a"] @ params["b"]
    >>> report = zero_array.jax.audit(params, jnp.ones((3, 2)), apply=apply)
    >>> [finding.what for finding in report.filter("a", severity="error")]
    ['all constant', 'zeros in series']
    """
    held = named(tree, tree, "tree")
    if apply is None:
        raise _network_checks.no_function()

    def function(held: dict[str, Any], _: None, *args: Any, **kwargs: Any) -> Any:
        return apply(rebuilt(tree, held), *args, **kwargs)

    return look(function, held, None, example_inputs, loss=loss, steps=steps, words=_WORDS, drops=False, model="tree")


def look(
    function: Callable[..., Any],
    held: Mapping[str, Any],
    state: Any,
    example_inputs: Any,
    *,
    loss: Callable[[Any], Any] | None,
    steps: int,
    words: Words,
    drops: bool,
    model: str = "model",
) -> Report:
    """What ``function(held, state, *inputs)`` cannot learn from its start; `model` is what its argument is called."""
    _checks.arguments(loss, steps)
    if example_inputs is None:
        raise _network_checks.no_inputs(example_inputs)
    for name, values in ((model, held), ("example_inputs", example_inputs)):
        if any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(values)):
            raise _checks.abstract(name)
    traced = trace(function, held, state, example_inputs)
    run = watch(traced)
    found = probe(Training(traced, loss), traced.held, steps)
    padded = {item.name for item in traced.held if item.center == "same"}
    return report(Seen(traced.held, held, run, found, padded, drops), words, steps)
