"""What a program that makes weights looks like to a type checker: NumPy alone, ``python examples/typed/weights.py``."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np
import numpy.typing as npt

import zero_array

Scale = Literal["orthonormal", "paper"]


def layers(widths: Sequence[int], scale: Scale = "orthonormal") -> list[npt.NDArray[np.float32]]:
    """The weights of an MLP."""
    return [zero_array.zero_init((out, into), dtype="float32", scale=scale) for into, out in pairwise(widths)]


def shard(shape: tuple[int, int], rank: int, of: int) -> npt.NDArray[np.float64]:
    """The rows of one process out of several."""
    rows = shape[0] // of
    window = (slice(rank * rows, (rank + 1) * rows), (0, shape[1]))
    part: npt.NDArray[np.float64] = zero_array.hadamard_init(shape, window=window, order="auto", columns="distinct")
    return part


def refused(call: Callable[[], object]) -> str:
    """What a call says that a type checker should have stopped."""
    try:
        call()
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    raise AssertionError("not refused")


def main() -> None:
    """Use every constructor, and be refused."""
    definition: int = zero_array.DEFINITION
    print("definition", definition)
    assert [weight.shape for weight in layers([3, 8, 2])] == [(8, 3), (2, 8)]
    assert np.array_equal(np.vstack([shard((16, 4), rank, 4) for rank in range(4)]), shard((16, 4), 0, 1))
    kernel = zero_array.identity_init((8, 2, 3, 3), xp=np, dtype=np.float32, groups=4, center=(1, -1))
    rotated = zero_array.hadamard_transform(kernel, axis=0, scale="orthonormal")
    assert rotated.shape == kernel.shape
    factors = zero_array.hadamard_factors(768)
    assert factors is not None
    print("768 =", *(f"{factor.kind}({factor.order})" for factor in factors))
    print(zero_array.hadamard(4, dtype="int8", ordering="sequency"))
    print(refused(lambda: zero_array.zero_init((2, 4), scale="papr")))  # type: ignore[arg-type]  # no such scale
    print(refused(lambda: zero_array.zero_init(4)))  # type: ignore[arg-type]  # a weight has two sides
    print(refused(lambda: zero_array.zero_init((2, 4), np)))  # type: ignore[call-arg]  # by keyword alone


if __name__ == "__main__":
    main()
