"""Dataclasses out of their JSON, each value of the type that its field says."""

import json
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, get_args, get_origin

from . import _network_checks, _plan_checks


def read(kind: Any, text: Any) -> Any:
    """A dataclass out of the JSON of its ``asdict``; fields that have a default may be missing."""
    try:
        data = json.loads(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise _plan_checks.no_json(error) from None
    return _read(kind, data, "")


def _read(kind: Any, data: Any, place: str) -> Any:
    """A value of that type; of a union, which is checked where it is used, lists become tuples."""
    if is_dataclass(kind):
        return kind(**_fields(kind, data, place))  # type: ignore[operator]  # mypy thinks that it may be an instance
    if hasattr(kind, "_fields"):  # a named tuple
        return kind(*_items(kind.__annotations__.values(), data, place))
    if get_origin(kind) is tuple:
        first, *rest = get_args(kind)
        endless = rest == [...]
        return tuple(_items((first,) * len(_list(data, place)) if endless else (first, *rest), data, place))
    if get_origin(kind) is Literal and data not in get_args(kind):
        raise _plan_checks.no_plan_in_json(place, f"that is {data!r}, and none of {', '.join(get_args(kind))}")
    if kind in (str, int, bool) and type(data) is not kind:
        raise _plan_checks.no_plan_in_json(place, f"that is {_network_checks.kind(data)}, and no {kind.__name__}")
    return tuple(data) if isinstance(data, list) else data


def _fields(kind: Any, data: Any, place: str) -> dict[str, Any]:
    """The fields of a dataclass by name."""
    held = {field.name: field for field in fields(kind)}
    if not isinstance(data, dict):
        raise _plan_checks.no_plan_in_json(place, f"that is {_network_checks.kind(data)}, and no object")
    if missing := [name for name, field in held.items() if field.default is MISSING and name not in data]:
        raise _plan_checks.no_plan_in_json(place, f"without {missing[0]!r}")
    if strange := [name for name in data if name not in held]:
        raise _plan_checks.no_plan_in_json(place, f"with {strange[0]!r}, which is unknown")
    return {name: _read(held[name].type, value, f"{place}.{name}".lstrip(".")) for name, value in data.items()}


def _items(kinds: Any, data: Any, place: str) -> list[Any]:
    """The items of a list, each of its type."""
    if len(_list(data, place)) != len(kinds):
        raise _plan_checks.no_plan_in_json(place, f"that is a list of {len(data)}, and not of {len(kinds)}")
    return [
        _read(kind, item, f"{place}[{number}]") for number, (kind, item) in enumerate(zip(kinds, data, strict=True))
    ]


def _list(data: Any, place: str) -> list[Any]:
    """A list, which it must be."""
    if not isinstance(data, list):
        raise _plan_checks.no_plan_in_json(place, f"that is {_network_checks.kind(data)}, and no list")
    return data
