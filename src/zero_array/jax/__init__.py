"""ZerO for JAX: initialisers as in ``jax.nn.initializers``, and whole models: trees of parameters, and a function."""

from ._audit import audit
from ._initializers import hadamard_init, identity_init, zero_init
from ._tree import init

__all__ = ["audit", "hadamard_init", "identity_init", "init", "zero_init"]
