"""Whether weights that are zero at the end of a branch would ever learn: what gets a gradient there."""

from collections.abc import Collection

from ._graph import NEVER_ZERO, PRODUCTS, SUMS, Graph

_FLAT = {
    *("abs", "absolute", "ceil", "cumprod", "fix", "floor", "hardshrink", "hardtanh", "normalize", "pow", "prod"),
    *("integer_pow", "float_power", "relu", "relu6", "round", "sgn", "sign", "softshrink", "sqrt", "square"),
    *("tanhshrink", "threshold", "trunc"),
}
"""What has no slope at zero, or none that is finite."""

_COMPARISONS = {
    **dict.fromkeys(("gt", "greater", "lt", "less", "ne", "not_equal"), True),
    **dict.fromkeys(("ge", "greater_equal", "le", "less_equal", "eq", "equal"), False),
}
"""What has no slope anywhere, and whether zeros make it false."""

_CHOICES = {"select_n", "where"}


def stuck(graph: Graph, result: int, common: int, names: Collection[str]) -> set[str]:
    """Which of some weights never get a gradient if all of them are zero; `result` is that of the branch.

    A weight that gets one is no longer zero after a step, which may give others theirs.
    """
    zeros = set(names)
    while moving := _moving(graph, result, common, zeros):
        zeros -= moving
    return zeros


def _moving(graph: Graph, result: int, common: int, zeros: set[str]) -> set[str]:
    """The weights that get a gradient where these are zero."""
    inside = list(graph.members(graph.above[result] & ~common))
    zero: set[int] = set()
    for number in inside:
        if _is_zero(graph, number, zero, zeros):
            zero.add(number)
    moving, reached = set(), {result}
    for number in reversed(inside):
        if number not in reached:
            continue
        inputs = graph.nodes[number].inputs
        if graph.weights[number] and not zero.issuperset(inputs):
            moving |= {name for name in graph.weights[number] if name in zeros}
        reached |= {source for place, source in enumerate(inputs) if _passes(graph, number, place, zero, zeros)}
    return moving


def _is_zero(graph: Graph, number: int, zero: set[int], zeros: set[str]) -> bool:
    """Whether a result is zero; biases are, and so is what follows from zeros, but for functions known to be none."""
    node, weights = graph.nodes[number], graph.weights[number]
    if not node.inputs or (weights and zeros.issuperset(weights)):
        return bool(weights)
    are_zero = [source in zero for source in node.inputs]
    if node.op in PRODUCTS and not weights:
        return any(are_zero)
    if node.op in SUMS and len(node.inputs) == 1 and not node.parameters:  # with a number, such as 1 + y
        return False
    if node.op in NEVER_ZERO or node.is_zero is False or not _COMPARISONS.get(node.op, True):
        return False
    return are_zero[0] if node.op == "div" else all(are_zero)


def _passes(graph: Graph, number: int, place: int, zero: set[int], zeros: set[str]) -> bool:
    """Whether an operation passes a gradient on to one of its inputs."""
    node, weights = graph.nodes[number], graph.weights[number]
    if weights:
        return not zeros.issuperset(weights)
    others = [source for at, source in enumerate(node.inputs) if at != place]
    if node.op in PRODUCTS:
        return not any(source in zero for source in others)
    if node.op == "div" and others:
        return node.inputs[-1] not in zero and (place == 0 or node.inputs[0] not in zero)
    if node.op in _CHOICES and len(node.inputs) == 2 and graph.nodes[node.inputs[0]].op in _COMPARISONS:
        return node.inputs[0] not in zero  # by the sign of zero: it or a number
    return node.op not in _COMPARISONS and not (node.op in _FLAT and node.inputs[place] in zero)
