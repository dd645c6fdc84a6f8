"""ZerO for PyTorch: tensors in place, as in `torch.nn.init`, and whole models."""

from ._audit import audit
from ._in_place import hadamard_init_, identity_init_, zero_init_
from ._local import local_part
from ._model import init_, initializer

__all__ = ["audit", "hadamard_init_", "identity_init_", "init_", "initializer", "local_part", "zero_init_"]
