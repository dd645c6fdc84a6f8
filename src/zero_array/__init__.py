"""ZerO weights in any array library: the same bits everywhere, large ones at the speed of writing memory.

ZerO (arXiv 2110.12661) starts a network from zeros and ones only, up to a scale: partial identities, and Hadamard
matrices where a layer widens. It needs no random numbers. ZerO is not zeros.
"""

from ._auditing._audit import audit
from ._hadamard import hadamard
from ._init import hadamard_init, identity_init, zero_init
from ._orders import hadamard_factors
from ._stream import compare
from ._transform import hadamard_transform
from ._weight import DEFINITION

__all__ = [
    "DEFINITION",
    "audit",
    "compare",
    "hadamard",
    "hadamard_factors",
    "hadamard_init",
    "hadamard_transform",
    "identity_init",
    "zero_init",
]
