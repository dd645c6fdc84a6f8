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

    moved = set()
    gradient = jax.jit(jax.grad(loss))
    for _ in range(steps):
        slopes = gradient(params)
        norm = jax.numpy.sqrt(sum((leaf**2).sum() for leaf in jax.tree.leaves(slopes)))
        moved |= {jax.tree_util.keystr(path) for path, leaf in jax.tree.leaves_with_path(slopes) if leaf.any()}
        params = jax.tree.map(lambda leaf, slope: leaf - 0.1 * slope / jax.numpy.maximum(norm, 1), params, slopes)
    return moved


def paths(params: Any) -> set[str]:
    """The paths of all parameters."""
    return {jax.tree_util.keystr(path) for path, _ in jax.tree.leaves_with_path(params)}
