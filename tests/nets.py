"""A residual network and a transformer, written in each framework, and the digests that their weights have in all.

The digests are those of what plain Python makes (`reference`) in torch's layout, ``(out, in, *kernel)``, float32.
"""

import hashlib
from typing import Any

RESNET = {
    "stem": (8, 3, 3, 3),
    "one.first": (8, 8, 3, 3),
    "one.second": (8, 8, 3, 3),
    "two.first": (16, 8, 3, 3),
    "two.second": (16, 16, 3, 3),
    "two.shortcut": (16, 8, 1, 1),
    "head": (10, 16),
}
"""Blocks ``relu(x + norm(second(relu(norm(first(x))))))``, the second with stride 2 and a 1x1 shortcut."""

TRANSFORMER = {
    "patches": (12, 3, 2, 2),
    "query": (12, 12),
    "key": (12, 12),
    "value": (12, 12),
    "out": (12, 12),
    "up": (48, 12),
    "down": (12, 48),
    "head": (10, 12),
}
"""Patches of two by two, two heads of size 6, pre-norm, GELU, the mean over tokens, norms at both ends."""

NETS = {"resnet": RESNET, "transformer": TRANSFORMER}
OPTIONS: dict[str, dict[str, Any]] = {"resnet": {}, "transformer": {"head": "algorithm1"}}
ZEROS = {"one.second", "two.second", "key", "value", "down"}

SERIES = {("zeros in series", "one.first"), ("zeros before a ReLU", "one.first"), ("zero gradient", "")}
"""The errors that the audit finds in the residual network where both convolutions of block one are zero; the last is of
their norms, which have other names in each framework."""

DIGESTS = {
    "resnet": {
        "stem": "cd98a65d2659df2d",
        "one.first": "92eec41db1fa4005",
        "one.second": "cfc335996cfae29f",
        "two.first": "8a089c6930b3d07f",
        "two.second": "2d07a41ae9927700",
        "two.shortcut": "0692589773f0c738",
        "head": "516e0a2c74287142",
    },
    "transformer": {
        "patches": "447c9cb3d002edfe",
        "query": "a6360e7408a3fa1b",
        "key": "1a0295f4bf5986c5",
        "value": "1a0295f4bf5986c5",
        "out": "a6360e7408a3fa1b",
        "up": "1163ec72f38dd530",
        "down": "cfc335996cfae29f",
        "head": "4ea011242bfc8ea9",
    },
}
"""The first 16 digits of the SHA-256 of each weight's bytes, little-endian, C-order."""


def made() -> dict[str, dict[str, str]]:
    """The digests of the reference, cut to 16 digits."""
    from cases import Case
    from reference import flat, to_bytes, weight

    def digest(name: str, shape: tuple[int, ...]) -> str:
        entries = list(flat(weight(Case(name, "zero", shape, {}))))
        return short(to_bytes([0.0] * len(entries) if name in ZEROS else entries, "float32"))

    return {net: {name: digest(name, shape) for name, shape in layers.items()} for net, layers in NETS.items()}


def short(data: bytes) -> str:
    """The first 16 digits of a digest."""
    return hashlib.sha256(data).hexdigest()[:16]


def found(weights: dict[str, Any]) -> dict[str, str]:
    """The digests of some arrays, which NumPy knows, in torch's layout."""
    import numpy

    arrays = {name: numpy.ascontiguousarray(array) for name, array in weights.items()}
    assert {str(array.dtype) for array in arrays.values()} == {"float32"}
    return {name: short(array.tobytes()) for name, array in arrays.items()}
