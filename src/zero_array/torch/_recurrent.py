"""Recurrent networks of torch as chains of operations, one for each layer: it is known which weights are last."""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

from torch import nn

from .._planning._graph import Node

RECURRENT = {f"{kind}{suffix}" for kind in ("gru", "lstm", "rnn_relu", "rnn_tanh") for suffix in ("", "_cell")}


class Recurrent(NamedTuple):
    """A recurrent network of torch, or a cell of one.

    Attributes
    ----------
    op : str
        Its function.
    weights : sequence of sequence of str
        The parameters that each of its weights is made of, in torch's order.
    layers : int
        How many layers there are.
    directions : int
        Of each layer.
    has_biases : bool
        Whether it has any.
    """

    op: str
    weights: Sequence[Sequence[str]]
    layers: int
    directions: int
    has_biases: bool

    @classmethod
    def of_module(cls, module: nn.RNNBase | nn.RNNCellBase, names: dict[int, str]) -> Self:
        """The one that a module is; `names` are those of the model's parameters by identity."""
        held = dict(module.named_parameters())

        def made_of(weights: Sequence[str]) -> list[list[str]]:
            forms = [rf"(parametrizations\.)?{weight}(_[a-z]|\..*)?" for weight in weights]  # such as weight_g
            return [[names[id(held[name])] for name in held if re.fullmatch(form, name)] for form in forms]

        if isinstance(module, nn.RNNBase):
            weights = made_of(module._flat_weights_names)
            return cls(module.mode.lower(), weights, module.num_layers, 1 + module.bidirectional, module.bias)
        kind = f"rnn_{module.nonlinearity}" if isinstance(module, nn.RNNCell) else type(module).__name__[:-4].lower()
        weights = made_of(["weight_ih", "weight_hh", "bias_ih", "bias_hh"][: 4 if module.bias else 2])
        return cls(f"{kind}_cell", weights, 1, 1, module.bias)

    @classmethod
    def of_call(cls, op: str, args: Sequence[Any], reads: dict[int, set[str]]) -> Self:
        """The one that is called with those arguments; `reads` are the parameters that a tensor is made of."""
        if op.endswith("_cell"):
            weights, has_biases, layers, directions = args[2:6], args[5] is not None, 1, 1
        else:
            place = next(place for place in range(1, len(args)) if isinstance(args[place], bool))
            weights, has_biases, layers, _, _, is_bidirectional = args[place - 1 : place + 5]
            directions = 1 + is_bidirectional
        made_of = [sorted(reads.get(id(weight), ())) for weight in weights if weight is not None]
        return cls(op, made_of, layers, directions, has_biases)

    def nodes(self, inputs: tuple[int, ...], first: int, where: str) -> list[Node]:
        """What it does, from operation `first` on: each layer its gates, and a projection or a ReLU if it has one."""
        size = len(self.weights) // (self.layers * self.directions)
        gates = 4 if self.has_biases else 2
        nodes: list[Node] = []

        def add(op: str, weights: Iterable[Sequence[str]] = ()) -> None:
            given = (first + len(nodes) - 1,) if nodes else inputs
            nodes.append(Node(op, given, tuple(name for names in weights for name in names), where))

        for layer in range(self.layers):
            start = layer * self.directions * size
            own = [self.weights[start + n * size : start + (n + 1) * size] for n in range(self.directions)]
            add(self.op, (weight for direction in own for weight in direction[:gates]))
            if size > gates:
                add("linear", (direction[gates] for direction in own))
            if self.op.startswith("rnn_relu"):
                add("relu")
        return nodes
