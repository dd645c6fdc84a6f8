"""Against what a user of JAX has, and under ``jax.jit``."""

import os
from importlib import import_module
from math import prod
from time import perf_counter
from typing import Any

import jax
import jax.numpy as jnp
import pytest

import zero_array


@pytest.fixture(autouse=True)
def only_jax(backend: Any) -> None:
    """These races are JAX's."""
    if backend.name != "jax":
        pytest.skip("JAX only")


@pytest.mark.parametrize("shape", [(1024, 1024), (2048, 2048), (4096, 1024), (8192, 8192), (50257, 768)], ids=str)
def bench_jit(race: Any, size_limit: int, benchmark: Any, shape: tuple[int, ...]) -> None:
    """Under the caller's own jit; the first call, which compiles, is timed too."""
    if prod(shape) > size_limit:
        pytest.skip("--quick")
    ours = jax.jit(lambda: zero_array.hadamard_init(shape, xp=jnp, dtype="float32"))
    start = perf_counter()
    ours().block_until_ready()
    benchmark.extra_info["first call"] = perf_counter() - start
    race(
        ours,
        jax.jit(lambda: jnp.ones(shape, dtype=jnp.float32)),
        work=f"jit(hadamard_init)({shape}) float32",
        against="ones",
        bar=1.5,
        entries=prod(shape),
    )


os.environ["KERAS_BACKEND"] = "jax"
keras = import_module("keras.initializers")


def keras_makes(name: str) -> Any:
    """An initialiser of Keras's, as JAX's are called; its random ones begin with the same seed each time."""
    make = getattr(keras, name)
    return lambda key, shape, dtype: make()(shape, dtype="float32")


PEERS = {
    "he_normal": (jax.nn.initializers.he_normal(), (1024, 1024)),
    "orthogonal": (jax.nn.initializers.orthogonal(), (1024, 1024)),
    "keras Orthogonal": (keras_makes("Orthogonal"), (1024, 1024)),
    "keras Identity": (keras_makes("Identity"), (1024, 1024)),
    "delta_orthogonal": (jax.nn.initializers.delta_orthogonal(), (3, 3, 256, 512)),
}


@pytest.mark.parametrize("peer", PEERS)
def bench_initializers(race: Any, peer: str) -> None:
    """JAX's own initialisers, compiled."""
    make, shape = PEERS[peer]
    key = jax.random.key(0)
    race(
        lambda: zero_array.zero_init(shape, xp=jnp, in_axis=-2, out_axis=-1, dtype="float32"),
        jax.jit(lambda: make(key, shape, jnp.float32)),
        work=f"zero_init({shape})",
        against=peer if peer.startswith("keras") else f"jax.nn.initializers.{peer}",
        entries=prod(shape),
    )
