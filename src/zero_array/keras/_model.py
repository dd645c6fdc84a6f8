"""Whole models of Keras, in place: a plan from a recipe, and the variables assigned as it says."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import keras

from .._model import make
from .._planning import _network_checks
from .._planning._filling import Filling
from .._planning._plan import Fill, Parameter, Plan
from .._planning._recipe import Options, Recipe, needs_structure
from .._planning._structure import Structure
from .._typing import Array, BranchEnd, Choice, Embeddings, Head, Order, Scale
from ._layers import parameters
from ._symbolic import trace


def init(
    model: keras.Model,
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
    """Initialize a whole model by ZerO, in place, on any backend.

    What the layers are is read from their types, and the structure from a call with symbolic tensors. So it takes
    models of the functional API, `Sequential` ones, and subclasses whose `call` is made of layers and `keras.ops`.

    Parameters
    ----------
    model : keras.Model
        The model, built. Its trainable variables are filled; those of frozen layers stay. Quantised layers are
        refused: call it before ``model.quantize``.
    recipe : str, Recipe or Plan
        As in `zero_array.torch.init_`.
    example_inputs : array, tuple or dict, optional
        What to call a subclass with (a dict by keyword); only shapes and dtypes are read. Other models know their
        inputs. Not needed if a plan is given, the recipe is "mlp", or `branches` names the ends of all branches.
    branches, overrides, head, embeddings, branch_end, scale, order, columns, dry_run
        As in `zero_array.torch.init_`. Names are paths of variables, such as ``"dense/kernel"``.

    Returns
    -------
    Plan
        What each variable starts as, and why; it prints as a table.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or has a wrong value, or if something cannot be decided. The model is not
        changed then.

    Examples
    --------
    >>> import keras
    >>> import zero_array.keras
    >>> up, down = keras.layers.Dense(4, "relu", name="up"), keras.layers.Dense(2, name="down")
    >>> x = keras.Input((2,))
    >>> model = keras.Model(x, x + down(up(x)))
    >>> print(zero_array.keras.init(model))
    parameter    shape  fill      reason
    up/kernel    2x4    hadamard  Algorithm 1, 2 -> 4
    up/bias      4      zeros     bias
    down/kernel  4x2    zeros     last weight of a residual branch
    down/bias    2      zeros     bias
    """
    options = Options(head, embeddings, branch_end, scale, order, columns)
    others = {"example_inputs": example_inputs, "branches": branches, "overrides": overrides}
    variables = opened(model)
    names = {id(variable): name for name, variable in variables.items()}

    def read() -> tuple[list[Parameter], Structure]:
        held = parameters(model, names)
        is_named = branches is not None and branches != "found"
        inputs = _symbols(model, example_inputs)
        if inputs is None:
            if not is_named and needs_structure(recipe, options):  # type: ignore[arg-type]  # a plan is not read
                raise _network_checks.inputs_needed()
            return held, Structure()
        try:
            return trace(model, names, held, inputs)
        except Exception as error:
            if not is_named:
                raise _network_checks.not_symbolic(model, error) from error
        return held, Structure()

    plan = make(recipe, variables, read, options, **others)
    fillings = {entry.name: Filling.of(entry, _shape(variables.get(entry.name))) for entry in plan}
    for name, filling in fillings.items():
        if filling and not dry_run:
            variables[name].assign(_array(filling, variables[name]))
    return plan


def opened(model: Any) -> dict[str, Any]:
    """The trainable variables of a model by their paths; refuses what has none, or weights in fewer bits."""
    if not isinstance(model, keras.layers.Layer):
        raise _network_checks.no_model(model, "keras.Model")
    for layer in model._flatten_layers():
        if getattr(layer, "quantization_mode", None):
            raise _network_checks.no_plain_layer(layer.path, layer, "model.quantize")
    variables = {variable.path: variable for variable in model.trainable_variables}
    if not variables:
        raise _network_checks.not_built(model)
    if len(variables) < len(model.trainable_variables):
        raise _network_checks.same_names(sorted(variable.path for variable in model.trainable_variables))
    return variables


def _shape(variable: Any) -> tuple[int, ...] | None:
    """The shape of a variable that is there."""
    return None if variable is None else tuple(variable.shape)


def _symbols(model: Any, example_inputs: Any) -> tuple[Any, dict[str, Any]] | None:
    """Symbolic tensors to call a model with, by place and by name; None where nothing says which."""

    def symbol(item: Any) -> Any:
        if not hasattr(item, "shape"):
            return item
        return keras.KerasTensor(tuple(item.shape), keras.backend.standardize_dtype(item.dtype))

    if isinstance(example_inputs, Mapping):
        return (), {name: symbol(item) for name, item in example_inputs.items()}
    if example_inputs is None:
        inputs = getattr(model, "input", None)
        if inputs is None and isinstance(model, keras.Sequential):  # which has one, and `input` only once it is called
            (inputs,) = getattr(model, "inputs", (None,))
        return None if inputs is None else ((keras.tree.map_structure(symbol, inputs),), {})
    given = example_inputs if isinstance(example_inputs, tuple | list) else (example_inputs,)
    return tuple(symbol(item) for item in given), {}


def _array(filling: Filling, variable: Any) -> Array:
    """The array for a variable; on the JAX backend each device makes its own part."""
    shape, dtype = tuple(variable.shape), keras.backend.standardize_dtype(variable.dtype)
    if keras.config.backend() == "jax":
        from ..jax._tree import array

        return array(filling, variable.value)
    return keras.ops.convert_to_tensor(filling.build(shape, xp=None, dtype=dtype), dtype=dtype)
