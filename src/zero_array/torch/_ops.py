"""The names of operations: functions, methods and modules of torch that do the same have one."""

from collections.abc import Mapping
from typing import Any

_SAME = {
    "bmm": "matmul",
    "conv1d": "conv",
    "conv2d": "conv",
    "conv3d": "conv",
    "embedding_bag": "embedding",
    "gather": "lookup",
    "getitem": "lookup",
    "iadd": "add",
    "imul": "mul",
    "index_select": "lookup",
    "interpolate": "lookup",
    "isub": "sub",
    "itruediv": "div",
    "log_sigmoid": "logsigmoid",
    "logsoftmax": "log_softmax",
    "mm": "matmul",
    "multi_head_attention_forward": "multihead",
    "multiheadattention": "multihead",
    "multiply": "mul",
    "radd": "add",
    "rmatmul": "matmul",
    "rmul": "mul",
    "rsub": "sub",
    "scaled_dot_product_attention": "attention",
    "truediv": "div",
}

SUM_OF_PRODUCT = {"addbmm": "matmul", "addcmul": "mul", "addmm": "matmul", "baddbmm": "matmul", "lerp": "mul"}
"""What adds the product of its second and third argument to its first, and which product."""

_IN_PLACE = {"__iadd__", "__imul__", "__isub__", "__itruediv__", "__setitem__"}

LIKE = {"expand_as", "reshape_as", "to", "type_as", "view_as"}
"""What takes no more of its second operand than its shape, dtype or device."""

SAME_PARAMETER = {"bfloat16", "clone", "contiguous", "double", "expand", "float", "half", "to", "type", "type_as"}
"""What leaves a parameter the same thing, though elsewhere in memory."""

ELEMENTWISE = {"add", "div", "mul", "neg", "sub"}
"""What makes a multiple of a matrix, or the like, where it takes no activation."""

FRESH = {
    "empty_like",
    "full_like",
    "new_empty",
    "new_full",
    "new_ones",
    "new_zeros",
    "ones_like",
    "rand_like",
    "randn_like",
    "zeros_like",
}
"""What takes no more of an activation than its shape."""

VIEWS = {
    "chunk",
    "flatten",
    "permute",
    "reshape",
    "split",
    "squeeze",
    "t",
    "transpose",
    "unbind",
    "unflatten",
    "unsqueeze",
    "view",
}
"""What shows a parameter, or a part of it, in another way."""


def op(function: Any) -> str:
    """The name of a function, or of a method or module type given by name."""
    name = function if isinstance(function, str) else getattr(function, "__name__", type(function).__name__)
    name = name.partition(".")[0].strip("_").lower()
    return "norm" if name.endswith("_norm") else _SAME.get(name, name)


def is_in_place(function: Any, kwargs: Mapping[str, Any]) -> bool:
    """Whether a function, or a method given by name, changes its first argument or writes into ``out=``."""
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    name = name.partition(".")[0]  # of aten's functions, without the overload
    if kwargs.get("out") is not None:
        return True
    return name in _IN_PLACE if name.startswith("__") else name.endswith("_")
