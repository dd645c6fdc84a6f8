"""Networks written by hand as lists of operations, for the tests of what is found in them."""

from typing import Any

from zero_array._planning._graph import Node
from zero_array._planning._plan import Kind, Parameter, Plan
from zero_array._planning._recipe import Options, choose
from zero_array._planning._structure import Structure, structure
from zero_array.recipes import Recipe, plan


class Network:
    """A network as it is written down: each method adds an operation, and returns its number."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.parameters: list[Parameter] = []
        self.uses: dict[str, set[str]] = {}
        self.x = self.op("input")

    def op(self, op: str, *inputs: int, **more: Any) -> int:
        """Any operation on activations."""
        self.nodes.append(Node(op, inputs, **more))
        return len(self.nodes) - 1

    def held(self, name: str, kind: Kind, *shape: int, used: str = "", **layout: Any) -> str:
        """A parameter, and the operation that reads it."""
        self.parameters.append(Parameter(name, kind, shape, **layout))
        if used:
            self.uses.setdefault(name, set()).add(used)
        return name

    def layer(self, name: str, source: int, *, shape: tuple[int, ...] = (4, 4), op: str = "linear", **more: Any) -> int:
        """A layer with a weight."""
        return self.op(op, source, parameters=(self.held(name, "linear", *shape, **more),))

    def layers(self, source: int, *names: str) -> int:
        """Layers with a ReLU between any two."""
        for number, name in enumerate(names):
            source = self.layer(name, self.op("relu", source) if number else source)
        return source

    def norm(self, name: str, source: int) -> int:
        """A norm with a scale."""
        return self.op("norm", source, parameters=(self.held(name, "norm", 4),))

    def add(self, first: int, second: int, where: str = "") -> int:
        """A sum."""
        return self.op("add", first, second, where=where)

    def attend(self, query: int, key: int, value: int) -> int:
        """The softmax of query times key, times value."""
        return self.op("matmul", self.op("softmax", self.op("matmul", query, key)), value)

    def structure(self, *outputs: int) -> Structure:
        """What is found; the output is the last operation where none is named."""
        weights = {parameter.name for parameter in self.parameters if parameter.kind == "linear"}
        return structure(self.nodes, outputs or (len(self.nodes) - 1,), self.uses, weights)

    def ends(self) -> list[tuple[str, ...]]:
        """The ends of the branches found."""
        return [branch.ends for branch in self.structure().branches]

    def plan(self, recipe: str | Recipe = "auto", overrides: Any = None, **options: Any) -> Plan:
        """The plan for it."""
        found = self.structure()
        return plan(self.parameters, choose(recipe, self.parameters, found, Options(**options)), found, overrides)

    def fills(self, recipe: str | Recipe = "auto", **options: Any) -> dict[str, str]:
        """What each parameter starts as."""
        return {entry.name: entry.fill for entry in self.plan(recipe, **options)}


def attention(*, shape: tuple[int, ...] = (4, 4), behind: tuple[str, ...] = ("out",), added: bool = True) -> Network:
    """An attention block, and a head."""
    net = Network()
    core = net.attend(*(net.layer(name, net.x, shape=shape) for name in "qkv"))
    y = net.layers(core, *behind) if behind else core
    net.layer("head", net.add(net.x, y) if added else y)
    return net
