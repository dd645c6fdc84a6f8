"""One run of a model of Keras: where activations are zero or dead, and how sharp its softmaxes are."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from .. import _host, _network_checks
from .._learning import _checks
from .._learning._seen import Rectifier, Run, Softmax, softmax
from .._structure import structure
from ._evaluate import Evaluator, Inputs, where

_ATTENTIONS = (layers.MultiHeadAttention, layers.GroupQueryAttention, layers.Attention)
_SHOWN = {"flatten", "getitem", "permute", "reshape", "split", "squeeze", "swapaxes", "transpose", "expanddims"}
_TINY = 1e-37  # a share that is smaller may be zero


class Watch(Evaluator):
    """An evaluator that keeps what there is to say of each node."""

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__(names)
        self.largest: dict[int, float] = {}
        self.softmaxes: list[Softmax] = []
        self.rectifiers: list[Rectifier] = []

    def computed(self, operation: Any, args: Any, kwargs: Any, nodes: Sequence[int | None]) -> Any:
        """What an operation returns, looked at; also what a layer returns before its activation."""
        node = nodes[0] if nodes else None
        activation = vars(operation).get("activation") if node is not None and self._read(node) else None
        if node is not None and activation is not None and not self.nodes[node].parameters:
            operation.activation = keras.activations.linear
            try:
                before = operation(*args, **kwargs)
            finally:
                operation.activation = activation
            self.see(node - 1, before, operation)
            result = activation(before)
        elif isinstance(operation, _ATTENTIONS):
            result, shares = operation(*args, **{**kwargs, "return_attention_scores": True})
            masks = {name: value for name, value in kwargs.items() if "mask" in name}
            self._soften(shares, where(operation), is_masked=any(value is not None for value in masks.values()))
            result = (result, shares) if kwargs.get("return_attention_scores") else result
        else:
            result = operation(*args, **kwargs)
        for made, value in zip(nodes, keras.tree.flatten(result), strict=True):
            if made is not None:
                self.see(made, value, operation)
        return result

    def see(self, node: int, value: Any, operation: Any) -> None:
        """Look at what one node makes."""
        host = _numpy(value)
        if not host.size:
            return
        self.largest[node] = float(abs(host).max())
        op = self.nodes[node].op
        if op in ("relu", "relu6") and host.ndim > 1:
            axis = 1 if host.ndim > 3 and keras.config.image_data_format() == "channels_first" else host.ndim - 1
            alive = (host != 0).any(tuple(number for number in range(host.ndim) if number != axis))
            self.rectifiers.append(Rectifier(where(operation), node, int(len(alive) - alive.sum()), len(alive)))
        elif op == "softmax":
            self._soften(value, where(operation), is_masked=False)

    def _soften(self, shares: Any, module: str, *, is_masked: bool) -> None:
        """Look at what a softmax over the last axis made."""
        import numpy

        host = _numpy(shares)
        with numpy.errstate(divide="ignore"):
            found = softmax(numpy.log(host if is_masked else host.clip(_TINY)), module)
        self.softmaxes += [found] if found else []


def watch(model: Any, names: Mapping[int, str], weights: set[str], inputs: Inputs) -> tuple[Run, dict[str, Any]]:
    """Run it once; also the shape and dtype of what each layer returns, by its path."""
    with keras.StatelessScope():
        try:
            model(*inputs[0], **inputs[1])
        except Exception as error:
            raise _network_checks.failing_inputs(error) from error
        found = Watch(names)
        try:
            _, outputs = found.run(model, inputs)
        except Exception as error:
            raise _checks.not_followed(model, error) from error
    network = structure(found.nodes, outputs, found.uses, weights)
    run = Run(found.nodes, found.uses, network, found.largest, found.softmaxes, found.rectifiers, _SHOWN)
    return run, {path: keras.ops.zeros_like(value) for path, value in found.outputs.items()}


def _numpy(tensor: Any) -> Any:
    """A tensor as NumPy's floats."""
    return _host.to_floats(keras.ops.convert_to_numpy(tensor))
