"""A model as a function of its parameters: what they are, and its structure, by tracing it once without computing."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax

from .._planning import _network_checks
from .._planning._graph import Node, placed
from .._planning._plan import MATRICES, Parameter
from .._planning._structure import Structure, structure
from ._jaxpr import Reader, is_float


class Traced(NamedTuple):
    """A function of parameters, traced.

    Attributes
    ----------
    closed : ClosedJaxpr
        What it computes of the leaves of `given`.
    given : tuple
        Its parameters by name, its state, and the arrays among its inputs.
    call : callable
        What was traced: of these three, whatever the function returns.
    reader : Reader
        What was read from it.
    held : list of Parameter
        The parameters.
    network : Structure
        Branches, attentions and heads.
    """

    closed: Any
    given: tuple[Any, Any, Any]
    call: Callable[..., Any]
    reader: Reader
    held: list[Parameter]
    network: Structure


def read(
    function: Callable[..., Any], leaves: Mapping[str, Any], state: Any, example_inputs: Any
) -> tuple[list[Parameter], Structure]:
    """Trace ``function(leaves, state, *inputs)``: the leaves in a dict by name, the inputs by keyword from a dict."""
    found = trace(function, leaves, state, example_inputs)
    return found.held, found.network


def trace(function: Callable[..., Any], leaves: Mapping[str, Any], state: Any, example_inputs: Any) -> Traced:
    """The same, with all that is known of it."""
    known = {name: _spec(leaf) for name, leaf in leaves.items()}
    inputs, tree = jax.tree.flatten(
        ((), dict(example_inputs))
        if isinstance(example_inputs, Mapping)
        else (tuple(example_inputs) if isinstance(example_inputs, tuple | list) else (example_inputs,), {})
    )
    arrays = {number: value for number, value in enumerate(inputs) if hasattr(value, "dtype")}
    if not arrays:
        raise _network_checks.no_inputs(example_inputs)

    def called(held: dict[str, Any], state: Any, given: dict[int, Any]) -> Any:
        args, kwargs = jax.tree.unflatten(tree, [given.get(number, value) for number, value in enumerate(inputs)])
        state = jax.tree.map(lambda leaf: leaf, state)  # anew, so that Flax lets it be changed under a gradient too
        return function(held, state, *args, **kwargs)

    def flat(*given: Any) -> Any:
        return [item for item in jax.tree.leaves(called(*given)) if hasattr(item, "dtype")]

    specs = {number: _spec(value) for number, value in arrays.items()}
    try:
        closed = jax.make_jaxpr(flat)(known, state, specs)
    except Exception as error:
        raise _network_checks.failing_inputs(error) from error
    reader = Reader({name: leaf.shape for name, leaf in known.items()})
    invars = closed.jaxpr.invars
    values = [reader.parameter(name) for name in sorted(known)]  # the order in which JAX flattens a dict
    values += [reader.constant()] * (len(invars) - len(values) - len(arrays))
    values += [reader.input() if is_float(item.aval) else reader.constant() for item in invars[len(values) :]]
    results = reader.run(closed, values)
    held = [_parameter(reader, name, tuple(leaf.shape)) for name, leaf in known.items()]
    weights = {parameter.name for parameter in held if parameter.kind in MATRICES}
    outputs = [value.node for value in results if value.node is not None]
    gated = {parameter.name for parameter in held if parameter.kind == "recurrent"}
    network = structure(placed(reader.nodes, weights), outputs, reader.uses, weights, gated)
    return Traced(closed, (dict(leaves), state, arrays), called, reader, held, network)


def _spec(value: Any) -> jax.ShapeDtypeStruct:
    """The shape and dtype of an array of any library that NumPy knows, or of JAX."""
    return jax.ShapeDtypeStruct(value.shape, value.dtype)


def _parameter(reader: Reader, name: str, shape: tuple[int, ...]) -> Parameter:
    """What a parameter is by what is done with it."""
    layouts = reader.layouts.get(name, set())
    uses = reader.uses.get(name, set())
    if name in reader.tables:
        return Parameter(name, "embedding", shape)
    if len(layouts) == 1 and uses <= {"dot", "conv"}:
        (layout,) = layouts
        if layout is not None and (gates := _gates(reader, name)) is not None:
            kind = "recurrent" if gates else layout.kind
            return layout._replace(kind=kind).parameter(name, shape, [f"gate {n + 1}" for n in range(gates)])
    elif name in reader.norms:
        return Parameter(name, "norm", shape)
    elif uses == {"add"} and (name in reader.biases or len(shape) == 1):  # such as the offset of a norm
        return Parameter(name, "bias", shape)
    return Parameter(name, "unknown", shape)


def _gates(reader: Reader, name: str) -> int | None:
    """How many gates of a recurrent cell a matrix packs: the pieces of its output, two or more of them in a sigmoid.

    None where its inputs are packed as well, those of the cell and its state, as in Haiku.
    """
    pieces = reader.pieces.get(name, {})
    sizes = {len(rows) for rows in pieces}
    starts = {rows[0] for rows in pieces}
    if len(pieces) < 3 or len(sizes) > 1 or len(starts) < len(pieces):
        return 0
    gated = sum(any(_reaches_sigmoid(reader.nodes, node) for node in nodes) for nodes in pieces.values())
    if gated < 2:
        return 0
    sources = {source for node in reader.nodes if name in node.parameters for source in node.inputs}
    return None if any(reader.nodes[source].op == "cat" for source in sources) else len(pieces)


def _reaches_sigmoid(nodes: Sequence[Node], start: int) -> bool:
    """Whether an activation goes into a sigmoid, with no more than sums before."""
    reached = {start}
    for number in range(start + 1, len(nodes)):
        if not reached.isdisjoint(nodes[number].inputs):
            if nodes[number].op == "sigmoid":
                return True
            if nodes[number].op.startswith("add") or nodes[number].op in ("squeeze", "reshape"):
                reached.add(number)
    return False
