"""The structure of a torch model by `torch.fx`: no inputs are needed, but its Python must not depend on them."""

import inspect
from typing import Any

from torch import fx, nn

from .._planning._graph import Node
from .._planning._structure import Structure, structure
from ._ops import FRESH, SAME_PARAMETER, VIEWS, op


def trace(model: nn.Module, names: dict[int, str], weights: set[str]) -> Structure:
    """The structure of a model; `names` are those of its parameters by identity, `weights` those that hold matrices."""
    tracer = _Tracer()
    root = nn.Sequential(model) if tracer.is_leaf_module(model, "") else model  # of one layer, the call is traced
    nodes: list[Node] = []
    uses: dict[str, set[str]] = {}
    numbers: dict[fx.Node, int] = {}  # of activations
    raw: dict[fx.Node, str] = {}  # of what is a parameter, or the same in other words
    reads: dict[fx.Node, tuple[str, ...]] = {}  # of what is made of parameters
    held = {name: names[id(tensor)] for name, tensor in model.named_parameters(remove_duplicate=False)}
    outputs: list[int] = []
    for traced in tracer.trace(root, _defaults(root)).nodes:
        sources: list[fx.Node] = []  # `all_input_nodes` has each once, but a product may be with itself
        fx.map_arg((traced.args, traced.kwargs), sources.append)
        inputs = tuple(numbers[source] for source in sources if source in numbers)
        used = [raw[source] for source in sources if source in raw]
        read = _read(sources, reads)
        if traced.op == "output":
            outputs += inputs
        elif traced.op == "get_attr" and traced.target in held:
            raw[traced] = held[traced.target]
            reads[traced] = (raw[traced],)
        elif traced.args and traced.args[0] in raw and op(traced.target) in SAME_PARAMETER | VIEWS:
            raw[traced], reads[traced] = used[0], read
        elif not _is_size(traced):
            node = _node(root, traced, names)
            if used and node.op == "lookup":  # a part of it, or entries of a table
                raw[traced] = used[0]
            _check_known(traced.target, used)
            given = () if node.op == "embedding" else inputs
            node = node._replace(inputs=given, parameters=(*node.parameters, *read))
            for name in used:
                uses.setdefault(name, set()).add(node.op)
            if (inputs and node.op not in FRESH) or node.op in {"embedding", "input"}:
                numbers[traced] = len(nodes)
                nodes.append(node)
            elif node.op not in FRESH:
                reads[traced] = read
    return structure(nodes, outputs, uses, weights)


def _read(sources: list[fx.Node], reads: dict[fx.Node, tuple[str, ...]]) -> tuple[str, ...]:
    """The parameters that some nodes are made of, each once."""
    return tuple(dict.fromkeys(name for source in sources for name in reads.get(source, ())))


def _check_known(target: Any, used: list[str]) -> None:
    """Refuse a function that is somebody's own, since it may hold whole layers."""
    home = getattr(target, "__module__", None) or "torch"  # methods and built-in functions have none
    if used and home.partition(".")[0] not in {"torch", "_operator", "builtins", "math"}:
        raise TypeError(f"{target} may do anything to {used}")


def _is_size(traced: fx.Node) -> bool:
    """Whether a node asks an activation for its size or the like, which no weight can change."""
    if traced.target is getattr:
        return traced.args[1] in {"device", "dtype", "is_nested", "ndim", "shape"}
    return traced.op == "call_method" and traced.target in {"dim", "numel", "size", "stride"}


class _Tracer(fx.Tracer):
    """Looks into torch's own composed modules too."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        """Whether a module is one operation."""
        composed = type(m).__module__ == "torch.nn.modules.transformer"
        return (
            not composed
            and type(m).forward is not nn.Module.forward
            and super().is_leaf_module(m, module_qualified_name)
        )


def _node(model: nn.Module, traced: fx.Node, names: dict[int, str]) -> Node:
    """What a node of the graph does, and the parameters of the module that it calls."""
    if traced.op == "placeholder":
        return Node("input")
    if traced.op != "call_module":
        stack = traced.meta.get("nn_module_stack", {})
        return Node(op(traced.target), where=next(reversed(stack.values()), ("",))[0])
    return _module(model.get_submodule(str(traced.target)), names, str(traced.target).rpartition(".")[0])


def _module(module: nn.Module, names: dict[int, str], where: str) -> Node:
    """A module that is one operation."""
    read = tuple(names[id(tensor)] for tensor in module.parameters())
    return Node("norm" if "Norm" in type(module).__name__ else op(type(module)), parameters=read, where=where)


def _defaults(model: nn.Module) -> dict[str, Any]:
    """The arguments but for the first that a caller may leave out: the model is read as it runs then."""
    known = {name: item.default for name, item in list(inspect.signature(model.forward).parameters.items())[1:]}
    return {
        name: value for name, value in known.items() if value is None or isinstance(value, bool | int | float | str)
    }
