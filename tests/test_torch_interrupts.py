"""Interrupted by Ctrl-C, a model is as it was, but for weights that the next call writes; and so is torch."""

from typing import Any

import pytest
import torch
from interrupts import check_model, check_tensor

HOW: dict[str, dict[str, Any]] = {"recorded": {"example_inputs": torch.ones(2, 6)}, "traced": {}}


@pytest.mark.parametrize("how", HOW)
def test_interrupted_model(how: str) -> None:
    """At whatever line `init_` is interrupted: modes, hooks, buffers, random state are as before; a second call works.

    Some lines are tried here; `nox -s robustness` tries each.
    """
    assert check_model(HOW[how], step=31) > 500


def test_interrupted_tensor() -> None:
    """At whatever line `zero_init_` is interrupted, the tensor can be used, and the next call fills it."""
    assert check_tensor(step=11) > 100
