"""The structure of a torch model by `torch.fx`: no inputs are needed, but its Python must not depend on them."""

import inspect
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any

import torch
from torch import Tensor, fx, nn

from .._planning._decide import matrices
from .._planning._graph import Node
from .._planning._plan import Parameter
from .._planning._structure import Structure, structure
from ._ops import FRESH, LIKE, SAME_PARAMETER, SUM_OF_PRODUCT, VIEWS, is_in_place, op
from ._recurrent import Recurrent
from ._shown import Shown, multiplied, storage, use

_MORE_VIEWS = {"diagonal", "expand", "getattr", "movedim", "narrow", "select", "swapaxes", "swapdims"}


def trace(model: nn.Module, held: Sequence[Parameter]) -> Structure:
    """The structure of a model, of which `held` are the parameters."""
    tracer = _Tracer()
    root = nn.Sequential(model) if tracer.is_leaf_module(model, "") else model  # of one layer, the call is traced
    names = {id(model.get_parameter(parameter.name)): parameter.name for parameter in held}
    reader = _Reader(root, names)
    graph = tracer.trace(root, _defaults(root))
    _take_apart(graph)
    _check_in_place(graph)
    for traced in graph.nodes:
        reader.read(traced)
    return structure(reader.nodes, reader.outputs, reader.uses, matrices(held, reader.uses))


class _Reader:
    """Writes down the nodes of a graph of `torch.fx`, and how each parameter is used."""

    def __init__(self, root: nn.Module, names: dict[int, str]) -> None:
        self.nodes: list[Node] = []
        self.outputs: list[int] = []
        self.uses: dict[str, set[str]] = {}
        self._root = root
        self._names = names
        self._numbers: dict[fx.Node, int] = {}  # of activations
        self._raw: dict[fx.Node, Shown] = {}  # of what is a parameter, or the same in other words
        self._reads: dict[fx.Node, tuple[str, ...]] = {}  # of what is made of parameters
        self._values: dict[fx.Node, Any] = {}  # of some that are no activations, on the meta device

    def read(self, traced: fx.Node) -> None:
        """Note the next node."""
        sources: list[fx.Node] = []  # `all_input_nodes` has each once, but a product may be with itself
        fx.map_arg((traced.args, traced.kwargs), sources.append)
        if traced.op in {"call_function", "call_method"} and op(traced.target) in LIKE:
            sources = sources[:1]
        inputs = tuple(self._numbers[source] for source in sources if source in self._numbers)
        if traced.op == "output":
            self.outputs += inputs
        elif traced.op == "get_attr":
            self._attribute(traced)
        elif not _is_size(traced) and (inputs or not self._is_parameter(traced, sources)):
            self._operation(traced, sources, inputs)

    def _attribute(self, traced: fx.Node) -> None:
        """A tensor that the model holds."""
        tensor = attrgetter(str(traced.target))(self._root)
        value = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")
        self._values[traced] = value
        if id(tensor) in self._names:
            name = self._names[id(tensor)]
            self._raw[traced], self._reads[traced] = Shown(name, value, value), (name,)

    def _is_parameter(self, traced: fx.Node, sources: list[fx.Node]) -> bool:
        """Whether a node without activations shows a parameter, or a part of it, in another way."""
        shown = next((self._raw[source] for source in sources if source in self._raw), None)
        if shown is None:
            return False
        name = op(traced.target)
        value = shown.tensor if name in SAME_PARAMETER else _value(traced, self._values)
        first = value[0] if isinstance(value, tuple | list) else value
        is_view = isinstance(first, Tensor) and storage(first) == storage(shown.tensor)
        if not is_view and name not in VIEWS:
            return False
        self._values[traced] = value
        self._raw[traced] = shown.viewed(first) if is_view else shown._replace(base=None)
        self._reads[traced] = self._made_of(sources)
        return True

    def _operation(self, traced: fx.Node, sources: list[fx.Node], inputs: tuple[int, ...]) -> None:
        """Any other operation."""
        *before, node = _nodes(self._root, traced, self._names, inputs, len(self.nodes))
        used = {source: self._raw[source] for source in sources if source in self._raw}
        read = self._made_of(sources)
        _check_known(traced.target, used.values())
        if used and node.op == "lookup":  # entries of a table
            self._raw[traced] = next(iter(used.values()))._replace(base=None)
        matrix = None
        if used and not inputs and isinstance(value := _value(traced, self._values), Tensor):
            matrix = multiplied(node.op, list(used.values()), value)
            self._values[traced] = value
        if matrix is not None:
            self._raw[traced] = matrix
        for source, shown in used.items():
            if matrix is None or shown.name != matrix.name:
                self.uses.setdefault(shown.name, set()).add(self._use(node.op, source, sources, inputs))
        if (inputs and node.op not in FRESH) or node.op in {"embedding", "input"}:
            self.nodes += [*before, node._replace(parameters=(*node.parameters, *read))]
            self._numbers[traced] = len(self.nodes) - 1
        elif node.op not in FRESH:
            self._reads[traced] = (*node.parameters, *read)

    def _use(self, name: str, source: fx.Node, sources: list[fx.Node], inputs: tuple[int, ...]) -> str:
        """What an operation of that name uses a parameter for."""
        shown = self._raw[source]
        if name in {"mul", "div"} and inputs and sum(size > 1 for size in shown.tensor.shape) > 1:
            raise TypeError(f"whether {shown.name} is a scale is seen by the shapes of activations")
        is_factor = not inputs and sum(other in self._reads for other in sources[:2]) > 1
        return use(shown, name, sources.index(source), len(sources), is_factor=is_factor)

    def _made_of(self, sources: list[fx.Node]) -> tuple[str, ...]:
        """The parameters that some nodes are made of, each once."""
        return tuple(dict.fromkeys(name for source in sources for name in self._reads.get(source, ())))


def _value(traced: fx.Node, values: dict[fx.Node, Any]) -> Any:
    """What a node makes of what is no activation, on the meta device; None where that is not known."""
    try:
        args, kwargs = (fx.node.map_arg(given, values.__getitem__) for given in (traced.args, traced.kwargs))
        function = getattr(args[0], traced.target) if traced.op == "call_method" else traced.target
        return function(*args[traced.op == "call_method" :], **kwargs) if callable(function) else None
    except (AttributeError, LookupError, RuntimeError, TypeError, ValueError):  # such as an activation's size in it
        return None


def _check_known(target: Any, used: Iterable[Shown]) -> None:
    """Refuse a function that is somebody's own, since it may hold whole layers."""
    home = getattr(target, "__module__", None) or "torch"  # methods and built-in functions have none
    names = [shown.name for shown in used]
    if names and home.partition(".")[0] not in {"torch", "_operator", "builtins", "math"}:
        raise TypeError(f"{target} may do anything to {names}")


def _take_apart(graph: fx.Graph) -> None:
    """Make of sums of a product a product and a sum."""
    for traced in [item for item in graph.nodes if item.op[:5] == "call_" and op(item.target) in SUM_OF_PRODUCT]:
        if len(traced.args) < 3 or traced.op == "call_module" or _changed(traced):
            continue
        first, *product = traced.args[:3]
        with graph.inserting_before(traced):
            if isinstance(product[1], fx.Node):
                name = SUM_OF_PRODUCT[op(traced.target)]
                product[0] = graph.call_function(getattr(torch, name), tuple(product))
                product[0].meta = traced.meta
            total = graph.call_function(torch.add, (product[0], first))
        total.meta = traced.meta
        traced.replace_all_uses_with(total)
        graph.erase_node(traced)


def _check_in_place(graph: fx.Graph) -> None:
    """Refuse a graph that reads what was changed in place, but by the result of the change."""
    order = {traced: place for place, traced in enumerate(graph.nodes)}
    for traced, place in order.items():
        before = [alias for changed in _changed(traced) for alias in _aliases(changed) if order[alias] < place]
        for reader in (reader for alias in before for reader in alias.users):
            if order[reader] > place and not _is_size(reader):
                raise TypeError(f"{reader} reads what {traced} has changed in place")


def _changed(traced: fx.Node) -> list[fx.Node]:
    """What a node changes in place."""
    if traced.op not in {"call_function", "call_method"} or not is_in_place(traced.target, traced.kwargs):
        return []
    return _listed(traced.kwargs.get("out") or traced.args[0])


def _listed(value: Any) -> list[fx.Node]:
    """The nodes in an argument."""
    return [item for item in (value if isinstance(value, tuple | list) else [value]) if isinstance(item, fx.Node)]


def _aliases(traced: fx.Node) -> set[fx.Node]:
    """All nodes that may show the same memory as one."""
    found: set[fx.Node] = set()
    waiting = [traced]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += [reader for reader in here.users if _shows(reader)]
            waiting += here.all_input_nodes[:1] if _shows(here) else []
    return found


def _shows(traced: fx.Node) -> bool:
    """Whether a node may show the memory of its first argument."""
    return op(traced.target) in {*VIEWS, "lookup", *_MORE_VIEWS} or bool(_changed(traced))


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


def _nodes(model: nn.Module, traced: fx.Node, names: dict[int, str], inputs: tuple[int, ...], first: int) -> list[Node]:
    """What a node of the graph does, from operation `first` on, with the parameters of the module that it calls."""
    if traced.op == "placeholder":
        return [Node("input")]
    if traced.op != "call_module":
        stack = traced.meta.get("nn_module_stack", {})
        where = next(reversed(stack.values()), ("",))[0]
        return [_node(op(traced.target), inputs, (), where)]
    module, where = model.get_submodule(str(traced.target)), str(traced.target).rpartition(".")[0]
    if isinstance(module, nn.RNNBase | nn.RNNCellBase):
        return Recurrent.of_module(module, names).nodes(inputs, first, where)
    read = tuple(names[id(tensor)] for tensor in module.parameters())
    return [_node("norm" if "Norm" in type(module).__name__ else op(type(module)), inputs, read, where)]


def _node(name: str, inputs: tuple[int, ...], read: tuple[str, ...], where: str) -> Node:
    """One operation; entries of a table are where activations begin."""
    return Node(name, () if name == "embedding" else inputs, read, where)


def _defaults(model: nn.Module) -> dict[str, Any]:
    """The arguments but for the first that a caller may leave out: the model is read as it runs then."""
    known = {name: item.default for name, item in list(inspect.signature(model.forward).parameters.items())[1:]}
    return {
        name: value for name, value in known.items() if value is None or isinstance(value, bool | int | float | str)
    }
