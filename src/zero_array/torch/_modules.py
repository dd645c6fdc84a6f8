"""What the parameters of a torch model are: read from the types of its modules."""

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrize

from .._planning import _network_checks
from .._planning._plan import Parameter, Part

_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm)  # their one ancestor
_GATES = {
    "LSTM": ("input gate", "forget gate", "cell gate", "output gate"),
    "GRU": ("reset gate", "update gate", "new gate"),
}


def parameters(model: nn.Module) -> list[Parameter]:
    """All parameters of a model, each once, under its first name, in the model's order."""
    names: dict[int, list[str]] = {}
    for name, tensor in model.named_parameters(remove_duplicate=False):
        if isinstance(tensor, nn.parameter.UninitializedTensorMixin):
            raise _network_checks.lazy_parameter(name)
        names.setdefault(id(tensor), []).append(name)
    found: dict[int, Parameter] = {}
    for module in model.modules():
        for tensor, description in _described(module):
            key = id(tensor)
            if key not in found or description["kind"] == "embedding":  # a head tied to one is an embedding
                first, *others = names[key]
                direction = description.pop("direction", None)
                found[key] = Parameter(
                    first,
                    shape=description.pop("shape", tuple(tensor.shape)),
                    aliases=tuple(others),
                    direction="" if direction is None else names[id(direction)][0],
                    **description,
                )
    return [found[key] for key in names]


def _described(module: nn.Module) -> Iterator[tuple[Tensor, dict[str, Any]]]:
    """The parameters that a module holds itself, or through parametrizations, with what they are."""
    if isinstance(module, parametrize.ParametrizationList):
        return  # the module that it belongs to knows
    own = dict(module.named_parameters(recurse=False))
    divided = {
        f"{name.removesuffix('_u')}_orig" for name, _ in module.named_buffers(recurse=False) if name[-2:] == "_u"
    }
    for name, wrapped in module.parametrizations.items() if parametrize.is_parametrized(module) else ():
        originals = dict(wrapped.named_parameters(recurse=False))
        match [type(step).__name__ for step in wrapped.children()]:  # renamed as the older functions name them
            case ["_WeightNorm"]:
                own[f"{name}_g"], own[f"{name}_v"] = originals["original0"], originals["original1"]
            case ["_SpectralNorm"]:
                own[f"{name}_orig"] = originals["original"]
                divided.add(f"{name}_orig")
            case _:  # it may hold its weight in any way
                for tensor in originals.values():
                    yield tensor, {"kind": "unknown"}
    for name, tensor in own.items():
        if name.endswith("_g") and f"{name[:-2]}_v" in own:
            yield tensor, {"kind": "gain", "direction": own[f"{name[:-2]}_v"]}
        else:
            stem = name.removesuffix("_orig").removesuffix("_v")
            yield tensor, _description(module, stem, tensor) | {"is_divided": name in divided}


def _description(module: nn.Module, name: str, tensor: Tensor) -> dict[str, Any]:
    """What the parameter of that name is in such a module."""
    described = None
    if isinstance(module, nn.MultiheadAttention):
        described = _attention(module, name)
    elif isinstance(module, nn.RNNBase | nn.RNNCellBase):
        described = _recurrent(module, name, tensor)
    elif name == "weight":
        described = _weight(module, tensor)
    if described is None and name.startswith(("bias", "in_proj_bias")):
        described = {"kind": "bias"}
    return described or {"kind": "unknown"}


def _attention(module: nn.MultiheadAttention, name: str) -> dict[str, Any] | None:
    """Packed in one matrix, or three apart."""
    parts = [Part(label, module.embed_dim) for label in ("query", "key", "value")]
    held = {"in_proj_weight": parts} | {f"{part.label[0]}_proj_weight": [part] for part in parts}
    return {"kind": "linear", "parts": tuple(held[name])} if name in held else None


def _recurrent(module: nn.Module, name: str, tensor: Tensor) -> dict[str, Any] | None:
    """The matrices of the gates, one below the other; of an LSTM with projections, one more without gates."""
    if not name.startswith("weight"):
        return None
    gates = () if name.startswith("weight_hr") else _GATES.get(type(module).__name__.removesuffix("Cell"), ())
    return {"kind": "recurrent", "parts": tuple(Part(gate, tensor.shape[0] // len(gates)) for gate in gates)}


def _weight(module: nn.Module, tensor: Tensor) -> dict[str, Any] | None:
    """What `weight` is."""
    match module:
        case nn.Linear():
            return {"kind": "linear"}
        case nn.Bilinear():
            return {"kind": "bilinear", "shape": (tensor.shape[0], tensor.shape[1] * tensor.shape[2])}
        case nn.modules.conv._ConvTransposeNd():  # the ancestor of all three
            return {"kind": "conv", "out_axis": 1, "in_axis": 0, "groups": module.groups, "transposed": True}
        case nn.modules.conv._ConvNd():  # the ancestor of all three
            center = "same" if module.padding == "same" else "paper"  # an even kernel's identity lies there
            return {"kind": "conv", "groups": module.groups, "center": center}
        case nn.Module(nf=int()) if type(module).__name__ == "Conv1D":  # of transformers: a linear layer, (in, out)
            return {"kind": "linear", "out_axis": 1, "in_axis": 0}
    kinds = {"embedding": (nn.Embedding, nn.EmbeddingBag), "slope": nn.PReLU, "norm": _NORMS}
    kind = next((kind for kind, types in kinds.items() if isinstance(module, types)), None)
    if kind is None and tensor.ndim == 1 and "Norm" in type(module).__name__:  # somebody's own
        kind = "norm"
    return None if kind is None else {"kind": kind}
