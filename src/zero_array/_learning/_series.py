"""Which zeros give each other no gradient: two weights in series, the two sides of a product, a ReLU behind a zero."""

from collections.abc import Collection, Iterable, Mapping

from .._planning._graph import SUMS, Graph

_PRODUCTS = {"attention", "einsum", "matmul", "mul"}


class Zeros:
    """The zeros of a network, and the graph that they lie in.

    Attributes
    ----------
    graph : Graph
        What the network computes.
    largest : mapping of int to float
        The largest entry of each node's result.
    zero : set of str
        The parameters that are zero.
    partly : set of str
        Those of which an output is, the former among them.
    stuck : set of str
        Those that never have a gradient; biases are none.
    shown : set of str
        The operations that are views of what they are given.
    """

    def __init__(
        self,
        graph: Graph,
        largest: Mapping[int, float],
        *,
        zero: set[str],
        partly: set[str],
        stuck: set[str],
        shown: Collection[str],
    ) -> None:
        self.graph, self.largest, self.shown = graph, largest, shown
        self.zero, self.partly, self.stuck = zero & stuck, partly & stuck, stuck

    def is_zero(self, node: int) -> bool:
        """Whether the result of a node is."""
        return self.largest.get(node) == 0.0

    def roots(self, nodes: Iterable[int]) -> list[str]:
        """The parameters that make some results zero: the last ones with zeros before each."""
        found: dict[str, None] = {}
        waiting, seen = list(nodes), set()
        while waiting:
            number = waiting.pop()
            if number in seen:
                continue
            seen.add(number)
            node = self.graph.nodes[number]
            if names := self._among(node.parameters, self.partly):
                found |= dict.fromkeys(names)
            elif self.is_zero(number):
                waiting += [item if self.is_zero(item) else self._whole(item) for item in node.inputs]
        return list(found)

    def _whole(self, number: int) -> int:
        """The result that another is a view of, its bias aside: a part of it may be zero where the whole is not."""
        node = self.graph.nodes[number]
        while len(node.inputs) == 1 and (node.op in self.shown or (node.op in SUMS and node.parameters)):
            (number,) = node.inputs
            node = self.graph.nodes[number]
        return number

    def series(self) -> list[list[str]]:
        """The groups of parameters whose zeros are in series or multiply each other, in the network's order."""
        groups: list[set[str]] = []
        order: dict[str, None] = {}
        for number, node in enumerate(self.graph.nodes):
            order |= dict.fromkeys(self._among(node.parameters, self.partly))
            for names in self._at(number):
                if len(names) > 1:
                    joined = [group for group in groups if group & names]
                    groups = [group for group in groups if not group & names] + [names.union(*joined)]
        return sorted(
            ([name for name in order if name in group] for group in groups), key=lambda item: list(order).index(item[0])
        )

    def _at(self, number: int) -> list[set[str]]:
        """The groups that one node shows."""
        node = self.graph.nodes[number]
        zeros = [item for item in node.inputs if self.is_zero(item)]
        if node.op == "multihead":
            return [set(self._among(node.parameters, self.partly))]
        found = []
        if (names := self._among(node.parameters, self.zero)) and zeros:
            found.append({*names, *self.roots(zeros)})
        if node.op in _PRODUCTS and all(map(self.is_zero, node.inputs[:2])) and len(set(node.inputs[:2])) == 2:
            found.append(set(self.roots(node.inputs[:2])))
        return found

    def _among(self, names: Iterable[str], chosen: Collection[str]) -> list[str]:
        return [name for name in names if name in chosen]
