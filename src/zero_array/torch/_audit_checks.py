"""What an audit of a model refuses. Every message that it has beside those of `init_` is written here."""

from typing import Any

from .._network_checks import kind


def failing_training(error: Exception) -> ValueError:
    """The refusal of example inputs that the model takes in evaluation mode alone."""
    return ValueError(
        f"`example_inputs` must be what the model takes in training mode; got {type(error).__name__}: {error}"
    )


def no_outputs(result: Any) -> ValueError:
    """The refusal of a model whose outputs have no gradients."""
    return ValueError(
        f"`model` must return tensors that depend on its parameters; got {kind(result)}: pass loss=, a function of "
        "what it returns"
    )


def no_loss(value: Any) -> TypeError:
    """The refusal of a loss that is no function."""
    return TypeError(
        f"`loss` must be a function of what the model returns, such as lambda outputs: outputs.logits.square().mean(); "
        f"got {kind(value)}"
    )


def failing_loss(error: Exception) -> ValueError:
    """The refusal of a loss that does not take what the model returns."""
    return ValueError(f"`loss` must take what the model returns; got {type(error).__name__}: {error}")


def no_scalar(value: Any) -> TypeError | ValueError:
    """The refusal of a loss that is no number to be lowered."""
    message = "`loss` must return a tensor with one element that has a gradient; got "
    if not hasattr(value, "requires_grad"):
        return TypeError(message + kind(value))
    what = f"one of shape {tuple(value.shape)}" if value.numel() != 1 else "one without"
    return ValueError(message + what)


def no_steps(value: Any) -> TypeError | ValueError:
    """The refusal of a number of steps."""
    message = "`steps` must be an int >= 0; got "
    if isinstance(value, int) and not isinstance(value, bool):
        return ValueError(message + repr(value))
    return TypeError(message + kind(value))


def all_frozen() -> ValueError:
    """The refusal of a model of which nothing is trained."""
    return ValueError("`model` must have parameters with requires_grad; got one of which all are frozen")


def no_memory() -> ValueError:
    """The refusal of a model without values."""
    return ValueError(
        "`model` must hold values; got parameters on the meta device: give it memory by to_empty and start it first"
    )


def sharded() -> ValueError:
    """The refusal of a model that lies on several processes."""
    return ValueError("`model` must be whole; got DTensors: audit it before it is sharded")
