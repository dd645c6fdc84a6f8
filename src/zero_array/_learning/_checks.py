"""What the audits of models refuse in every framework. The grammar is that of `_network_checks`."""

from typing import Any

from .._planning._network_checks import kind


def arguments(loss: Any, steps: Any) -> None:
    """Check the loss and the number of steps."""
    if loss is not None and not callable(loss):
        raise TypeError(
            "`loss` must be a function of what the model returns, such as lambda outputs: "
            f"outputs.logits.square().mean(); got {kind(loss)}"
        )
    message = "`steps` must be an int >= 0; got "
    if type(steps) is not int:  # True is no number of steps
        raise TypeError(message + kind(steps))
    if steps < 0:
        raise ValueError(message + repr(steps))


def no_outputs(result: str) -> ValueError:
    """The refusal of a model whose outputs, described, have no gradients."""
    return ValueError(
        f"`model` must return tensors that depend on its parameters; got {result}: pass loss=, a function of "
        "what it returns"
    )


def failing_loss(error: Exception) -> ValueError:
    """The refusal of a loss that does not take what the model returns."""
    return ValueError(f"`loss` must take what the model returns; got {type(error).__name__}: {error}")


_SCALAR = "`loss` must return a tensor with one element that has a gradient; got "


def no_scalar(value: Any) -> TypeError | ValueError:
    """The refusal of a loss that is no number to be lowered."""
    shape = getattr(value, "shape", None)
    if shape is None:
        return TypeError(_SCALAR + kind(value))
    return flat_loss() if all(size == 1 for size in shape) else ValueError(f"{_SCALAR}one of shape {tuple(shape)}")


def flat_loss() -> ValueError:
    """The refusal of a loss that has no gradient."""
    return ValueError(f"{_SCALAR}one without")


def abstract(what: str) -> ValueError:
    """The refusal of shapes without values."""
    return ValueError(f"`{what}` must hold values; got shapes alone: make it first")


def no_gradients(backend: str) -> ValueError:
    """The refusal of a backend of Keras that makes no gradients."""
    return ValueError(
        f"`model` must be on a backend with gradients; got Keras on {backend}: set KERAS_BACKEND to jax, torch or "
        "tensorflow and load the model there"
    )


def not_followed(model: Any, error: Exception) -> ValueError:
    """The refusal of a model of Keras that can't be called with symbolic tensors."""
    return ValueError(
        f"it can't be told what {type(model).__name__} computes ({type(error).__name__}: {error}): write its `call` "
        "with layers and keras.ops"
    )
