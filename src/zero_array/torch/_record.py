"""The structure of a torch model by running it once on example inputs: any Python is fine."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from threading import get_ident
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode, _get_current_function_mode_stack

from .._planning import _network_checks
from .._planning._graph import Node
from .._planning._structure import Structure, structure
from ._ops import FRESH, SAME_PARAMETER, op


def run(model: nn.Module, names: dict[int, str], weights: set[str], example_inputs: Any) -> Structure:
    """By running the model once, without gradients and in evaluation mode, and recording every function it calls."""
    inputs = example_inputs
    if next(model.parameters()).is_meta:
        inputs = mapped(example_inputs, lambda tensor: tensor.to("meta"))
    record = Record(model, names, weights)
    outputs = fill(record, model, inputs)
    return structure(record.nodes, outputs, record.uses, weights)


def fill(record: "Record", model: Callable[..., Any], inputs: Any) -> list[int]:
    """Run the model once, and record it: the nodes that it returns."""
    positional, named = arguments(inputs)
    try:
        with record.recording():
            record.begin(inputs)
            result = model(*positional, **named)
    except Exception as error:
        raise _network_checks.failing_inputs(error) from error
    return [record.numbers[id(tensor)] for tensor in tensors(result) if id(tensor) in record.numbers]


def arguments(example_inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What to call a model with: by position, and by keyword."""
    if not any(True for _ in tensors(example_inputs)):
        raise _network_checks.no_inputs(example_inputs)
    if isinstance(example_inputs, Mapping):
        return (), dict(example_inputs)
    return tuple(example_inputs) if isinstance(example_inputs, tuple | list) else (example_inputs,), {}


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put a model into evaluation mode, and after that all back: modes, buffers, and torch's random state."""
    modes = {module: module.training for module in model.modules()}
    buffers = [(tensor, tensor.clone()) for tensor in model.buffers()]
    held = [(module, name, tensor) for module in modes for name, tensor in module.named_buffers(recurse=False)]
    cuda = {tensor.device for tensor in model.parameters() if tensor.is_cuda}
    state, cuda_states = torch.get_rng_state(), {device: torch.cuda.get_rng_state(device) for device in cuda}

    def put_back() -> None:
        for module, mode in modes.items():
            module.training = mode
        for module, name, tensor in held:
            setattr(module, name, tensor)
        for tensor, before in buffers:
            tensor.detach().copy_(before)
        torch.set_rng_state(state)
        for device, cuda_state in cuda_states.items():
            torch.cuda.set_rng_state(cuda_state, device)

    with _undone(put_back):
        model.eval()
        yield


@contextmanager
def _undone(undo: Callable[[], None]) -> Iterator[None]:
    """Undo at the end, whatever happens; once more if a KeyboardInterrupt comes just then, where `with` loses it."""
    try:
        try:
            yield
        finally:
            undo()
    except BaseException:
        undo()
        raise


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

    def __init__(self, model: nn.Module, names: dict[int, str], weights: set[str]) -> None:
        super().__init__()
        self.nodes: list[Node] = []
        self.numbers: dict[int, int] = {}  # of tensors that are activations
        self.uses: dict[str, set[str]] = {}
        self._raw = dict(names)  # of tensors that are a parameter, or the same in other words
        self._reads = {key: {name} for key, name in names.items()}  # of tensors that are made of parameters
        self._weights = weights
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

        with _undone(stop):
            torch.set_grad_enabled(False)
            hooks += [register_module_forward_pre_hook(self.enter)]
            hooks += [register_module_forward_hook(self.leave)]
            self.__enter__()
            yield

    def begin(self, inputs: Any) -> None:
        """Number the activations that the model is given."""
        for tensor in tensors(inputs):
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
            tensor for tensor in tensors(outputs) if not (id(tensor) in self.numbers or id(tensor) in self._reads)
        ]
        sources = tuple(self.numbers[id(tensor)] for tensor in tensors(inputs) if id(tensor) in self.numbers)
        if strangers and sources:
            read = tuple(self._raw[id(tensor)] for tensor in module.parameters() if id(tensor) in self._raw)
            self._add(strangers, Node(type(module).__name__.lower(), sources, read, where))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function and write it down."""
        result = func(*args, **(kwargs or {}))
        outputs = list(tensors(args[0] if func is Tensor.__setitem__ else result))
        name = op(func)
        if outputs and name not in FRESH:
            self._note(name, list(tensors((args, kwargs or {}))), outputs)
        return result

    def _note(self, op: str, given: list[Tensor], outputs: list[Tensor]) -> None:
        inputs = tuple(self.numbers[id(tensor)] for tensor in given if id(tensor) in self.numbers)
        read = dict.fromkeys(name for tensor in given for name in sorted(self._reads.get(id(tensor), ())))
        used = [self._raw[id(tensor)] for tensor in given if id(tensor) in self._raw]
        if not inputs and used and (op in SAME_PARAMETER or _storage(outputs[0]) == _storage(given[0])):
            for tensor in outputs:
                self._raw[id(tensor)], self._reads[id(tensor)] = used[0], set(read)
            self._kept += outputs
            return
        for name in used:
            self.uses.setdefault(name, set()).add(op)
        if inputs or (op == "embedding" and read):
            self._add(outputs, Node(op, inputs, tuple(read), self._stack[-1] if self._stack else ""))
        elif read:
            self._reads |= {id(tensor): set(read) for tensor in outputs}
            self._kept += outputs

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
            self.numbers[id(tensor)] = len(self.nodes) - 1
        if not self._weights.isdisjoint(node.parameters) and _is_dense(floats[0]):
            self._layers[_storage(floats[0])] = floats[0], 1 if node.op == "conv" else -1

    def _rows(self, tensor: Tensor) -> Sequence[int] | None:
        """The output features of a layer that a view of its output shows, where it shows a part of them."""
        layer, axis = self._layers.get(_storage(tensor), (tensor, 0))
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
    return bool(tensor.untyped_storage().nbytes() == tensor.numel() * tensor.element_size())


def _storage(tensor: Tensor) -> int:
    """The identity of the memory that a tensor shows."""
    return int(tensor.untyped_storage()._cdata)  # data_ptr() is 0 on meta
