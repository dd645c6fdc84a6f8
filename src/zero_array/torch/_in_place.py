"""ZerO weights in place: the custom of ``torch.nn.init``.

Each function fills the tensor that it is given and returns it, without a gradient, whatever its dtype, device, strides
and memory format; a tensor that it refuses is left as it was.
"""

from collections.abc import Iterator
from typing import Any

import torch

from .. import _checks, _namespace, _products, _signs
from .._target import Target
from .._typing import Center, Choice, Order, Rule, Scale
from .._weight import Weight, weight
from ._local import local_part, may_write


def identity_init_(
    tensor: torch.Tensor, *, groups: int = 1, transposed: bool = False, center: Center = "paper"
) -> torch.Tensor:
    """Fill a tensor with a partial identity: ones where output and input have the same index, zeros elsewhere.

    Parameters
    ----------
    tensor : torch.Tensor
        ``(out, in / groups, *kernel)``, the weight of ``nn.Linear`` or ``nn.Conv1d`` to ``nn.Conv3d``; float64,
        float32, float16 or bfloat16. On the meta device, and if flagged ``_is_hf_initialized``, it is left as it is.
    groups : int
        The layer's number of groups.
    transposed : bool
        True for the weight of ``nn.ConvTranspose1d`` to ``3d``, ``(in, out / groups, *kernel)``.
    center : {"paper", "same"} or int or sequence of int
        The tap that holds the matrix: ``k // 2`` (as in ``torch.nn.init.dirac_``), ``(k - 1) // 2`` (the identity of
        ``padding="same"``), or one int per kernel axis.

    Returns
    -------
    torch.Tensor
        `tensor`.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind, or has a wrong value. The tensor is not changed then.

    Notes
    -----
    After a KeyboardInterrupt the tensor holds part of the weight: call again.

    References
    ----------
    Zhao, Schäfer, Anandkumar, "ZerO Initialization", arXiv 2110.12661, Definition 1.

    Examples
    --------
    >>> import torch
    >>> import zero_array.torch
    >>> zero_array.torch.identity_init_(torch.empty(2, 3))
    tensor([[1., 0., 0.],
            [0., 1., 0.]])
    """
    return _init_("identity", tensor, groups=groups, transposed=transposed, center=center)


def hadamard_init_(
    tensor: torch.Tensor,
    *,
    groups: int = 1,
    transposed: bool = False,
    center: Center = "paper",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
) -> torch.Tensor:
    """Fill a tensor with a slice of a scaled Hadamard matrix.

    Parameters
    ----------
    tensor, groups, transposed, center
        As in `identity_init_`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Returns
    -------
    torch.Tensor
        `tensor`.

    Raises
    ------
    TypeError, ValueError
        As in `identity_init_`.

    References
    ----------
    Zhao, Schäfer, Anandkumar, "ZerO Initialization", arXiv 2110.12661, Definition 2.

    Examples
    --------
    >>> import torch
    >>> import zero_array.torch
    >>> zero_array.torch.hadamard_init_(torch.empty(2, 2), scale="paper")
    tensor([[ 1.,  1.],
            [ 1., -1.]])
    """
    return _init_(
        "hadamard",
        tensor,
        groups=groups,
        transposed=transposed,
        center=center,
        scale=scale,
        order=order,
        columns=columns,
    )


def zero_init_(
    tensor: torch.Tensor,
    *,
    groups: int = 1,
    transposed: bool = False,
    center: Center = "paper",
    scale: Scale = "orthonormal",
    order: Order = "pad",
    columns: Choice = "first",
) -> torch.Tensor:
    """Fill a tensor with a ZerO weight: a partial identity, or a Hadamard slice where the layer widens.

    ZerO is not zeros: for those, use ``torch.nn.init.zeros_``.

    Parameters
    ----------
    tensor, groups, transposed, center
        As in `identity_init_`.
    scale, order, columns
        As in `zero_array.hadamard_init`.

    Returns
    -------
    torch.Tensor
        `tensor`.

    Raises
    ------
    TypeError, ValueError
        As in `identity_init_`.

    References
    ----------
    Zhao, Schäfer, Anandkumar, "ZerO Initialization", arXiv 2110.12661, Algorithms 1 and 2.

    Examples
    --------
    >>> import torch
    >>> import zero_array.torch
    >>> layer = torch.nn.Linear(2, 4, bias=False)
    >>> zero_array.torch.zero_init_(layer.weight)
    Parameter containing:
    tensor([[ 0.5000,  0.5000],
            [ 0.5000, -0.5000],
            [ 0.5000,  0.5000],
            [ 0.5000, -0.5000]], requires_grad=True)
    """
    return _init_(
        None,
        tensor,
        groups=groups,
        transposed=transposed,
        center=center,
        scale=scale,
        order=order,
        columns=columns,
    )


@torch.no_grad()
def _init_(rule: Rule | None, tensor: torch.Tensor, *, transposed: bool, **layout: Any) -> torch.Tensor:
    """Check, then fill; ``rule=None`` is Algorithm 1's choice."""
    if not isinstance(tensor, torch.Tensor):
        raise _checks.no_tensor(tensor)
    if isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
        raise _checks.no_shape(tensor)
    if tensor.layout != torch.strided:
        raise _checks.no_plain_tensor(f"the layout {tensor.layout}")
    _namespace.dtype(torch, tensor.dtype)
    if tensor.ndim < 2:
        raise _checks.no_matrix(tuple(tensor.shape))
    if tensor.numel() == 0:
        return tensor
    axes: dict[str, Any] = {"in_axis": 0, "out_axis": 1} if transposed else {"in_axis": 1, "out_axis": 0}
    wanted = weight(rule, tensor.shape, window=None, transposed=transposed, **axes, **layout)
    if may_write(tensor):
        local, window = local_part(tensor)
        fill_(local, wanted.part(window))
    return tensor


def fill_(tensor: torch.Tensor, wanted: Weight) -> None:
    """Write the window of a weight into a tensor of the window's shape, wherever its elements lie in memory."""
    kernel = [axis for axis, tap in enumerate(wanted.taps) if tap is not None]
    if wanted.rule == "identity" or wanted.centre(kernel)[1] > 1 or wanted.is_zero():
        tensor.zero_()
    if wanted.is_zero():
        return
    matrix = tensor
    for axis in reversed(kernel):
        matrix = matrix.select(axis, (wanted.taps[axis] or 0) - wanted.window[axis][0])
    if wanted.out_axis > wanted.in_axis:
        matrix = matrix.T
    for rows, row_start in _pieces(*wanted.window[wanted.out_axis], wanted.outputs):
        for cols, col_start in _pieces(*wanted.window[wanted.in_axis], wanted.inputs):
            blocks = matrix.narrow(0, rows[0], rows[1] * rows[2]).narrow(1, cols[0], cols[1] * cols[2])
            blocks = blocks.unflatten(0, rows[1:]).unflatten(2, cols[1:])
            if wanted.rule == "identity":
                blocks.diagonal(row_start - col_start, 1, 3).fill_(1.0)
                continue
            if wanted.is_plain():
                _hadamard_(blocks[0, :, 0], wanted.constant, row_start, col_start)
            else:
                _product_(blocks[0, :, 0], wanted, row_start, col_start)
            if rows[1] * cols[1] > 1:
                blocks.copy_(blocks[:1, :, :1].clone())


def _pieces(start: int, stop: int, period: int) -> Iterator[tuple[tuple[int, int, int], int]]:
    """Cut a range at the edges of its groups: ``((offset, groups, length), first index in the group)``."""
    offset = start
    if offset % period:  # the rest of a group
        length = min(period - offset % period, stop - offset)
        yield (0, 1, length), offset % period
        offset += length
    whole = (stop - offset) // period
    if whole:
        yield (offset - start, whole, period), 0
        offset += whole * period
    if offset < stop:  # the beginning of a group
        yield (offset - start, 1, stop - offset), 0


def _hadamard_(matrix: torch.Tensor, constant: float, row: int, col: int) -> None:
    """Write ``constant * H[row:, col:]`` into a matrix of any strides."""
    target = Target(_namespace.namespace(torch), matrix.dtype, {"device": matrix.device})
    height, width = matrix.shape
    rows, cols = (row, row + height), (col, col + width)
    if height * width <= _signs.MEDIUM:
        matrix.copy_(_signs.window(target, constant, rows, cols))
        return
    length = min(_signs.longest_run(height * width), (col | width) & -(col | width))
    if matrix.is_contiguous() and length >= 32 and height >= length:
        table = _signs.table(target, length, constant, negated=True)
        first = _signs.first_runs(target, length, _signs.bands_of(rows, length), _signs.bands_of(cols, length))
        run = _signs.runs(target, first, length, rows)
        torch.index_select(table, 0, run.flatten(), out=matrix.view(-1, length))
        return
    length = _signs.band_length(height)
    high, low = _signs.factors(target, constant, rows, cols, length)
    skipped = -row % length  # rows before the first whole band
    bands = (height - skipped) // length
    rest = height - skipped - bands * length
    multiply = torch.mul
    if matrix.element_size() == 2:  # as `_signs.signed` does
        matrix, low, high = (part.view(torch.int16) for part in (matrix, low, high))
        high, multiply = high & -(2**15), torch.bitwise_xor
    multiply(high[:1], low[length - skipped :], out=matrix[:skipped])
    middle = high[1 if skipped else 0 :][:bands]
    multiply(middle.unsqueeze(1), low, out=matrix[skipped : height - rest].unflatten(0, (bands, length)))
    multiply(high[-1:], low[:rest], out=matrix[height - rest :])


def _product_(matrix: torch.Tensor, wanted: Weight, row: int, col: int) -> None:
    """Write the part of a block from `row` and `col` on, of any order and columns, into a matrix of any strides."""
    target = Target(_namespace.namespace(torch), matrix.dtype, {"device": matrix.device})
    cols = _products.columns(target, wanted, col, col + matrix.shape[1])
    step = max(1, (_products.FEW if _products.is_looked_up(wanted.factors) else 2**20) // matrix.shape[1])
    for part in matrix.split(step):
        rows, row = (row, row + part.shape[0]), row + part.shape[0]
        part.copy_(_products.window(target, wanted.factors, wanted.constant, rows, cols))
