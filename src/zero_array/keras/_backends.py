"""What each backend of Keras does in its own way: gradients, and functions that are compiled."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import keras

from .. import _host

Tensors = dict[str, Any]
Forward = Callable[[Tensors, Tensors], tuple[Any, Tensors]]
"""Of parameters, and of what is added to outputs: a loss, and these outputs."""


class Gradients(NamedTuple):
    """By parameters, and by outputs, None where none comes back; and the outputs."""

    parameters: Mapping[str, Any]
    slopes: Mapping[str, Any]
    outputs: Mapping[str, Any]


def differentiated(forward: Forward) -> Callable[[Tensors, Tensors], Gradients]:
    """The gradients of a loss, as a function of the same."""
    return {"jax": _jax, "tensorflow": _tensorflow, "torch": _torch}[keras.config.backend()](forward)


def host(tensor: Any) -> Any:
    """A tensor as NumPy's floats."""
    if keras.backend.standardize_dtype(tensor.dtype) == "bfloat16":  # of which TensorFlow hands over no scalars
        tensor = keras.ops.cast(tensor, "float32")
    return _host.to_floats(keras.ops.convert_to_numpy(tensor))


def compiled(function: Callable[[Tensors], Any]) -> Callable[[Tensors], Any]:
    """A function of tensors, compiled as a whole on JAX, where it takes far longer piece by piece."""
    if keras.config.backend() != "jax":
        return function
    import jax

    made: Callable[[Tensors], Any] = jax.jit(function)
    return made


def _jax(forward: Forward) -> Callable[[Tensors, Tensors], Gradients]:
    import jax

    from ..jax._evaluate import cut

    made = jax.jit(jax.grad(forward, (0, 1), has_aux=True))
    never: set[str] | None = None

    def run(values: Tensors, taps: Tensors) -> Gradients:
        nonlocal never
        if never is None:
            never = cut(jax.grad(lambda held: forward(held, {})[0]), values)
        (found, slopes), outputs = made(values, taps)
        kept = {
            name: None if name in never and not _host.to_floats(found[name]).any() else found[name] for name in found
        }
        return Gradients(kept, slopes, outputs)

    return run


def _torch(forward: Forward) -> Callable[[Tensors, Tensors], Gradients]:
    import torch

    def run(values: Tensors, taps: Tensors) -> Gradients:  # noqa: ARG001  # its outputs have gradients anyway
        with torch.inference_mode(mode=False), torch.enable_grad():
            held = {name: value.detach().clone().requires_grad_() for name, value in values.items()}
            loss, outputs = forward(held, {})
            seen = {name: value for name, value in outputs.items() if value.requires_grad}
            sources = [*held.values(), *seen.values()]
            found: Any = [None] * len(sources)
            if loss.requires_grad:
                found = torch.autograd.grad(loss, sources, allow_unused=True)
        parameters = dict(zip(held, found, strict=False))
        return Gradients(parameters, dict(zip(seen, found[len(held) :], strict=True)), outputs)

    return run


def _tensorflow(forward: Forward) -> Callable[[Tensors, Tensors], Gradients]:
    import tensorflow

    def run(values: Tensors, taps: Tensors) -> Gradients:  # noqa: ARG001  # as above
        with tensorflow.GradientTape() as tape:
            tape.watch(list(values.values()))
            loss, outputs = forward(values, {})
        found = tape.gradient(loss, [*values.values(), *outputs.values()])
        dense = [None if item is None else tensorflow.convert_to_tensor(item) for item in found]
        parameters = dict(zip(values, dense, strict=False))
        return Gradients(parameters, dict(zip(outputs, dense[len(values) :], strict=True)), outputs)

    return run
