"""Kernels that are not what their layer needs: findings for which its type must be known."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from .._findings import Finding


def kernels(model: nn.Module) -> Iterator[Finding]:
    """Look at each convolution of a model."""
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.conv._ConvNd) and isinstance(module.weight, Tensor):  # the ancestor of all
            yield from _kernel(f"{name}.weight" if name else "weight", module, module.weight.detach())


def _kernel(name: str, module: nn.modules.conv._ConvNd, weight: Tensor) -> Iterator[Finding]:
    taps = [size for size in module.kernel_size]
    used = weight.flatten(2).ne(0).any(0).any(0).nonzero().flatten().tolist()
    if len(used) != 1:
        if len(taps) == 2 and _is_turned(weight):
            yield Finding(
                "warning",
                name,
                "wrong orientation",
                "the identity lies in the axes of the kernel: it was made for (height, width, in, out), and this is "
                "(out, in, height, width)",
                "zero_array.torch.zero_init_(weight), or zero_init(shape, in_axis=1, out_axis=0)",
            )
        return
    tap = [int(axis) for axis in torch.unravel_index(torch.tensor(used[0]), taps)]
    if module.padding == "same" and not module.transposed:
        identity = [(size - 1) * step // 2 // step for size, step in zip(taps, module.dilation, strict=True)]
        if tap != identity and tap == [size // 2 for size in taps]:
            yield Finding(
                "warning",
                name,
                "even kernel",
                f"its one tap is {tap}, and under padding='same' the identity lies at {identity}: it shifts the image",
                "zero_init_(weight, center='same'), which zero_array.torch.init_(model) chooses by itself",
            )
    values = weight.flatten(2)[:, :, used[0]]
    if module.groups == weight.shape[0] > 1 and weight.shape[1] == 1 and bool((values == values[0]).all()):
        constant = float(values[0])
        if constant != 1.0:
            yield Finding(
                "warning",
                name,
                "depthwise constant",
                f"each of its {module.groups} channels is multiplied by {constant:g}: the first column of one matrix, "
                "where each group wants its own",
                f"zero_array.torch.zero_init_(weight, groups={module.groups}), which makes it the identity",
            )


def _is_turned(weight: Tensor) -> bool:
    """Whether its last two axes hold a partial identity, at one place of the first two."""
    places = weight.flatten(2).ne(0).any(2).nonzero()
    if len(places) != 1:
        return False
    matrix = weight[tuple(places[0].tolist())]
    return min(matrix.shape) > 1 and bool((matrix == torch.eye(*matrix.shape, dtype=matrix.dtype)).all())
