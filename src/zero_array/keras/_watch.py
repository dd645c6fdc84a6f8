"""One run of a model of Keras: where activations are zero or dead, and how sharp its softmaxes are."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
from keras import layers

from .._learning import _checks
from .._learning._seen import Rectifier, Run, Softmax, softmax
from .._planning import _network_checks
from .._planning._plan import Parameter
from ._backends import compiled, host
from ._evaluate import Evaluator, Inputs, where
from ._symbolic import found_in

_ATTENTIONS = (layers.MultiHeadAttention, layers.GroupQueryAttention, layers.Attention)
_SHOWN = {"flatten", "getitem", "permute", "reshape", "split", "squeeze", "swapaxes", "transpose", "expanddims"}
_TINY = 1e-37  # a share that is smaller may be zero


class Watch(Evaluator):
    """An evaluator that keeps what there is to say of each node.

    Attributes
    ----------
    found : dict of str to dict
        By node: the largest entry, and which units of a rectifier are alive; by number: the shares of softmaxes.
    rectifiers : dict of int to str
        The rectifiers' modules.
    softmaxes : list of (str, bool)
        The softmaxes' modules, and whether some of their entries may be masked.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__(names)
        self.found: dict[str, dict[int, Any]] = {"largest": {}, "alive": {}, "shares": {}}
        self.rectifiers: dict[int, str] = {}
        self.softmaxes: list[tuple[str, bool]] = []

    def computed(self, operation: Any, args: Any, kwargs: Any, nodes: Sequence[int | None]) -> Any:
        """What an operation returns, looked at; also what a layer returns before its activation."""
        node = nodes[0] if nodes else None
        activation = vars(operation).get("activation") if node is not None and self.read(operation, node) else None
        if node is not None and activation is not None and not self.nodes[node].parameters:
            operation.activation = keras.activations.linear
            try:
                before = operation(*args, **kwargs)
            finally:
                operation.activation = activation
            self._see(node - 1, before, operation)
            result = activation(before)
        elif isinstance(operation, _ATTENTIONS):
            result, shares = operation(*args, **{**kwargs, "return_attention_scores": True})
            masks = [value for name, value in kwargs.items() if "mask" in name]
            self._soften(shares, operation, is_masked=any(value is not None and value is not False for value in masks))
            result = (result, shares) if kwargs.get("return_attention_scores") else result
        else:
            result = operation(*args, **kwargs)
        for made, value in zip(nodes, keras.tree.flatten(result), strict=True):
            if made is not None:
                self._see(made, value, operation)
        return result

    def _see(self, node: int, value: Any, operation: Any) -> None:
        """Look at what one node makes."""
        if 0 in value.shape:
            return
        self.found["largest"][node] = keras.ops.max(keras.ops.abs(value))
        op, rank = self.nodes[node].op, len(value.shape)
        if op in ("relu", "relu6") and rank > 1:
            axis = 1 if rank > 3 and keras.config.image_data_format() == "channels_first" else rank - 1
            others = tuple(number for number in range(rank) if number != axis)
            self.found["alive"][node] = keras.ops.any(keras.ops.not_equal(value, 0), others)
            self.rectifiers[node] = where(operation)
        elif op == "softmax":
            self._soften(value, operation, is_masked=False)

    def _soften(self, shares: Any, operation: Any, *, is_masked: bool) -> None:
        """Keep what a softmax over the last axis made."""
        self.found["shares"][len(self.softmaxes)] = shares
        self.softmaxes.append((where(operation), is_masked))


def watch(
    model: Any, variables: Mapping[str, Any], held: Sequence[Parameter], inputs: Inputs
) -> tuple[list[Parameter], Run, dict[str, Any]]:
    """Run it once; also its parameters, and zeros of the shape and dtype of what each layer returns, by its path."""
    kept: list[Any] = []

    names = {id(variable): name for name, variable in variables.items()}

    def run(values: dict[str, Any]) -> Any:
        with keras.StatelessScope(state_mapping=[(variables[name], value) for name, value in values.items()]):
            watch = Watch(names)
            _, outputs = watch.run(model, inputs)
        kept[:] = watch, outputs, {path: (value.shape, value.dtype) for path, value in watch.outputs.items()}
        return watch.found

    try:
        found = compiled(run)({name: variable.value for name, variable in variables.items()})
    except Exception as error:
        _call(model, inputs)  # where that fails too, the inputs are to blame
        raise _checks.not_followed(model, error) from error
    watch, outputs, shapes = kept
    known, network = found_in(watch, outputs, held)
    largest = {node: float(host(value)) for node, value in found["largest"].items()}
    softmaxes = [_softmax(found["shares"][number], *known) for number, known in enumerate(watch.softmaxes)]
    rectifiers = []
    for node, module in watch.rectifiers.items():
        alive = keras.ops.convert_to_numpy(found["alive"][node])
        rectifiers.append(Rectifier(module, node, int(len(alive) - alive.sum()), len(alive)))
    run_once = Run(watch.nodes, watch.uses, network, largest, [item for item in softmaxes if item], rectifiers, _SHOWN)
    return known, run_once, {path: keras.ops.zeros(shape, dtype) for path, (shape, dtype) in shapes.items()}


def _call(model: Any, inputs: Inputs) -> None:
    """Just call the model."""
    try:
        with keras.StatelessScope():
            model(*inputs[0], **inputs[1])
    except Exception as error:
        raise _network_checks.failing_inputs(error) from error


def _softmax(shares: Any, module: str, is_masked: bool) -> Softmax | None:
    """How sharp a softmax is, by what it made: zeros are masked, or very small."""
    import numpy

    share = host(shares)
    with numpy.errstate(divide="ignore"):
        return softmax(numpy.log(share if is_masked else share.clip(_TINY)), module)
