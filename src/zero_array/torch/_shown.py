"""What a tensor shows of a parameter: the parameter itself, a view of it, a copy, or a multiple."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import torch
from torch import Tensor

from ._ops import ELEMENTWISE


class Shown(NamedTuple):
    """A tensor that is a parameter in other words.

    Attributes
    ----------
    name : str
        The parameter.
    tensor : Tensor
        What shows it; on the meta device where nothing is run.
    base : Tensor, optional
        The same memory with the axes of the parameter; None where that is not known.
    """

    name: str
    tensor: Tensor
    base: Tensor | None

    def viewed(self, tensor: Tensor) -> Self:
        """A view of it."""
        return self._replace(tensor=tensor)

    def moved(self, tensor: Tensor) -> Self:
        """The same elsewhere in memory."""
        if tensor.ndim != 2:
            return self._replace(tensor=tensor, base=tensor if tensor.ndim == self.tensor.ndim else None)
        turned = self.is_turned()
        return self._replace(tensor=tensor, base=None if turned is None else tensor.t() if turned else tensor)

    def is_turned(self) -> bool | None:
        """Whether the last two axes are those of a matrix the other way round; None where they are neither."""
        view, base = self.tensor, self.base
        if base is None or base.ndim != 2 or view.ndim < 2:
            return None
        if any(size > 1 and stride for size, stride in zip(view.shape[:-2], view.stride()[:-2], strict=True)):
            return None  # cut into heads

        def has(*axes: int) -> bool:
            pairs = zip(view.shape[-2:], view.stride()[-2:], axes, strict=True)
            return all(size <= base.shape[axis] and stride == base.stride(axis) for size, stride, axis in pairs)

        return False if has(0, 1) else True if has(1, 0) else None


def multiplied(op: str, used: Sequence[Shown], result: Tensor) -> Shown | None:
    """The matrix of which a result without activations is a multiple, or the like: it is still that matrix."""
    is_matrix = result.ndim == 2 or sum(size > 1 for size in result.shape) > 1  # a gain of a kernel has one long axis
    whole = [shown for shown in used if shown.tensor.shape == result.shape]
    return whole[0].moved(result) if is_matrix and op in ELEMENTWISE and len(whole) == 1 else None


def use(shown: Shown, op: str, place: int, count: int, *, is_factor: bool) -> str:
    """What an operation uses a parameter for, its operand at that place of so many.

    That is "linear" where its rows are the outputs of a layer, "matmul" where its columns are, and "add" of a bias.
    A factor, which is multiplied by another parameter, does not show which.
    """
    if op in {"conv", "linear"} and place > 1:
        return "add"
    if op not in {"linear", "matmul"}:
        return op
    turned = None if is_factor else shown.is_turned()
    if turned is None:
        return "other"
    return "matmul" if turned == (op == "linear" or place < count - 1) else "linear"


def bare(tensor: Tensor) -> Tensor:
    """A tensor without the wrappers that `torch.vmap` and its like have put around it."""
    while torch._C._functorch.is_functorch_wrapped_tensor(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)
    return tensor


def storage(tensor: Tensor) -> int:
    """The identity of the memory that a tensor shows; of a sparse one, which has none that is its own, its own."""
    try:
        return int(tensor.untyped_storage()._cdata)  # data_ptr() is 0 on meta
    except NotImplementedError:
        return id(tensor)
