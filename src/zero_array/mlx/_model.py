"""Whole models of MLX, in place: a plan from a recipe, and the parameters replaced as it says."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import mlx.core as mx
from mlx import nn
from mlx.utils import tree_flatten, tree_unflatten

from .._model import make
from .._planning import _network_checks
from .._planning._filling import Filling
from .._planning._plan import Fill, Parameter, Plan
from .._planning._recipe import Options, Recipe, needs_structure
from .._planning._structure import Structure
from .._typing import BranchEnd, Choice, Embeddings, Head, Order, Scale
from ._layers import parameters
from ._trace import Call, trace


def init(
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
    """Initialize a whole model by ZerO, in place.

    What the parameters are is read from the types of the modules, and the structure from the graph that
    `mlx.core.export_function` makes of one call in evaluation mode: no value is computed. A call that needs values
    (``.item()``), and operations that MLX cannot export, cannot be read; `branches` must be given then.

    Parameters
    ----------
    model : mlx.nn.Module
        The model. Its trainable parameters are filled; frozen ones stay. Quantised layers are refused: call it before
        ``nn.quantize``.
    recipe : str, Recipe or Plan
        As in `zero_array.torch.init_`.
    example_inputs : array, tuple or dict, optional
        What to call it with (a dict by keyword): arrays of MLX or NumPy, of which only shapes and dtypes are read;
        anything else is passed as it is. Needed unless a plan is given, the recipe is "mlp", or `branches` names the
        ends of all branches.
    branches, overrides, head, embeddings, branch_end, scale, order, columns, dry_run
        As in `zero_array.torch.init_`. Names are those of ``mlx.utils.tree_flatten``, such as ``"layers.0.weight"``.

    Returns
    -------
    Plan
        What each parameter starts as, and why; it prints as a table.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or has a wrong value, or if something cannot be decided. The model is not
        changed then.

    Examples
    --------
    >>> import mlx.core, mlx.nn
    >>> import zero_array.mlx
    >>> model = mlx.nn.Sequential(mlx.nn.Linear(2, 4), mlx.nn.ReLU(), mlx.nn.Linear(4, 2))
    >>> print(zero_array.mlx.init(model, example_inputs=mlx.core.zeros((1, 2))))
    parameter        shape  fill      reason
    layers.0.weight  4x2    hadamard  Algorithm 1, 2 -> 4
    layers.0.bias    4      zeros     bias
    layers.2.weight  2x4    identity  Algorithm 1, 4 -> 2
    layers.2.bias    2      zeros     bias
    """
    options = Options(head, embeddings, branch_end, scale, order, columns)
    others = {"example_inputs": example_inputs, "branches": branches, "overrides": overrides}
    if not isinstance(model, nn.Module):
        raise _network_checks.no_model(model, "mlx.nn.Module")
    flat = dict(tree_flatten(model.trainable_parameters()))
    arrays = {name: array for name, array in flat.items() if mx.issubdtype(array.dtype, mx.floating)}
    held = parameters(model, arrays)
    if not held:
        raise _network_checks.no_parameters(model)

    def read() -> tuple[list[Parameter], Structure]:
        is_named = branches is not None and branches != "found"
        if example_inputs is None:
            if not is_named and needs_structure(recipe, options):  # type: ignore[arg-type]  # a plan is not read
                raise _network_checks.inputs_needed()
            return held, Structure()
        call = Call.of(example_inputs)
        try:
            return held, trace(model, held, arrays, call)
        except Exception as error:
            if not is_named:
                raise _network_checks.not_exported(model, error) from error
        return held, Structure()

    plan = make(recipe, [parameter.name for parameter in held], read, options, **others)
    fillings = {entry.name: Filling.of(entry, _shape(arrays.get(entry.name))) for entry in plan}
    made = {name: filling for name, filling in fillings.items() if filling and not dry_run}
    new = [(name, filling.build(arrays[name].shape, xp=mx, dtype=arrays[name].dtype)) for name, filling in made.items()]
    if new:
        model.update(tree_unflatten(new))
    return plan


def _shape(array: mx.array | None) -> tuple[int, ...] | None:
    """The shape of an array that is there."""
    return None if array is None else tuple(array.shape)
