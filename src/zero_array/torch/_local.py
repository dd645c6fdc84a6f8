"""Which part of a tensor this process holds, and whether it may be written."""

import torch

from .. import _checks
from .._typing import Window


def may_write(tensor: torch.Tensor) -> bool:
    """Whether a tensor has data, and is not one that transformers has loaded already."""
    return not tensor.is_meta and not getattr(tensor, "_is_hf_initialized", False)


def local_part(tensor: torch.Tensor) -> tuple[torch.Tensor, Window]:
    """The part of a tensor that this process holds, and the window of the whole that it is.

    Parameters
    ----------
    tensor : torch.Tensor
        A DTensor, as made by FSDP and tensor parallelism; or a plain tensor, whose only part is itself.

    Returns
    -------
    tensor : torch.Tensor
        The plain local tensor, which shares its memory with `tensor`.
    window : tuple of (int, int)
        Its place in the whole: ``(start, stop)`` for each axis.

    Raises
    ------
    TypeError, ValueError
        If there is no such window: the DTensor is partial (a sum over processes), or its local tensor does not have the
        shape that its placement says.

    Examples
    --------
    >>> import torch
    >>> import zero_array.torch
    >>> local, window = zero_array.torch.local_part(torch.empty(4, 3))
    >>> window
    ((0, 4), (0, 3))
    """
    if not isinstance(tensor, torch.Tensor):
        raise _checks.no_tensor(tensor)
    if not hasattr(tensor, "device_mesh"):
        return tensor, tuple((0, size) for size in tensor.shape)
    # writing through views of a DTensor does nothing, without a word: its local tensor is written instead
    from torch.distributed.tensor._utils import compute_local_shape_and_global_offset

    local = tensor.to_local()
    placements = tensor.placements
    shape, offset = compute_local_shape_and_global_offset(tensor.shape, tensor.device_mesh, placements)
    if any(place.is_partial() for place in placements):
        raise _checks.no_plain_tensor(f"a DTensor placed by {placements}")
    if tuple(shape) != tuple(local.shape):
        raise _checks.other_part(tuple(local.shape), tuple(shape), tuple(tensor.shape))
    return local, tuple((start, start + size) for start, size in zip(offset, shape, strict=True))
