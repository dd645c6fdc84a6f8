"""ZerO for Keras 3, on any of its backends: initialisers, and whole models."""

try:
    from ._audit import audit
    from ._initializers import HadamardInit, IdentityInit, ZeroInit
    from ._model import init
except ModuleNotFoundError as error:
    if error.name != "keras":  # Keras is here, and its backend is not
        raise
    raise ModuleNotFoundError("zero_array.keras needs Keras: pip install keras", name="keras") from None

__all__ = ["HadamardInit", "IdentityInit", "ZeroInit", "audit", "init"]
