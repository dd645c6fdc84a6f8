"""The names of operations: functions, methods and modules of torch that do the same have one."""

from typing import Any

_SAME = {
    "baddbmm": "matmul",
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
    name = name.strip("_").lower()
    return "norm" if name.endswith("_norm") else _SAME.get(name, name)
