"""The audit of models of Keras, on the backends that have gradients."""

from collections.abc import Callable
from typing import Any

import keras

from .._auditing._report import Report
from .._learning import _checks
from .._learning._probe import probe
from .._learning._report import Seen, report
from .._learning._words import Words
from ._evaluate import arguments
from ._layers import parameters
from ._model import opened
from ._training import Training
from ._watch import watch

_WORDS = Words.of("keras", "stop_gradient or a rounding")


def audit(
    model: keras.Model, example_inputs: Any, *, loss: Callable[[Any], Any] | None = None, steps: int = 0
) -> Report:
    """Find what a model cannot learn from its start, from its weights, one run, and its gradients.

    What the model computes is followed with symbolic tensors, as by `init`, and computed at the same time, with
    BatchNorm by the batch and without dropout. Then gradients are computed on copies of its variables, and the copies
    are trained with Adam (learning rate 0.001): for as many steps as `steps` says, and for a few more while variables,
    or outputs of layers, get their first gradient. The model, its variables, seed generators and optimizer are
    afterwards as they were.

    Parameters
    ----------
    model : keras.Model
        The model, built, on the JAX, torch or TensorFlow backend. Copies of its trainable variables are trained.
    example_inputs : array, tuple or dict
        What to call it with (a dict by keyword), with values; for a model of the functional API with several inputs, a
        list or dict of them. Two examples or more if it has BatchNorm.
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
    >>> import keras
    >>> import zero_array.keras
    >>> first, second = (keras.layers.Dense(2, kernel_initializer="zeros", name=name) for name in ("first", "second"))
    >>> x = keras.Input((2,))
    >>> model = keras.Model(x, second(first(x)))
    >>> report = zero_array.keras.audit(model, keras.ops.ones((3, 2)))
    >>> [finding.what for finding in report.filter("first/kernel", severity="error")]
    ['all constant', 'zeros in series']
    """
    variables = opened(model)
    backend = keras.config.backend()
    if backend not in ("jax", "tensorflow", "torch"):
        raise _checks.no_gradients(backend)
    _checks.arguments(loss, steps)
    inputs = arguments(model, example_inputs)
    names = {id(variable): name for name, variable in variables.items()}
    held, run, taps = watch(model, variables, parameters(model, names), inputs)
    training = Training(model, variables, inputs, loss, taps)
    found = probe(training, held, steps)
    values = {name: keras.ops.convert_to_numpy(variable.value) for name, variable in variables.items()}
    padded = {item.name for item in held if item.center == "same"}
    drops = any(
        "drop" in type(item).__name__.lower() and getattr(item, "rate", 0.0) for item in model._flatten_layers()
    )
    return report(Seen(held, values, run, found, padded, drops), _WORDS, steps)
