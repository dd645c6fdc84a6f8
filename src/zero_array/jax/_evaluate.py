"""A jaxpr with values: each result can be looked at, and changed, by the path to the equation that makes it."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax

from ._jaxpr import inside

Path = tuple[int, ...]
See = Callable[[Path, list[Any]], list[Any]]


def evaluate(closed: Any, given: Iterable[Any], see: See, *, deep: bool, path: Path = ()) -> list[Any]:
    """The results of a jaxpr; ``see(path, results)`` says what the results of each equation are to be.

    Functions are gone through with the paths that a `Reader` gives; those with derivatives of their own only where it
    is to be `deep`, since these would be lost.
    """
    jaxpr = getattr(closed, "jaxpr", closed)
    known = dict(zip(jaxpr.constvars, getattr(closed, "consts", ()), strict=True))
    known |= zip(jaxpr.invars, given, strict=True)
    for number, equation in enumerate(jaxpr.eqns):
        values = [item.val if hasattr(item, "val") else known[item] for item in equation.invars]
        called = inside(equation)
        if called is not None and (deep or not equation.primitive.name.startswith("custom_")):
            results = evaluate(called, values, see, deep=deep, path=(*path, number))
        else:
            results = see((*path, number), _results(jaxpr, equation, values))
        known |= zip(equation.outvars, results, strict=True)
    return [item.val if hasattr(item, "val") else known[item] for item in jaxpr.outvars]


def _results(jaxpr: Any, equation: Any, values: Sequence[Any]) -> list[Any]:
    """What one equation of a jaxpr makes."""
    given = {item: value for item, value in zip(equation.invars, values, strict=True) if not hasattr(item, "val")}
    alone = jaxpr.replace(constvars=[], invars=[*given], outvars=equation.outvars, eqns=[equation])
    return list(jax.core.eval_jaxpr(alone, (), *given.values()))


def cut(gradients: Callable[..., Any], trained: dict[str, Any], *others: Any) -> set[str]:
    """The parameters by which a loss has no gradient, whatever their values: it comes out as a constant."""
    closed = jax.make_jaxpr(gradients)(trained, *others)
    known = _depending(closed, [True] * len(closed.jaxpr.invars))
    return {name for name, is_known in zip(sorted(trained), known, strict=True) if not is_known}


def _depending(closed: Any, given: Sequence[bool]) -> list[bool]:
    """Which results of a jaxpr depend on anything; `given` says which arguments do."""
    jaxpr = getattr(closed, "jaxpr", closed)
    known = dict.fromkeys(jaxpr.constvars, True) | dict(zip(jaxpr.invars, given, strict=True))
    for equation in jaxpr.eqns:
        values = [not hasattr(item, "val") and known.get(item, False) for item in equation.invars]
        called = inside(equation)
        results = [any(values)] * len(equation.outvars) if called is None else _depending(called, values)
        known |= zip(equation.outvars, results, strict=True)
    return [not hasattr(item, "val") and known.get(item, False) for item in jaxpr.outvars]
