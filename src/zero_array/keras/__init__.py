"""ZerO for Keras 3, on any of its backends: initialisers, and whole models."""

from ._audit import audit
from ._initializers import HadamardInit, IdentityInit, ZeroInit
from ._model import init

__all__ = ["HadamardInit", "IdentityInit", "ZeroInit", "audit", "init"]
