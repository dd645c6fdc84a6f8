"""Memory is the result's, and little else (PyTorch's profiler sees its allocations)."""

from typing import Any

import torch
from memory import each_case, each_init, limit
from torch.profiler import ProfilerActivity, profile


@each_case
@each_init
def test_peak_memory(init: Any, shape: tuple[int, ...], options: dict[str, Any]) -> None:
    """Building takes the result's bytes and at most a tenth more, or 1 MiB."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        array = init(shape, xp=torch, **{"dtype": "float32", **options})
    totals = []
    events = list(profiled.profiler.kineto_results.experimental_event_tree())
    while events:
        event = events.pop()
        events += event.children
        if hasattr(event.extra_fields, "total_allocated"):
            after = event.extra_fields.total_allocated
            totals += [after, after - event.extra_fields.alloc_size]
    assert array.nbytes <= max(totals) - min(totals) <= limit(array.nbytes)
