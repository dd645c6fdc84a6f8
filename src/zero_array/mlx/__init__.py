"""ZerO for MLX: initialisers as in ``mlx.nn.init``, and whole models."""

from ._initializers import hadamard_init, identity_init, zero_init
from ._model import init

__all__ = ["hadamard_init", "identity_init", "init", "zero_init"]
