"""One run of a traced function: where activations are zero or dead, and how sharp its softmaxes are."""

from collections.abc import Collection, Iterator
from typing import Any

import jax

from .. import _host
from .._learning._seen import Rectifier, Run, Softmax, softmax
from .._planning._graph import Graph, common
from .._planning._plan import MATRICES
from . import _shown
from ._evaluate import Path, evaluate
from ._jaxpr import Reader, is_float
from ._read import Traced

_MOST = 1 << 22  # scores of an attention that are looked at


def watch(traced: Traced) -> Run:
    """Run it once, compiled as a whole, and keep what there is to say of each operation."""
    reader = traced.reader
    nodes = reader.nodes
    scores = dict(_scores(reader))
    at = {place: node for node, place in reader.places.items()}
    wanted = {"alive": reader.rectified, "scores": {source for source, _ in scores.values()}}

    def run(given: Any) -> dict[str, dict[int, Any]]:
        found: dict[str, dict[int, Any]] = {"largest": {}, "alive": {}, "scores": {}}

        def see(path: Path, results: list[Any]) -> list[Any]:
            for index, value in enumerate(results):
                node = at.get((*path, index))
                if node is not None and is_float(value) and value.size:
                    found["largest"][node] = abs(value).max()
                    if node in wanted["alive"] and value.ndim > 1:
                        found["alive"][node] = _alive(value, reader.rectified[node] or {value.ndim - 1})
                    if node in wanted["scores"]:
                        found["scores"][node] = value[: max(1, _MOST * len(value) // value.size)]
            return results

        evaluate(traced.closed, jax.tree.leaves(given), see, deep=True)
        return found

    found = jax.jit(run)(traced.given)
    weights = {item.name for item in traced.held if item.kind in MATRICES}
    graph = Graph(nodes, weights)
    return Run(
        nodes,
        reader.uses,
        traced.network,
        {node: float(value) for node, value in found["largest"].items()},
        [*_softmaxes(graph, scores, found["scores"])],
        [*_rectifiers(graph, found["alive"])],
        _shown.VIEWS,
    )


def _alive(value: Any, dims: Collection[int]) -> Any:
    """Which units of a ReLU, which lie along some dimensions, are not zero throughout."""
    return (value != 0).any(tuple(dim for dim in range(value.ndim) if dim not in dims)).reshape(-1)


def _scores(reader: Reader) -> Iterator[tuple[int, tuple[int, int]]]:
    """Of each softmax: the node that it exponentiates, and along which axis."""
    nodes = reader.nodes
    axes = {nodes[number].inputs[0]: axes for number, axes in reader.summed.items()}  # by the exponentials
    powers = {node.inputs: number for number, node in enumerate(nodes) if node.op == "exp"}
    for number, node in enumerate(nodes):
        power = powers.get(node.inputs)
        if node.op == "softmax" and power is not None and len(axes.get(power, ())) == 1:
            yield number, (node.inputs[0], axes[power][0])


def _softmaxes(graph: Graph, known: dict[int, tuple[int, int]], scores: dict[int, Any]) -> Iterator[Softmax]:
    """How sharp they are."""
    import numpy

    for source, axis in known.values():
        if source in scores:
            host = numpy.moveaxis(_host.to_floats(scores[source]), axis, -1)
            found = softmax(host, common(graph.sources(source)))
            if found:
                yield found


def _rectifiers(graph: Graph, alive: dict[int, Any]) -> Iterator[Rectifier]:
    """Which of their units are dead."""
    for node, units in alive.items():
        where = common(graph.sources(node))
        yield Rectifier(where, node, int(len(units) - units.sum()), len(units))
