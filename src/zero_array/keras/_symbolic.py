"""What a model of Keras computes, by calling it with symbolic tensors: on any backend, and without computing.

Keras keeps with each symbolic tensor the operation that made it. Layers of one's own are looked into: what they call
must be layers and `keras.ops`. This file alone reads attributes of Keras that begin with an underscore.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import reduce
from typing import Any

import keras
from keras import layers

from .._planning._graph import Node
from .._planning._layer import Layer
from .._planning._plan import MATRICES, Parameter
from .._planning._structure import Structure, structure
from ._layers import CELLS, read_as

_NAMES = {
    "attention": "dot attention",
    "divide": "div",
    "dot": "matmul",
    "dotproductattention": "attention",
    "groupedqueryattention": "multihead",
    "logsoftmax": "log_softmax",
    "multiheadattention": "multihead",
    "multiply": "mul",
    "subtract": "sub",
    "truedivide": "div",
}
_GATES = {"hardsigmoid", "sigmoid"}
"""Activations of gates that let a half through where their weights are zero."""


class Tracer:
    """Goes back from the outputs, and writes the operations down in order."""

    def __init__(self, names: Mapping[int, str]) -> None:
        self.names = names
        self.nodes: list[Node] = []
        self.uses: dict[str, set[str]] = {}
        self.layouts: dict[str, set[Layer | None]] = {}  # how products read a variable

    def add(self, node: Node) -> int:
        """Append a node."""
        self.nodes.append(node)
        return len(self.nodes) - 1

    def visit(self, tensor: Any, known: dict[int, int | None], where: str) -> int | None:
        """The node that makes a symbolic tensor; `known` are those of tensors by identity."""
        if id(tensor) not in known:
            operation, number, _ = tensor._keras_history
            if operation is None or isinstance(operation, layers.InputLayer):
                known[id(tensor)] = self.input(tensor)
            else:
                call = operation._inbound_nodes[number]
                inputs = [self.visit(source, known, where) for source in call.input_tensors]
                sources = [source for source in inputs if source is not None]
                nodes = self.call(operation, call, inputs, sources, where)
                known |= zip(map(id, call.output_tensors), nodes, strict=True)
                if not is_looked_into(operation):
                    self.note(operation, call, nodes)
        return known[id(tensor)]

    def input(self, tensor: Any) -> int | None:
        """Where activations begin."""
        return self.add(Node("input")) if "float" in tensor.dtype else None

    def note(self, operation: Any, call: Any, nodes: Sequence[int | None]) -> None:
        """Look at one call of an operation, which made these nodes."""

    def same(self, tensor: Any, other: Any) -> None:
        """Note that a symbolic tensor stands for another."""

    def call(
        self, operation: Any, call: Any, inputs: Sequence[int | None], sources: Sequence[int], where: str
    ) -> Sequence[int | None]:
        """The nodes of the outputs of one call."""
        if is_looked_into(operation):
            return self.inside(operation, call, inputs)
        if isinstance(operation, layers.RNN | layers.Bidirectional):
            node = self.recurrent(operation, sources, where)
        elif isinstance(operation, layers.Add | layers.Average) and sources:
            node = reduce(lambda one, other: self.add(Node("add", (one, other), (), where)), sources)
            if isinstance(operation, layers.Average):
                node = self.add(Node("average", (node,), (), where))
        elif isinstance(operation, layers.Layer):
            node = self.layer(operation, sources, where)
        else:
            node = self.operation(operation, call, sources, where)
        return [node] * len(call.output_tensors)

    def layer(self, layer: Any, sources: Sequence[int], where: str) -> int:
        """A layer of Keras, and its activation."""
        op, held = _op(layer), self.held(layer)
        if isinstance(layer, layers.Activation):
            op = _activation(layer)
        if op == "dot attention":  # of query, value and key, the last of which is the value where it is left out
            op, sources = "attention", (sources[0], sources[-1], sources[1])
        if op == "embedding":
            sources = ()
        if op.startswith("separable"):  # two layers in series, the first of which has the first variable
            sources = (self.add(Node("conv", tuple(sources), tuple(held[:1]), where)),)
            held = held[1:]
        node = self.add(Node(op, tuple(sources), tuple(held), where))
        if op != "multihead" and self.owners(layer) > 1:  # in an order that is not known
            node = self.add(Node("layers", (node,), (), where, is_zero=False))
        if held and (activation := _activation(layer)) != "linear":
            node = self.add(Node(activation, (node,), (), where))
        return node

    def operation(self, operation: Any, call: Any, sources: Sequence[int], where: str) -> int:
        """An operation of `keras.ops`, which may read variables."""
        op, given = _op(operation), keras.tree.flatten((call.arguments.args, call.arguments.kwargs))
        held = [self.names[id(item)] for item in given if id(item) in self.names]
        for name in held:
            layout = read_as(operation, given, self.names, name)
            self.uses.setdefault(name, set()).add("product" if layout else _use(op, call))
            self.layouts.setdefault(name, set()).add(layout)
        return self.add(Node(op, tuple(sources), tuple(held), where))

    def held(self, layer: Any) -> list[str]:
        """The names of its variables."""
        return [self.names[id(item)] for item in layer.trainable_variables if id(item) in self.names]

    def owners(self, layer: Any) -> int:
        """How many layers in a layer have variables."""
        held = layer._flatten_layers()
        return sum(any(id(item) in self.names for item in part._trainable_variables) for part in held)

    def recurrent(self, layer: Any, sources: Sequence[int], where: str) -> int:
        """The cells of a recurrent layer, one after the other, or of two side by side."""
        if isinstance(layer, layers.Bidirectional):
            ways = [self.recurrent(way, sources, where) for way in (layer.forward_layer, layer.backward_layer)]
            return self.add(Node("mul" if layer.merge_mode == "mul" else "cat", tuple(ways), (), where))
        for cell in getattr(layer.cell, "cells", (layer.cell,)):
            node = self.add(Node("recurrent", tuple(sources), tuple(self.held(cell)), where))
            is_open = isinstance(cell, layers.SimpleRNNCell) or _activation(cell, "recurrent_activation") in _GATES
            if not is_open or not isinstance(cell, CELLS):  # zeros might never learn
                node = self.add(Node("cell", (node,), (), where, is_zero=False))
            if (activation := _activation(cell)) != "linear":
                node = self.add(Node(activation, (node,), (), where))
            sources = (node,)
        return node

    def inside(self, layer: Any, call: Any, inputs: Sequence[int | None]) -> list[int | None]:
        """What a layer of layers computes, by calling its `call` alone."""
        numbers = {id(tensor): node for tensor, node in zip(call.input_tensors, inputs, strict=True)}
        known: dict[int, int | None] = {}
        kept = []

        def fresh(item: Any) -> Any:
            if not isinstance(item, keras.KerasTensor):
                return item
            kept.append(keras.KerasTensor(item.shape, item.dtype))
            known[id(kept[-1])] = numbers[id(item)]
            self.same(kept[-1], item)
            return kept[-1]

        args, kwargs = keras.tree.map_structure(fresh, (call.arguments.args, call.arguments.kwargs))
        outputs = keras.tree.flatten(layer.call(*args, **kwargs))
        nodes = [self.visit(tensor, known, layer.name) for tensor in outputs]
        for made, tensor in zip(call.output_tensors, outputs, strict=True):
            self.same(made, tensor)
        return nodes


def _op(operation: Any) -> str:
    """What an operation or layer is called."""
    kind = type(operation).__name__.lower()
    return "norm" if "normalization" in kind else _NAMES.get(kind, kind)


def _activation(layer: Any, attribute: str = "activation") -> str:
    """What the activation of a layer is called."""
    name = getattr(getattr(layer, attribute, None), "__name__", "linear").replace("_", "")
    return _NAMES.get(name, name)


def _use(op: str, call: Any) -> str:
    """What an operation uses a variable for: a scale has no axis that the activations do not have."""
    shapes = [tensor.shape for tensor in call.input_tensors]
    is_scale = op in ("mul", "div") and call.output_tensors[0].shape in shapes
    return "scale" if is_scale else op


def is_looked_into(operation: Any) -> bool:
    """Whether a layer is made of others: a model, or one of somebody's own."""
    own = not type(operation).__module__.startswith("keras.")
    return isinstance(operation, keras.Model) or (own and isinstance(operation, layers.Layer))


def trace(
    model: Any, names: Mapping[int, str], held: Sequence[Parameter], inputs: tuple[Any, dict[str, Any]]
) -> tuple[list[Parameter], Structure]:
    """Its parameters by what is done with them too, and its structure; `inputs` are symbolic, by place and by name."""
    tracer = Tracer(names)
    _, outputs = follow(model, tracer, inputs)
    return found_in(tracer, outputs, held)


def found_in(tracer: Tracer, outputs: Sequence[int], held: Sequence[Parameter]) -> tuple[list[Parameter], Structure]:
    """The same of what a tracer followed."""
    known = [_by_layout(parameter, tracer.layouts.get(parameter.name, set())) for parameter in held]
    weights = {parameter.name for parameter in known if parameter.kind in MATRICES}
    return known, structure(tracer.nodes, outputs, tracer.uses, weights)


def _by_layout(parameter: Parameter, layouts: Collection[Layer | None]) -> Parameter:
    """A parameter of unknown kind that products alone read, all alike, is a layer's matrix."""
    if parameter.kind != "unknown" or len(layouts) != 1:
        return parameter
    (layout,) = layouts
    return layout.parameter(parameter.name, parameter.shape) if layout else parameter


def follow(model: Any, tracer: Tracer, inputs: tuple[Any, dict[str, Any]]) -> tuple[Any, list[int]]:
    """Have a tracer follow what a model computes: its symbolic outputs, and their nodes."""
    held = model._flatten_layers()
    before = [(layer, len(layer._inbound_nodes), len(layer._outbound_nodes)) for layer in held]
    try:
        args, kwargs = inputs
        result = model.call(*args, **kwargs)
        known: dict[int, int | None] = {}
        nodes = [tracer.visit(tensor, known, "") for tensor in keras.tree.flatten(result)]
    finally:
        for layer, made, taken in before:  # what is traced leaves no calls behind
            del layer._inbound_nodes[made:], layer._outbound_nodes[taken:]
    return result, [node for node in nodes if node is not None]
