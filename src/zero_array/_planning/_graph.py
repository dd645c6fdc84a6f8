"""A network as a list of operations on activations, and questions about it.

An adapter runs or traces its network once and writes down what it saw as nodes, in order: which operation, on the
results of which earlier ones, reading which parameters. No framework is needed from there on.
"""

from collections.abc import Collection, Iterator, Sequence
from itertools import takewhile
from typing import NamedTuple


class Node(NamedTuple):
    """One operation on activations.

    Attributes
    ----------
    op : str
        Its name, such as "add", "mul", "matmul", "softmax", "attention"; "input" where activations begin.
    inputs : tuple of int
        The nodes whose results it takes, in the order of its arguments.
    parameters : tuple of str
        The parameters that it reads.
    where : str
        The module that it belongs to, for messages.
    rows : sequence of int, optional
        Where the result is a view of the output of a layer: of which of its output features.
    is_zero : bool, optional
        Whether the result is zero where the outputs of all layers before it are; None where that is not known.
    """

    op: str
    inputs: tuple[int, ...] = ()
    parameters: tuple[str, ...] = ()
    where: str = ""
    rows: Sequence[int] | None = None
    is_zero: bool | None = None


SUMS = {"add", "sub"}
_CONTRACTIONS = {"matmul", "einsum"}
PRODUCTS = {"mul", *_CONTRACTIONS}
NEVER_ZERO = {
    *("cos", "cosh", "exp", "hardsigmoid", "log_softmax", "logsigmoid", "sigmoid", "softmax", "softmin", "softplus"),
}
"""What makes no zeros of zeros."""
_BOUNDED = {"sigmoid", "hardsigmoid", "softmax", "tanh"}


class Graph:
    """The nodes, and the questions that the search asks of them."""

    def __init__(self, nodes: Sequence[Node], weights: Collection[str]) -> None:
        self.nodes = nodes
        self.weights = [  # of each node, the weights that it applies: a sum may add what is made of weights alone
            tuple(name for name in node.parameters if name in weights and node.op not in SUMS) for node in nodes
        ]
        self.above: list[int] = []  # of each node: itself and all it depends on, one bit each
        for number, node in enumerate(nodes):
            mask = 1 << number
            for source in node.inputs:
                mask |= self.above[source]
            self.above.append(mask)
        self.weighted = sum(1 << number for number, held in enumerate(self.weights) if held)  # a set as well

    def depends(self, node: int, other: int) -> bool:
        """Whether a node is another, or comes after it."""
        return bool(self.above[node] >> other & 1)

    def members(self, mask: int) -> Iterator[int]:
        """The nodes of a set, in order."""
        while mask:
            lowest = mask & -mask
            yield lowest.bit_length() - 1
            mask ^= lowest

    def distance(self, node: int, common: int) -> float:
        """The least number of weighted layers between a set of nodes and one behind it."""
        far: dict[int, float] = {}  # without end where nothing of the set leads there
        for number in self.members(self.above[node]):
            if common >> number & 1:
                far[number] = 0
                continue
            behind = min((far[source] for source in self.nodes[number].inputs), default=float("inf"))
            far[number] = behind + bool(self.weights[number])
        return far[node]

    def behind(self, node: int, ops: set[str]) -> int | None:
        """The first node with one of some operations, looking back along single inputs up to a weighted layer."""
        while not self.weights[node]:
            op, inputs = self.nodes[node].op, self.nodes[node].inputs
            if op in ops:
                return node
            if not inputs or (len(inputs) > 1 and op != "div"):  # of a quotient, the numerator
                return None
            node = inputs[0]
        return None

    def attended(self, node: int) -> tuple[int, int, int] | None:
        """Query, key and value where a node is an attention: a fused one, or softmax(q k) v."""
        op, inputs = self.nodes[node].op, self.nodes[node].inputs
        if op == "multihead":  # its projections are its own
            return node, node, node
        if op == "attention" and len(inputs) >= 3:
            return inputs[0], inputs[1], inputs[2]
        scores = self.scores(inputs[0]) if op in _CONTRACTIONS and len(inputs) == 2 else None
        return None if scores is None else (*self.nodes[scores].inputs, inputs[1])  # type: ignore[return-value]  # two

    def scores(self, node: int) -> int | None:
        """The product of query and key behind a softmax, looking back through scaling, masks and position biases."""
        found = self.behind(node, {"softmax"})
        while found is not None and self.nodes[found].op not in _CONTRACTIONS:
            inputs = self.nodes[found].inputs
            found = inputs[0] if inputs and not self.weights[found] else None
        return found if found is not None and len(self.nodes[found].inputs) == 2 else None

    def main(self, node: int, common: int = 0) -> tuple[int, ...]:
        """The inputs of an unweighted node that must be zero for its result to be zero; `common` can't be."""
        op, inputs = self.nodes[node].op, self.nodes[node].inputs
        if op == "div":
            return inputs[:1]
        if op not in PRODUCTS or len(inputs) < 2:
            return inputs
        first, second = inputs[:2]  # one of the two is enough; two zeros would never learn
        never = [source for source in (first, second) if self._is_never_zero(source)]
        if len(never) == 1:
            return (second,) if first in never else (first,)
        if not self.is_weighted(second, common):
            return (first,)
        gate = self.depends(first, second) or self.behind(first, _BOUNDED) is not None
        return (second,) if not self.is_weighted(first, common) or (gate and first != second) else (first,)

    def _is_never_zero(self, node: int) -> bool:
        """Whether a result is known to be other than zero, whatever the layers before it give."""
        return self.nodes[node].is_zero is False or self.behind(node, NEVER_ZERO) is not None

    def is_weighted(self, node: int, common: int) -> bool:
        """Whether a weighted layer lies between a set of nodes and one behind it."""
        return bool(self.above[node] & self.weighted & ~common)

    def is_divided(self, node: int) -> bool:
        """Whether a result is divided by its own norm, or the like, on its way from the weights that it is made of."""
        waiting, seen = [node], set()
        while waiting:
            number = waiting.pop()
            if number in seen or self.weights[number]:
                continue
            seen.add(number)
            op, inputs = self.nodes[number].op, self.nodes[number].inputs
            if op == "normalize" or (op == "div" and len(inputs) == 2 and self.is_weighted(inputs[1], 0)):
                return True
            waiting += inputs
        return False

    def sources(self, node: int) -> dict[str, frozenset[int]]:
        """The weights whose output a result is made of, and which of their output features where that is known."""
        found: dict[str, set[int]] = {}
        waiting: list[tuple[int, Sequence[int] | None]] = [(node, None)]
        seen = set()
        while waiting:
            number, rows = waiting.pop()
            if (number, rows) in seen:
                continue
            seen.add((number, rows))
            for name in self.weights[number]:
                found.setdefault(name, set()).update(rows or ())
            if not self.weights[number]:
                rows = rows if rows is not None else self.nodes[number].rows
                waiting += [(source, rows) for source in self.nodes[number].inputs]
        return {name: frozenset(rows) for name, rows in found.items()}


def placed(nodes: Sequence[Node], weights: Collection[str]) -> list[Node]:
    """The nodes, each sum with the module that it is in: what the names of the parameters above it have in common."""
    graph = Graph(nodes, weights)
    return [
        node._replace(where=_where(graph, node)) if node.op in SUMS and len(node.inputs) == 2 else node
        for node in nodes
    ]


def _where(graph: Graph, node: Node) -> str:
    first, second = (graph.above[source] for source in node.inputs)
    return common({name for number in graph.members(first ^ second) for name in graph.nodes[number].parameters})


def common(names: Collection[str]) -> str:
    """The module that some parameters have in common."""
    steps = zip(*(name.split(".")[:-1] for name in names), strict=False)
    return ".".join(step[0] for step in takewhile(lambda step: len(set(step)) == 1, steps))
