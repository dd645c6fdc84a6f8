"""What one parameter starts as, by a recipe and the structure of its network."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from itertools import groupby
from math import prod

from . import _network_checks
from ._plan import MATRICES, Entry, Fill, Kind, Parameter, Part
from ._recipe import Recipe
from ._structure import Structure


def asked_for(parameter: Parameter, overrides: Mapping[str, Fill]) -> tuple[str, Fill] | None:
    """The first override that matches one of a parameter's names."""
    for pattern, fill in overrides.items():
        if any(fnmatchcase(name, pattern) for name in (parameter.name, *parameter.aliases)):
            return pattern, fill
    return None


def by_use(parameter: Parameter, found: Structure) -> Parameter:
    """A parameter of unknown kind becomes what the operations that read it make of it; a norm may count from one."""
    uses = set(found.uses.get(parameter.name, ()))
    if parameter.kind == "norm" and uses == {"add"}:
        return replace(parameter, kind="norm offset")
    if parameter.kind != "unknown":
        return parameter
    kind: Kind = "unknown"
    is_vector = max(parameter.shape, default=1) == prod(parameter.shape)
    if uses and uses <= ({"mul", "div", "scale"} if is_vector else {"scale"}):  # a matrix may be multiplied before use
        kind = "scale"
    elif uses and uses <= {"add", "sub"} and is_vector:
        kind = "bias"
    elif uses and uses <= {"add", "sub", "cat", "lookup"}:
        kind = "offset"
    elif uses in ({"linear"}, {"matmul"}) and len(parameter.shape) == 2:
        out_axis, in_axis = (0, 1) if "linear" in uses else (1, 0)
        return replace(parameter, kind="linear", out_axis=out_axis, in_axis=in_axis)
    return replace(parameter, kind=kind)


def known(parameters: Sequence[Parameter], uses: Mapping[str, Collection[str]]) -> list[Parameter]:
    """The parameters, each of unknown kind as what the operations that read it make of it."""
    found = Structure(uses=uses)
    return [by_use(parameter, found) for parameter in parameters]


def matrices(parameters: Sequence[Parameter], uses: Mapping[str, Collection[str]]) -> set[str]:
    """The names of the parameters that hold a layer's matrix, those that are known by their use alone among them."""
    return {parameter.name for parameter in known(parameters, uses) if parameter.kind in MATRICES}


def at_ends(parameters: Sequence[Parameter], recipe: Recipe, found: Structure) -> dict[str, tuple[bool, str]]:
    """What is special at the ends of branches: of a parameter's name, whether it is zero, and why."""
    kinds = {parameter.name: parameter.kind for parameter in parameters}
    has_norm = {parameter.name for parameter in parameters if parameter.is_divided}
    layers = [item for item in parameters if item.kind in MATRICES and not _makes_roles(item)]
    narrows = {parameter.name for parameter in layers if _narrows(parameter)}
    ends: dict[str, tuple[bool, str]] = {}
    for branch in found.branches if recipe.branches else ():
        block = f"the residual branch of {branch.where}" if branch.where else "a residual branch"
        projections = tuple(item.name for item in layers if item.name in branch.outputs)
        plain = branch.ends if recipe.attention else branch.ends + projections
        last = slice(1 if len(plain) == 1 else None)  # of several in series the last: two zeros would never learn
        scales = [name for name in branch.behind if kinds[name] == "norm"][last]
        multipliers = [name for name in branch.behind if kinds[name] == "scale"][last]
        by_values = recipe.attention and (branch.outputs or not plain)  # a zero already, for the same reason
        divided = [name for name in plain if name in has_norm]
        is_standardised = any("norm" in found.uses.get(name, ()) for name in plain)  # zeros would explode
        if branch.dead:
            note = f"{block} has no slope at zero, as after a ReLU: zeros would never learn"
            ends |= dict.fromkeys(plain, (False, note))
        elif multipliers and (divided or is_standardised):
            ends |= dict.fromkeys(multipliers, (True, f"multiplier of {block}, whose last weight is standardised"))
        elif scales and not by_values and (divided or recipe.branch_end == "norm"):
            ends |= dict.fromkeys(scales, (True, f"last scale of {block}"))
        else:
            ends |= dict.fromkeys(plain, (True, f"last weight of {block}"))
            ends |= dict.fromkeys(divided, (False, f"{block} can't end in zeros, which have no norm"))
        if recipe.attention:
            ends |= dict.fromkeys(branch.outputs, (False, "its values are zero already"))
            # but an identity that narrows has columns of zeros, which values that are zero would never part from
            ends |= {name: (True, f"last weight of {block}") for name in branch.outputs if name in narrows}
    for parameter in parameters:  # a weight that is held as gain and direction is zero by its gain
        if parameter.direction in ends:
            ends[parameter.name], note = ends[parameter.direction], "its gain is zero"
            ends[parameter.direction] = (False, note) if ends[parameter.name][0] else ends[parameter.name]
    return ends


def _narrows(parameter: Parameter) -> bool:
    """Whether a layer has fewer outputs than inputs."""
    return any(outputs < _inputs(parameter) for outputs in parameter.outputs().values())


def _makes_roles(parameter: Parameter) -> bool:
    """Whether an adapter has said that a weight makes queries, keys or values."""
    return any(part.label in _ROLES for part in parameter.parts)


def _inputs(parameter: Parameter) -> int:
    """The inputs of one group of a layer."""
    return parameter.shape[parameter.in_axis] // (parameter.groups if parameter.transposed else 1)


def decide(
    parameter: Parameter,
    recipe: Recipe,
    found: Structure,
    overrides: Mapping[str, Fill],
    ends: Mapping[str, tuple[bool, str]],
) -> Entry:
    """The entry of one parameter."""
    asked = asked_for(parameter, overrides)
    is_zero, note = ends.get(parameter.name, (False, ""))
    is_table = parameter.kind == "embedding" and recipe.embeddings == "algorithm1"
    fills: tuple[tuple[str, Fill], ...]
    if asked:
        if asked[1] in ("identity", "hadamard") and len(parameter.shape) < 2:
            raise _network_checks.no_matrix_to_fill(parameter.name, parameter.shape, asked[1])
        if asked[1] in ("identity", "hadamard") and len(parameter.shape) > 2 and parameter.kind == "unknown":
            raise _network_checks.no_kernel(parameter.name, parameter.shape, asked[1])
        labels = dict(parameter.parts) or {"": 0}
        fills, reason = tuple((label, asked[1]) for label in labels), f"as asked by {asked[0]!r}"
    elif parameter.is_frozen:
        parameter = replace(parameter, parts=())
        fills, reason = (("", "untouched"),), "frozen (requires_grad=False)"
    elif is_zero:
        parameter = replace(parameter, parts=())
        fills, reason = (("", "zeros"),), note
    elif parameter.name in found.heads and not note and recipe.head != "algorithm1":
        parameter = replace(parameter, parts=())
        fills, reason = (("", "zeros" if recipe.head == "zeros" else "untouched"),), f"head: {recipe.head}"
    elif parameter.kind in MATRICES or is_table:
        attention = _attention(parameter, found, ends) if recipe.attention else None
        parameter, zeros = attention or (parameter, ())
        fills, reason = _matrix(parameter, zeros)
        reason = f"{reason}; {note}" if note and not attention else reason
    else:
        fill, reason = _PLAIN[parameter.kind]
        fills = (("", fill),)
    if parameter.is_divided and {fill for _, fill in fills} == {"zeros"}:
        raise _network_checks.no_zeros(parameter.name)
    if found.used and parameter.name not in found.used and not asked:
        reason += "; not used in this run"
    tied = f"; also {', '.join(parameter.aliases)}" if parameter.aliases else ""
    return Entry(parameter, fills, recipe.scale, recipe.order, recipe.columns, reason + tied)


_PLAIN: dict[str, tuple[Fill, str]] = {
    "bias": ("zeros", "bias"),
    "norm": ("ones", "scale of a norm"),
    "norm offset": ("zeros", "scale of a norm, counted from one"),
    "scale": ("ones", "multiplier"),
    "gain": ("norms", "norms of its directions"),
    "slope": ("untouched", "slope of an activation"),
    "offset": ("untouched", "position or token: not settled by the paper"),
    "embedding": ("untouched", "embedding: not settled by the paper"),
}


def _matrix(parameter: Parameter, zeros: Collection[str]) -> tuple[tuple[tuple[str, Fill], ...], str]:
    """Algorithm 1 or 2 for the matrix of each label, but zeros for some labels; and the reason."""
    inputs = _inputs(parameter)
    fills: list[tuple[str, Fill]] = []
    widths = set()
    for label, outputs in parameter.outputs().items():
        if label in zeros:
            fills.append((label, "zeros"))
        else:
            fills.append((label, "hadamard" if outputs > inputs else "identity"))
            widths.add(f"{inputs} -> {outputs}")
    algorithm = f"Algorithm {1 if len(parameter.shape) == 2 else 2}, {', '.join(sorted(widths))}" if widths else ""
    groups = f" in each of {parameter.groups} groups" if parameter.groups > 1 else ""
    found = " and ".join(f"{label}s" for label, fill in fills if fill == "zeros")
    attention = f"{found} of an attention" if found else ""
    return tuple(fills), "; ".join(filter(None, (algorithm + groups, attention)))


_ROLES = ("query", "key", "value")


def _attention(
    parameter: Parameter, found: Structure, ends: Mapping[str, tuple[bool, str]]
) -> tuple[Parameter, tuple[str, ...]] | None:
    """A weight that makes queries, keys or values, with its parts, and which of them are zero; else None.

    Keys are zero, unless they are divided by their norm; values where they end a residual branch, since nothing but
    its shortcut carries a signal then, unless it is the output projection that is zero.
    """
    roles: dict[str, set[int]] = {part.label: set() for part in parameter.parts if part.label in _ROLES}
    ends_branch = is_divided = False
    for attention in found.attentions:
        is_divided |= attention.is_divided and parameter.name in attention.key
        is_projected_to_zero = any(ends.get(name, (False, ""))[0] for name in attention.outputs)
        in_values = parameter.name in (*attention.value, *attention.whole)
        ends_branch |= attention.ends_branch and in_values and not is_projected_to_zero
        for label in _ROLES:
            if parameter.name in getattr(attention, label):
                roles.setdefault(label, set()).update(getattr(attention, label)[parameter.name])
    if not roles:
        return None
    if not parameter.parts:
        parameter = replace(parameter, parts=_parts(parameter, roles))
    return parameter, ("key",) * (not is_divided) + ("value",) * ends_branch


def _parts(parameter: Parameter, roles: Mapping[str, Collection[int]]) -> tuple[Part, ...]:
    """What is packed along the out axis, from the rows that each role takes."""
    size = parameter.shape[parameter.out_axis]
    if len(roles) == 1:
        return (Part(next(iter(roles)), size),)
    labels = [""] * size
    for label, rows in roles.items():
        if not rows or any(labels[row] for row in rows):
            raise _network_checks.packed(parameter.name, tuple(roles))
        for row in rows:
            labels[row] = label
    return tuple(Part(label, len(tuple(run))) for label, run in groupby(labels))
