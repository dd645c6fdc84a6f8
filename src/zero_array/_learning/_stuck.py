"""What never has a gradient, by its cause; and what has its first one later: as findings."""

from collections.abc import Iterator, Sequence
from typing import Literal

from .._auditing._findings import Finding
from .._planning._plan import Parameter
from ._probe import Probe
from ._seen import Run
from ._series import Zeros
from ._words import Words, listed


def stuck(held: Sequence[Parameter], zeros: Zeros, probe: Probe, run: Run, words: Words) -> Iterator[Finding]:
    """Zeros in series, dead rectifiers, what is cut off, and the rest."""
    causes = [*_series(zeros, probe, words), *_dead(zeros, probe, run, words)]
    told = {name for names, _ in causes for name in names}
    yield from (finding for _, finding in causes)
    silent = [name for name in probe.now if probe.now[name] is None and name not in probe.reached]
    yield from _silent(silent, run, words)
    known = told.union(silent)
    yield from _rest(
        "error", [name for name in probe.now if name in zeros.stuck - known], probe, words, is_told=bool(told)
    )
    biases = {item.name for item in held if item.kind == "bias"} - probe.reached.keys()
    yield from _rest("note", [name for name in probe.now if name in biases - known], probe, words, is_told=bool(told))
    yield from _late(probe)


def _series(zeros: Zeros, probe: Probe, words: Words) -> Iterator[tuple[list[str], Finding]]:
    """Zeros that give each other no gradient."""
    for group in zeros.series():
        yield (
            group,
            Finding(
                "error",
                group[0],
                "zeros in series",
                f"{listed(group)}: zeros that give each other a gradient of exactly zero; {_asked(probe)}",
                f"leave one of them alone at zero: {words.init} does, or overrides={{{group[0]!r}: 'identity'}}",
            ),
        )


def _dead(zeros: Zeros, probe: Probe, run: Run, words: Words) -> Iterator[tuple[list[str], Finding]]:
    """What lies before a rectifier that lets nothing through."""
    for where, node, dead, units in run.rectifiers:
        (source,) = run.nodes[node].inputs[:1]
        above = [name for name in zeros.graph.sources(source) if name in zeros.stuck]
        if dead < units or not above:
            continue
        if zeros.is_zero(source):
            what, why = "zeros before a ReLU", "its output is zero, where the ReLU behind it has no gradient"
            remedy = f"put the zeros behind the ReLU, into the last weight of the branch: {words.init}"
        else:
            what, why = "dead ReLU", f"all {units} outputs of the ReLU behind it are zero for every example"
            remedy = f"zero its bias, or start it anew: {words.bias}"
        evidence = f"{why} (in {where or 'the model itself'}); {_asked(probe)}"
        yield above, Finding("error", above[0], what, evidence, remedy)


def _silent(names: Sequence[str], run: Run, words: Words) -> Iterator[Finding]:
    """What no way leads back to."""
    read = set(run.uses) | {name for node in run.nodes for name in node.parameters}
    for name in names:
        if name in read:
            yield Finding(
                "error",
                name,
                "detached",
                "the model reads it, but no gradient comes back",
                f"look for {words.cut} behind it; or is it left out of the loss?",
            )
        else:
            yield Finding(
                "warning",
                name,
                "unused",
                "the model doesn't read it here",
                "give example_inputs that use it, or remove it",
            )


def _rest(
    severity: Literal["error", "note"], names: Sequence[str], probe: Probe, words: Words, *, is_told: bool
) -> Iterator[Finding]:
    """What has no gradient by another's fault, or for reasons unknown."""
    if names:
        other = ", by what is told above" if is_told else ""
        yield Finding(
            severity,
            names[0],
            "zero gradient",
            f"{listed(names)}: exactly zero{other}; {_asked(probe)}",
            f"mend the above first, or start them anew: {words.init}" if is_told else f"start them anew: {words.init}",
        )


def _late(probe: Probe) -> Iterator[Finding]:
    """What waits."""
    if late := [name for name in probe.now if probe.reached.get(name, 0) > 0]:
        most = max(probe.reached[name] for name in late)
        yield Finding(
            "note",
            late[0],
            "late gradient",
            f"of {len(late)} parameters: it is exactly zero at the start, and not after {most} step"
            f"{'s' if most > 1 else ''}, since they wait behind zeros",
            "nothing: so starts what lies before a zero at the end of a branch, or before a head of zeros",
        )


def _asked(probe: Probe) -> str:
    """How often it was looked."""
    return f"none came within {probe.steps} step{'' if probe.steps == 1 else 's'} of training"
