"""What a model of MLX computes, from the graph that `mlx.core.export_function` makes of one call: nothing is computed.

The parameters are inputs of the function that is exported, so that each is known by its name wherever the graph reads
it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any, NamedTuple, Self

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_map, tree_unflatten

from .._planning import _at_zero, _network_checks, _views
from .._planning._decide import matrices
from .._planning._graph import Node, placed
from .._planning._plan import Parameter
from .._planning._structure import Structure, structure
from .._planning._views import View

_NAMES = {"concatenate": "cat", "convolution": "conv", "divide": "div", "gather": "lookup", "gatheraxis": "lookup"}
_NAMES |= {"multiply": "mul", "scaleddotproductattention": "attention", "subtract": "sub"}
_NAMES |= {"equal": "eq", "greater": "gt", "greaterequal": "ge", "less": "lt", "lessequal": "le", "notequal": "ne"}
_NAMES |= {"maximum": "max", "minimum": "min", "negative": "neg", "power": "pow"}
_NUMBERED: dict[str, dict[int, str]] = {
    "Log": {0: "log2", 1: "log10", 2: "log"},
    "Reduce": {2: "reduce_sum", 4: "reduce_min", 5: "reduce_max"},
    "Sqrt": {False: "sqrt", True: "rsqrt"},
}
"""What primitives are called by their first argument, which MLX exports as a number."""

_SAME = {"AsType", "Contiguous", "Copy", "Full", "StopGradient"}
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
    at_zero : float, optional
        The number that it holds throughout: of a constant; of others where the outputs of all layers are zero.
    """

    node: int | None = None
    name: str = ""
    is_turned: bool = False
    reads: tuple[str, ...] = ()
    features: View | None = None
    total: int = 0
    at_zero: float | None = None


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
    weights = matrices(held, graph.uses)
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
        elif event["type"] == "constants":
            self._values |= {key: _Value(at_zero=float(value)) for key, value in event["constants"] if not value.shape}
        elif event["type"] == "primitive":
            given = [self._values.get(key, _Value()) for key, *_ in event["inputs"]]
            self._values |= zip((key for key, *_ in event["outputs"]), self._primitive(event, given), strict=True)

    def written(self) -> list[Node]:
        """The nodes; what takes the positive part of an array whose negative part is taken as well is no ReLU."""
        parted = {node.inputs for node in self.nodes if node.op == "min"}
        return [node._replace(op="max") if node.op == "relu" and node.inputs in parted else node for node in self.nodes]

    def results(self) -> list[int]:
        """The nodes that make the outputs."""
        values = (self._values.get(key, _Value()) for key in self._outputs)
        return [value.node for value in values if value.node is not None]

    def _add(self, node: Node, **known: Any) -> _Value:
        self.nodes.append(node._replace(is_zero=_at_zero.is_zero(known.get("at_zero"))))
        return _Value(node=len(self.nodes) - 1, **known)

    def _primitive(self, event: Mapping[str, Any], given: list[_Value]) -> list[_Value]:
        """What the results of a primitive are."""
        primitive, arguments = event["name"], event.get("arguments", ())
        shapes = [tuple(shape) for _, shape, _ in event["outputs"]]
        op = _operation(primitive, arguments)
        count = prod(event["inputs"][0][1]) // max(1, prod(shapes[0])) if given else 1  # of what is reduced
        if not any(_is_real(dtype) for *_, dtype in event["outputs"]):
            number = given[0].at_zero if primitive in _VIEWS else _number(op, given, count)
            return [_Value(at_zero=number)] * len(shapes)
        if primitive in _VIEWS:
            return self._view(primitive, arguments, given[0], shapes)
        if primitive == "AddMM":
            return [self._other("add", [given[2], self._product("matmul", given[:2], shapes[0])], shapes[0])]
        if op in ("conv", "matmul"):
            return [self._product(op, given, shapes[0])]
        if op == "lookup" and given[0].name in self.tables:
            return [self._add(Node("embedding", (), given[0].reads))]
        return [self._other(op, given, shapes[0], count)] * len(shapes)

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
        for name in () if weight.name else weight.reads:  # by which it is no multiplier, and no offset either
            self.uses.setdefault(name, set()).add("made into a weight")
        features = _views.features(shape, (len(shape) - 1,)) if weight is right else None
        node = Node(op, (active.node,), weight.reads)  # type: ignore[arg-type]  # it is the active one
        return self._add(node, features=features, total=shape[-1], at_zero=0.0)

    def _other(self, op: str, given: Sequence[_Value], shape: tuple[int, ...], count: int = 1) -> _Value:
        """Any other operation: what is made of parameters alone is no activation."""
        active = [value for value in given if value.node is not None]
        is_multiplied = op in ("mul", "div") and active  # by a scale, which has no axis that the activations don't have
        is_spread = any(self.nodes[value.node].op == "broadcast" for value in active)  # type: ignore[index]  # active
        self._use(("spread" if is_spread else "scale") if is_multiplied else op, given)
        reads = tuple(dict.fromkeys(name for value in given for name in value.reads))
        number = _number(op, given, count)
        if not active:
            return _Value(reads=reads, at_zero=number)
        if op == "max" and any(value.node is None and value.at_zero == 0 for value in given):
            op = "relu"
        elif op == "select" and _at_zero.is_threshold(given[0], given[2], given[1]):
            op = "threshold"
        shown = (value for value in active if value.features is not None and value.features.shape == shape)
        kept = next(shown, _Value())
        node = Node(op, tuple(value.node for value in active), reads)  # type: ignore[misc]  # they are activations
        return self._add(node, features=kept.features, total=kept.total, at_zero=number)

    def _use(self, op: str, given: Sequence[_Value]) -> None:
        """Note what reads a parameter as it is."""
        for value in given:
            if value.name:
                self.uses.setdefault(value.name, set()).add(op)

    def _view(
        self, primitive: str, arguments: Sequence[Any], value: _Value, shapes: list[tuple[int, ...]]
    ) -> list[_Value]:
        """What shows the same entries in another way."""
        if value.node is None and not value.name:
            return [value] * len(shapes)
        if value.name:
            return [value._replace(is_turned=value.is_turned != (primitive == "Transpose"))] * len(shapes)
        shown: Sequence[View | None] = [None] * len(shapes)
        if value.features is not None:
            shown = _shown(primitive, arguments, value.features, shapes)
        made = []
        for features in shown:
            rows = () if features is None else _views.rows(features)
            node = Node(primitive.lower(), (value.node,), rows=rows if 0 < len(rows) < value.total else None)  # type: ignore[arg-type]  # an activation
            made.append(self._add(node, features=features, total=value.total, at_zero=value.at_zero))
        return made

    def _is_softmax(self, value: _Value) -> bool:
        """Whether there is a softmax behind an activation, looking back along single inputs."""
        number = value.node
        while number is not None and self.nodes[number].op != "softmax":
            inputs = self.nodes[number].inputs
            number = inputs[0] if len(inputs) == 1 and not self.nodes[number].parameters else None
        return number is not None


def _operation(primitive: str, arguments: Sequence[Any]) -> str:
    """What a primitive is called here."""
    named = _NUMBERED[primitive].get(arguments[0], primitive) if primitive in _NUMBERED else primitive
    return _NAMES.get(named.lower(), named.lower())


def _number(op: str, given: Sequence[_Value], count: int) -> float | None:
    """The number that a result holds throughout, as in `_Value`."""
    if op == "select":  # the condition, and what it is where that is true and where it is not
        return _at_zero.result("select_n", [given[0], given[2], given[1]])
    return _at_zero.result(op, given, count=count)


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
