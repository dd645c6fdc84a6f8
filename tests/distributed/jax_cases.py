"""The sharded arrays of JAX: read by the processes that make them, and by the test, which does not import JAX."""

from typing import Any

CASES: dict[str, tuple[tuple[int, ...], dict[str, Any]]] = {
    "hadamard": ((64, 24), {}),
    "identity": ((16, 56), {}),
    "kernel": ((16, 8, 2, 8), {"center": "same"}),
    "groups": ((48, 8, 3), {"groups": 3}),
    "window": ((2**31, 2**31), {"window": ((2**31 - 40, 2**31), (2**30, 2**30 + 24))}),
}

DIRECTIONS: dict[str, tuple[tuple[str | None, str | None], int]] = {
    "down": (("a", None), 1),
    "across": ((None, "a"), 1),
    "both": (("a", "b"), 2),
    "both, turned": (("b", "a"), 2),
}
"""The mesh axes along the first two axes of an array, and in how many the mesh's second one is cut."""
