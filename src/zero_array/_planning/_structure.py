"""Where the residual branches, the attentions and the head of a network are: by what it computes, not by names."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from ._graph import NEVER_ZERO, SUMS, Graph, Node
from ._slope import stuck


class Branch(NamedTuple):
    """A residual branch: the side of a sum that is to be zero at the start.

    Attributes
    ----------
    where : str
        The module that adds it.
    ends : tuple of str
        The last weights on the ways through it that end in a plain layer.
    outputs : tuple of str
        The output projections of the attentions that end it.
    behind : tuple of str
        The other parameters there and behind, such as scales of norms.
    dead : bool
        Whether zeros at an end would never learn: behind it is what has no slope at zero (ReLU, a square), or a product
        with itself, or before it is its own weight.
    result : int, optional
        The node that is its result; of branches named by the user, none.
    """

    where: str
    ends: tuple[str, ...]
    outputs: tuple[str, ...]
    behind: tuple[str, ...]
    dead: bool
    result: int | None = None


class Attention(NamedTuple):
    """An attention: the weights that make query, key and value, and which of their output features do.

    Attributes
    ----------
    query, key, value : dict of str to frozenset of int
        By weight: the output features, none where they are not known. Empty where one module does it all: the adapter
        has labelled the parts of its parameters then.
    whole : tuple of str
        The weights of that module.
    ends_branch : bool
        Whether a residual branch ends in it.
    outputs : tuple of str
        Its output projections, where that branch ends in those.
    is_divided : bool
        Whether its keys are divided by their norm: zeros would explode.
    """

    query: dict[str, frozenset[int]]
    key: dict[str, frozenset[int]]
    value: dict[str, frozenset[int]]
    whole: tuple[str, ...]
    ends_branch: bool
    outputs: tuple[str, ...] = ()
    is_divided: bool = False


class Structure(NamedTuple):
    """What :func:`structure` finds.

    Attributes
    ----------
    branches : tuple of Branch
        The residual branches, in the network's order.
    attentions : tuple of Attention
        The attentions, in the same order.
    heads : frozenset of str
        The last weights before the outputs.
    undecided : tuple of str
        The modules that add two weighted paths of equal length.
    uses : mapping of str to set of str
        Of each parameter: the operations that read it directly; "scale" is a product with activations that have its
        axes.
    used : frozenset of str
        The parameters that anything reads; empty where nothing was looked at.
    """

    branches: tuple[Branch, ...] = ()
    attentions: tuple[Attention, ...] = ()
    heads: frozenset[str] = frozenset()
    undecided: tuple[str, ...] = ()
    uses: Mapping[str, Collection[str]] = MappingProxyType({})
    used: frozenset[str] = frozenset()


def structure(
    nodes: Sequence[Node],
    outputs: Sequence[int],
    uses: Mapping[str, Collection[str]],
    weights: Collection[str],
    gated: Collection[str] = (),
) -> Structure:
    """Find branches, attentions and heads.

    `weights` are the parameters that hold a layer's matrix, and `gated` those of them that recurrent cells hold: what
    such a cell adds in each of its steps is no branch, and the cell as a whole may be one.
    """
    graph = Graph(nodes, weights)
    branches, ends, undecided = _branches(graph)
    attentions = []
    for number, node in enumerate(nodes):
        if node.op == "multihead":
            attentions.append(Attention({}, {}, {}, graph.weights[number], number in ends, ends.get(number, ())))
        elif found := graph.attended(number):
            query, key, value = map(graph.sources, found)
            attentions.append(
                Attention(query, key, value, (), number in ends, ends.get(number, ()), graph.is_divided(found[1]))
            )
    return Structure(
        branches=tuple(branch for branch in branches if not _is_step(graph, branch, gated)),
        attentions=tuple(attentions),
        heads=frozenset(_heads(graph, outputs)),
        undecided=tuple(undecided),
        uses=uses,
        used=frozenset(uses).union(*(node.parameters for node in nodes)),
    )


def _is_step(graph: Graph, branch: Branch, gated: Collection[str]) -> bool:
    """Whether all that ends a branch belongs to recurrent cells, and so does its shortcut."""
    if not branch.ends or branch.outputs or not all(name in gated for name in branch.ends):
        return False
    sums = (node.inputs for node in graph.nodes if node.op in SUMS and branch.result in node.inputs)
    for shortcut in (source for inputs in sums for source in inputs if source != branch.result):
        before = graph.members(graph.above[shortcut])
        if any(name in branch.ends for number in before for name in graph.weights[number]):
            return True
        number = shortcut  # what comes out of a cell is a sum or product, and what goes into its gates a plain layer
        while not graph.weights[number] and len(graph.nodes[number].inputs) == 1:
            (number,) = graph.nodes[number].inputs
        if any(name in gated for name in graph.weights[number]):
            return True
    return False


def _branches(graph: Graph) -> tuple[list[Branch], dict[int, tuple[str, ...]], list[str]]:
    """The branches in the network's order, the attentions that end one, and where no side could be chosen.

    With each attention come the projections behind it.
    """
    branches: list[Branch] = []
    attentions: dict[int, tuple[str, ...]] = {}
    undecided = []
    taken = set(graph.members(_scores(graph)))  # and sums inside a branch that is zero as a whole
    data = _data(graph)
    for number in reversed(range(len(graph.nodes))):
        node = graph.nodes[number]
        if node.op not in SUMS or len(node.inputs) != 2 or number in taken:
            continue
        common = graph.above[node.inputs[0]] & graph.above[node.inputs[1]]
        if not common or _is_recurrent(graph, node, common):
            continue
        (near, short), (far, side) = sorted((graph.distance(source, common), source) for source in node.inputs)
        holds_data = [bool(data & graph.above[source]) for source in (short, side)]
        if near == far:
            if near and holds_data[0] == holds_data[1]:
                undecided.append(node.where)
            continue
        branch, cores, sums = _walk(graph, side, common, node.where)
        if holds_data == [False, True] and not cores:  # a condition that is added to the data on their only way
            continue
        taken |= sums
        if branch.ends or cores:
            branches.append(branch)
        attentions |= cores
    return branches[::-1], attentions, undecided[::-1]


def _data(graph: Graph) -> int:
    """The node where the data enter, as a set: the first input, or the first embedding where that holds indices."""
    if any(mask & 1 for mask in graph.above[1:]):
        return 1
    return next((1 << number for number, node in enumerate(graph.nodes) if node.op == "embedding"), 0)


def _scores(graph: Graph) -> int:
    """The nodes inside attentions: what is added to scores, such as a bias of relative positions, is no branch."""
    found = 0
    for number in range(len(graph.nodes)):
        sources = graph.attended(number) or (number,)
        inside = graph.above[number]
        for source in sources:
            inside &= ~graph.above[source]
        found |= inside
    return found


def _is_recurrent(graph: Graph, node: Node, common: int) -> bool:
    """Whether both sides of a sum use one weight: steps of a recurrence, not a branch and its shortcut."""
    first, second = (
        {name for number in graph.members(graph.above[source] & ~common) for name in graph.weights[number]}
        for source in node.inputs
    )
    return not first.isdisjoint(second)


def _walk(graph: Graph, side: int, common: int, where: str) -> tuple[Branch, dict[int, tuple[str, ...]], set[int]]:
    """Go back from the end of a branch to its last weights; also the attentions that end it, and the sums inside."""
    ends: list[str] = []
    outputs: list[str] = []
    behind: list[str] = []
    attentions: dict[int, tuple[str, ...]] = {}
    sums = set()
    waiting, seen = [(side, False)], set()
    while waiting:
        number, sure = waiting.pop()
        if number in seen or common >> number & 1:
            continue
        seen.add(number)
        node = graph.nodes[number]
        if cores := _cores(graph, number, common):
            attentions |= dict.fromkeys(cores, graph.weights[number])
            outputs += graph.weights[number]
        elif graph.weights[number]:
            ends += graph.weights[number]
            behind += [name for name in node.parameters if name not in ends]
        elif _can_be_zero(node, sure=sure):
            if node.op in SUMS:
                sums.add(number)
            behind += node.parameters
            sure = node.is_zero is not None  # what is behind may well not be zero: exp(x), of exp(x) - 1
            sources = node.inputs if node.is_zero is False else graph.main(number, common)
            waiting += [(source, sure) for source in sources]
    dead = bool(stuck(graph, side, common, ends))
    return Branch(where, tuple(ends), tuple(outputs), tuple(behind), dead, side), attentions, sums


def _can_be_zero(node: Node, *, sure: bool) -> bool:
    """Whether zeros before an operation may be what makes a branch zero; `sure` where its end is known to be."""
    return node.op not in NEVER_ZERO if node.is_zero is None else node.is_zero or sure


def _cores(graph: Graph, node: int, common: int) -> set[int]:
    """The attention that a node is, or those whose outputs it projects, where it projects nothing else."""
    if graph.attended(node):
        return {node}
    waiting, seen, found = list(graph.nodes[node].inputs) if graph.weights[node] else [], set(), set()
    while waiting:
        before = waiting.pop()
        if before in seen:
            continue
        seen.add(before)
        if graph.attended(before):
            found.add(before)
        elif graph.weights[before] or common >> before & 1 or not graph.nodes[before].inputs:
            return set()
        else:
            waiting += graph.main(before, common)
    return found


def _heads(graph: Graph, outputs: Sequence[int]) -> Iterator[str]:
    """The last weights before the outputs, but for those inside residual branches."""
    waiting, seen = list(outputs), set()
    while waiting:
        number = waiting.pop()
        if number in seen or graph.attended(number):  # an attention is no head
            continue
        seen.add(number)
        node = graph.nodes[number]
        if graph.weights[number]:
            yield from graph.weights[number]
        elif node.op not in SUMS or len(node.inputs) != 2:
            waiting += node.inputs
