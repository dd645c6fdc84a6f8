"""What operations do to activations and parameters: layers and their layouts, norms, biases, and the graph.

Nothing is known of modules here. What a parameter is follows from what is done with it: of a matrix, also which of its
axes are inputs and outputs.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .._planning import _at_zero, _views
from .._planning._graph import SUMS, Node
from .._planning._layer import Layer
from .._planning._views import View
from .._typing import Shape
from . import _shown
from ._values import Features, Scores, Value, dense, kernel

_ELEMENTWISE = {"abs", "add", "cos", "div", "erf", "exp", "integer_pow", "log", "max", "min", "mul", "neg", "pow"}
_ELEMENTWISE |= {"relu", "rsqrt", "select_n", "sigmoid", "sin", "sqrt", "square", "sub", "tanh", "threshold"}

_ROOTS = {"rsqrt", "sqrt"}


class Operations:
    """Notes what operations do."""

    def __init__(self, shapes: Mapping[str, Shape]) -> None:
        self.bases = {name: _views.empty(shape) for name, shape in shapes.items()}
        self.nodes: list[Node] = []
        self.uses: dict[str, set[str]] = {}
        self.layouts: dict[str, set[Layer | None]] = {}
        self.tables: set[str] = set()
        self.norms: set[str] = set()
        self.biases: set[str] = set()
        self.pieces: dict[str, dict[Sequence[int], set[int]]] = {}  # the nodes that show some features of a layer
        self.places: dict[
            int, tuple[int, ...]
        ] = {}  # of each node: the equations that lead to it, and which result it is
        self.avals: dict[int, Any] = {}  # of these nodes: the shape and dtype
        self.rectified: dict[int, set[int]] = {}  # of each ReLU: along which dimensions its units lie, where known
        self.summed: dict[int, Sequence[int]] = {}  # of each sum: over which axes
        self._path: list[int] = []
        self._sums: dict[int, Scores | None] = {}  # of sums over one side of a product: that product, to be turned
        self.is_recurrent = False

    def parameter(self, name: str) -> Value:
        """A parameter as it is."""
        return Value(name=name, view=self.bases[name], reads=(name,))

    def input(self) -> Value:
        """Where activations begin."""
        return self.add(Node("input"))

    def constant(self) -> Value:
        """What is no activation: integers, keys."""
        return Value()

    def add(self, node: Node, **known: Any) -> Value:
        self.nodes.append(node._replace(is_zero=_at_zero.is_zero(known.get("at_zero"))))
        return Value(node=len(self.nodes) - 1, **known)

    def operation(self, op: str, equation: Any, given: Sequence[Value]) -> Value:
        """Note one operation with one result."""
        if op == "dot_general":
            return self._dot(equation, *given)
        if op == "conv_general_dilated" and given[1].name and given[1].view is not None:
            return self._conv(equation, *given)
        if op in ("gather", "dynamic_slice") and given[0].name:
            return self._lookup(equation, given[0])
        return self._other(op, equation, given)

    def _dot(self, equation: Any, left: Value, right: Value) -> Value:
        (left_sums, right_sums), (left_batch, right_batch) = equation.params["dimension_numbers"]
        ranks = [len(item.aval.shape) for item in equation.invars]
        free = [
            [dim for dim in range(rank) if dim not in (*sums, *batch)]
            for rank, sums, batch in zip(ranks, (left_sums, right_sums), (left_batch, right_batch), strict=True)
        ]
        shape = equation.outvars[0].aval.shape
        first = range(len(left_batch), len(left_batch) + len(free[0]))
        if left.node is not None and right.node is not None:
            inputs = (left.node, right.node)
            if self._is_softmax(right.node) and not self._is_softmax(left.node):
                inputs = (right.node, left.node)
            base = _views.empty(shape)
            scores = Scores(len(self.nodes), base, base, first)
            return self.add(Node("matmul", inputs), scores=scores, at_zero=at_zero("matmul", equation, (left, right)))
        if bool(left.name) != bool(right.name):
            weight, other = (left, right) if left.name else (right, left)
            outs, sums, batch = (free[0], left_sums, left_batch) if left.name else (free[1], right_sums, right_batch)
            layout = weight.view is not None and not other.reads
            found = dense(weight, self.bases[weight.name], outs, sums, batch) if layout else None
            dims = first if left.name else range(first.stop, len(shape))
            return self._layer("linear", weight, other, found, _views.features(shape, dims))
        return self._other("matmul", equation, [left, right])

    def _conv(self, equation: Any, other: Value, weight: Value) -> Value:
        spec = equation.params["dimension_numbers"]
        shapes = [item.aval.shape for item in (equation.invars[0], equation.outvars[0])]
        before = tuple(shapes[0][dim] for dim in spec.lhs_spec[2:])
        after = tuple(shapes[1][dim] for dim in spec.out_spec[2:])
        found = kernel(weight, self.bases[weight.name], equation.params, (before, after))
        return self._layer("conv", weight, other, found, _views.features(shapes[1], (spec.out_spec[1],)))

    def _layer(self, op: str, weight: Value, other: Value, layer: Layer | None, index: View) -> Value:
        """A layer: which feature each entry of its result is, is known."""
        self.uses.setdefault(weight.name, set()).add("dot" if op == "linear" else op)  # its layout says in which order
        self.layouts.setdefault(weight.name, set()).add(layer)
        if other.node is None:
            return Value(reads=tuple(dict.fromkeys((weight.name, *other.reads))))
        copies = 1
        for axis in weight.stacked:
            copies *= self.bases[weight.name].shape[axis]
        features = Features((weight.name,), index, int(index.max(initial=0)) + 1, copies)
        return self.add(Node(op, (other.node,), (weight.name,)), features=features, at_zero=0.0)

    def _lookup(self, equation: Any, table: Value) -> Value:
        """Rows of a table, or a part of something else."""
        sizes = equation.params["slice_sizes"]
        if table.view is not None and table.view.ndim == 2 and tuple(sizes) == (1, table.view.shape[1]):
            self.tables.add(table.name)
            return self.add(Node("embedding", (), (table.name,)))
        self.uses.setdefault(table.name, set()).add("lookup")
        return table._replace(view=None)

    def _other(self, op: str, equation: Any, given: Sequence[Value]) -> Value:
        """Any other operation."""
        active = [value for value in given if value.node is not None]
        reads = tuple(dict.fromkeys(name for value in given for name in value.reads))
        self._note_uses(op, given)
        role = self._role(op, equation.outvars[0].aval, given)
        number = at_zero(op, equation, given)
        if not active:
            return Value(reads=reads, role=role, at_zero=number)
        if op == "max" and len(active) == 1 and not reads:
            bound = next(value.at_zero for value in given if value.node is None)
            if bound == -math.inf:
                return active[0]
            op = "relu" if bound == 0 else op
        elif op == "select_n" and _at_zero.is_threshold(*given):
            op = "threshold"
        inputs = [value.node for value in active]
        if role == "normal" and not any(value.role == "normal" for value in given):
            op, inputs = "norm", [next(value.node for value in active if value.role != "divisor")]
        elif op == "div" and len(active) == 2 and self._is_sum(inputs[1], inputs[0]):  # type: ignore[arg-type]
            op, inputs = "softmax", list(self.nodes[inputs[0]].inputs)  # type: ignore[index]
        elif op in SUMS and self.is_recurrent:  # a sum within a step of a recurrence is no branch
            op = f"{op} of a step"
        shape = equation.outvars[0].aval.shape
        same = op in _ELEMENTWISE or op in SUMS or op.endswith("of a step")
        kept = next((value for value in active if same and _shape(value) == shape), Value())
        known = self.add(
            Node(op, tuple(inputs), reads),  # type: ignore[arg-type]
            role=role,
            reads=reads if role == "divisor" else (),
            features=_joined(active) if kept.features else None,
            scores=kept.scores,
            at_zero=number,
        )
        self._note_result(op, equation, active[0], known.node)  # type: ignore[arg-type]
        return known

    def _note_result(self, op: str, equation: Any, source: Value, node: int) -> None:
        """Which operations are ReLUs, and what is summed."""
        if op == "relu":
            self.rectified[node] = _views.varying(source.features.index) if source.features else set()
        elif op in _ROOTS:
            self._note_root(source.node)  # type: ignore[arg-type]  # an activation
        elif op == "reduce_sum":
            self.summed[node] = equation.params["axes"]
            if source.scores:
                self._sums[node] = _turned(source.scores, equation.params["axes"])

    def _note_root(self, node: int) -> None:
        """Where a maximum with zero keeps a variance from below zero before its root is taken, it is no ReLU."""
        while self.nodes[node].op in ("add", *_shown.VIEWS) and len(self.nodes[node].inputs) == 1:
            (node,) = self.nodes[node].inputs
        if node in self.rectified:
            del self.rectified[node]
            self.nodes[node] = self.nodes[node]._replace(op="max")

    def _role(self, op: str, aval: Any, given: Sequence[Value]) -> str:
        """What a result has to do with a norm; the scales of norms are noted."""
        if op in _ROOTS:
            return "divisor" if aval.shape else ""
        roles = [value.role for value in given]
        if op == "div":
            return "normal" if roles[1:] == ["divisor"] and given[0].node is not None else ""
        if op != "mul" or not any(roles):
            return ""
        other = given[0] if roles[1] else given[1]
        if other.node is None:
            self.norms.update(other.reads)
            return max(roles)
        return "normal" if "divisor" in roles and other.role != "divisor" else ""

    def _note_uses(self, op: str, given: Sequence[Value]) -> None:
        """What reads a parameter; one that differs along the features of the layer that it is added to is a bias."""
        for value in given:
            if value.name or op in ("matmul", "conv_general_dilated"):  # what is made of a matrix may be anything
                for name in value.reads if value.node is None else ():
                    self.uses.setdefault(name, set()).add(op)
        if op != "add":
            return
        for value, other in (given, given[::-1]):
            is_seen = value.name and value.view is not None and other.features
            if is_seen and _views.varying(value.view) <= _views.varying(other.features.index):  # type: ignore[union-attr]
                self.biases.add(value.name)

    def _is_softmax(self, node: int) -> bool:
        """Whether there is a softmax behind a node, looking back along single inputs."""
        while self.nodes[node].op != "softmax":
            if len(self.nodes[node].inputs) != 1 or self.nodes[node].parameters:
                return False
            (node,) = self.nodes[node].inputs
        return True

    def _is_sum(self, node: int, source: int) -> bool:
        """Whether a node is the sum of exponentials; where it is over one side of a product, that comes second."""
        while self.nodes[node].op in _shown.VIEWS:
            (node,) = self.nodes[node].inputs
        if (
            self.nodes[source].op != "exp"
            or self.nodes[node].op != "reduce_sum"
            or self.nodes[node].inputs != (source,)
        ):
            return False
        if turned := self._sums.get(node):
            product = self.nodes[turned.node]
            self.nodes[turned.node] = product._replace(inputs=product.inputs[::-1])
        return True


def at_zero(op: str, equation: Any, given: Sequence[Value]) -> float | None:
    """The number that a result holds throughout, as in `Value`."""
    if op == "integer_pow":
        return _at_zero.result("pow", given, equation.params["y"])
    if not op.startswith("reduce_"):
        return _at_zero.result(op, given)
    before, after = (math.prod(item.aval.shape) for item in (equation.invars[0], equation.outvars[0]))
    return _at_zero.result(op, given, count=before // max(1, after))


def _shape(value: Value) -> Shape | None:
    """The shape of what shows features or scores."""
    view = value.features.index if value.features else value.scores.view if value.scores else None
    return None if view is None else view.shape


def _joined(active: Sequence[Value]) -> Features | None:
    """The features of a sum of layers, which count alike."""
    held = [value.features for value in active if value.features]
    alike = [item for item in held if (item.total, item.index.strides) == (held[0].total, held[0].index.strides)]
    return held[0]._replace(names=tuple(dict.fromkeys(name for item in alike for name in item.names)))


def _turned(scores: Scores, dims: Sequence[int]) -> Scores | None:
    """A product that is summed over the side of its first factor: so that one holds the keys."""
    axes = _views.axes(scores.view, scores.base, dims)
    return scores if axes and set(axes) <= set(scores.first) else None
