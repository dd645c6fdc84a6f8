"""What the tests of the frameworks on JAX have in common: a few steps of training."""

from collections.abc import Callable
from typing import Any

import jax
import numpy


def image() -> Any:
    """Two pictures of eight by eight."""
    return numpy.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")


def learned(function: Callable[[Any], Any], params: Any, steps: int = 5) -> set[str]:
    """The parameters that have a gradient within some clipped steps, by their paths; `function` makes the outputs."""

    def loss(params: Any) -> Any:
        outputs = function(params)
        return ((outputs - jax.numpy.arange(outputs.size).reshape(outputs.shape) % 3) ** 2).mean()

    @jax.jit
    def step(params: Any) -> Any:
        slopes = jax.grad(loss)(params)
        norm = jax.numpy.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(slopes)))
        rate = 0.1 / jax.numpy.maximum(norm, 1)
        moves = jax.tree.map(lambda slope: slope.any(), slopes)
        return jax.tree.map(lambda leaf, slope: leaf - rate * slope, params, slopes), moves

    moved = set()
    for _ in range(steps):
        params, moves = step(params)
        moved |= {jax.tree_util.keystr(path) for path, is_moved in jax.tree.leaves_with_path(moves) if is_moved}
    return moved


def paths(params: Any) -> set[str]:
    """The paths of all parameters."""
    return {jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(params)}
