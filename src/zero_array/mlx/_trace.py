"""What a model of MLX computes, from the graph that `mlx.core.export_function` makes of one call: nothing is computed.

The parameters are inputs of the function that is exported, so that each is known by its name wherever the graph reads
it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_map, tree_unflatten

from .._planning import _network_checks, _views
from .._planning._graph import Node, placed
from .._planning._plan import MATRICES, Parameter
from .._planning._structure import Structure, structure
from .._planning._views import View

_NAMES = {"concatenate": "cat", "convolution": "conv", "divide": "div", "gather": "lookup", "gatheraxis": "lookup"}
_NAMES |= {"multiply": "mul", "scaleddotproductattention": "attention", "subtract": "sub"}
_ALONE = {"logaddexp": "softplus", "maximum": "relu"}
"""What operations are called where they take one activation, and else constants."""

_SAME = {"AsType", "Contiguous", "Copy", "StopGradient"}
_RESHAPED = {"ExpandDims", "Flatten", "Reshape", "Squeeze", "Unflatten"}
_VIEWS = {"Broadcast", "Slice", "Split", "Transpose", *_RESHAPED, *_SAME}
"""The primitives that show an array, or a part of it, in another way."""


class _Value(NamedTuple):
    """What is known of one array; all left out, it is a constant.

    Attributes
    ----------
    node : int, optional
        Of an activation: the operation that makes it.
    name, is_turned
        Of a parameter: its name, and whether its axes are seen in another order.
    reads : tuple of str
        The parameters that it is made of, where it is no activation.
    features, total
        Where it shows the output of a layer: which feature each entry is, and how many there are.
    """

    node: int | None = None
    name: str = ""
    is_turned: bool = False
    reads: tuple[str, ...] = ()
    features: View | None = None
    total: int = 0


class Call(NamedTuple):
    """What to call a model with, by place and by name, and the arrays among it."""

    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    arrays: list[mx.array]

    @classmethod
    def of(cls, example_inputs: Any) -> Self:
        """Of what a user gives."""
        if isinstance(example_inputs, Mapping):
            arguments: Any = (), dict(example_inputs)
        else:
            arguments = tuple(example_inputs) if isinstance(example_inputs, tuple | list) else (example_inputs,), {}
        arrays: list[mx.array] = []
        tree_map(lambda item: arrays.append(mx.array(item)) if hasattr(item, "dtype") else None, arguments)
        if not arrays:
            raise _network_checks.no_inputs(example_inputs)
        return cls(arguments, arrays)


def trace(model: nn.Module, held: Sequence[Parameter], arrays: Mapping[str, mx.array], call: Call) -> Structure:
    """The structure of a model; `held` are its parameters, and `arrays` theirs by name."""
    names = [parameter.name for parameter in held]

    def function(*inputs: mx.array) -> list[mx.array]:
        model.update(tree_unflatten(list(zip(names, inputs[: len(names)], strict=True))))
        rest = iter(inputs[len(names) :])
        args, kwargs = tree_map(lambda item: next(rest) if hasattr(item, "dtype") else item, call.arguments)
        outputs: list[mx.array] = []
        tree_map(lambda item: outputs.append(item) if isinstance(item, mx.array) else None, model(*args, **kwargs))
        return outputs

    graph = _Graph(names, {parameter.name for parameter in held if parameter.kind == "embedding"})
    with _untouched(model), mx.stream(mx.cpu):  # where norms and attention are made of simpler operations
        mx.export_function(graph.note, function, *(arrays[name] for name in names), *call.arrays)
    weights = {parameter.name for parameter in held if parameter.kind in MATRICES}
    gated = {parameter.name for parameter in held if parameter.kind == "recurrent"}
    return structure(placed(graph.written(), weights), graph.results(), graph.uses, weights, gated)


@contextmanager
def _untouched(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and after that all back: what its modules hold, and MLX's random state."""
    modules = [(module, dict(module), dict(vars(module))) for _, module in model.named_modules()]
    arrays, (high, low) = model.parameters(), mx.random.state[0].tolist()
    try:
        model.eval()
        yield
    finally:
        for module, items, attributes in modules:
            for held, before in ((module, items), (vars(module), attributes)):
                held.clear()
                dict.update(held, before)
        model.update(arrays)
        mx.random.seed(high << 32 | low)  # of which the key is made


class _Graph:
    """Notes what `mlx.core.export_function` tells, event by event."""

    def __init__(self, names: Sequence[str], tables: Collection[str]) -> None:
        self.names = names
        self.tables = tables
        self.nodes: list[Node] = []
        self.uses: dict[str, set[str]] = {}
        self._values: dict[str, _Value] = {}
        self._outputs: list[str] = []

    def note(self, event: Mapping[str, Any]) -> None:
        """Note one event."""
        if event["type"] == "inputs":
            for number, (key, _, dtype) in enumerate(event["inputs"]):
                if number < len(self.names):
                    name = self.names[number]
                    self._values[key] = _Value(name=name, reads=(name,))
                elif _is_real(dtype):
                    self._values[key] = self._add(Node("input"))
        elif event["type"] == "outputs":
            self._outputs = [key for key, *_ in event["outputs"]]
        elif event["type"] == "primitive" and any(_is_real(dtype) for *_, dtype in event["outputs"]):
            given = [self._values.get(key, _Value()) for key, *_ in event["inputs"]]
            shapes = [tuple(shape) for _, shape, _ in event["outputs"]]
            made = self._primitive(event["name"], event.get("arguments", ()), given, shapes)
            self._values |= zip((key for key, *_ in event["outputs"]), made, strict=True)

    def written(self) -> list[Node]:
        """The nodes; what takes the positive part of an array whose negative part is taken as well is no ReLU."""
        parted = {node.inputs for node in self.nodes if node.op == "minimum"}
        return [
            node._replace(op="maximum") if node.op == "relu" and node.inputs in parted else node for node in self.nodes
        ]

    def results(self) -> list[int]:
        """The nodes that make the outputs."""
        values = (self._values.get(key, _Value()) for key in self._outputs)
        return [value.node for value in values if value.node is not None]

    def _add(self, node: Node, **known: Any) -> _Value:
        self.nodes.append(node)
        return _Value(node=len(self.nodes) - 1, **known)

    def _primitive(
        self, primitive: str, arguments: Sequence[Any], given: list[_Value], shapes: list[tuple[int, ...]]
    ) -> list[_Value]:
        """What the results of a primitive are."""
        if primitive in _VIEWS and (given[0].node is not None or given[0].name):
            return self._view(primitive, arguments, given[0], shapes)
        if primitive == "AddMM":
            return [self._other("add", [given[2], self._product("matmul", given[:2], shapes[0])], shapes[0])]
        op = _NAMES.get(primitive.lower(), primitive.lower())
        if op in ("conv", "matmul"):
            return [self._product(op, given, shapes[0])]
        if op == "lookup" and given[0].name in self.tables:
            return [self._add(Node("embedding", (), given[0].reads))]
        return [self._other(op, given, shapes[0])] * len(shapes)

    def _product(self, op: str, given: list[_Value], shape: tuple[int, ...]) -> _Value:
        """A product of two; of an activation with what is none, a layer."""
        left, right = given
        if (left.node is None) == (right.node is None):
            is_turned = self._is_softmax(right) and not self._is_softmax(left)
            return self._other(op, [right, left] if is_turned else given, shape)
        active, weight = (left, right) if left.node is not None else (right, left)
        if op == "matmul" and weight.is_turned == (weight is right):
            op = "linear"  # a matrix whose rows are the outputs
        self._use(op, [weight])
        features = _views.features(shape, (len(shape) - 1,)) if weight is right else None
        node = Node(op, (active.node,), weight.reads)  # type: ignore[arg-type]  # it is the active one
        return self._add(node, features=features, total=shape[-1])

    def _other(self, op: str, given: Sequence[_Value], shape: tuple[int, ...]) -> _Value:
        """Any other operation: what is made of parameters alone is no activation."""
        self._use(op, given)
        active = [value for value in given if value.node is not None]
        reads = tuple(dict.fromkeys(name for value in given for name in value.reads))
        if not active:
            return _Value(reads=reads)
        if len(active) == 1 and not reads:
            op = _ALONE.get(op, op)
        shown = (value for value in active if value.features is not None and value.features.shape == shape)
        kept = next(shown, _Value())
        node = Node(op, tuple(value.node for value in active), reads)  # type: ignore[misc]  # they are active
        return self._add(node, features=kept.features, total=kept.total)

    def _use(self, op: str, given: Sequence[_Value]) -> None:
        """Note what reads a parameter as it is."""
        for value in given:
            if value.name:
                self.uses.setdefault(value.name, set()).add(op)

    def _view(
        self, primitive: str, arguments: Sequence[Any], value: _Value, shapes: list[tuple[int, ...]]
    ) -> list[_Value]:
        """What shows the same entries in another way."""
        if value.name:
            return [value._replace(is_turned=value.is_turned != (primitive == "Transpose"))] * len(shapes)
        shown: Sequence[View | None] = [None] * len(shapes)
        if value.features is not None:
            shown = _shown(primitive, arguments, value.features, shapes)
        made = []
        for features in shown:
            rows = () if features is None else _views.rows(features)
            node = Node(primitive.lower(), (value.node,), rows=rows if 0 < len(rows) < value.total else None)  # type: ignore[arg-type]  # an activation
            made.append(self._add(node, features=features, total=value.total))
        return made

    def _is_softmax(self, value: _Value) -> bool:
        """Whether there is a softmax behind an activation, looking back along single inputs."""
        number = value.node
        while number is not None and self.nodes[number].op != "softmax":
            inputs = self.nodes[number].inputs
            number = inputs[0] if len(inputs) == 1 and not self.nodes[number].parameters else None
        return number is not None


def _shown(primitive: str, arguments: Sequence[Any], view: View, shapes: Sequence[tuple[int, ...]]) -> list[View]:
    """The views that a primitive of `_VIEWS` makes of one: several of a split."""
    import numpy

    match primitive:
        case "Broadcast":
            return [numpy.broadcast_to(view, shapes[0])]
        case "Slice":
            return [view[tuple(map(slice, *arguments))]]
        case "Split":
            return list(numpy.split(view, arguments[0], axis=arguments[1]))
        case "Transpose":
            return [view.transpose(arguments[0])]
        case _ if primitive in _RESHAPED:
            return [view.reshape(shapes[0])]
    return [view]


def _is_real(dtype: mx.Dtype) -> bool:
    """Whether an array is of real numbers."""
    return bool(mx.issubdtype(dtype, mx.floating))
