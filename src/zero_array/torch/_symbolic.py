"""The structure of a torch model by `torch.fx`: no inputs are needed, but its Python must not depend on them."""

from typing import Any

from torch import fx, nn

from .._graph import Node
from .._structure import Structure, structure
from ._ops import SAME_PARAMETER, VIEWS, op


def trace(model: nn.Module, names: dict[int, str], weights: set[str]) -> Structure:
    """The structure of a model; `names` are those of its parameters by identity, `weights` those that hold matrices."""
    nodes: list[Node] = []
    uses: dict[str, set[str]] = {}
    numbers: dict[fx.Node, int] = {}  # of activations
    raw: dict[fx.Node, str] = {}  # of parameters
    held = {name: names[id(tensor)] for name, tensor in model.named_parameters(remove_duplicate=False)}
    outputs: list[int] = []
    tracer = _Tracer()
    root = nn.Sequential(model) if tracer.is_leaf_module(model, "") else model  # of one layer, the call is traced
    for traced in tracer.trace(root).nodes:
        inputs = tuple(numbers[source] for source in traced.all_input_nodes if source in numbers)
        used = [raw[source] for source in traced.all_input_nodes if source in raw]
        if traced.op == "output":
            outputs += inputs
        elif traced.op == "get_attr" and traced.target in held:
            raw[traced] = held[traced.target]
        elif traced.args and traced.args[0] in raw and op(traced.target) in SAME_PARAMETER | VIEWS:
            raw[traced] = used[0]
        else:
            node = _node(root, traced, names)._replace(inputs=inputs)
            if used and node.op == "lookup":  # a part of it, or entries of a table
                raw[traced] = used[0]
            if used and _is_foreign(traced.target):
                raise TypeError(f"{traced.target} may do anything to {used}")
            node = node._replace(parameters=(*node.parameters, *used))
            for name in used:
                uses.setdefault(name, set()).add(node.op)
            if node.op == "embedding":
                node = node._replace(inputs=())
            if inputs or node.op in {"embedding", "input"}:
                numbers[traced] = len(nodes)
                nodes.append(node)
    return structure(nodes, outputs, uses, weights)


def _is_foreign(target: Any) -> bool:
    """Whether a function is somebody's own, so that it may hold whole layers."""
    home = getattr(target, "__module__", None) or "torch"  # methods and built-in functions have none
    return home.partition(".")[0] not in {"torch", "_operator", "builtins", "math"}


class _Tracer(fx.Tracer):
    """Looks into torch's own composed modules too."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one operation."""
        composed = type(m).__module__ == "torch.nn.modules.transformer"
        return not composed and super().is_leaf_module(m, module_qualified_name)


def _node(model: nn.Module, traced: fx.Node, names: dict[int, str]) -> Node:
    """What a node of the graph does, and the parameters of the module that it calls."""
    if traced.op == "placeholder":
        return Node("input")
    if traced.op != "call_module":
        stack = traced.meta.get("nn_module_stack", {})
        return Node(op(traced.target), where=next(reversed(stack.values()), ("",))[0])
    module = model.get_submodule(str(traced.target))
    read = tuple(names[id(tensor)] for tensor in module.parameters())
    kind = "norm" if "Norm" in type(module).__name__ else op(type(module))
    return Node(kind, parameters=read, where=str(traced.target).rpartition(".")[0])
