"""Models that are started by several threads at once, and beside others that run."""

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event, Thread
from typing import Any

import pytest
import torch
from interrupts import network, surroundings, weights
from torch import nn

import zero_array.torch

HOW: dict[str, dict[str, Any]] = {"recorded": {"example_inputs": torch.ones(2, 6)}, "traced": {}}


@pytest.fixture(autouse=True)
def _in_turns() -> Iterator[None]:
    """Threads take turns every few instructions."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize("how", HOW)
def test_eight_models(how: str) -> None:
    """Eight threads at once find the structure, and write the weights, that one would; torch is as it was."""
    model = network()
    wanted = str(zero_array.torch.init_(model, **HOW[how])), weights(model)
    before = surroundings(model)
    barrier = Barrier(8)

    def start(_: int) -> list[tuple[str, bytes]]:
        barrier.wait()
        models = [network() for _ in range(3)]
        return [(str(zero_array.torch.init_(model, **HOW[how])), weights(model)) for model in models]

    with ThreadPoolExecutor(8) as pool:
        assert [pair for pairs in pool.map(start, range(8)) for pair in pairs] == [wanted] * 24
    after = surroundings(model)
    assert after.pop("random") != before.pop("random")  # of the models themselves
    assert after == before


def test_beside_another_model() -> None:
    """A model that another thread runs meanwhile has no part in the record."""
    model, other, done = network(), nn.Sequential(nn.ReLU(), nn.Sequential(nn.Tanh())), Event()
    wanted = str(zero_array.torch.init_(model, **HOW["recorded"]))

    def run() -> None:
        while not done.is_set():
            other(torch.ones(2))

    thread = Thread(target=run)
    thread.start()
    try:
        plans = [str(zero_array.torch.init_(model, **HOW["recorded"])) for _ in range(20)]
    finally:
        done.set()
        thread.join()
    assert plans == [wanted] * 20
