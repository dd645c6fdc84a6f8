"""cubed's two namespaces."""

import cubed
import cubed.array_api

import zero_array
from zero_array._host import to_bytes


def test_either_namespace() -> None:
    """The array namespace makes the same lazy array as the package that holds it."""
    arrays = [zero_array.zero_init((96, 64), xp=xp, dtype="float32") for xp in (cubed, cubed.array_api)]
    assert all(isinstance(array, cubed.Array) for array in arrays)
    assert {to_bytes(array) for array in arrays} == {to_bytes(zero_array.zero_init((96, 64), dtype="float32"))}
