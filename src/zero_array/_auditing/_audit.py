"""`audit`: what a network cannot learn from its start, seen from its weights alone."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from .._typing import Array

if TYPE_CHECKING:
    from ._report import Report


def audit(
    weights: Mapping[str, Array] | str | os.PathLike[str],
    /,
    *,
    layout: Any = (0, 1),
    tolerance: float = 0.0,
    dtype: Literal["bfloat16", "float16"] | None = "bfloat16",
) -> "Report":
    """Find what a network cannot learn from its start, from its weights alone.

    Equal outputs (twins), zeros, constants, dead channels, values that are not finite, scales and axes that are not
    ZerO's, and rows that become equal in another dtype.

    Parameters
    ----------
    weights : mapping of str to array, or path
        Names and arrays of any library, such as ``model.state_dict()``. Names of nested mappings are joined by dots.
        Or the path of a checkpoint: ``.safetensors``, shards of these by their ``.safetensors.index.json``, or NumPy's
        ``.npz``; nothing in it is run. Arrays are read one window at a time; those without floats are skipped.
    layout : (int, int) or mapping of str to (int, int) or None
        The out and the in axis of weights of two and more axes: ``(0, 1)`` as in torch; Keras and Flax have
        ``(-1, -2)``. Or patterns of names, such as ``"*.kernel"``, with the pair of each: the first that matches
        counts, and ``(0, 1)`` where none does. None in place of a pair: this is no matrix, look only at its values.
    tolerance : float
        Rows are called near twins if no entry differs by more than this share of the weight's largest entry.
    dtype : {"bfloat16", "float16"} or None
        Report rows of float32 and float64 that become equal when rounded to this dtype; None: do not look.

    Returns
    -------
    Report
        The findings, and the facts of each weight. It prints as a table; `Report.to_json`, `Report.to_html`.

    Raises
    ------
    TypeError, ValueError
        If a value is not an array, or has no values, if a file is of another format or broken, or if another argument
        is of the wrong kind.
    OSError
        If the system does not let a file be read.

    Notes
    -----
    An error is only what certainly never learns: values that are not finite, and a network whose every matrix is
    constant. Two zeros in series, twins that stay twins, and all else that only the graph shows:
    `zero_array.torch.audit`, `zero_array.jax.audit` and those of the other frameworks.

    Rows are equal if their digests of 160 bits are. Singular values are computed in float64 on the CPU; for a large
    matrix they are those of some of its rows or columns, which the facts say. Near twins whose sums are close to those
    of many others may be missed; those that are reported are near twins.

    Examples
    --------
    >>> import numpy, zero_array
    >>> print(zero_array.audit({"up.weight": zero_array.zero_init((64, 16)), "down.weight": numpy.zeros((16, 64))}))
    warning  up.weight    twin rows  16 of 64 outputs are different; output 16 equals output 0, and so on in 4 equal \
blocks of 16
                                     -> if it packs 4 matrices (query, key, value; gates): a start for each, such as \
groups=4; else columns="distinct" makes all outputs differ
    note     down.weight  zeros      all values are zero
                                     -> right for the last weight of a residual branch; two in series never learn: \
zero_array.torch.audit(model, example_inputs) sees which these are
    1 warning, 1 note in 2 parameters
    """
    from ._look import report  # as late as this: what only an audit needs makes no import of the package slower

    if not isinstance(weights, (str, os.PathLike)):
        return report(weights, layout, tolerance, dtype)
    from . import _checkpoint

    with _checkpoint.opened(weights) as arrays:
        return report(arrays, layout, tolerance, dtype)
