"""What a model of Keras computes, followed with symbolic tensors and computed with values: on any backend.

BatchNorm goes by the batch, nothing is dropped, and no variable is touched: all runs inside a `keras.StatelessScope`.
"""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

import keras
from keras import layers

from .._learning import _modules
from .._planning import _network_checks
from ._symbolic import Tracer, follow

Inputs = tuple[tuple[Any, ...], dict[str, Any]]
"""What to call a model with: by place, and by name."""


class Evaluator(Tracer):
    """A tracer that also computes.

    Attributes
    ----------
    outputs : dict of str to tensor
        What each layer with parameters returns at its first call, by its path.
    """

    def __init__(self, names: Mapping[int, str], taps: Mapping[str, Any] | None = None) -> None:
        super().__init__(names)
        self.outputs: dict[str, Any] = {}
        self._taps = taps or {}  # what is added to outputs
        self._values: dict[int, Any] = {}  # of symbolic tensors by identity
        self._kept: list[Any] = []  # so that no identity is used twice

    def run(self, model: Any, inputs: Inputs) -> tuple[Any, list[int]]:
        """What the model returns, and its nodes."""
        symbols = keras.tree.map_structure(symbol, inputs)
        for tensor, value in zip(keras.tree.flatten(symbols), keras.tree.flatten(inputs), strict=True):
            self.set(tensor, value)
        result, nodes = follow(model, self, symbols)
        return keras.tree.map_structure(self.value, result), nodes

    def value(self, tensor: Any) -> Any:
        """The value of a symbolic tensor; anything else is its own."""
        return self._values[id(tensor)] if isinstance(tensor, keras.KerasTensor) else tensor

    def set(self, tensor: Any, value: Any) -> None:
        """Give a symbolic tensor its value."""
        self._kept.append(tensor)
        self._values[id(tensor)] = value

    def same(self, tensor: Any, other: Any) -> None:
        """Give it that of another."""
        self.set(tensor, self.value(other))

    def note(self, operation: Any, call: Any, nodes: Sequence[int | None]) -> None:
        """Compute one operation."""
        args, kwargs = keras.tree.map_structure(self.value, (call.arguments.args, call.arguments.kwargs))
        if isinstance(operation, layers.Layer) and "training" in signature(operation.call).parameters:
            kwargs["training"] = isinstance(operation, layers.BatchNormalization)
        results = keras.tree.flatten(self.computed(operation, args, kwargs, nodes))
        read = [name for node in nodes[:1] if node is not None for name in self.read(operation, node)]
        if read:
            path = where(operation) or _modules.module(read[0])
            if path not in self.outputs:
                results[0] = results[0] + self._taps[path] if path in self._taps else results[0]
                self.outputs[path] = results[0]
        for tensor, value in zip(call.output_tensors, results, strict=True):
            self.set(tensor, value)

    def computed(self, operation: Any, args: Any, kwargs: Any, nodes: Sequence[int | None]) -> Any:  # noqa: ARG002  # for watches
        """What an operation returns."""
        return operation(*args, **kwargs)

    def read(self, operation: Any, node: int) -> Sequence[str]:
        """The parameters that an operation reads, which ends in a node: a layer may do so in its activation."""
        return self.held(operation) if isinstance(operation, layers.Layer) else self.nodes[node].parameters


def where(operation: Any) -> str:
    """The path of a layer, or its name, where it has no parameters; operations have none."""
    return (operation.path or operation.name) if isinstance(operation, layers.Layer) else ""


def arguments(model: Any, example_inputs: Any) -> Inputs:
    """What to call a model with: a dict is by name, but for a model of the functional API, which has one argument."""
    tensors = keras.tree.map_structure(
        lambda item: keras.ops.convert_to_tensor(item) if hasattr(item, "shape") else item, example_inputs
    )
    if not any(hasattr(item, "shape") for item in keras.tree.flatten(tensors)):
        raise _network_checks.no_inputs(example_inputs)
    held = getattr(model, "inputs", None)  # of the functional API and Sequential
    if held is not None and (len(held) > 1 or isinstance(tensors, Mapping)):
        return (tensors,), {}
    if isinstance(tensors, Mapping):
        return (), dict(tensors)
    return tuple(tensors) if isinstance(tensors, tuple | list) else (tensors,), {}


def symbol(item: Any) -> Any:
    """A symbolic tensor of the shape and dtype of an array; anything else is itself."""
    if not hasattr(item, "shape"):
        return item
    return keras.KerasTensor(tuple(item.shape), keras.backend.standardize_dtype(item.dtype))
