"""Copies of the variables of a model of Keras, which are trained."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import keras

from .._auditing._findings import Depth
from .._learning import _checks, _loss
from .._learning._adam import Adam
from .._planning._network_checks import kind
from ._backends import Tensors, differentiated, host
from ._evaluate import Evaluator, Inputs


class Training:
    """The parameters as NumPy's arrays, the gradients of a loss by them, and Adam."""

    def __init__(
        self,
        model: Any,
        variables: Mapping[str, Any],
        inputs: Inputs,
        loss: Callable[[Any], Any] | None,
        taps: Tensors,
    ) -> None:
        self._model, self._inputs, self._loss, self._taps = model, inputs, loss, taps
        self._variables = {name: item for name, item in variables.items() if 0 not in item.shape}
        self._names = {id(variable): name for name, variable in variables.items()}
        self.trained = {name: host(variable.value) for name, variable in self._variables.items()}
        self._differentiate = differentiated(self._forward)
        self._adam = Adam()
        self._returned = ""  # what the model returns, in words
        self.depth: Sequence[Depth] = ()
        self.strange: Sequence[str] = ()

    def gradients(self) -> dict[str, Any]:
        """The gradient by each parameter; the first time, each layer is looked at."""
        values = {
            name: keras.ops.convert_to_tensor(value, dtype=self._variables[name].dtype)
            for name, value in self.trained.items()
        }
        found = self._differentiate(values, self._taps)
        slopes = {name: found.parameters[name] for name in values}
        gradients = {name: None if item is None else host(item) for name, item in slopes.items()}
        if all(item is None for item in gradients.values()):
            raise _checks.no_outputs(self._returned) if self._loss is None else _checks.flat_loss()
        if not self.depth:
            outputs = {path: found.outputs[path] for path in self._taps}
            self.depth = [
                Depth(path, _rms(value), 0.0 if found.slopes.get(path) is None else _rms(found.slopes[path]))
                for path, value in outputs.items()
            ]
            self.strange = [path for path, value in outputs.items() if not _is_finite(value)]
        return gradients

    def step(self, gradients: Mapping[str, Any]) -> None:
        """Take one step."""
        self.trained = self._adam.step(self.trained, gradients)

    def _forward(self, values: Tensors, taps: Tensors) -> tuple[Any, Tensors]:
        """The loss of some parameters, and what the layers return."""
        mapping = [(variable, values[name]) for name, variable in self._variables.items()]
        with keras.StatelessScope(state_mapping=mapping):
            evaluator = Evaluator(self._names, taps)
            result, _ = evaluator.run(self._model, self._inputs)
            return self._lost(result), evaluator.outputs

    def _lost(self, result: Any) -> Any:
        """The loss of what the model returned."""
        self._returned = f"a tensor of {result.dtype}" if keras.ops.is_tensor(result) else kind(result)
        if self._loss is None:
            return self._default(result)
        try:
            value = self._loss(result)
        except Exception as error:
            raise _checks.failing_loss(error) from error
        if not _is_float(value) or prod(value.shape) != 1:
            raise _checks.no_scalar(value)
        return keras.ops.reshape(value, ())

    def _default(self, result: Any) -> Any:
        """The model's own loss where it returns one, else the mean square against fixed random targets."""
        own = _loss.own(result)
        if _is_float(own) and prod(own.shape) == 1:
            return keras.ops.reshape(own, ())
        floats = [item for item in keras.tree.flatten(result) if _is_float(item) and prod(item.shape)]
        if not floats:
            raise _checks.no_outputs(self._returned)
        wanted = _loss.targets([tuple(item.shape) for item in floats])
        return sum(
            keras.ops.mean(keras.ops.square(keras.ops.cast(item, "float32") - keras.ops.convert_to_tensor(target)))
            for item, target in zip(floats, wanted, strict=True)
        )


def _is_float(value: Any) -> bool:
    """Whether something is a tensor of real numbers."""
    return bool(keras.ops.is_tensor(value)) and "float" in keras.backend.standardize_dtype(value.dtype)


def _is_finite(tensor: Any) -> bool:
    """Whether all entries of a tensor are numbers."""
    import numpy

    return bool(numpy.isfinite(host(tensor)).all())


def _rms(tensor: Any) -> float:
    """The root mean square of a tensor."""
    array = host(tensor).astype("float64")
    return float((array**2).mean() ** 0.5) if array.size else 0.0
