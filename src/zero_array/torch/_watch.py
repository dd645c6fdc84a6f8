"""What one run of a model shows: where activations are zero, no numbers or dead, and how sharp its softmaxes are."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .. import _host
from .._learning._seen import Rectifier, Softmax, softmax
from .._planning._graph import Node
from ._ops import op
from ._record import Record

_RECTIFIERS = {"relu", "relu6"}
_MOST = 1 << 22  # scores of an attention that are looked at


class Watch(Record):
    """A record that also keeps what the activations are."""

    def __init__(self, model: nn.Module, names: dict[int, str], weights: set[str]) -> None:
        super().__init__(model, names, weights)
        self.largest: dict[int, float] = {}  # of each node, the largest absolute entry
        self.softmaxes: list[Softmax] = []
        self.rectifiers: list[Rectifier] = []

    def _add(self, tensors: list[Tensor], node: Node) -> None:
        """Append a node, and how large it is."""
        super()._add(tensors, node)
        for tensor in tensors:
            if id(tensor) in self.numbers and tensor.numel():
                self.largest[self.numbers[id(tensor)]] = float(tensor.abs().max())

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function, write it down, and look at what came out."""
        result = super().__torch_function__(func, types, args, kwargs)
        name = op(func)
        where = self._stack[-1] if self._stack else ""
        scores = _scores(name, func, args, kwargs or {}, result)
        if scores is not None:
            self.softmaxes += [found for found in [softmax(_host.to_floats(scores), where)] if found]
        elif name in _RECTIFIERS and isinstance(result, Tensor) and id(result) in self.numbers and result.ndim > 1:
            axis = 1 if result.ndim > 3 else result.ndim - 1
            alive = (result != 0).transpose(0, axis).flatten(1).any(1)
            dead = int(len(alive) - alive.sum())
            self.rectifiers.append(Rectifier(where, self.numbers[id(result)], dead, len(alive)))
        return result


def _scores(name: str, func: Any, args: Any, kwargs: Mapping[str, Any], result: Any) -> Tensor | None:
    """What a function puts through a softmax, its axis last; None where it is none."""
    if name == "softmax" and isinstance(result, Tensor):
        scores = args[0] if args else kwargs["input"]
        axis = kwargs.get("dim", args[1] if len(args) > 1 else -1)
        return scores.detach().float().movedim(-1 if axis is None else axis, -1)
    if name == "attention" and func is nn.functional.scaled_dot_product_attention:
        return _attention(*args, **kwargs)
    if name == "multihead" and func is nn.functional.multi_head_attention_forward:
        kept = {**kwargs, "need_weights": True, "average_attn_weights": False}
        return func(*args, **kept)[1].detach().float().log()  # minus infinity where masked
    return None


def _attention(  # noqa: PLR0917  # as torch has it
    query: Tensor,
    key: Tensor,
    value: Tensor,  # noqa: ARG001  # as above
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,  # noqa: ARG001  # as above
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """The scores of torch's fused attention; of large ones, those of the first examples."""
    if enable_gqa:
        key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
    factor = query.shape[-1] ** -0.5 if scale is None else scale
    few = max(1, _MOST // max(1, query[0].numel() // query.shape[-1] * key.shape[-2])) if query.ndim > 3 else None
    scores = (query[:few].float() @ key[:few].float().transpose(-2, -1)) * factor
    if is_causal:
        allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
        return scores.masked_fill(~allowed, -torch.inf)
    if attn_mask is None:
        return scores
    if attn_mask.ndim == query.ndim and len(attn_mask) > 1:
        attn_mask = attn_mask[:few]
    return scores.masked_fill(~attn_mask, -torch.inf) if attn_mask.dtype == torch.bool else scores + attn_mask
