"""Memory does not grow in place either, nor when models are started over and over."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from interrupts import network
from memory import resident

import zero_array.torch

TENSOR, MODEL, INPUTS = torch.empty(32, 16, 3), network(), torch.ones(2, 6)
CALLS: dict[str, tuple[int, Callable[[], Any]]] = {
    "zero_init_": (10_000, lambda: zero_array.torch.zero_init_(TENSOR)),
    "recorded": (100, lambda: zero_array.torch.init_(MODEL, example_inputs=INPUTS)),
    "traced": (100, lambda: zero_array.torch.init_(MODEL)),
}


@pytest.mark.parametrize("name", CALLS)
def test_flat_memory(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """After ten times as many calls no more memory is held, but for a MiB."""
    count, call = CALLS[name]
    for _ in range(count):
        call()
    before = resident()
    for _ in range(9 * count):
        call()
    after = resident()
    with capsys.disabled():
        print(f"\n{name}: {before} KiB after {count} calls, {after} KiB after {10 * count}")
    assert after - before < 1024
