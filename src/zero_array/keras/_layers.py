"""What the variables of Keras's layers are: read from the types of the layers."""

from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

import keras
from keras import layers

from .._planning._layer import Layer
from .._planning._plan import Parameter

_GATES = {
    "LSTMCell": ("input gate", "forget gate", "cell gate", "output gate"),
    "GRUCell": ("update gate", "reset gate", "new gate"),
}
_CONVS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
_TRANSPOSED = tuple(getattr(layers, f"Conv{rank}DTranspose") for rank in (1, 2, 3))
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
_NORMS = (layers.BatchNormalization, layers.LayerNormalization, layers.GroupNormalization)
_NORMS += tuple(kind for kind in (getattr(layers, "RMSNormalization", None),) if kind)  # of 3.9 on
_ATTENTIONS = (layers.MultiHeadAttention, layers.GroupQueryAttention)
CELLS = (layers.LSTMCell, layers.GRUCell, layers.SimpleRNNCell)
_PLAIN = {"bias": "bias", "beta": "bias"}


def parameters(model: keras.layers.Layer, names: Mapping[int, str]) -> list[Parameter]:
    """All trainable variables of a model, in its order; `names` are theirs by identity."""
    found: dict[int, Parameter] = {}
    roles: dict[int, str] = {}
    for layer in model._flatten_layers():
        if isinstance(layer, _ATTENTIONS):
            held = layer._flatten_layers(include_self=False)
            roles |= {id(part): part.name for part in held if part.name in ("query", "key", "value")}
    for layer in model._flatten_layers():
        for variable, described in _described(layer):
            if id(variable) in names:
                parts = (roles[id(layer)],) if id(layer) in roles else _GATES.get(type(layer).__name__, ())
                name, shape = names[id(variable)], tuple(variable.shape)
                if isinstance(described, Layer):
                    found[id(variable)] = described.parameter(name, shape, parts)
                else:
                    found.setdefault(id(variable), Parameter(name, described, shape))
    return [found.get(id(item), _unknown(names[id(item)], item)) for item in model.trainable_variables]


def _unknown(name: str, variable: Any) -> Parameter:
    return Parameter(name, "unknown", tuple(variable.shape))


def _described(layer: Any) -> Iterator[tuple[Any, Any]]:
    """The variables of one layer, and what they are: a layer's weight, or a kind."""
    for attribute, kind in _PLAIN.items():
        yield getattr(layer, attribute, None), kind
    match layer:
        case layers.Dense():
            yield layer.kernel, Layer("linear", (1,), (0,))
        case layers.EinsumDense():
            yield layer.kernel, _einsum(layer.equation)
        case layers.Embedding():
            yield layer.embeddings, "embedding"
        case layers.PReLU():
            yield layer.alpha, "slope"
    yield from _kernels(layer)


def _kernels(layer: Any) -> Iterator[tuple[Any, Any]]:
    """The same of norms, convolutions and recurrent cells, of which there are several each."""
    if isinstance(layer, _NORMS):
        yield getattr(layer, "gamma", None), "norm"
        yield getattr(layer, "scale", None), "norm"
    elif isinstance(layer, _TRANSPOSED):
        yield layer.kernel, _kernel(layer.kernel, -2, -1, center=_center(layer))
    elif isinstance(layer, _CONVS):
        yield layer.kernel, _kernel(layer.kernel, -1, -2, groups=layer.groups, center=_center(layer))
    elif isinstance(layer, _DEPTHWISE):
        yield layer.kernel, _depthwise(layer, layer.kernel)
    elif isinstance(layer, _SEPARABLE):
        yield layer.depthwise_kernel, _depthwise(layer, layer.depthwise_kernel)
        yield layer.pointwise_kernel, _kernel(layer.pointwise_kernel, -1, -2)
    elif isinstance(layer, CELLS):
        for kernel in (layer.kernel, layer.recurrent_kernel):
            yield kernel, Layer("recurrent", (1,), (0,))


def _kernel(kernel: Any, out: int, into: int, **more: Any) -> Layer:
    """A kernel whose taps come first."""
    rank = len(kernel.shape)
    return Layer("conv", (rank + out,), (rank + into,), tuple((axis,) for axis in range(rank - 2)), **more)


def _depthwise(layer: Any, kernel: Any) -> Layer:
    """A kernel ``(*taps, channels, multiplier)``: each channel is a group of one input."""
    rank = len(kernel.shape)
    taps = tuple((axis,) for axis in range(rank - 2))
    return Layer("conv", (rank - 2, rank - 1), (), taps, groups=kernel.shape[-2], center=_center(layer))


def _center(layer: Any) -> Any:
    """The tap at which a layer that keeps the size is the identity, where it pads for itself."""
    keeps = layer.padding == "same" and (isinstance(layer, _TRANSPOSED) or prod(layer.strides) == 1)
    return "same" if keeps else "paper"


def read_as(operation: Any, given: Sequence[Any], names: Mapping[int, str], name: str) -> Layer | None:
    """How an operation of two reads the variable of that name, where that is as a layer does."""
    places = [place for place, item in enumerate(given) if names.get(id(item)) == name]
    if len(given) != 2 or len(places) != 1:
        return None
    (place,) = places
    shape = tuple(given[place].shape)
    rank, described = len(shape), None
    match type(operation).__name__:
        case "Einsum" if "->" in operation.subscripts:
            *factors, output = operation.subscripts.replace("...", "").replace("->", ",").split(",")
            described = _einsum(",".join((factors[1 - place], factors[place])) + f"->{output}")
        case "Matmul" | "Dot" if rank == 2:
            described = Layer("linear", (place,), (1 - place,))  # on the right its columns are the outputs
        case "Matmul" if rank > 2:
            axes = rank - 2 + place, rank - 1 - place
            described = Layer("linear", axes[:1], axes[1:], stacked=tuple(range(rank - 2)))
    return described if described is not None and described.covers(shape) else None


def _einsum(equation: str) -> Layer:
    """Which axes of the second factor of ``"abc,cd->abd"`` are what."""
    inputs, kernel, output = equation.replace("->", ",").replace(" ", "").split(",")
    axes = {label: axis for axis, label in enumerate(kernel)}
    return Layer(
        "linear",
        tuple(axes[label] for label in output if label in axes and label not in inputs),
        tuple(axis for label, axis in axes.items() if label in inputs and label not in output),
        stacked=tuple(axis for label, axis in axes.items() if label in inputs and label in output),
    )
