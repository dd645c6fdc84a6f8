"""Copies of the parameters of a traced function, which are trained."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from .. import _host
from .._findings import Depth
from .._learning import _checks, _loss, _modules
from .._learning._adam import Adam
from ._evaluate import Path, cut, evaluate
from ._jaxpr import is_float
from ._read import Traced


class Training:
    """The parameters, the gradients of a loss by them, and Adam."""

    def __init__(self, traced: Traced, loss: Callable[[Any], Any] | None) -> None:
        self._traced = traced
        self._loss = loss
        held, self._state, self._arrays = traced.given
        self.trained = {name: leaf for name, leaf in held.items() if leaf.size}
        self._rest = {name: leaf for name, leaf in held.items() if not leaf.size}
        self._gradients = jax.jit(jax.grad(self._value))
        self._adam = Adam()
        self.depth: Sequence[Depth] = ()
        self.strange: Sequence[str] = ()
        self._cut: set[str] | None = None  # what the loss does not depend on, by a way that has derivatives

    def gradients(self) -> dict[str, Any]:
        """The gradient by each parameter; the first time, each module is looked at."""
        given = self.trained, self._state, self._arrays
        if self._cut is None:
            self._cut = cut(jax.grad(self._value), *given)
            self._look()
        found = self._gradients(*given)
        gradients = {
            name: None if name in self._cut and not _host.to_floats(found[name]).any() else found[name]
            for name in self.trained
        }
        if all(item is None for item in gradients.values()):
            raise _checks.no_outputs(None) if self._loss is None else _checks.no_scalar(jax.numpy.zeros(()))
        return gradients

    def step(self, gradients: Mapping[str, Any]) -> None:
        """Take one step."""
        self.trained = self._adam.step(self.trained, gradients)

    def _value(self, trained: dict[str, Any], state: Any, arrays: Any) -> Any:
        """The loss of some parameters."""
        return self._lost(self._traced.call({**trained, **self._rest}, state, arrays))

    def _lost(self, result: Any) -> Any:
        """The loss of what the model returned."""
        if self._loss is None:
            return _default(result)
        try:
            value = self._loss(result)
        except Exception as error:
            raise _checks.failing_loss(error) from error
        if not is_float(value) or value.size != 1:
            raise _checks.no_scalar(value)
        return value.reshape(())

    def _look(self) -> None:
        """Signal and gradient behind each module."""
        reader = self._traced.reader
        places = {module: reader.places.get(node) for module, node in _modules.last(reader.nodes).items()}
        at = {place: module for module, place in places.items() if place}
        shapes: dict[str, Any] = {}
        tree: list[Any] = []

        def run(taps: dict[str, Any], given: Any) -> Any:
            signals = {}

            def see(path: Path, results: list[Any]) -> list[Any]:
                for index, value in enumerate(results):
                    module = at.get((*path, index))
                    if module is not None:
                        shapes[module] = jax.ShapeDtypeStruct(value.shape, value.dtype)
                        results[index] = value + taps[module] if module in taps else value
                        signals[module] = _rms(value), jax.numpy.isfinite(value).all()
                return results

            results = iter(evaluate(self._traced.closed, jax.tree.leaves(given), see, deep=False))
            (shape,) = tree
            result = jax.tree.map(lambda leaf: next(results) if hasattr(leaf, "dtype") else leaf, shape)
            return self._lost(result), signals

        given = self._traced.given
        tree.append(_result(self._traced))
        jax.eval_shape(run, {}, given)
        taps = {module: jax.numpy.zeros(item.shape, item.dtype) for module, item in shapes.items()}
        slopes, signals = jax.jit(jax.grad(run, has_aux=True))(taps, given)
        self.depth = [
            Depth(module, float(signals[module][0]), float(_rms(slopes[module])))
            for module in places
            if module in signals
        ]
        self.strange = [module for module in places if module in signals and not signals[module][1]]


def _result(traced: Traced) -> Any:
    """What the function returns, with shapes in place of arrays."""
    kept: list[Any] = []

    def call(*given: Any) -> list[Any]:
        leaves, tree = jax.tree.flatten(traced.call(*given))
        kept.append((tree, [None if hasattr(leaf, "dtype") else leaf for leaf in leaves]))
        return [leaf for leaf in leaves if hasattr(leaf, "dtype")]

    shapes = iter(jax.eval_shape(call, *traced.given))
    ((tree, others),) = kept
    return jax.tree.unflatten(tree, [next(shapes) if other is None else other for other in others])


def _default(result: Any) -> Any:
    """The model's own loss where it returns one, else the mean square of all outputs against fixed random targets."""
    own = _loss.own(result)
    if is_float(own) and own.size == 1:
        return own.reshape(())
    floats = [leaf for leaf in jax.tree.leaves(result) if is_float(leaf) and leaf.size]
    if not floats:
        raise _checks.no_outputs(result)
    wanted = _loss.targets([leaf.shape for leaf in floats])
    return sum(((leaf.astype("float32") - target) ** 2).mean() for leaf, target in zip(floats, wanted, strict=True))


def _rms(array: Any) -> Any:
    """The root mean square of an array."""
    return jax.numpy.sqrt((abs(array.astype("float32")) ** 2).mean()) if array.size else 0.0
