"""What gradients and activations say of a start, as findings."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from .._auditing._findings import Finding, Severity
from .._auditing._report import Report
from .._auditing._together import ANEW
from .._planning._graph import Graph
from .._planning._plan import MATRICES, Parameter
from .._planning._structure import Attention
from .._typing import Array
from ._probe import Probe
from ._seen import Run
from ._twins import rows
from ._words import Words, listed

_RANGE = 1e4  # between the signals behind the first and the last module


def known(report: Report, padded: Collection[str], probe: Probe, words: Words) -> Iterator[Finding]:
    """What the weights alone say, where layers and gradients don't say more; `padded` are those of SAME padding."""
    for item in report:
        name = item.parameter
        if item.what == "zeros" or (item.what == "even kernel" and name not in padded):
            continue
        is_moving = name in probe.rows and bool(probe.rows[name].all())  # its twins are told by their gradients
        is_quiet = (item.what == "dead outputs" and is_moving) or (item.what == "twin rows" and name in probe.twins)
        severity: Severity = "note" if is_quiet else item.severity
        yield replace(item, severity=severity, remedy=item.remedy.replace(ANEW, words.anew))


def rectifiers(run: Run, graph: Graph) -> Iterator[Finding]:
    """Rectifiers most of whose units are dead."""
    for where, node, dead, units in run.rectifiers:
        if 0.9 * units <= dead < units:
            names = list(graph.sources(node))
            yield Finding(
                "warning",
                names[0] if names else where,
                "dead units",
                f"{dead} of {units} outputs of the ReLU behind it are zero for every example",
                "look at its bias and at the scale of its inputs; give more examples to be sure",
            )


def branches(held: Sequence[Parameter], run: Run, zero: set[str], words: Words) -> Iterator[Finding]:
    """Branches that are, or are not, their shortcut."""
    known = [item for item in run.network.branches if item.result is not None and (item.ends or item.outputs)]
    away = [item for item in known if run.largest.get(item.result or 0, 0.0) != 0.0]
    if not known:
        return
    names = [(item.ends or item.outputs)[0] for item in known]
    biases = {parameter.name for parameter in held if parameter.kind == "bias"}
    missed = [item for item in away if item.ends and zero.issuperset(item.ends)]
    for item in missed:
        others = [name for name in item.behind if name in biases and name not in zero]
        yield Finding(
            "warning",
            item.ends[0],
            "no shortcut",
            f"the last weight of this branch is zero, but the branch adds up to {run.largest[item.result or 0]:.3g}",
            f"zero what comes behind it too ({listed(others) or 'what is added'}): {words.init}",
        )
    if len(away) - len(missed) and len(away) < len(known):
        odd = [(item.ends or item.outputs)[0] for item in away if item not in missed]
        yield Finding(
            "warning",
            odd[0],
            "no shortcut",
            f"{len(known) - len(away)} of {len(known)} branches are their shortcut at the start; those that end in "
            f"{listed(odd)} are not",
            f"start all alike: {words.init}, or overrides={{{odd[0]!r}: 'zeros'}}",
        )
    yield Finding(
        "note",
        names[0],
        "branches",
        f"{len(known) - len(away)} of {len(known)} residual branches are exactly their shortcut at the start",
        f"nothing; to make all so: {words.init}" if away else "nothing",
    )


def signals(run: Run, probe: Probe, words: Words) -> Iterator[Finding]:
    """Softmaxes, numbers that are none, and a signal that vanishes or explodes."""
    if probe.strange:
        yield Finding(
            "error",
            probe.strange[0],
            "not finite",
            f"infinities or no numbers come out of it first, and of {len(probe.strange) - 1} other modules",
            "look at its weights, its inputs, and a division or logarithm of zero in it",
        )
    elif not probe.is_finite:
        yield Finding(
            "error",
            next(iter(probe.now), ""),
            "not finite",
            f"loss or gradients are infinite or no numbers after {probe.steps} steps",
            "look for a division, root or norm of zero",
        )
    for softmax in run.softmaxes:
        if softmax.sharp > 0.5:
            yield Finding(
                "warning",
                softmax.where,
                "saturated softmax",
                f"{100 * softmax.sharp:.0f} % of its rows are one-hot to 1 %: next to no gradient comes through",
                "divide the scores by the root of the head's width, or start queries and keys smaller",
            )
    if flat := [softmax.where for softmax in run.softmaxes if softmax.is_uniform]:
        yield Finding(
            "note",
            flat[0],
            "uniform softmax",
            f"all entries of each row are equal at the start in {len(flat)} of {len(run.softmaxes)} softmaxes",
            "nothing, if keys or queries are to start at zero; never both",
        )
    seen = [item for item in probe.depth if item.signal > 0]
    if seen and not 1 / _RANGE <= seen[-1].signal / seen[0].signal <= _RANGE:
        ends = [f"{item.signal:.2g} behind {item.module or 'the model'}" for item in (seen[0], seen[-1])]
        yield Finding(
            "warning",
            seen[-1].module,
            "scale of the signal",
            ", ".join(ends),
            f"start the layers between as isometries: {words.init}",
        )


def twins(held: Sequence[Parameter], probe: Probe, words: Words, *, drops: bool) -> Iterator[Finding]:
    """Outputs that stay equal."""
    for parameter in held:
        count = probe.twins.get(parameter.name, 0)
        if count and parameter.kind in MATRICES:
            yield Finding(
                "warning",
                parameter.name,
                "twins that stay",
                f"{count} of {parameter.shape[parameter.out_axis]} outputs equal an earlier one, and so do their "
                f"gradients: training won't part them{', but dropout will' if drops else ''}",
                f"{words.distinct}, or a random start of this layer",
            )


def attentions(
    run: Run, held: Sequence[Parameter], values: Mapping[str, Array], probe: Probe, words: Words
) -> Iterator[Finding]:
    """Attentions of which query, key and value are equal, or query and key both zero."""
    known = {parameter.name: parameter for parameter in held}
    for attention in run.network.attentions:
        roles = _roles(attention, known)
        tables = {
            label: (name, rows(known[name], values[name])[held_rows]) for label, (name, held_rows) in roles.items()
        }
        names = {name for name, _ in tables.values()}
        for first, second in (("query", "key"), ("query", "value"), ("key", "value")):
            if {first, second} <= set(tables):
                (name, one), (other, two) = tables[first], tables[second]
                if one.shape == two.shape and one.shape[0] and bool((one == two).all()):
                    if bool(one.any()):
                        yield _equal(name, other, first, second, words)
                        break
                    if {first, second} == {"query", "key"} and len(names) == 1 and not _awake(probe, roles):
                        yield Finding(
                            "error",
                            name,
                            "zeros in series",
                            "its rows of query and key are both zero: they multiply each other, and have no gradient",
                            f"start the query as the identity: {words.init}",
                        )


def _equal(name: str, other: str, first: str, second: str, words: Words) -> Finding:
    where = name if name == other else f"{name} and {other}"
    return Finding(
        "warning",
        name,
        "equal projections",
        f"{first} and {second} are equal in {where}",
        f"start each by itself: {words.apart}",
    )


def _awake(probe: Probe, roles: Mapping[str, tuple[str, list[int]]]) -> bool:
    return any(
        bool(probe.rows[name][held].any()) for name, held in (roles["query"], roles["key"]) if name in probe.rows
    )


def _roles(attention: Attention, known: Mapping[str, Parameter]) -> dict[str, tuple[str, list[int]]]:
    """For query, key and value: the one weight that makes it, and which of its outputs do."""
    found: dict[str, tuple[str, list[int]]] = {}
    for label, sources in (("query", attention.query), ("key", attention.key), ("value", attention.value)):
        if len(sources) == 1:
            ((name, outputs),) = sources.items()
            found[label] = name, sorted(outputs) or list(range(known[name].shape[known[name].out_axis]))
    for name in attention.whole:
        start = 0
        for label, size in known[name].parts:
            found[label] = name, list(range(start, start + size))
            start += size
    return found
