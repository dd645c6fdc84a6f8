"""The audit of a model: what its weights, its activations and its gradients say of its start."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from .._auditing._report import Report
from .._learning import _checks
from .._learning._probe import probe
from .._learning._report import Seen, report
from .._learning._seen import Run
from .._learning._words import Words
from .._planning._decide import known, matrices
from .._planning._plan import Parameter
from .._planning._structure import structure
from . import _audit_checks
from ._model import checked
from ._ops import VIEWS
from ._preserved import preserved
from ._probe import Copies, training
from ._record import arguments, fill, mapped
from ._watch import Watch

_SHOWN = {*VIEWS, "contiguous", "item", "lookup"}
_INIT = "zero_array.torch.init_(model, example_inputs=...)"
_WORDS = Words(
    init=_INIT,
    anew="zero_array.torch.init_(model)",
    distinct="zero_array.torch.init_(model, columns='distinct')",
    apart=f"zero_array.torch.zero_init_(weight, groups=3), or {_INIT}",
    bias=f"torch.nn.init.zeros_(bias), or {_INIT}",
    cut="detach(), .data, no_grad() or a rounding",
)


def audit(
    model: nn.Module, example_inputs: Any, *, loss: Callable[[Any], Tensor] | None = None, steps: int = 0
) -> Report:
    """Find what a model cannot learn from its start, from its weights, one run, and its gradients.

    The model runs once in evaluation mode (BatchNorm by the batch), where every function that it calls is recorded.
    Then gradients are computed on copies of its parameters, in training mode without dropout, and the copies are
    trained with Adam (learning rate 0.001): for as many steps as `steps` says, and for a few more while parameters, or
    outputs of layers, get their first gradient. The model, its modes and buffers, and torch's random state are
    afterwards as they were.

    Parameters
    ----------
    model : torch.nn.Module
        The model, with values, not sharded.
    example_inputs : Tensor, tuple or dict
        What to call it with (a dict by keyword), as for `init_`; two examples or more if it has BatchNorm.
    loss : callable, optional
        A function of what the model returns. By default it is the ``loss`` that the model itself returns, if any,
        or the mean square of all its outputs against random numbers, the same ones each time.
    steps : int
        The number of steps of training after which the gradients are looked at again.

    Returns
    -------
    Report
        The findings. It prints as a table, and can be written as JSON and HTML.

    Raises
    ------
    TypeError, ValueError
        If the model is not one, or does not take the inputs, or if another argument is of the wrong kind.

    Examples
    --------
    >>> import torch
    >>> import zero_array.torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    >>> for layer in model:
    ...     _ = torch.nn.init.zeros_(layer.weight), torch.nn.init.zeros_(layer.bias)
    >>> report = zero_array.torch.audit(model, torch.ones(3, 2))
    >>> [finding.what for finding in report.filter("0.weight", severity="error")]
    ['all constant', 'zeros in series']
    """
    held = checked(model)
    if any(hasattr(tensor, "device_mesh") for tensor in model.parameters()):
        raise _audit_checks.sharded()
    if any(tensor.is_meta for tensor in model.parameters()):
        raise _audit_checks.no_memory()
    _checks.arguments(loss, steps)
    arguments(example_inputs)  # refused before anything runs
    return _audit(model, held, example_inputs, loss, steps)


def _audit(
    model: nn.Module, held: list[Parameter], example_inputs: Any, loss: Callable[[Any], Tensor] | None, steps: int
) -> Report:
    """Run, and judge."""
    with preserved(model):
        model.eval()
        for module in model.modules():
            module.training = isinstance(module, nn.modules.batchnorm._BatchNorm)  # their ancestor: by this batch
        buffers = {name: tensor.detach().clone() for name, tensor in model.named_buffers()}
        watch = Watch(model, held)
        inputs = mapped(example_inputs, lambda tensor: tensor.detach().clone())
        torch.manual_seed(0)  # inside the fork: what is random in evaluation mode too is the same each time
        outputs = fill(watch, lambda *given, **named: functional_call(model, buffers, given, named), inputs)
        held = known(held, watch.uses)
        with training(model):
            found = probe(Copies(model, example_inputs, loss), held, steps)
        drops = any(getattr(item, "p", 0.0) for item in model.modules() if "drop" in type(item).__name__.lower())
    network = structure(watch.nodes, outputs, watch.uses, matrices(held, watch.uses))
    run = Run(watch.nodes, watch.uses, network, watch.largest, watch.softmaxes, watch.rectifiers, _SHOWN)
    padded = {
        f"{name}.weight" if name else "weight"
        for name, module in model.named_modules()
        if getattr(module, "padding", None) == "same"
    }
    values = {name: tensor.detach() for name, tensor in model.named_parameters()}
    return report(Seen(held, values, run, found, padded, drops), _WORDS, steps)
