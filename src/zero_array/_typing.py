"""Types of the core: what it asks of an array library, and the forms its arguments take."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

Array: TypeAlias = Any
"""An array of whichever library the namespace belongs to."""

Namespace: TypeAlias = Any
"""An array namespace: a module (or object) with the functions of the array API standard."""

DType: TypeAlias = Any
"""A dtype object of the namespace, or the name of one."""

Device: TypeAlias = Any
"""Whatever the namespace accepts as ``device=``; passed on unchanged."""

Shape: TypeAlias = tuple[int, ...]
Window: TypeAlias = tuple[tuple[int, int], ...]
"""One ``(start, stop)`` per axis."""

WindowLike: TypeAlias = Sequence[slice | Sequence[int]]
Axes: TypeAlias = int | Sequence[int]
Center: TypeAlias = Literal["paper", "same"] | int | Sequence[int]
Scale: TypeAlias = Literal["orthonormal", "paper"]
Order: TypeAlias = Literal["pad", "exact", "auto"]
Rule: TypeAlias = Literal["identity", "hadamard"]
Function: TypeAlias = Literal["identity_init", "hadamard_init", "zero_init"]
Choice: TypeAlias = Literal["first", "distinct"]
Ordering: TypeAlias = Literal["natural", "dyadic", "sequency"]
Columns: TypeAlias = Ordering | Literal["distinct"]
Head: TypeAlias = Literal["algorithm1", "zeros", "keep"]
Embeddings: TypeAlias = Literal["keep", "algorithm1"]
BranchEnd: TypeAlias = Literal["weight", "norm"]
