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
from ._watch import watch


def audit(
    function: Callable[..., Any],
    held: Mapping[str, Any],
    state: Any,
    example_inputs: Any,
    *,
    loss: Callable[[Any], Any] | None,
    steps: int,
    words: Words,
    drops: bool,
) -> Report:
    """What ``function(held, state, *inputs)`` cannot learn from its start."""
    _checks.arguments(loss, steps)
    if example_inputs is None:
        raise _network_checks.no_inputs(example_inputs)
    for name, values in (("model", held), ("example_inputs", example_inputs)):
        if any(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(values)):
            raise _checks.abstract(name)
    traced = trace(function, held, state, example_inputs)
    run = watch(traced)
    found = probe(Training(traced, loss), traced.held, steps)
    padded = {item.name for item in traced.held if item.center == "same"}
    return report(Seen(traced.held, held, run, found, padded, drops), words, steps)
