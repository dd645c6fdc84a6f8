"""The structure of a torch model by running it once on example inputs: any Python is fine."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from .._planning import _network_checks
from .._planning._decide import matrices
from .._planning._graph import Node
from .._planning._plan import MATRICES, Parameter
from .._planning._structure import Structure, structure
from ._ops import FRESH, LIKE, SAME_PARAMETER, SUM_OF_PRODUCT, is_in_place, op
from ._preserved import undone
from ._recurrent import RECURRENT, Recurrent
from ._shown import Shown, bare, multiplied, storage, use


def run(model: nn.Module, held: Sequence[Parameter], example_inputs: Any) -> Structure:
    """By running the model once, without gradients and in evaluation mode, and recording every function it calls."""
    inputs = example_inputs
    if next(model.parameters()).is_meta:
        inputs = mapped(example_inputs, lambda tensor: tensor.to("meta"))
    record = Record(model, held)
    outputs = fill(record, model, inputs)
    return structure(record.nodes, outputs, record.uses, matrices(held, record.uses))


def fill(record: "Record", model: Callable[..., Any], inputs: Any) -> list[int]:
    """Run the model once, and record it: the nodes that it returns."""
    positional, named = arguments(inputs)
    try:
        with record.recording():
            record.begin(inputs)
            result = model(*positional, **named)
    except Exception as error:
        raise _network_checks.failing_inputs(error) from error
    return [number for tensor in tensors(result) if (number := record.number(tensor)) is not None]


def arguments(example_inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What to call a model with: by position, and by keyword."""
    if not any(True for _ in tensors(example_inputs)):
        raise _network_checks.no_inputs(example_inputs)
    if isinstance(example_inputs, Mapping):
        return (), dict(example_inputs)
    return tuple(example_inputs) if isinstance(example_inputs, tuple | list) else (example_inputs,), {}


def mapped(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """The same inputs, with each tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Mapping):
        return {key: mapped(item, change) for key, item in value.items()}
    return tuple(mapped(item, change) for item in value) if isinstance(value, tuple | list) else value


def tensors(value: Any) -> Iterator[Tensor]:
    """The tensors in arguments or results."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from tensors(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors(item)
    elif is_dataclass(value):
        yield from tensors([getattr(value, field.name) for field in fields(value)])


class Record(TorchFunctionMode):
    """Writes down each function of torch that takes activations, and how each parameter is used."""

    def __init__(self, model: nn.Module, held: Sequence[Parameter]) -> None:
        super().__init__()
        names = {id(model.get_parameter(parameter.name)): parameter.name for parameter in held}
        self.nodes: list[Node] = []
        self.numbers: dict[int, int] = {}  # of tensors that are activations
        self.uses: dict[str, set[str]] = {}
        self._last: dict[int, int] = {}  # by storage: the last activation there
        self._written: dict[int, int] = {}  # by storage: the last change in place
        self._raw = {  # of tensors that are a parameter, or the same in other words
            id(tensor): Shown(names[id(tensor)], tensor, tensor) for tensor in model.parameters()
        }
        self._reads = {key: {name} for key, name in names.items()}  # of tensors that are made of parameters
        self._weights = {parameter.name for parameter in held if parameter.kind in MATRICES}
        self._unknown = {parameter.name for parameter in held if parameter.kind == "unknown"}
        self._layers: dict[int, tuple[Tensor, int]] = {}  # by storage: the output of a layer, and its feature axis
        self._kept: list[Any] = list(model.parameters())  # so that no identity is used twice
        self._names = {id(module): name for name, module in model.named_modules()}
        self._stack: list[str] = []
        self._thread = get_ident()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Be told of each module that runs, and of each function; without gradients."""
        hooks: list[Any] = []
        grad = torch.is_grad_enabled()

        def stop() -> None:
            if self in _get_current_function_mode_stack():
                self.__exit__(None, None, None)
            for hook in hooks:
                hook.remove()
            torch.set_grad_enabled(grad)

        with undone(stop):
            torch.set_grad_enabled(False)
            hooks += [register_module_forward_pre_hook(self.enter)]
            hooks += [register_module_forward_hook(self.leave)]
            self.__enter__()
            yield

    def begin(self, inputs: Any) -> None:
        """Number the activations that the model is given; the first input is a node, whatever it holds."""
        for tensor in tensors(inputs):
            if not self.nodes and not _is_activation(tensor):
                self.nodes.append(Node("input"))
            self._add([tensor], Node("input"))

    def enter(self, module: nn.Module, inputs: Any) -> None:  # noqa: ARG002  # as torch calls it
        """Note which module runs now; those of other threads, of which the hooks tell too, are no part of it."""
        if get_ident() == self._thread:
            self._stack.append(self._names.get(id(module), ""))

    def leave(self, module: nn.Module, inputs: Any, outputs: Any) -> None:
        """Note that it is done; what came out of it by no function of torch is an operation of its own."""
        if get_ident() != self._thread:
            return
        where = self._stack.pop()
        strangers = [
            tensor
            for tensor in map(bare, tensors(outputs))
            if not (self.number(tensor) is not None or id(tensor) in self._reads)
        ]
        sources = self._inputs(map(bare, tensors(inputs)))
        if strangers and sources:
            read = tuple(self._raw[id(tensor)].name for tensor in module.parameters() if id(tensor) in self._raw)
            self._add(strangers, Node(type(module).__name__.lower(), sources, read, where))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function and write it down."""
        result = func(*args, **(kwargs or {}))
        outputs = [bare(tensor) for tensor in tensors(args[0] if func is Tensor.__setitem__ else result)]
        name = op(func)
        if outputs and name not in FRESH:
            known = {key: value for key, value in (kwargs or {}).items() if key != "out"}
            given = [bare(tensor) for tensor in tensors((args, known))][: 1 if name in LIKE else None]
            changes = is_in_place(func, kwargs or {})
            before = self._written.get(storage(outputs[0])) if len(known) < len(kwargs or {}) else None
            if name in SUM_OF_PRODUCT and len(given) > 1 and not changes:
                if len(given) > 2:
                    self._note(SUM_OF_PRODUCT[name], given[1:3], outputs)
                self._note("add", [outputs[0] if len(given) > 2 else given[1], given[0]], outputs)
            else:
                chain = Recurrent.of_call(name, args, self._reads) if name in RECURRENT else None
                self._note(name, given, outputs, chain)
            if changes and id(outputs[0]) in self.numbers:
                self._write(outputs[0], before)
        return result

    def _write(self, tensor: Tensor, before: int | None) -> None:
        """Note that an activation was written into memory that is read by other names; with what was there `before`."""
        memory, number = storage(tensor), self.numbers[id(tensor)]
        if before is not None:
            self.nodes.append(Node("written", (before, number)))
            number = len(self.nodes) - 1
        self._written[memory] = self._last[memory] = self.numbers[id(tensor)] = number

    def number(self, tensor: Tensor) -> int | None:
        """The node of an activation: one that joins it with what was since written into its memory by another name."""
        if id(tensor) in self._reads:
            return None
        memory = storage(tensor)
        number = self.numbers.get(id(tensor), self._last.get(memory))
        if number is not None and number < self._written.get(memory, -1):
            self.nodes.append(Node("written", (number, self._written[memory])))
            number = len(self.nodes) - 1
            self.numbers[id(tensor)] = number
            self._kept.append(tensor)
        return number

    def _inputs(self, given: Iterable[Tensor]) -> tuple[int, ...]:
        return tuple(number for tensor in given if (number := self.number(tensor)) is not None)

    def _note(self, op: str, given: list[Tensor], outputs: list[Tensor], chain: Recurrent | None = None) -> None:
        inputs = self._inputs(given)
        read = dict.fromkeys(name for tensor in given for name in sorted(self._reads.get(id(tensor), ())))
        used = [self._raw[id(tensor)] for tensor in given if id(tensor) in self._raw]
        is_view = bool(used) and storage(outputs[0]) == storage(given[0])
        if not inputs and used and (is_view or op in SAME_PARAMETER):
            for tensor in outputs:
                self._raw[id(tensor)] = used[0].viewed(tensor) if is_view else used[0].moved(tensor)
                self._reads[id(tensor)] = set(read)
            self._kept += outputs
            return
        matrix = None if inputs else multiplied(op, used, outputs[0])
        if matrix is not None:
            self._raw[id(outputs[0])] = matrix
        for shown in used:
            if matrix is None or shown.name != matrix.name:
                self.uses.setdefault(shown.name, set()).add(self._use(op, shown, given, outputs[0]))
        if inputs or (op == "embedding" and read):
            where = self._stack[-1] if self._stack else ""
            nodes = [Node(op, inputs, tuple(read), where)]
            if chain is not None:
                nodes = chain.nodes(inputs, len(self.nodes), where)
            self.nodes += nodes[:-1]
            self._add(outputs, nodes[-1])
        elif read:
            self._reads |= {id(tensor): set(read) for tensor in outputs}
            self._kept += outputs

    def _use(self, op: str, shown: Shown, given: list[Tensor], result: Tensor) -> str:
        """What an operation uses a parameter for: a scale has no axis that the activations do not have."""
        shapes = [tensor.shape for tensor in given if self.number(tensor) is not None]
        if op in {"mul", "div"} and shapes:
            return "scale" if result.shape in shapes else "other"
        place = next(place for place, tensor in enumerate(given) if tensor is shown.tensor)
        is_factor = not shapes and sum(id(tensor) in self._reads for tensor in given[:2]) > 1
        return use(shown, op, place, len(given), is_factor=is_factor)

    def _add(self, tensors: list[Tensor], node: Node) -> None:
        """Append a node, and one more for each result where there are several."""
        self._kept += tensors
        floats = [
            tensor for tensor in tensors if _is_activation(tensor) or (node.inputs and tensor.dtype == torch.bool)
        ]
        if not floats:
            return
        number = len(self.nodes)
        self.nodes.append(node._replace(rows=self._rows(floats[0])) if len(floats) == 1 else node)
        for tensor in floats:
            if len(floats) > 1:
                self.nodes.append(Node("item", (number,), where=node.where, rows=self._rows(tensor)))
            self._reads.pop(id(tensor), None)
            self._raw.pop(id(tensor), None)
            self.numbers[id(tensor)] = self._last[storage(tensor)] = len(self.nodes) - 1
        if self._is_layer(node) and _is_dense(floats[0]):
            self._layers[storage(floats[0])] = floats[0], 1 if node.op == "conv" else -1

    def _is_layer(self, node: Node) -> bool:
        """Whether a node is a layer, those of parameters that are known by their use alone among them."""
        names = self._weights | self._unknown if node.op in {"linear", "matmul"} else self._weights
        return not names.isdisjoint(node.parameters)

    def _rows(self, tensor: Tensor) -> Sequence[int] | None:
        """The output features of a layer that a view of its output shows, where it shows a part of them."""
        layer, axis = self._layers.get(storage(tensor), (tensor, 0))
        if not 0 < tensor.numel() < layer.numel():
            return None
        sizes = [layer.shape[axis] if number == axis % layer.ndim else 1 for number in range(layer.ndim)]
        feature = torch.empty_strided(layer.shape, layer.stride(), dtype=torch.int64, device="cpu")
        feature.copy_(torch.arange(layer.shape[axis], device="cpu").reshape(sizes))
        start = tensor.storage_offset() - layer.storage_offset()
        rows = feature.as_strided(tensor.shape, tensor.stride(), start).unique().tolist()
        return range(rows[0], rows[-1] + 1) if rows[-1] - rows[0] + 1 == len(rows) else tuple(rows)


def _is_activation(tensor: Tensor) -> bool:
    """Whether a tensor holds numbers that have gradients."""
    return bool(tensor.is_floating_point() or tensor.is_complex())


def _is_dense(tensor: Tensor) -> bool:
    """Whether a tensor fills its memory."""
    return tensor.layout == torch.strided and bool(
        tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size()
    )
