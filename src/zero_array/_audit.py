"""`audit`: what a network cannot learn from its start, seen from its weights alone."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from ._typing import Array

if TYPE_CHECKING:
    from ._report import Report


def audit(
    weights: Mapping[str, Array],
    /,
    *,
    layout: Any = (0, 1),
    tolerance: float = 0.0,
    dtype: Literal["bfloat16", "float16"] | None = "bfloat16",
) -> "Report":
    """Look for what a network cannot learn from its start, in its weights alone.

    Equal outputs (twins), zeros, constants, dead channels, values that are not finite, scales and axes that are not
    ZerO's, rows that another dtype would round together.

    Parameters
    ----------
    weights : mapping of str to array
        Names and arrays of any library, ``model.state_dict()`` for one. The names of mappings in it are joined by dots.
        Arrays are read in windows, and a window alone is held; what is no float is passed over.
    layout : (int, int) or mapping of str to (int, int) or None
        The out and the in axis of weights of two and more axes, ``(0, 1)`` as in torch; Keras and Flax have
        ``(-1, -2)``. Or patterns of names such as ``"*.kernel"`` and the pair of each, of which the first that matches
        counts, and ``(0, 1)`` where none does. None in place of a pair: no matrix, look at the values alone.
    tolerance : float
        Rows are also called near twins where no entry differs by more than this share of the weight's largest.
    dtype : {"bfloat16", "float16"} or None
        Tell which rows of float32 and float64 would become equal when rounded to this; None: do not look.

    Returns
    -------
    Report
        The findings, and the facts of each weight. It prints as a table; `Report.to_json`, `Report.to_html`.

    Raises
    ------
    TypeError, ValueError
        If a value is no array, or has no values, or an argument is none of these.

    Notes
    -----
    Of severity "error" is only what certainly never learns: values that are not finite, and matrices of which every one
    is constant. Two zeros in series, twins that stay twins, and all else that only the graph tells:
    `zero_array.torch.audit`, `zero_array.jax.audit` and so on.

    Equality is that of digests of 160 bits. Singular values are found in float64, on the CPU, and where a matrix is
    large those of some of its rows or columns, which the facts say. Near twins whose sums lie among many others' may be
    missed; those reported are twins.

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

    return report(weights, layout, tolerance, dtype)
