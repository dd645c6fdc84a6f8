"""Copies of the parameters of a traced function, which are trained."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from .. import _host
from .._auditing._findings import Depth
from .._learning import _checks, _loss, _modules
from .._learning._adam import Adam
from .._planning._network_checks import kind
from ._evaluate import Path, cut, evaluate
from ._jaxpr import is_float
from ._read import Traced


class Training:
    """The parameters, the gradients of a loss by them, and Adam.

    The gradients are those of what was traced, and so are those by the outputs of modules, to which zeros are added.
    """

    def __init__(self, traced: Traced, loss: Callable[[Any], Any] | None) -> None:
        self._traced, self._loss = traced, loss
        held, *self._others = traced.given
        self.trained = {name: leaf for name, leaf in held.items() if leaf.size}
        self._rest = {name: leaf for name, leaf in held.items() if not leaf.size}
        self._result = _result(traced)
        reader = traced.reader
        last = {module: node for module, node in _modules.last(reader.nodes).items() if node in reader.places}
        self._at = {reader.places[node]: module for module, node in last.items()}
        self._zeros = {
            module: jax.numpy.zeros(reader.avals[node].shape, reader.avals[node].dtype) for module, node in last.items()
        }
        self._gradients = jax.grad(self._value, (0, 1), has_aux=True)
        self._compiled = jax.jit(self._gradients)
        self._cut = cut(lambda *given: self._gradients(*given)[0][0], self.trained, self._zeros, self._others)
        self._adam = Adam()
        self.depth: Sequence[Depth] = ()
        self.strange: Sequence[str] = ()

    def gradients(self) -> dict[str, Any]:
        """The gradient by each parameter; the first time, each module is looked at."""
        (found, slopes), signals = self._compiled(self.trained, self._zeros, self._others)
        gradients = {
            name: None if name in self._cut and not _host.to_floats(found[name]).any() else found[name]
            for name in self.trained
        }
        if all(item is None for item in gradients.values()):
            raise _checks.no_outputs(_described(self._result)) if self._loss is None else _checks.flat_loss()
        if not self.depth:
            seen = [module for module in self._at.values() if module in signals]
            self.depth = [Depth(module, float(signals[module][0]), float(_rms(slopes[module]))) for module in seen]
            self.strange = [module for module in seen if not signals[module][1]]
        return gradients

    def step(self, gradients: Mapping[str, Any]) -> None:
        """Take one step."""
        self.trained = self._adam.step(self.trained, gradients)

    def _value(self, trained: Any, zeros: Any, others: Any) -> tuple[Any, dict[str, Any]]:
        """The loss of some parameters; and of each module, how large its output is, and whether that is finite."""
        signals = {}

        def see(path: Path, results: list[Any]) -> list[Any]:
            for index, value in enumerate(results):
                module = self._at.get((*path, index))
                if module is not None:
                    results[index] = value + zeros[module]
                    signals[module] = _rms(value), jax.numpy.isfinite(value).all()
            return results

        given = jax.tree.leaves(({**trained, **self._rest}, *others))
        results = iter(evaluate(self._traced.closed, given, see, deep=False))
        result = jax.tree.map(lambda leaf: next(results) if hasattr(leaf, "dtype") else leaf, self._result)
        return (_default(result) if self._loss is None else _own(self._loss, result)), signals


def _result(traced: Traced) -> Any:
    """What the function returns, with shapes in place of arrays."""
    kept: list[Any] = []

    def call(*given: Any) -> list[Any]:
        leaves, tree = jax.tree.flatten(traced.call(*given))
        kept[:] = tree, [None if hasattr(leaf, "dtype") else leaf for leaf in leaves]
        return [leaf for leaf in leaves if hasattr(leaf, "dtype")]

    shapes = iter(jax.eval_shape(call, *traced.given))
    tree, others = kept
    return jax.tree.unflatten(tree, [next(shapes) if other is None else other for other in others])


def _default(result: Any) -> Any:
    """The model's own loss where it returns one, else the mean square of all outputs against fixed random targets."""
    own = _loss.own(result)
    if is_float(own) and own.size == 1:
        return own.reshape(())
    floats = [leaf for leaf in jax.tree.leaves(result) if is_float(leaf) and leaf.size]
    if not floats:
        raise _checks.no_outputs(_described(result))
    wanted = _loss.targets([leaf.shape for leaf in floats])
    return sum(((leaf.astype("float32") - target) ** 2).mean() for leaf, target in zip(floats, wanted, strict=True))


def _own(loss: Callable[[Any], Any], result: Any) -> Any:
    """The loss that the user gave."""
    try:
        value = loss(result)
    except Exception as error:
        raise _checks.failing_loss(error) from error
    if not is_float(value) or value.size != 1:
        raise _checks.no_scalar(value)
    return value.reshape(())


def _described(result: Any) -> str:
    """What the function returns, in words: traced arrays have types that say nothing."""
    return f"an array of {result.dtype}" if hasattr(result, "dtype") else kind(result)


def _rms(array: Any) -> Any:
    """The root mean square of an array."""
    return jax.numpy.sqrt((array.astype("float32") ** 2).mean()) if array.size else 0.0
