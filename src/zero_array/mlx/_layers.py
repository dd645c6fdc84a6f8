"""What the parameters of a model of MLX are: read from the types of its modules."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlx import nn

from .._planning import _network_checks
from .._planning._layer import Layer
from .._planning._plan import Kind, Parameter

_DENSE = Layer("linear", (0,), (1,))
_RECURRENT = Layer("recurrent", (0,), (1,))
_GATES = {
    nn.LSTM: ("input gate", "forget gate", "cell gate", "output gate"),
    nn.GRU: ("reset gate", "update gate", "new gate"),
}
_CONVS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def parameters(model: nn.Module, arrays: Mapping[str, Any]) -> list[Parameter]:
    """The parameters of a model, whose arrays are given by name; those of a module with two names under the first."""
    modules = dict(model.named_modules())
    for path, module in modules.items():
        if remedy := _remedy(module):
            raise _network_checks.no_plain_layer(path, module, remedy)
    places = {name: _place(name, modules) for name in arrays}
    names: dict[tuple[int, str], list[str]] = {}
    for name, (path, key) in places.items():
        names.setdefault((id(modules[path]), key), []).append(name)
    found = []
    for first, *aliases in names.values():
        path, key = places[first]
        shape = tuple(arrays[first].shape)
        described = _described(modules[path], key, shape)
        if isinstance(described, Layer):
            parameter = described.parameter(first, shape, _GATES.get(type(modules[path]), ()))
        else:
            parameter = Parameter(first, described, shape)
        found.append(replace(parameter, aliases=tuple(aliases)))
    return found


def _remedy(module: nn.Module) -> str:
    """What to call after the start in place of before it, where a module does not hold its weight as it is."""
    if hasattr(module, "bits") and hasattr(module, "group_size"):
        return "nn.quantize"
    return "nn.layers.distributed.shard_linear" if "Sharded" in type(module).__name__ else ""


def _place(name: str, modules: Mapping[str, nn.Module]) -> tuple[str, str]:
    """The path of the module that holds a parameter, and the parameter's name in it."""
    path = name.rpartition(".")[0]
    while path not in modules:  # in a list or a dict of arrays
        path = path.rpartition(".")[0]
    return path, name.removeprefix(f"{path}.")


def _described(module: nn.Module, key: str, shape: tuple[int, ...]) -> Layer | Kind:
    """What a parameter is: a layer's weight, or a kind."""
    if isinstance(module, nn.RNN | nn.GRU | nn.LSTM):
        return _RECURRENT if key.startswith("W") else "bias"
    if key == "weight":
        return _weight(module, shape)
    return "bias" if key == "bias" else "unknown"


def _weight(module: nn.Module, shape: tuple[int, ...]) -> Layer | Kind:
    """What `weight` is."""
    rank = len(shape)
    described: Layer | Kind = "unknown"
    match module:
        case nn.Linear():
            described = _DENSE
        case nn.Bilinear():
            described = Layer("bilinear", (0,), (2, 1))  # the first input comes last
        case nn.Embedding():
            described = "embedding"
        case nn.PReLU():
            described = "slope"
        case _ if isinstance(module, _CONVS):
            taps = tuple((axis,) for axis in range(1, rank - 1))
            described = Layer("conv", (0,), (rank - 1,), taps, groups=getattr(module, "groups", 1))
        case _ if rank == 1 and "Norm" in type(module).__name__:  # somebody's own too
            described = "norm"
    return described
