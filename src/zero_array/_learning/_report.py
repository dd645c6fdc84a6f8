"""From what an adapter saw of a model to its report."""

from collections.abc import Collection, Mapping, Sequence
from glob import escape
from typing import NamedTuple

from .. import _host
from .._auditing._audit import audit
from .._auditing._findings import Finding, Reach
from .._auditing._report import Report
from .._planning._graph import Graph
from .._planning._plan import MATRICES, Parameter
from .._typing import Array
from . import _judge
from ._probe import Probe
from ._seen import Run
from ._series import Zeros
from ._stuck import stuck
from ._twins import matrix, rows
from ._words import Words


class Seen(NamedTuple):
    """All that was seen of a model.

    Attributes
    ----------
    held : sequence of Parameter
        Its parameters.
    values : mapping of str to array
        Their values, of any library.
    run : Run
        What one run shows.
    probe : Probe
        What its gradients are.
    padded : set of str
        The weights of layers with SAME padding.
    drops : bool
        Whether it has dropout.
    """

    held: Sequence[Parameter]
    values: Mapping[str, Array]
    run: Run
    probe: Probe
    padded: Collection[str]
    drops: bool


def report(seen: Seen, words: Words, steps: int) -> Report:
    """Judge it; `steps` is the number of steps that was asked for."""
    held, values, run, probe, padded, drops = seen
    weights = {item.name for item in held if item.kind in MATRICES}
    graph = Graph(run.nodes, weights)
    zero = {name for name, array in values.items() if not _host.to_floats(array).any()}
    partly = zero | {
        item.name for item in held if item.name in weights and not rows(item, values[item.name]).any(1).all()
    }
    layout = {escape(item.name): (item.out_axis, item.in_axis) if item.name in weights else None for item in held}
    shaped = {item.name: matrix(item, values[item.name]) for item in held if item.name in weights and item.axes}
    weighed = audit({**values, **shaped}, layout=layout)
    findings: list[Finding] = [
        *_judge.signals(run, probe, words),
        *_judge.known(weighed, padded, probe, words),
    ]
    if probe.is_finite:
        biases = {item.name for item in held if item.kind == "bias"}
        waiting = {name for name in probe.now if name not in probe.reached} - biases
        zeros = Zeros(graph, run.largest, zero=zero, partly=partly, stuck=waiting, shown=run.shown)
        findings += stuck(held, zeros, probe, run, words)
        findings += _judge.attentions(run, held, values, probe, words)
        findings += _judge.twins(held, probe, words, drops=drops)
    findings += _judge.rectifiers(run, graph)
    findings += _judge.branches(held, run, zero, words)
    reach = tuple(
        Reach(name, now or 0.0, (probe.after.get(name) or 0.0) if steps else None) for name, now in probe.now.items()
    )
    return Report(tuple(findings), weighed.weights, tuple(probe.depth), reach)
