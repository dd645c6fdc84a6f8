"""What is refused about plans and parameters as data, in Python or as JSON, in the grammar of `_checks`."""

from collections.abc import Sequence
from typing import Any

from .. import _checks
from . import _network_checks


def parameter(held: Any, kinds: Sequence[str]) -> None:
    """Check a parameter: its kind, and what is packed along its out axis."""
    known("kind", held.kind, kinds)
    shape = held.shape or (1,)
    length = shape[_checks.axis("out_axis", held.out_axis, len(shape), "a shape")]
    packed = sum(part.size for part in held.parts)
    if held.parts and packed != length:
        raise ValueError(f"`parts` must add up to the out axis of {held.name}, {length}; got {packed}")


def known(what: str, value: Any, names: Sequence[str]) -> None:
    """Check a fill, or a kind: one of these names."""
    if not isinstance(value, str) or value not in names:
        raise _network_checks.no_fill(what, value, names)


def entry(held: Any, names: Sequence[str]) -> None:
    """Check what a parameter is filled with: a known fill for each label of its parts, and no other."""
    name = held.parameter.name
    found, wanted = [label for label, _ in held.fills], {part.label for part in held.parameter.parts} or {""}
    if sorted(found) != sorted(wanted):
        raise ValueError(f"`fills` must have one fill for each part of {name}, {sorted(wanted)}; got {found}")
    for _, fill in held.fills:
        known(f"fills[{name!r}]", fill, names)


def no_json(error: Exception) -> ValueError:
    """The refusal of what is no JSON at all."""
    return ValueError(f"`text` must be what Plan.to_json returned; got no JSON ({type(error).__name__}: {error})")


def no_plan_in_json(place: str, reason: str) -> ValueError:
    """The refusal of JSON that is no plan, and where it is none."""
    return ValueError(f"`text` must be what Plan.to_json returned; got {place or 'JSON'} {reason}")
