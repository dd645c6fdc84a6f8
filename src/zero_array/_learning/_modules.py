"""Modules, where an adapter sees their parameters alone: by the names of these."""

from collections.abc import Sequence

from .._planning._graph import Node


def module(name: str) -> str:
    """The module of a parameter: its name up to the last dot or slash."""
    return name[: max(name.rfind("."), name.rfind("/"), 0)]


def last(nodes: Sequence[Node]) -> dict[str, int]:
    """Of each module with parameters, in the order of the first calls: the last node that reads one."""
    found: dict[str, int] = {}
    for number, node in enumerate(nodes):
        for name in node.parameters:
            found[module(name)] = number
    return found
