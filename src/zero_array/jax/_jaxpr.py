"""What a function of parameters and inputs computes, read from its jaxpr, equation by equation."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax

from .._planning import _views
from .._planning._graph import Node
from . import _shown
from ._operations import Operations, at_zero
from ._values import Features, Scores, Value

_NAMES = {"add_any": "add", "concatenate": "cat", "logistic": "sigmoid"}


class Reader(Operations):
    """Goes through equations, into functions and loops too, and notes what they do."""

    def run(self, closed: Any, given: Sequence[Value]) -> list[Value]:
        """The results of a jaxpr, for what is known of its arguments."""
        jaxpr = getattr(closed, "jaxpr", closed)
        known: dict[Any, Value] = dict(zip(jaxpr.invars, given, strict=True))
        constants = zip(jaxpr.constvars, getattr(closed, "consts", ()), strict=True)
        known |= {item: _constant(item, value) for item, value in constants}
        for number, equation in enumerate(jaxpr.eqns):
            values = [_known(item, known) for item in equation.invars]
            self._path.append(number)
            before = len(self.nodes)
            results = self._equation(equation, values)
            for index, value in enumerate(results):
                if value.node is not None and value.node >= before and value.node not in self.places:
                    self.places[value.node] = (*self._path, index)  # what is inside has its place already
                    self.avals[value.node] = equation.outvars[index].aval
            self._path.pop()
            known |= zip(equation.outvars, results, strict=True)
        return [_known(item, known) for item in jaxpr.outvars]

    def _equation(self, equation: Any, given: list[Value]) -> list[Value]:
        op = equation.primitive.name
        op = _NAMES.get(op, op)
        if op == "scan":
            return self._scan(equation.params, given)
        called = inside(equation)
        if called is not None:
            return self.run(called, given)
        if not any(is_float(item.aval) for item in equation.outvars):
            return [Value(at_zero=at_zero(op, equation, given))] * len(equation.outvars)
        if op in _shown.VIEWS:
            return self._views(op, equation, given[0])
        return [self.operation(op, equation, given)] * len(equation.outvars)

    def _scan(self, params: Mapping[str, Any], given: list[Value]) -> list[Value]:
        """One step of a loop: over layers, whose parameters are stacked, or over time, which uses the same again."""
        begin = params["num_consts"]
        end = begin + params["num_carry"]
        avals = [item.aval for item in params["jaxpr"].jaxpr.invars]
        carried = [
            value._replace(at_zero=None) if value.node is not None or value.name or not is_float(aval) else self.input()
            for value, aval in zip(given[begin:end], avals[begin:end], strict=True)
        ]
        stacked = [self._one_of(value) for value in given[end:]]
        before, has_stack = self.is_recurrent, any(value.name for value in stacked)
        self.is_recurrent = before or (not has_stack and any(value.reads for value in given[:end]))
        results = self.run(params["jaxpr"], [*given[:begin], *carried, *stacked])
        self.is_recurrent = before
        carries = end - begin
        return [*results[:carries], *(self._all_of(value, params["length"]) for value in results[carries:])]

    def _all_of(self, value: Value, length: int) -> Value:
        """Those of all steps, stacked along a new first axis."""
        import numpy

        features = value.features
        if features:
            index = numpy.broadcast_to(features.index, (length, *features.index.shape))
            features = features._replace(index=index)
        return value._replace(view=None, features=features, scores=None)

    def _one_of(self, value: Value) -> Value:
        """One of those that are stacked along the first axis."""
        if value.view is None:
            return value._replace(features=None, scores=None)
        axis = _views.axes(value.view, self.bases[value.name], (0,))
        if axis is None:
            return value._replace(view=None)
        return value._replace(view=value.view[0], stacked=value.stacked + axis)

    def _views(self, op: str, equation: Any, value: Value) -> list[Value]:
        """What shows the same entries in another way."""
        if op in _shown.SAME or (value.node is None and not value.name):
            return [value] * len(equation.outvars)
        if value.name:
            views = [] if value.view is None else _shown.shown(op, equation.params, value.view)
            whole = [view if _views.is_of(view, self.bases[value.name]) else None for view in views]
            return [value._replace(view=view) for view in whole or [None] * len(equation.outvars)]
        features: list[Features | None] = [None] * len(equation.outvars)
        scores: list[Scores | None] = [None] * len(equation.outvars)
        if value.features:
            views = _shown.shown(op, equation.params, value.features.index)
            features = [value.features._replace(index=view) for view in views]
        if value.scores:
            views = _shown.shown(op, equation.params, value.scores.view)
            scores = [
                value.scores._replace(view=view) if _views.is_of(view, value.scores.base) else None for view in views
            ]
        return [self._view(op, value, *what) for what in zip(features, scores, strict=True)]

    def _view(self, op: str, value: Value, features: Features | None, scores: Scores | None) -> Value:
        """One view of an activation."""
        rows = _views.rows(features.index) if features else ()
        if features is None or not 0 < len(rows) < features.total:
            return self.add(Node(op, (value.node,)), **_kept(value, features, scores))  # type: ignore[arg-type]
        size = features.total
        tiled = [row + copy * size for copy in range(features.copies) for row in rows]
        known = self.add(
            Node(op, (value.node,), rows=rows if features.copies == 1 else tuple(tiled)),  # type: ignore[arg-type]
            **_kept(value, features, scores),
        )
        for name in features.names:
            self.pieces.setdefault(name, {}).setdefault(rows, set()).add(known.node)  # type: ignore[arg-type]
        return known


def inside(equation: Any) -> Any | None:
    """The jaxpr that an equation calls with its own arguments, such as that of a jit; None where there is none."""
    inner = [equation.params[key] for key in ("jaxpr", "call_jaxpr", "fun_jaxpr") if key in equation.params]
    if len(inner) != 1 or equation.primitive.name == "scan":
        return None
    return inner[0] if len(getattr(inner[0], "jaxpr", inner[0]).invars) == len(equation.invars) else None


def is_float(aval: Any) -> bool:
    """Whether an array is of real numbers."""
    return bool(jax.numpy.issubdtype(getattr(aval, "dtype", bool), jax.numpy.floating))


def _kept(value: Value, features: Features | None, scores: Scores | None) -> dict[str, Any]:
    known = {"role": value.role, "reads": value.reads, "at_zero": value.at_zero}
    return {**known, "features": features, "scores": scores}


def _known(item: Any, known: Mapping[Any, Value]) -> Value:
    """What is known of an operand."""
    return _constant(item, item.val) if hasattr(item, "val") else known.get(item, Value())


def _constant(item: Any, value: Any) -> Value:
    """What is known of a constant."""
    kinds = (jax.numpy.floating, jax.numpy.integer, jax.numpy.bool_)
    is_number = getattr(item.aval, "shape", None) == () and any(
        jax.numpy.issubdtype(item.aval.dtype, kind) for kind in kinds
    )
    return Value(at_zero=float(value)) if is_number and not isinstance(value, jax.core.Tracer) else Value()
