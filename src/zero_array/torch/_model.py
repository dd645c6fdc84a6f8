"""Whole models: a plan from a recipe, and the parameters written as it says."""

from collections.abc import Callable, Mapping, Sequence
from threading import RLock
from typing import Any, Literal

import torch
from torch import nn

from .._model import check_complete, make
from .._planning import _network_checks
from .._planning._plan import Fill, Parameter, Plan
from .._planning._recipe import Options, Recipe, needs_structure
from .._planning._structure import Structure
from .._typing import BranchEnd, Choice, Embeddings, Head, Order, Scale
from . import _record, _symbolic
from ._modules import parameters
from ._preserved import preserved
from ._write import write_


def init_(
    model: nn.Module,
    recipe: str | Recipe | Plan = "auto",
    *,
    example_inputs: Any = None,
    branches: Sequence[str] | Literal["found"] | None = None,
    overrides: Mapping[str, Fill] | None = None,
    head: Head | None = None,
    embeddings: Embeddings | None = None,
    branch_end: BranchEnd | None = None,
    scale: Scale | None = None,
    order: Order | None = None,
    columns: Choice | None = None,
    dry_run: bool = False,
) -> Plan:
    """Initialize a whole model by ZerO, in place: every parameter, with zeros at the end of each residual branch.

    Residual branches, attention and the head are found from what the model computes, never from names. What cannot be
    decided is an error that says what to pass, and then nothing is written.

    Parameters
    ----------
    model : torch.nn.Module
        The model, on any device and of any dtype. What is frozen (``requires_grad=False``) is left as it is. On the
        meta device the plan is made and nothing is written; after `to_empty`, what the plan leaves untouched holds
        whatever was in memory.
    recipe : str, Recipe or Plan
        "mlp", "resnet" (with norms), "normfree" (without), "transformer", or "auto", which chooses the one that fits
        the structure; "zero-distinct", which does so with ``order="auto", columns="distinct"`` against twins, and is
        not the paper's. Or a recipe of your own, or a plan that was made before, such as one loaded from JSON.
    example_inputs : Tensor, tuple or dict, optional
        What to call the model with (a dict by keyword): it runs once, without gradients and in evaluation mode, and
        what it calls is recorded. By default `torch.fx` traces it, or a model of transformers brings its own inputs.
    branches : sequence of str or "found", optional
        The modules or parameters that end the residual branches, in place of those that would be found. ``"found"``
        takes those that are found, and leaves sums without a shorter side as they are, which else are an error.
    overrides : mapping of str to str, optional
        Patterns of parameter names, and their fill: "identity", "hadamard", "zeros", "ones" or "untouched".
    head : {"algorithm1", "zeros", "keep"}, optional
        The last layer, which the paper leaves open. By default it is kept in transformers, and otherwise filled by
        Algorithm 1.
    embeddings : {"keep", "algorithm1"}, optional
        The embeddings, which the paper leaves open: kept by default.
    branch_end : {"weight", "norm"}, optional
        What is zero at the end of a branch: its last weight (the default), or the scale of the norm behind it.
    scale, order, columns : str, optional
        Of Hadamard weights, as in `zero_array.hadamard_init`.
    dry_run : bool
        Whether to make the plan and write nothing.

    Returns
    -------
    Plan
        What each parameter starts as, and why; it prints as a table.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or has a wrong value, or if something cannot be decided. The model is not
        changed then.

    Notes
    -----
    After a KeyboardInterrupt some parameters may be written and others not; nothing else is changed. Call again.

    References
    ----------
    Zhao, Schäfer, Anandkumar, "ZerO Initialization", arXiv 2110.12661, Algorithms 1 and 2.

    Examples
    --------
    >>> import torch
    >>> import zero_array.torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    >>> print(zero_array.torch.init_(model))
    parameter  shape  fill      reason
    0.weight   4x2    hadamard  Algorithm 1, 2 -> 4
    0.bias     4      zeros     bias
    2.weight   2x4    identity  Algorithm 1, 4 -> 2
    2.bias     2      zeros     bias
    """
    held = checked(model)
    options = Options(head, embeddings, branch_end, scale, order, columns)
    others = {"example_inputs": example_inputs, "branches": branches, "overrides": overrides}

    def read() -> tuple[list[Parameter], Structure]:
        is_needed = isinstance(recipe, Plan) or needs_structure(recipe, options) or example_inputs is not None
        return held, _structure(model, held, example_inputs) if is_needed else Structure()

    made = make(recipe, [parameter.name for parameter in held], read, options, **others)
    write_(model, made, dry_run=dry_run)
    return made


def initializer(model: nn.Module, plan: Plan) -> Callable[..., None]:
    """Make a function that fills a module's own parameters, for FSDP and for timm's `named_apply`.

    Parameters
    ----------
    model : torch.nn.Module
        The whole model, on the meta device or not, before it is sharded.
    plan : Plan
        What ``init_(model, ..., dry_run=True)`` returned.

    Returns
    -------
    callable
        ``fill(module, name="", needs_reset=True)``: the last two are for `named_apply`, and are not used.

    Raises
    ------
    TypeError, ValueError
        If the plan is not of this model; from the function, if the module is not part of the model.

    Examples
    --------
    >>> import torch
    >>> import zero_array.torch
    >>> with torch.device("meta"):
    ...     model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    >>> fill = zero_array.torch.initializer(model, zero_array.torch.init_(model, dry_run=True))
    >>> for module in model.to_empty(device="cpu").modules():
    ...     fill(module)
    >>> model[1].weight.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    held = checked(model)
    if not isinstance(plan, Plan):
        raise _network_checks.no_plan(plan)
    check_complete([parameter.name for parameter in held], plan)
    write_(model, plan, dry_run=True)
    prefixes = {id(module): f"{name}." if name else "" for name, module in model.named_modules()}

    def fill(module: nn.Module, name: str = "", needs_reset: bool = True) -> None:  # noqa: ARG001  # as timm calls it
        if id(module) not in prefixes:
            raise _network_checks.no_module(module)
        own = {prefixes[id(module)] + local for local, _ in module.named_parameters(recurse=False)}
        held = (entry for entry in plan if own.intersection((entry.name, *entry.parameter.aliases)))
        write_(model, Plan(plan.recipe, tuple(held)), names=own)

    return fill


def checked(model: Any) -> list[Parameter]:
    """The parameters of a model, which must be one, and plain."""
    if not isinstance(model, nn.Module):
        raise _network_checks.no_model(model)
    wrappers = (torch.jit.ScriptModule, nn.DataParallel, nn.parallel.DistributedDataParallel)
    if isinstance(model, wrappers) or hasattr(model, "_orig_mod"):  # the last of torch.compile
        raise _network_checks.wrapped_model(model)
    held = parameters(model)
    if not held:
        raise _network_checks.no_parameters(model)
    return held


_READING = RLock()
"""Held while a model is read: meanwhile `torch.fx` has replaced `nn.Module.__call__`, and for all threads alike."""


def _structure(model: nn.Module, held: Sequence[Parameter], example_inputs: Any) -> Structure:
    """What the model computes."""
    if any(hasattr(tensor, "device_mesh") for tensor in model.parameters()):
        raise _network_checks.sharded()
    with _READING, preserved(model):
        model.eval()
        if example_inputs is not None:
            return _record.run(model, held, example_inputs)
        try:
            return _symbolic.trace(model, held)
        except Exception as error:
            own_inputs = getattr(model, "dummy_inputs", None)  # of transformers
            if own_inputs is None:
                raise _network_checks.untraceable(model) from error
        try:
            return _record.run(model, held, own_inputs)
        except Exception as error:  # they are texts even where the model takes images
            raise _network_checks.untraceable(model) from error
