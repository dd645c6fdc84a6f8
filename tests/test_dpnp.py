"""Queues of dpnp: an array is on the one that was asked for, and does not mix with those of another."""

from typing import Any

import dpctl
import dpnp
import pytest

import zero_array


def test_queue(device: Any) -> None:
    """What is built, and what a transform makes of it, is on the queue asked for, of a part of the device too."""
    queue = dpnp.zeros(1).sycl_queue if device is None else device
    weight = zero_array.zero_init((96, 64), xp=dpnp, dtype="float32", device=device)
    assert weight.sycl_queue == queue
    assert zero_array.hadamard_transform(weight).sycl_queue == queue


def test_queues_do_not_mix() -> None:
    """Two weights of equal bytes on two queues are no operands of one sum: dpnp refuses, in its own words."""
    one, other = (zero_array.zero_init((8, 4), xp=dpnp, device=dpctl.SyclQueue()) for _ in range(2))
    assert dpnp.asnumpy(one).tobytes() == dpnp.asnumpy(other).tobytes()
    with pytest.raises(dpnp.exceptions.ExecutionPlacementError):
        one + other
