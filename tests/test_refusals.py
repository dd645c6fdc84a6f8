"""What the hosts refuse, word for word, without their libraries; their own sessions provoke it."""

from typing import Any

import numpy
import pytest

from zero_array import _checks


@pytest.mark.parametrize(("xp", "name"), [(numpy, "numpy"), ("dask", "'dask'")], ids=["module", "no module"])
def test_refusal_of_a_host(xp: Any, name: str) -> None:
    """A host that works for one library refuses all others, and says where to go."""
    sentence = f"`xp` must be dask.array or left out here; got {name}: use zero_array's own functions for it"
    assert str(_checks.other_namespace(xp, "dask.array")) == sentence


@pytest.mark.parametrize(
    ("refuse", "given", "kind", "message"),
    [
        (_checks.no_tensor, [1.0], TypeError, "`tensor` must be a torch.Tensor; got [1.0]"),
        (
            _checks.no_plain_tensor,
            "a DTensor",
            TypeError,
            "`tensor` must be a plain dense tensor; got a DTensor: build its local part by zero_init(..., window=...)",
        ),
        (
            _checks.no_shape,
            0,
            TypeError,
            "`tensor` must have a shape; got an int: run a batch through the lazy module first",
        ),
        (
            _checks.no_matrix,
            (4,),
            ValueError,
            "`tensor` must have two or more axes; got shape (4,): vectors start as zeros or ones",
        ),
    ],
    ids=["no tensor", "no plain tensor", "no shape", "no matrix"],
)
def test_refusals_in_place(refuse: Any, given: Any, kind: type[Exception], message: str) -> None:
    """What the functions in place refuse, word for word."""
    error = refuse(given)
    assert (type(error), str(error)) == (kind, message)
