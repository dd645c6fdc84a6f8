"""The audit of any function of parameters that JAX traces."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import jax

from .._auditing._report import Report
from .._learning import _checks
from .._learning._probe import probe
from .._learning._report import Seen, report
from .._learning._words import Words
from .._planning import _network_checks
from .._planning._plan import Parameter
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
    parameters = [_with_offsets(item, traced.reader.uses) for item in traced.held]
    run = watch(traced)
    found = probe(Training(traced, loss), parameters, steps)
    padded = {item.name for item in parameters if item.center == "same"}
    return report(Seen(parameters, held, run, found, padded, drops), words, steps)


def _with_offsets(parameter: Parameter, uses: Mapping[str, Collection[str]]) -> Parameter:
    """A parameter; a vector that is added, such as a norm's, is a bias here."""
    is_added = (
        parameter.kind == "unknown" and len(parameter.shape) == 1 and set(uses.get(parameter.name, ())) == {"add"}
    )
    return replace(parameter, kind="bias") if is_added else parameter
