"""A model that fits no machine: 405 billion parameters, planned, cut for 1,024 ranks, and checked, on one core.

The layers have the published shapes of the largest Llama 3.1. Eight ranks share each matrix by tensor parallelism
(whole heads, and the outputs or inputs that go with them), and 128 such groups share the rows of what these hold, as
FSDP does. All windows of all ranks are listed; those of one rank are built one after the other; of 500 that are drawn
from all ranks, entries are compared with the definition, in plain Python. Nothing is ever built whole. NumPy alone,
some ten seconds: ``python examples/llama_405b.py``.
"""

import random
from collections.abc import Iterator
from itertools import product
from math import prod
from time import perf_counter
from typing import Any

import numpy as np

import zero_array
from zero_array.recipes import RECIPES, Parameter, Plan, plan

LAYERS, WIDTH, INNER, HEADS, KEYS, VOCABULARY = 126, 16384, 53248, 128, 8, 128256
OUTSIDE, INSIDE = 128, 8
"""How many groups of ranks there are, and how many ranks in each."""
DTYPE = np.dtype("float32")

Window = tuple[tuple[int, int], ...]


def parameters() -> Iterator[Parameter]:
    """Every parameter of the model, by name, kind and shape."""
    size = WIDTH // HEADS
    matrices = {
        "query": (HEADS * size, WIDTH),
        "key": (KEYS * size, WIDTH),
        "value": (KEYS * size, WIDTH),
        "output": (WIDTH, HEADS * size),
        "gate": (INNER, WIDTH),
        "up": (INNER, WIDTH),
        "down": (WIDTH, INNER),
    }
    yield Parameter("embedding", "embedding", (VOCABULARY, WIDTH))
    for layer in range(LAYERS):
        for name in ("attention_norm", "inner_norm"):
            yield Parameter(f"{layer}.{name}", "norm", (WIDTH,))
        for name, shape in matrices.items():
            yield Parameter(f"{layer}.{name}", "linear", shape)
    yield Parameter("norm", "norm", (WIDTH,))
    yield Parameter("head", "linear", (VOCABULARY, WIDTH))


def planned() -> Plan:
    """What each parameter starts as; the paper leaves the embedding and the head open."""
    overrides: Any = {"*.key": "zeros", "*.value": "zeros", "*.down": "zeros", "embedding": "hadamard"}
    return plan(list(parameters()), RECIPES["transformer"], overrides=overrides)


def cut(start: int, stop: int, parts: int, number: int) -> tuple[int, int]:
    """One part of a range, as torch cuts it: all parts are of one length, but for the last ones."""
    length = -(-(stop - start) // parts)
    first = min(start + number * length, stop)
    return first, min(first + length, stop)


def window(parameter: Parameter, rank: int) -> Window:
    """What a rank holds of a parameter; each of a group holds all of a norm."""
    group, place = divmod(rank, INSIDE)
    ends = [(0, size) for size in parameter.shape]
    if len(ends) == 2:
        shared = 1 if parameter.name.endswith(("output", "down")) else 0
        ends[shared] = cut(*ends[shared], INSIDE, place)
    ends[0] = cut(*ends[0], OUTSIDE, group)
    return tuple(ends)


def size(part: Window) -> int:
    """How many entries a window has."""
    return prod(stop - start for start, stop in part)


def build(fill: str, shape: tuple[int, ...], part: Window) -> Any:
    """A window of a parameter that starts as `fill`."""
    if fill in ("zeros", "ones"):
        return np.full([stop - start for start, stop in part], float(fill == "ones"), DTYPE)
    init = zero_array.hadamard_init if fill == "hadamard" else zero_array.identity_init
    return init(shape, dtype=DTYPE, window=part)


def entry(fill: str, shape: tuple[int, ...], index: tuple[int, ...]) -> float:
    """One entry of a parameter by the definition."""
    if fill in ("zeros", "ones"):
        return float(fill == "ones")
    out, into = index
    if fill == "identity":
        return float(out == into)
    constant: float = 2.0 ** (-(max(shape) - 1).bit_length() / 2)
    return -constant if (out & into).bit_count() % 2 else constant


def drawn(part: Window, rng: random.Random, count: int) -> list[tuple[int, ...]]:
    """The corners of a window, some places on the diagonal where it has any, and `count` others."""
    places = list(product(*((start, stop - 1) for start, stop in part)))
    low, high = max(start for start, _ in part), min(stop for _, stop in part)
    places += [(rng.randrange(low, high),) * len(part) for _ in range(8 if low < high else 0)]
    return places + [tuple(rng.randrange(*ends) for ends in part) for _ in range(count)]


def is_right(fill: str, shape: tuple[int, ...], part: Window, array: Any, places: list[tuple[int, ...]]) -> bool:
    """Whether the entries at some places of a window have the bits of the definition."""
    starts = [start for start, _ in part]
    found = array[tuple(np.asarray(places).T - np.asarray(starts)[:, None])]
    expected = np.asarray([entry(fill, shape, place) for place in places], DTYPE)
    return bool(found.tobytes() == expected.tobytes())


def run(windows: int = 500, entries: int = 1000, seed: int = 0) -> dict[str, float]:
    """List, build and check; the figures."""
    start = perf_counter()
    entered, rng = planned(), random.Random(seed)
    held = [sum(size(window(item.parameter, rank)) for item in entered) for rank in range(OUTSIDE * INSIDE)]
    listed = perf_counter()
    rank = rng.choice([rank for rank, count in enumerate(held) if count == max(held)])
    largest = 0
    for item in entered:
        largest = max(largest, build(item.fill, item.parameter.shape, window(item.parameter, rank)).nbytes)
    built = perf_counter()
    right = done = 0
    while done < windows:
        item, rank = rng.choice(entered.entries), rng.randrange(OUTSIDE * INSIDE)
        fill, shape, part = item.fill, item.parameter.shape, window(item.parameter, rank)
        if size(part):
            done += 1
            right += is_right(fill, shape, part, build(fill, shape, part), drawn(part, rng, entries))
    return {
        "parameters": sum(prod(item.parameter.shape) for item in entered),
        "windows": len(entered) * len(held),
        "held": sum(held),
        "list seconds": listed - start,
        "most bytes": max(held) * DTYPE.itemsize,
        "least bytes": min(held) * DTYPE.itemsize,
        "rank seconds": built - listed,
        "largest bytes": largest,
        "right": right,
        "check seconds": perf_counter() - built,
    }


def main() -> None:
    """Print the figures."""
    found = run()
    print("{parameters:,} parameters; {windows:,} windows listed in {list seconds:.1f} s".format(**found))
    print("a rank holds {least bytes:,} to {most bytes:,} bytes of {dtype}".format(**found, dtype=DTYPE))
    print("one rank built in {rank seconds:.1f} s, of windows of {largest bytes:,} bytes at most".format(**found))
    print("of 500 windows of all ranks, {right} are right, seen in {check seconds:.1f} s".format(**found))


if __name__ == "__main__":
    main()
