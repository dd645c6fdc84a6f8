"""Interrupts at every line of the package that runs, and real signals at any time."""

import random
import signal
import time
from typing import Any

import pytest
import torch
from interrupts import check_model, check_tensor, network, spoil, surroundings, weights

import zero_array.torch

HOW: dict[str, dict[str, Any]] = {"recorded": {"example_inputs": torch.ones(2, 6)}, "traced": {}}


@pytest.mark.parametrize("how", HOW)
def test_every_line_of_a_model(how: str) -> None:
    """At whatever line `init_` is interrupted, all is as before, and a second call works."""
    print(how, "lines:", check_model(HOW[how], step=1))


def test_every_line_of_a_tensor() -> None:
    """At whatever line `zero_init_` is interrupted, the tensor can be used, and the next call fills it."""
    print("lines:", check_tensor(step=1))


def test_signals() -> None:
    """Signals at random times, which fall into torch's own lines too: the next call always makes the right weights."""
    model, inputs = network(), torch.ones(2, 6)
    zero_array.torch.init_(model, example_inputs=inputs)
    wanted, before = weights(model), surroundings(model)
    start = time.perf_counter()
    zero_array.torch.init_(model, example_inputs=inputs)
    seconds = time.perf_counter() - start

    old = signal.signal(signal.SIGALRM, signal.default_int_handler)
    draw = random.Random(0)
    hit = 0
    try:
        for _ in range(2_000):
            spoil(model)
            try:
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-5, seconds))
                zero_array.torch.init_(model, example_inputs=inputs)
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                hit += 1
            assert surroundings(model) == before
            zero_array.torch.init_(model, example_inputs=inputs)
            assert weights(model) == wanted
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)
    print("interrupted:", hit, "of 2000")
    assert hit > 200
