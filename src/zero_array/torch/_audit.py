"""The audit of a model: what its weights, its activations and its gradients say of its start."""

from collections.abc import Callable
from glob import escape
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call

from .._audit import audit as weigh
from .._findings import Finding, Reach
from .._graph import Graph
from .._plan import MATRICES, Parameter
from .._report import Report
from .._structure import structure
from . import _audit_checks, _judge
from ._model import checked
from ._probe import preserved, probe
from ._record import arguments, fill, mapped
from ._series import Zeros
from ._stuck import stuck
from ._twins import rows
from ._watch import Watch


def audit(
    model: nn.Module, example_inputs: Any, *, loss: Callable[[Any], Tensor] | None = None, steps: int = 0
) -> Report:
    """Find what a model cannot learn from its start, by its weights, one run, and its gradients.

    The model runs once in evaluation mode (BatchNorm by the batch), where every function that it calls is recorded, and
    then in training mode without dropout, on copies of its parameters: at least one gradient is made, and as many steps
    of Adam (learning rate 0.001) as `steps` says; a few more while parameters, or outputs of layers, get their first
    gradient. The model, its modes and buffers, and torch's random state are afterwards what they were.

    Parameters
    ----------
    model : torch.nn.Module
        The model, with values, not sharded.
    example_inputs : Tensor, tuple or dict
        What to call it with (a dict by keyword), as `init_` takes it; two examples or more, where it has BatchNorm.
    loss : callable, optional
        A function of what the model returns. Where left out, it is the ``loss`` that the model itself returns, if any,
        or the mean square of all its outputs against random numbers, the same ones each time.
    steps : int
        After how many steps of training the gradients are looked at again.

    Returns
    -------
    Report
        What was found; it prints as a table. It goes to JSON and HTML too.

    Raises
    ------
    TypeError, ValueError
        If the model is none, or does not take the inputs, or if another argument is of the wrong kind.

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
    if loss is not None and not callable(loss):
        raise _audit_checks.no_loss(loss)
    if type(steps) is not int or steps < 0:  # True is no number of steps
        raise _audit_checks.no_steps(steps)
    arguments(example_inputs)  # refused before anything runs
    return _audit(model, held, example_inputs, loss, steps)


def _audit(
    model: nn.Module, held: list[Parameter], example_inputs: Any, loss: Callable[[Any], Tensor] | None, steps: int
) -> Report:
    """Run, and judge."""
    values = {name: tensor.detach() for name, tensor in model.named_parameters()}
    weights = {parameter.name for parameter in held if parameter.kind in MATRICES}
    with preserved(model):
        model.eval()
        for module in model.modules():
            module.training = isinstance(module, nn.modules.batchnorm._BatchNorm)  # their ancestor: by this batch
        buffers = {name: tensor.detach().clone() for name, tensor in model.named_buffers()}
        watch = Watch(model, {id(tensor): name for name, tensor in model.named_parameters()}, weights)
        inputs = mapped(example_inputs, lambda tensor: tensor.detach().clone())
        outputs = fill(watch, lambda *given, **named: functional_call(model, buffers, given, named), inputs)
        seen = probe(model, held, example_inputs, loss, steps)
        drops = any(getattr(item, "p", 0.0) for item in model.modules() if "drop" in type(item).__name__.lower())
    network = structure(watch.nodes, outputs, watch.uses, weights)
    zero = {name for name, tensor in values.items() if not tensor.any()}
    partly = zero | {
        item.name for item in held if item.name in weights and not rows(item, values[item.name]).any(1).all()
    }
    layout = {escape(item.name): (item.out_axis, item.in_axis) if item.name in weights else None for item in held}
    weighed = weigh(values, layout=layout)
    findings: list[Finding] = [*_judge.signals(watch, seen), *_judge.known(weighed, model, seen)]
    if seen.is_finite:
        kinds = {item.name: item.kind for item in held}
        waiting = {name for name in seen.now if name not in seen.reached and kinds[name] != "bias"}
        zeros = Zeros(Graph(watch.nodes, weights), watch.largest, zero, partly, waiting)
        findings += stuck(held, zeros, seen, watch)
        findings += _judge.attentions(network, held, values, seen)
        findings += _judge.twins(held, seen, drops=drops)
    findings += _judge.rectifiers(watch, Graph(watch.nodes, weights))
    findings += _judge.branches(held, network, watch, zero)
    reach = tuple(
        Reach(name, max(now, 0.0), max(seen.after.get(name, 0.0), 0.0) if steps else None)
        for name, now in seen.now.items()
    )
    return Report(tuple(findings), weighed.weights, tuple(seen.depth), reach)
