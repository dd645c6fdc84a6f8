"""What an audit of a model refuses. Every message that it has beside those of `init_` is written here."""


def failing_training(error: Exception) -> ValueError:
    """The refusal of example inputs that the model takes in evaluation mode alone."""
    return ValueError(
        f"`example_inputs` must be what the model takes in training mode; got {type(error).__name__}: {error}"
    )


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
